#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

int32_t PosixShm_FutexWake(int32_t* address, int32_t count)
{
    FAILPOINT("before-wake");
    int32_t woken = (int32_t)syscall(SYS_futex, address, FUTEX_WAKE, count, NULL, NULL, 0);
    FAILPOINT("after-wake");
    return woken;
}
