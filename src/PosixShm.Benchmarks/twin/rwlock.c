#define _GNU_SOURCE
#include "arena.h"
#include "operations.h"

#include <pthread.h>

/* The C library's reader-writer lock between processes. It does not survive the death of a holder. */
void rwlock_create(Request request)
{
    pthread_rwlockattr_t kind;
    pthread_rwlockattr_init(&kind);
    pthread_rwlockattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    errno = pthread_rwlock_init((pthread_rwlock_t*)(void*)(map_elements(request.path) + request.number), &kind);
    check(-errno, "pthread_rwlock_init");
}

static void enter_read(void* lock)
{
    int error = pthread_rwlock_rdlock(lock);
    if (error != 0)
    {
        errno = error;
        fail("pthread_rwlock_rdlock");
    }
}

static void enter_write(void* lock)
{
    int error = pthread_rwlock_wrlock(lock);
    if (error != 0)
    {
        errno = error;
        fail("pthread_rwlock_wrlock");
    }
}

static void leave(void* lock)
{
    pthread_rwlock_unlock(lock);
}

void rwlock_read(Request request)
{
    char* lock = map_elements(request.path) + request.number;
    for (long i = 0; i < request.count; i++)
    {
        enter_read(lock);
        leave(lock);
    }
}

void rwlock_write(Request request)
{
    char* lock = map_elements(request.path) + request.number;
    for (long i = 0; i < request.count; i++)
    {
        enter_write(lock);
        leave(lock);
    }
}

void rwlock_contend(Request request)
{
    share(request, enter_read, leave);
}
