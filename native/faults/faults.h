/*
 * Included before every file of the shim in the build "faults": each call of an operation that can fail is counted, and the
 * n-th of them fails as a test chose, once or from then on. A macro does not expand inside itself, so each line names the
 * C library's function.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "posixshm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Counts a call; true, with the chosen error, if it is to fail. */
bool posixshm_fails(const char* operation);

/* From now on, the calls of this thread are counted. The n-th one (0: none) fails with an errno value, and all later ones if it lasts. */
POSIXSHM_EXPORT void PosixShm_ArmFaults(int64_t n, int32_t error, int32_t lasts);

/* Ends that. Returns how many calls there were. */
POSIXSHM_EXPORT int64_t PosixShm_DisarmFaults(void);

/* Returns whether an operation of that name failed by order since the faults were armed. */
POSIXSHM_EXPORT int32_t PosixShm_HasFailed(const char* operation);

#define FAILING(operation, call) (posixshm_fails(operation) ? -1 : call)

#define open(...)              FAILING("open", open(__VA_ARGS__))
#define openat(...)            FAILING("open", openat(__VA_ARGS__))
#define shm_open(...)          FAILING("open", shm_open(__VA_ARGS__))
#define memfd_create(...)      FAILING("memfd_create", memfd_create(__VA_ARGS__))
#define unlink(...)            FAILING("unlink", unlink(__VA_ARGS__))
#define shm_unlink(...)        FAILING("unlink", shm_unlink(__VA_ARGS__))
#define link(...)              FAILING("link", link(__VA_ARGS__))
#define linkat(...)            FAILING("link", linkat(__VA_ARGS__))
#define rename(...)            FAILING("rename", rename(__VA_ARGS__))
#define fcntl(...)             FAILING("fcntl", fcntl(__VA_ARGS__))
#define statfs(...)            FAILING("statfs", statfs(__VA_ARGS__))
#define fchown(...)            FAILING("fchown", fchown(__VA_ARGS__))
#define fchmod(...)            FAILING("fchmod", fchmod(__VA_ARGS__))
#define fgetxattr(...)         FAILING("xattr", fgetxattr(__VA_ARGS__))
#define fsetxattr(...)         FAILING("xattr", fsetxattr(__VA_ARGS__))
#define fremovexattr(...)      FAILING("xattr", fremovexattr(__VA_ARGS__))
#define ftruncate(...)         FAILING("ftruncate", ftruncate(__VA_ARGS__))
#define fallocate(...)         FAILING("fallocate", fallocate(__VA_ARGS__))
#define pread(...)             FAILING("pread", pread(__VA_ARGS__))
#define pwrite(...)            FAILING("pwrite", pwrite(__VA_ARGS__))
#define fsync(...)             FAILING("fsync", fsync(__VA_ARGS__))
#define madvise(...)           FAILING("madvise", madvise(__VA_ARGS__))
#define msync(...)             FAILING("msync", msync(__VA_ARGS__))
#define mlock(...)             FAILING("mlock", mlock(__VA_ARGS__))
#define munlock(...)           FAILING("munlock", munlock(__VA_ARGS__))
#define getrlimit(...)         FAILING("getrlimit", getrlimit(__VA_ARGS__))
#define inotify_init1(...)     FAILING("inotify", inotify_init1(__VA_ARGS__))
#define inotify_add_watch(...) FAILING("inotify", inotify_add_watch(__VA_ARGS__))
#define poll(...)              FAILING("poll", poll(__VA_ARGS__))
#define read(...)              FAILING("read", read(__VA_ARGS__))

/* statx, renameat2, futex and futex_waitv. */
#define syscall(...)           FAILING("syscall", syscall(__VA_ARGS__))

#define mmap(...)              (posixshm_fails("mmap") ? MAP_FAILED : mmap(__VA_ARGS__))
#define opendir(...)           (posixshm_fails("opendir") ? NULL : opendir(__VA_ARGS__))
#define readdir(...)           (posixshm_fails("readdir") ? NULL : readdir(__VA_ARGS__))
#define sem_open(...)          (posixshm_fails("sem_open") ? SEM_FAILED : sem_open(__VA_ARGS__))
#define sem_unlink(...)        FAILING("unlink", sem_unlink(__VA_ARGS__))

/* These fail after their work is done, as a close that reports an earlier error does. */
#define close(...)             (close(__VA_ARGS__) < 0 || posixshm_fails("close") ? -1 : 0)
#define closedir(...)          (closedir(__VA_ARGS__) < 0 || posixshm_fails("close") ? -1 : 0)
#define munmap(...)            (munmap(__VA_ARGS__) < 0 || posixshm_fails("munmap") ? -1 : 0)
#define inotify_rm_watch(...)  (inotify_rm_watch(__VA_ARGS__) < 0 || posixshm_fails("inotify") ? -1 : 0)
