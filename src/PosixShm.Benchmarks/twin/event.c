#define _GNU_SOURCE
#include "arena.h"
#include "futex.h"
#include "operations.h"

/* A count of changes, and behind it the number of waiters. */
static int32_t seen;

static int32_t* waiters(void* event)
{
    return (int32_t*)event + 1;
}

static void nothing(void* event)
{
    (void)event;
}

static void signal_change(void* event)
{
    __atomic_fetch_add((int32_t*)event, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(waiters(event), __ATOMIC_SEQ_CST) != 0)
    {
        futex_wake_up(event, INT32_MAX);
    }
}

static void wait_for_change(void* event)
{
    int32_t count;
    while ((count = __atomic_load_n((int32_t*)event, __ATOMIC_SEQ_CST)) == seen)
    {
        __atomic_fetch_add(waiters(event), 1, __ATOMIC_SEQ_CST);
        futex_wait(event, seen);
        __atomic_fetch_sub(waiters(event), 1, __ATOMIC_SEQ_CST);
    }

    seen = count;
}

void event_wake(Request request)
{
    wake(request, nothing, signal_change);
}

void event_sleep(Request request)
{
    seen = *(int32_t*)(void*)(map_elements(request.path) + request.number);
    be_woken(request, wait_for_change, nothing);
}
