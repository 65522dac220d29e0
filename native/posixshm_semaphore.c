#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

OLD_VERSION(sem_open);
OLD_VERSION(sem_close);
OLD_VERSION(sem_unlink);
OLD_VERSION(sem_wait);
OLD_VERSION(sem_trywait);
OLD_VERSION(sem_post);
OLD_VERSION(sem_getvalue);
OLD_VERSION(dlsym);

typedef int (*ClockWait)(sem_t*, clockid_t, const struct timespec*);

/* sem_clockwait is not in glibc before 2.30, nor in musl: asked for by name, so that the shim loads without it. */
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

void* PosixShm_SemOpen(const char* name, int32_t create, uint32_t mode, uint32_t value)
{
    sem_t* semaphore;
    do
    {
        semaphore = create ? sem_open(name, O_CREAT | O_EXCL, (mode_t)mode, value) : sem_open(name, 0);
    }
    while (semaphore == SEM_FAILED && errno == EINTR);

    return semaphore == SEM_FAILED ? NULL : semaphore;
}

int32_t PosixShm_SemWait(void* semaphore, int32_t timeoutMilliseconds)
{
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
    return sem_post(semaphore);
}

int32_t PosixShm_SemGetValue(void* semaphore)
{
    int value;
    return sem_getvalue(semaphore, &value) < 0 ? -1 : value;
}

int32_t PosixShm_SemClose(void* semaphore)
{
    return sem_close(semaphore);
}

int32_t PosixShm_SemUnlink(const char* name)
{
    return sem_unlink(name);
}

int32_t PosixShm_GetSemaphoreSize(void)
{
    return (int32_t)sizeof(sem_t);
}
