#pragma once

#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Sleeps while the word has the value, for 50 ms at most, after which a waiter would see whether the other process is alive. */
static inline void futex_wait(int32_t* word, int32_t value)
{
    struct timespec slice = { 0, 50000000 };
    syscall(SYS_futex, word, FUTEX_WAIT, value, &slice, NULL, 0);
}

static inline void futex_wake_up(int32_t* word, int32_t waiters)
{
    syscall(SYS_futex, word, FUTEX_WAKE, waiters, NULL, NULL, 0);
}
