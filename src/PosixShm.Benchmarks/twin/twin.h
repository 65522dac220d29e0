/*
 * What the library does, in plain C: the base that it is measured against.
 *
 * A line "OPERATION COUNT PATH [NUMBER]" on standard input runs the operation that often; the answer is a line with the
 * nanoseconds that it took. PATH is a file in /dev/shm.
 */
#pragma once

#include <stdint.h>

enum { PAGE = 4096 };

typedef struct
{
    long count;
    const char* path;
    long number;
} Request;

/* segments.c */
void create_plain(Request request);
void create_sparse(Request request);
void create_reserved(Request request);
void create_from(Request request);
void create_populated(Request request);
void create_huge(Request request);
void delete_one(Request request);
void attach(Request request);
void attach_alike(Request request);
void attach_many(Request request);
void list(Request request);
void list_alike(Request request);

/* memory.c */
void copy(Request request);
void sum(Request request);

/* locks.c; the number is the offset of the lock in the file, and an element is changed under it */
void futex_lock(Request request);
void robust_lock(Request request);
void robust_create(Request request);

/* twin.c */
void* map_file(const char* path, int64_t* size);
void fail(const char* what) __attribute__((noreturn));
