/* The operations of main.c, each as twin.h describes a request. The number is the length of the elements in bytes, unless said. */
#pragma once

#include "twin.h"

/* create.c: a new array and its deletion, with the library's calls and with the fewest */
void create_sparse(Request request);
void create_reserved(Request request);
void create_sparse_plain(Request request);
void create_reserved_plain(Request request);
void delete_one(Request request);

/* large.c: a new array whose memory is reserved and touched, and its deletion (not create_kept); a file copied and deleted */
void create_from(Request request);
void create_populated(Request request);
void create_filled(Request request);
void create_kept(Request request);
void copy_file(Request request);

/* attach.c: the number of attach_many is that of the attachments */
void attach(Request request);
void attach_plain(Request request);
void attach_many(Request request);

/* list.c: the path is that of the directory */
void list(Request request);
void list_plain(Request request);

/* page.c */
void first_lock(Request request);

/* memory.c */
void copy(Request request);
void sum(Request request);
void first_sum(Request request);

/* snapshot.c: the word is behind the elements */
void snapshot_read(Request request);

/* futex.c, mutex.c, rwlock.c and event.c: the number is the offset of the lock, or of the count of changes, in the elements; see arena.h */
void futex_lock(Request request);
void futex_contend(Request request);
void futex_wake(Request request);
void futex_sleep(Request request);
void mutex_create(Request request);
void robust_create(Request request);
void mutex_lock(Request request);
void mutex_contend(Request request);
void rwlock_create(Request request);
void rwlock_read(Request request);
void rwlock_write(Request request);
void rwlock_contend(Request request);
void event_wake(Request request);
void event_sleep(Request request);

/* frames.c: the number is that of the readers, and for frame_... the offset of the word */
void pipe_send(Request request);
void pipe_pass(Request request);
void socket_send(Request request);
void socket_pass(Request request);
void frame_post(Request request);
void frame_sleep(Request request);
void frame_spin(Request request);
