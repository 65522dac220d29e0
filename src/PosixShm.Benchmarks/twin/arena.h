/*
 * Work between processes: they compete for a lock, or wake each other. They meet in the elements of an array, which are taken as
 * 64-bit words, a cache line apart; Measuring/Arena.cs has the same words. The benchmark clears them first. A lock in C, or a count of
 * changes, is at an offset in the same elements.
 */
#pragma once

#include "files.h"
#include "twin.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

enum
{
    ELEMENT = 0,  /* changed under the lock, a double */
    PHASE = 8,    /* WAITING, GOING or OVER, set by the benchmark */
    READY = 16,   /* processes that wait for GOING */
    TURN = 24,    /* the wake-up for which a sleeper may go to sleep, from 1 */
    ASLEEP = 32,  /* the wake-up for which it does */
    SENT = 40,    /* when it was woken */
    DONE = 48,    /* the wake-up that it has had */
    PAUSE = 56,   /* nanoseconds from ASLEEP to the wake-up, set by the benchmark */
};

enum { WAITING = 0, GOING = 1, OVER = 2 };

/* Nothing here takes this long, unless another process has died. */
#define PATIENCE 60000000000

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Waits until a word, which only grows, has reached a value. */
static inline void await(const int64_t* word, int64_t value)
{
    int64_t start = now();
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) < value)
    {
        relax();
        sched_yield();
        errno = ETIMEDOUT;
        check(now() - start < PATIENCE ? 0 : -1, "another process");
    }
}

/* Changes or only reads the element under a lock for as long as the benchmark lets all do so; replies how often. */
static inline void compete(Request request, int changes, void (*enter)(void* lock), void (*leave)(void* lock))
{
    enum { CHECKED = 1 << 16 };
    char* elements = map_elements(request.path);
    int64_t* words = (int64_t*)(void*)elements;
    volatile double* element = (volatile double*)(void*)elements;
    void* lock = elements + request.number;
    int64_t done = 0, start = now();
    __atomic_fetch_add(&words[READY], 1, __ATOMIC_SEQ_CST);
    await(&words[PHASE], GOING);
    while (__atomic_load_n(&words[PHASE], __ATOMIC_RELAXED) == GOING && (++done % CHECKED != 0 || now() - start < PATIENCE))
    {
        enter(lock);
        double seen = *element;
        if (changes)
        {
            *element = seen + 1;
        }

        leave(lock);
    }

    reply(done);
}

static inline void contend(Request request, void (*enter)(void* lock), void (*leave)(void* lock))
{
    compete(request, 1, enter, leave);
}

static inline void share(Request request, void (*enter)(void* lock), void (*leave)(void* lock))
{
    compete(request, 0, enter, leave);
}

/* Wakes another process so many times, each time when that has slept for a while. */
static inline void wake(Request request, void (*enter)(void* lock), void (*leave)(void* lock))
{
    char* elements = map_elements(request.path);
    int64_t* words = (int64_t*)(void*)elements;
    void* lock = elements + request.number;
    for (int64_t i = 1; i <= request.count; i++)
    {
        enter(lock);
        __atomic_store_n(&words[TURN], i, __ATOMIC_RELEASE);
        await(&words[ASLEEP], i);
        for (int64_t start = now(); now() - start < words[PAUSE];)
        {
            relax();
        }

        words[SENT] = now();
        leave(lock);
        await(&words[DONE], i);
    }
}

/* Goes to sleep so many times; replies how long each wake-up took. */
static inline void be_woken(Request request, void (*enter)(void* lock), void (*leave)(void* lock))
{
    int64_t* took = (int64_t*)malloc((size_t)request.count * sizeof(int64_t));
    char* elements = map_elements(request.path);
    int64_t* words = (int64_t*)(void*)elements;
    void* lock = elements + request.number;
    for (int64_t i = 1; i <= request.count; i++)
    {
        await(&words[TURN], i);
        __atomic_store_n(&words[ASLEEP], i, __ATOMIC_RELEASE);
        enter(lock);
        took[i - 1] = now() - words[SENT];
        leave(lock);
        __atomic_store_n(&words[DONE], i, __ATOMIC_RELEASE);
    }

    for (long i = 0; i < request.count; i++)
    {
        reply(took[i]);
    }

    free(took);
}
