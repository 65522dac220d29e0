#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { LONG = 60000 };

static void sleep_while(int32_t* word, int32_t value)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == value)
    {
        SHIM(FutexWait)(word, value, LONG);
    }
}

static void set(int32_t* word, int32_t value)
{
    __atomic_store_n(word, value, __ATOMIC_RELEASE);
    CHECK(SHIM(FutexWake)(word, 1) >= 0);
}

void check_futexes(void)
{
    intptr_t fd = SHIM(CreateAnonymous)("words");
    CHECK(fd >= 0 && SHIM(FTruncate)(fd, 4096) == 0);
    int32_t* words = SHIM(MMap)(4096, PAL_MAP_READ | PAL_MAP_WRITE, fd, 0, NULL);
    CHECK(words != NULL);
    CHECK_ERROR(SHIM(FutexWait)(words, 1, LONG), -1, EAGAIN);
    CHECK_ERROR(SHIM(FutexWait)(words, 0, 1), -1, ETIMEDOUT);

    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
    {
        sleep_while(words, 0);
        set(words + 1, 7);
        _exit(0);
    }

    set(words, 1);
    sleep_while(words + 1, 0);
    CHECK(words[1] == 7);
    finish_child(child);

    /* Linux has the call since 5.16; emulators and containers may lack it. */
    PosixShmFutex any[2] = { { .expected = 1, .address = words }, { .expected = 0, .address = words + 1 } };
    errno = 0;
    CHECK(SHIM(FutexWaitAny)(any, 2, LONG) == -1 && (errno == EAGAIN || errno == ENOSYS || errno == EPERM));
    CHECK(SHIM(MUnmap)(words, 4096, NULL) == 0);
    CHECK(SHIM(Close)(fd, 0) == 0);
}

void check_watches(void)
{
    int32_t watch = -1;
    const char* path = path_of("watched");
    intptr_t fd = SHIM(WatchDirectory)("/dev/shm", &watch);
    CHECK(fd >= 0 && watch >= 0);
    intptr_t file = SHIM(Open)(path, PAL_O_RDWR | PAL_O_CREAT);
    CHECK(file >= 0);
    int32_t found = PAL_WATCH_OTHER;
    while (found == PAL_WATCH_OTHER)
    {
        found = SHIM(WaitForEntry)(fd, path + sizeof "/dev/shm", LONG);
    }

    CHECK(found == PAL_WATCH_NAMED);
    CHECK(SHIM(EndWatch)(fd, watch) == 0);
    CHECK(SHIM(Unlink)(path) == 0);
    CHECK(SHIM(Close)(file, 0) == 0);
    CHECK(SHIM(Close)(fd, 0) == 0);
}

static void* run_thread(void* watch)
{
    return (void*)(intptr_t)SHIM(WatchThread)(watch, run_thread);
}

void check_threads(void)
{
    pthread_t thread;
    void* result = &thread;
    void* watch = SHIM(CreateThreadWatch)();
    CHECK(watch != NULL);
    CHECK(pthread_create(&thread, NULL, run_thread, watch) == 0);
    CHECK(SHIM(WaitForThreadEnd)(watch) == (void*)run_thread);
    CHECK(pthread_join(thread, &result) == 0 && result == NULL);
}
