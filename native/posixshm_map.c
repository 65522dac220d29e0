#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

/* A huge page of every x86-64 kernel, and of arm64 kernels with pages of 4 KiB. Elsewhere the alignment has no effect. */
#define HUGE_PAGE ((size_t)2 << 20)

/*
 * The kernel maps a huge page of a file only where the file's offset and the address agree modulo its size, and mmap(2) places
 * a file of a mount without huge pages at any page. So the kernel gives a longer range, and the file is mapped at its aligned
 * part. Fails where the address space has a limit; the caller then maps without alignment.
 */
__attribute__((noinline, cold)) static void* map_aligned(size_t length, int protection, int sharing, int fd)
{
    char* reserved = length > SIZE_MAX - HUGE_PAGE
        ? MAP_FAILED
        : mmap(NULL, length + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED)
    {
        return MAP_FAILED;
    }

    size_t before = (HUGE_PAGE - (uintptr_t)reserved % HUGE_PAGE) % HUGE_PAGE;

    /*
     * The range is released first, and its aligned part is a hint. MAP_FIXED over the range would be an error of memory: before
     * Linux 6.12, a failed one leaves a hole, where another thread may have mapped something by the time the rest is unmapped.
     */
    return munmap(reserved, length + HUGE_PAGE) == 0 ? mmap(reserved + before, length, protection, sharing, fd, 0) : MAP_FAILED;
}

static int protection_of(int32_t flags)
{
    return ((flags & PAL_MAP_READ) ? PROT_READ : 0) | ((flags & PAL_MAP_WRITE) ? PROT_WRITE : 0);
}

void* PosixShm_MMap(uint64_t length, int32_t flags, intptr_t fd, int64_t offset, int32_t** lost)
{
    int protection = protection_of(flags);
    int sharing = (flags & PAL_MAP_PRIVATE) ? MAP_PRIVATE : MAP_SHARED;
    sharing |= (flags & PAL_MAP_NORESERVE) ? MAP_NORESERVE : 0;
    sharing |= (flags & PAL_MAP_POPULATE) ? MAP_POPULATE : 0;
    void* address = MAP_FAILED;
    if (length >= HUGE_PAGE && offset == 0 && !FAULT("map") && !FAULT("map-aligned"))
    {
        address = map_aligned((size_t)length, protection, sharing, (int)fd);
    }

    if (address == MAP_FAILED && !FAULT("map"))
    {
        address = mmap(NULL, (size_t)length, protection, sharing, (int)fd, (off_t)offset);
    }

    FAILPOINT("map");
    int32_t* word = address == MAP_FAILED || lost == NULL ? NULL : PosixShm_Guard(address, length, flags, fd, (uint64_t)offset);
    if (word != NULL)
    {
        *lost = word;
    }

    return address == MAP_FAILED ? NULL : address;
}

int32_t PosixShm_MProtect(void* address, uint64_t length, int32_t flags, int32_t* lost)
{
    int protection = protection_of(flags);
    if (lost != NULL)
    {
        posixshm_guard_protection(lost, protection);
    }

    return FAULT("protect") ? -1 : mprotect(address, (size_t)length, protection);
}

/* Newer than the C library's headers on some systems; the numbers are the kernel's. */
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

int32_t PosixShm_MAdvise(void* address, uint64_t length, int32_t advice)
{
    static const int native[] =
    {
        [PAL_ADVICE_NORMAL]         = MADV_NORMAL,
        [PAL_ADVICE_HUGE_PAGES]     = MADV_HUGEPAGE,
        [PAL_ADVICE_POPULATE_WRITE] = MADV_POPULATE_WRITE,
        [PAL_ADVICE_COLLAPSE]       = MADV_COLLAPSE,
        [PAL_ADVICE_RANDOM]         = MADV_RANDOM,
        [PAL_ADVICE_SEQUENTIAL]     = MADV_SEQUENTIAL,
        [PAL_ADVICE_WILL_NEED]      = MADV_WILLNEED,
        [PAL_ADVICE_DONT_NEED]      = MADV_DONTNEED,
        [PAL_ADVICE_REMOVE]         = MADV_REMOVE,
        [PAL_ADVICE_SMALL_PAGES]    = MADV_NOHUGEPAGE,
        [PAL_ADVICE_DONT_DUMP]      = MADV_DONTDUMP,
        [PAL_ADVICE_DO_DUMP]        = MADV_DODUMP,
        [PAL_ADVICE_COLD]           = MADV_COLD,
        [PAL_ADVICE_PAGE_OUT]       = MADV_PAGEOUT,
        [PAL_ADVICE_POPULATE_READ]  = MADV_POPULATE_READ,
    };

    if (advice < PAL_ADVICE_NORMAL || advice > PAL_ADVICE_POPULATE_READ)
    {
        errno = EINVAL;
        return -1;
    }

    int result;
    RETRY(result, FAULT(advice == PAL_ADVICE_COLLAPSE ? "collapse" : "advise") ? -1 : madvise(address, (size_t)length, native[advice]));
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
