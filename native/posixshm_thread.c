#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

OLD_VERSION(pthread_key_create);
OLD_VERSION(pthread_setspecific);

/*
 * The C library calls a key's destructor as its thread ends, when no managed code of the thread can run any more.
 * The destructor only pushes the thread's record, which was allocated before, and wakes the reader.
 */

typedef struct Ended
{
    struct Watch* watch;
    struct Ended* next;
    void* thread;
} Ended;

typedef struct Watch
{
    _Atomic(Ended*) pushed; /* by ending threads */
    Ended* taken;           /* by the reader, in one exchange: no thread ever pops from the shared list */
    _Atomic int32_t count;  /* how many were pushed: the futex word */
    pthread_key_t key;
} Watch;

static void push(void* value)
{
    Ended* ended = value;
    Watch* watch = ended->watch;
    ended->next = atomic_load(&watch->pushed);
    while (!atomic_compare_exchange_weak(&watch->pushed, &ended->next, ended))
    {
    }

    atomic_fetch_add(&watch->count, 1);
    syscall(SYS_futex, &watch->count, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

void* PosixShm_CreateThreadWatch(void)
{
    Watch* watch = calloc(1, sizeof *watch);
    if (watch == NULL)
    {
        return NULL;
    }

    int error = pthread_key_create(&watch->key, push);
    if (error != 0)
    {
        free(watch);
        errno = error;
        return NULL;
    }

    return watch;
}

int32_t PosixShm_WatchThread(void* watch, void* thread)
{
    Ended* ended = calloc(1, sizeof *ended);
    if (ended == NULL)
    {
        return -1;
    }

    ended->watch = watch;
    ended->thread = thread;
    int error = pthread_setspecific(((Watch*)watch)->key, ended);
    if (error != 0)
    {
        free(ended);
        errno = error;
        return -1;
    }

    return 0;
}

void* PosixShm_WaitForThreadEnd(void* opaque)
{
    Watch* watch = opaque;
    while (watch->taken == NULL)
    {
        int32_t count = atomic_load(&watch->count);
        watch->taken = atomic_exchange(&watch->pushed, NULL);
        if (watch->taken == NULL)
        {
            syscall(SYS_futex, &watch->count, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, count, NULL, NULL, 0);
        }
    }

    Ended* ended = watch->taken;
    void* thread = ended->thread;
    watch->taken = ended->next;
    free(ended);
    return thread;
}
