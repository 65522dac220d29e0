#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The headers of the oldest supported systems are older than the call (Linux 5.16), whose number is the same on x64 and arm64. */
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#define FUTEX_32 2
#else
_Static_assert(SYS_futex_waitv == 449 && FUTEX_32 == 2 && FUTEX_WAITV_MAX == PAL_MOST_FUTEXES, "futex_waitv");
_Static_assert(sizeof(struct futex_waitv) == sizeof(PosixShmFutex), "size");
_Static_assert(offsetof(struct futex_waitv, val) == offsetof(PosixShmFutex, expected), "val");
_Static_assert(offsetof(struct futex_waitv, uaddr) == offsetof(PosixShmFutex, address), "uaddr");
_Static_assert(offsetof(struct futex_waitv, flags) == offsetof(PosixShmFutex, flags), "flags");
#endif

int32_t PosixShm_FutexWait(int32_t* address, int32_t expected, int32_t timeoutMilliseconds)
{
    /* A relative time is by the monotonic clock. Shared between processes: not FUTEX_PRIVATE_FLAG. */
    FAILPOINT("before-sleep");
    struct timespec time = { timeoutMilliseconds / 1000, (long)(timeoutMilliseconds % 1000) * 1000000 };
    long result = syscall(SYS_futex, address, FUTEX_WAIT, expected, timeoutMilliseconds < 0 ? NULL : &time, NULL, 0);

    FAILPOINT("after-sleep");

    /* A signal counts as a wake-up: every waiter checks its word again. */
    return result < 0 && errno != EINTR ? -1 : 0;
}

int32_t PosixShm_FutexWaitAny(PosixShmFutex* words, int32_t count, int32_t timeoutMilliseconds)
{
    if (FAULT("futex-waitv"))
    {
        return -1;
    }

    /* Shared between processes: not FUTEX_PRIVATE_FLAG. */
    for (int32_t i = 0; i < count; i++)
    {
        words[i].flags = FUTEX_32;
    }

    /* The call takes a point in time, unlike FUTEX_WAIT. */
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += timeoutMilliseconds / 1000;
    end.tv_nsec += (long)(timeoutMilliseconds % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000)
    {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }

    long result = syscall(SYS_futex_waitv, words, count, 0, &end, CLOCK_MONOTONIC);
    return result < 0 && errno == EINTR ? count : (int32_t)result;
}

int32_t PosixShm_FutexWake(int32_t* address, int32_t count)
{
    FAILPOINT("before-wake");
    int32_t woken = (int32_t)syscall(SYS_futex, address, FUTEX_WAKE, count, NULL, NULL, 0);
    FAILPOINT("after-wake");
    return woken;
}
