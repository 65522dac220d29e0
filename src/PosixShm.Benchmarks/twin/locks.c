#define _GNU_SOURCE
#include "twin.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FREE = 0, SPINS = 100 };

static const int waiters = INT32_MIN;

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* One 32-bit word: 0 if free, else the owner, and a bit that says that somebody may sleep. */
static void enter(int32_t* word, int32_t me)
{
    int32_t mine = me;
    for (int spin = 0;;)
    {
        int32_t seen = FREE;
        if (__atomic_compare_exchange_n(word, &seen, mine, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        {
            return;
        }

        if (spin++ < SPINS)
        {
            relax();
            continue;
        }

        int32_t asleep = seen | waiters;
        if (seen == asleep || __atomic_compare_exchange_n(word, &seen, asleep, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        {
            struct timespec time = { 0, 50000000 };
            syscall(SYS_futex, word, FUTEX_WAIT, asleep, &time, NULL, 0);
            mine = me | waiters;
        }
    }
}

static void leave(int32_t* word, int32_t me)
{
    int32_t seen = me;
    if (!__atomic_compare_exchange_n(word, &seen, FREE, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    {
        __atomic_store_n(word, FREE, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}

void futex_lock(Request request)
{
    int64_t size;
    char* memory = map_file(request.path, &size);
    int32_t* word = (int32_t*)(memory + request.number);
    volatile double* element = (double*)(memory + PAGE);
    int32_t me = getpid();
    for (long i = 0; i < request.count; i++)
    {
        enter(word, me);
        *element += 1;
        leave(word, me);
    }
}

void robust_create(Request request)
{
    int64_t size;
    char* memory = map_file(request.path, &size);
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init((pthread_mutex_t*)(memory + request.number), &kind);
}

void robust_lock(Request request)
{
    int64_t size;
    char* memory = map_file(request.path, &size);
    pthread_mutex_t* mutex = (pthread_mutex_t*)(memory + request.number);
    volatile double* element = (double*)(memory + PAGE);
    for (long i = 0; i < request.count; i++)
    {
        if (pthread_mutex_lock(mutex) != 0)
        {
            fail("pthread_mutex_lock");
        }

        *element += 1;
        pthread_mutex_unlock(mutex);
    }
}
