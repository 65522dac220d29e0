/* The steps that creating, attaching and listing share. */
#pragma once

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The byte of "in use", far behind the end of every file; those of the lock owners' slots follow. */
#define IN_USE_BYTE ((off_t)1 << 62)

/* Returns the place of the control page of an array, whether it is there or not; a mapping reaches to its end. */
long page_offset(long elements_end);

/* The lock of the kernel on a byte of an open file: F_RDLCK, F_WRLCK, or F_UNLCK for all bytes. */
void lock_byte(int fd, short type, off_t byte);

void* map(int fd, long size);

/* So much of a file is read at first: more than the header of a simple array. */
enum { HEAD = 512 };

/* Reads the first bytes of a file, and appends a zero. */
void read_head(int fd, char head[HEAD + 1]);

/* Reads the last page of a file that is longer than its elements. */
void read_tail(int fd, long elements_end, off_t size);

/* Opens a file to read its header. Returns the descriptor. */
int open_to_read(int directory, const char* name);

/* Opens a file, reads status, head and tail, and queries the mark "in use". Returns the descriptor, or -1 if the file is not an array. */
int probe(int directory, const char* name);

/* Maps the file of an array, and keeps the last one mapped; returns its elements. */
char* map_elements(const char* path);

#ifdef __cplusplus
}
#endif
