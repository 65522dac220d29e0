#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

OLD_VERSION(sem_open);
OLD_VERSION(sem_close);
OLD_VERSION(sem_unlink);
OLD_VERSION(sem_init);
OLD_VERSION(sem_trywait);
OLD_VERSION(sem_post);
OLD_VERSION(sem_getvalue);
OLD_VERSION(dlsym);

/* More than the threads of any machine: PID_MAX_LIMIT is four times less. */
#define MOST_WAITERS (1u << 24)

typedef int (*ClockWait)(sem_t*, clockid_t, const struct timespec*);

/* sem_clockwait is not in glibc before 2.30, nor in musl: found by name, because the shim must load without it. */
static ClockWait find_clock_wait(void)
{
    static ClockWait found;
    static int searched;
    if (!searched)
    {
        union
        {
            void* address;
            ClockWait function;
        } symbol = { dlsym(RTLD_DEFAULT, "sem_clockwait") };
        found = FAULT("clockwait") ? NULL : symbol.function;
        searched = 1;
    }

    return found;
}

/*
 * glibc keeps the semaphore "/x" in /dev/shm/sem.x. musl would keep it in /dev/shm/x, which is also the file of a shared memory object, so
 * there its name has the prefix. A name that is too long for the buffer stays too long for the C library.
 */
static const char* name_in_library(const char* name, char buffer[PAL_NAME_SIZE + 8])
{
#ifdef __GLIBC__
    (void)buffer;
    return name;
#else
    snprintf(buffer, PAL_NAME_SIZE + 8, "/sem.%s", name[0] == '/' ? name + 1 : name);
    return buffer;
#endif
}

void* PosixShm_SemOpen(const char* name, int32_t create, uint32_t mode, uint32_t value)
{
    posixshm_survive_size_limit();
    char buffer[PAL_NAME_SIZE + 8];
    const char* known = name_in_library(name, buffer);
    sem_t* semaphore;
    do
    {
        semaphore = create ? sem_open(known, O_CREAT | O_EXCL, (mode_t)mode, value) : sem_open(known, 0);
    }
    while (semaphore == SEM_FAILED && errno == EINTR);

    if (create && semaphore != SEM_FAILED)
    {
        FAILPOINT("sem-created");
    }

    return semaphore == SEM_FAILED ? NULL : semaphore;
}

int32_t PosixShm_SemClose(void* semaphore)
{
    return sem_close(semaphore);
}

int32_t PosixShm_SemUnlink(const char* name)
{
    char buffer[PAL_NAME_SIZE + 8];
    return sem_unlink(name_in_library(name, buffer));
}

/*
 * A new semaphore's bytes after its count and its number of waiters are the same in every semaphore that processes share. The C library
 * does not check them, and ends the process if the kernel refuses what they lead to. musl leaves all but the first four undefined.
 */
int32_t PosixShm_IsSemaphore(const void* semaphore)
{
    enum
    {
        COUNTS = 8,
#ifdef __GLIBC__
        FIXED = sizeof(sem_t) - COUNTS,
#else
        FIXED = 4,
#endif
    };

    sem_t fresh;
    char now[sizeof(sem_t)];
    memcpy(now, semaphore, sizeof now);
    memset(&fresh, 0, sizeof fresh);
    if (sem_init(&fresh, 1, 0) < 0 || memcmp(now + COUNTS, (const char*)&fresh + COUNTS, FIXED) != 0)
    {
        return 0;
    }

#ifdef __GLIBC__
    uint64_t counts;
    memcpy(&counts, now, sizeof counts);
    return (counts & UINT32_MAX) <= INT32_MAX && counts >> 32 <= MOST_WAITERS;
#else
    return 1;
#endif
}

static int is_semaphore(const void* semaphore)
{
    if (PosixShm_IsSemaphore(semaphore))
    {
        return 1;
    }

    errno = EINVAL;
    return 0;
}

int32_t PosixShm_SemWait(void* semaphore, int32_t timeoutMilliseconds)
{
    if (!is_semaphore(semaphore))
    {
        return -1;
    }

    if (timeoutMilliseconds == 0)
    {
        return sem_trywait(semaphore);
    }

    ClockWait clock_wait = find_clock_wait();
    if (clock_wait == NULL)
    {
        errno = ENOSYS;
        return -1;
    }

    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeoutMilliseconds / 1000;
    deadline.tv_nsec += (long)(timeoutMilliseconds % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000)
    {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }

    int result;
    RETRY(result, clock_wait(semaphore, CLOCK_MONOTONIC, &deadline));
    return result;
}

int32_t PosixShm_SemPost(void* semaphore)
{
    return is_semaphore(semaphore) ? sem_post(semaphore) : -1;
}

int32_t PosixShm_SemGetValue(void* semaphore)
{
    int value;
    return !is_semaphore(semaphore) || sem_getvalue(semaphore, &value) < 0 ? -1 : value;
}

int32_t PosixShm_GetSemaphoreSize(void)
{
    return (int32_t)sizeof(sem_t);
}
