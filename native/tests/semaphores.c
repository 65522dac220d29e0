#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHORT = 20, LONG = 60000 };

/* Without sem_clockwait, a wait is a series of tries. */
static bool wait_for(void* semaphore)
{
    int32_t result;
    do
    {
        errno = 0;
        result = SHIM(SemWait)(semaphore, LONG);
        result = result < 0 && errno == ENOSYS ? SHIM(SemWait)(semaphore, 0) : result;
    }
    while (result < 0 && errno == EAGAIN);
    return result == 0;
}

static void check_file(const char* name, void* semaphore)
{
    char path[256];
    struct stat status;
    snprintf(path, sizeof path, "/dev/shm/sem.%s", name + 1);
    CHECK(stat(path, &status) == 0 && status.st_size == SHIM(GetSemaphoreSize)());
    CHECK(SHIM(IsSemaphore)(semaphore) == 1);

    char bytes[256];
    CHECK((size_t)SHIM(GetSemaphoreSize)() <= sizeof bytes);
    memset(bytes, 0xFF, sizeof bytes);
    CHECK(SHIM(IsSemaphore)(bytes) == 0);
    CHECK_ERROR(SHIM(SemPost)(bytes), -1, EINVAL);

    /* The third word of a semaphore that processes share is 0 with musl, and 128 with glibc. */
    int32_t words[sizeof bytes / sizeof(int32_t)];
    memcpy(words, semaphore, (size_t)SHIM(GetSemaphoreSize)());
    CHECK(words[2] == 0 || words[2] == 128);
    words[2] = 128 - words[2];
    CHECK(SHIM(IsSemaphore)(words) == 0);
}

static void check_use(void* semaphore)
{
    CHECK(SHIM(SemGetValue)(semaphore) == 1);
    CHECK(SHIM(SemWait)(semaphore, 0) == 0);
    CHECK_ERROR(SHIM(SemWait)(semaphore, 0), -1, EAGAIN);
    errno = 0;
    CHECK(SHIM(SemWait)(semaphore, SHORT) == -1 && (errno == ETIMEDOUT || errno == ENOSYS));
}

static void check_two_processes(const char* name, void* semaphore)
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
    {
        void* own = SHIM(SemOpen)(name, 0, 0, 0);
        _exit(own != NULL && SHIM(SemPost)(own) == 0 ? 0 : 1);
    }

    CHECK(wait_for(semaphore));
    finish_child(child);
    CHECK(SHIM(SemGetValue)(semaphore) == 0);
}

void check_semaphores(void)
{
    char name[128];
    snprintf(name, sizeof name, "/%s-both", name_prefix);

    /* A shared memory object and a semaphore of one name are two files. */
    intptr_t object = SHIM(ShmOpen)(name + 1, PAL_O_RDWR | PAL_O_CREAT);
    void* semaphore = SHIM(SemOpen)(name, 1, 0600, 1);
    CHECK(object >= 0 && semaphore != NULL);
    CHECK_ERROR(SHIM(SemOpen)(name, 1, 0600, 1), NULL, EEXIST);
    void* again = SHIM(SemOpen)(name, 0, 0, 0);
    CHECK(again == semaphore);
    check_file(name, semaphore);
    check_use(semaphore);
    check_two_processes(name, semaphore);

    CHECK(SHIM(SemUnlink)(name) == 0);
    CHECK_ERROR(SHIM(SemUnlink)(name), -1, ENOENT);
    CHECK_ERROR(SHIM(SemOpen)(name, 0, 0, 0), NULL, ENOENT);
    CHECK(SHIM(SemClose)(again) == 0);
    CHECK(SHIM(SemClose)(semaphore) == 0);
    CHECK(access(path_of("both"), F_OK) == 0);
    CHECK(SHIM(ShmUnlink)(name + 1) == 0);
    CHECK(SHIM(Close)(object, 0) == 0);
}
