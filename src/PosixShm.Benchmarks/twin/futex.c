#define _GNU_SOURCE
#include "arena.h"
#include "futex.h"
#include "operations.h"

#include <stdbool.h>

enum { FREE = 0, SPINS = 100 };

static const int32_t waiters = INT32_MIN;
static int32_t self;

static bool change(int32_t* word, int32_t* from, int32_t to)
{
    return __atomic_compare_exchange_n(word, from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* One 32-bit word: 0 if free, else the owner, and a bit for possible sleepers. */
static void enter(void* lock)
{
    int32_t* word = lock;
    int32_t mine = self;
    for (int spin = 0;;)
    {
        int32_t seen = FREE;
        if (change(word, &seen, mine))
        {
            return;
        }

        if (spin++ < SPINS)
        {
            relax();
            continue;
        }

        int32_t asleep = seen | waiters;
        if (seen == asleep || change(word, &seen, asleep))
        {
            futex_wait(word, asleep);
            mine = self | waiters;
        }
    }
}

static void leave(void* lock)
{
    int32_t* word = lock;
    int32_t seen = self;
    if (!change(word, &seen, FREE))
    {
        __atomic_store_n(word, FREE, __ATOMIC_SEQ_CST);
        futex_wake_up(word, 1);
    }
}

void futex_lock(Request request)
{
    char* elements = map_elements(request.path);
    volatile double* element = (volatile double*)elements;
    self = getpid();
    for (long i = 0; i < request.count; i++)
    {
        enter(elements + request.number);
        *element += 1;
        leave(elements + request.number);
    }
}

void futex_contend(Request request)
{
    self = getpid();
    contend(request, enter, leave);
}

void futex_wake(Request request)
{
    self = getpid();
    wake(request, enter, leave);
}

void futex_sleep(Request request)
{
    self = getpid();
    be_woken(request, enter, leave);
}
