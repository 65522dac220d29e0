#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

void* PosixShm_MMap(uint64_t length, int32_t flags, intptr_t fd, int64_t offset, int32_t** lost)
{
    int protection = ((flags & PAL_MAP_READ) ? PROT_READ : 0) | ((flags & PAL_MAP_WRITE) ? PROT_WRITE : 0);
    int sharing = (flags & PAL_MAP_PRIVATE) ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
    void* address = FAULT("map") ? MAP_FAILED : mmap(NULL, (size_t)length, protection, sharing, (int)fd, (off_t)offset);
    FAILPOINT("map");
    int32_t* word = address == MAP_FAILED || lost == NULL ? NULL : PosixShm_Guard(address, length, flags, fd, (uint64_t)offset);
    if (word != NULL)
    {
        *lost = word;
    }

    return address == MAP_FAILED ? NULL : address;
}

/* Newer than the C library's headers on some systems; the numbers are the kernel's. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

int32_t PosixShm_MAdvise(void* address, uint64_t length, int32_t advice)
{
    int native = advice == PAL_ADVICE_HUGE_PAGES      ? MADV_HUGEPAGE
               : advice == PAL_ADVICE_POPULATE_WRITE  ? MADV_POPULATE_WRITE
                                                      : -1;
    int result;
    RETRY(result, FAULT("advise") ? -1 : madvise(address, (size_t)length, native));
    return result;
}

int32_t PosixShm_MSync(void* address, uint64_t length)
{
    int result;
    RETRY(result, FAULT("msync") ? -1 : msync(address, (size_t)length, MS_SYNC));
    return result;
}

int32_t PosixShm_MLock(void* address, uint64_t length)
{
    return FAULT("mlock") ? -1 : mlock(address, (size_t)length);
}

int32_t PosixShm_MUnlock(void* address, uint64_t length)
{
    return munlock(address, (size_t)length);
}

int32_t PosixShm_GetMemoryLockLimit(int64_t* bytes)
{
    struct rlimit native;
    int result = getrlimit(RLIMIT_MEMLOCK, &native);
    if (result == 0)
    {
        *bytes = native.rlim_cur == RLIM_INFINITY ? -1 : (int64_t)native.rlim_cur;
    }

    return result;
}

int32_t PosixShm_MUnmap(void* address, uint64_t length, int32_t* lost)
{
    if (lost != NULL)
    {
        PosixShm_Unguard(lost);
    }

    return munmap(address, (size_t)length);
}
