#define _GNU_SOURCE
#include "arena.h"
#include "operations.h"

#include <pthread.h>

/* The C library's mutex between processes, plain or robust. */
static void create(Request request, int robustness)
{
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, robustness);
    errno = pthread_mutex_init((pthread_mutex_t*)(void*)(map_elements(request.path) + request.number), &kind);
    check(-errno, "pthread_mutex_init");
}

void mutex_create(Request request)
{
    create(request, PTHREAD_MUTEX_STALLED);
}

void robust_create(Request request)
{
    create(request, PTHREAD_MUTEX_ROBUST);
}

static void enter(void* lock)
{
    int error = pthread_mutex_lock(lock);
    if (error != 0)
    {
        errno = error;
        fail("pthread_mutex_lock");
    }
}

static void leave(void* lock)
{
    pthread_mutex_unlock(lock);
}

void mutex_lock(Request request)
{
    char* elements = map_elements(request.path);
    volatile double* element = (volatile double*)elements;
    for (long i = 0; i < request.count; i++)
    {
        enter(elements + request.number);
        *element += 1;
        leave(elements + request.number);
    }
}

void mutex_contend(Request request)
{
    contend(request, enter, leave);
}
