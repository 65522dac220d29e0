#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE = 256 << 10 };

void check_locks(void)
{
    intptr_t fd = SHIM(Open)(path_of("locks"), PAL_O_RDWR | PAL_O_CREAT);
    intptr_t other = SHIM(Open)(path_of("locks"), PAL_O_RDWR);
    CHECK(fd >= 0 && other >= 0);
    CHECK(SHIM(LockByte)(fd, 4000, PAL_LOCK_SHARED) == 0);
    CHECK(SHIM(FindByteLock)(other, 4000, PAL_LOCK_EXCLUSIVE) == PAL_LOCK_SHARED);
    CHECK(SHIM(FindByteLock)(other, 4000, PAL_LOCK_SHARED) == 0);
    CHECK(SHIM(FindByteLock)(other, 4001, PAL_LOCK_EXCLUSIVE) == 0);
    CHECK_ERROR(SHIM(LockByte)(other, 4000, PAL_LOCK_EXCLUSIVE), -1, EAGAIN);
    CHECK(SHIM(Close)(fd, 1) == 0);
    CHECK(SHIM(LockByte)(other, 4000, PAL_LOCK_EXCLUSIVE) == 0);
    CHECK(SHIM(UnlockAll)(other) == 0);
    CHECK(SHIM(Unlink)(path_of("locks")) == 0);
    CHECK(SHIM(Close)(other, 0) == 0);
}

void check_mappings(void)
{
    intptr_t fd = SHIM(Open)(path_of("map"), PAL_O_RDWR | PAL_O_CREAT);
    CHECK(fd >= 0 && SHIM(FTruncate)(fd, 4 << 20) == 0);

    /* From 2 MiB on, a mapping is aligned. */
    char* shared = SHIM(MMap)(4 << 20, PAL_MAP_READ | PAL_MAP_WRITE, fd, 0, NULL);
    char* copied = SHIM(MMap)(4096, PAL_MAP_READ | PAL_MAP_WRITE | PAL_MAP_PRIVATE, fd, 4096, NULL);
    CHECK(shared != NULL && copied != NULL && (uintptr_t)shared % (2 << 20) == 0);
    shared[4096] = 1;
    CHECK(copied[0] == 1);
    copied[0] = 2;
    CHECK(shared[4096] == 1);
    CHECK(SHIM(MSync)(shared, 4096) == 0);

    int64_t limit = 0;
    CHECK(SHIM(GetMemoryLockLimit)(&limit) == 0 && limit >= -1);
    CHECK(SHIM(MUnmap)(copied, 4096, NULL) == 0);
    CHECK(SHIM(MUnmap)(shared, 4 << 20, NULL) == 0);
    CHECK_ERROR(SHIM(MMap)(4096, PAL_MAP_READ, -1, 0, NULL), NULL, EBADF);
    CHECK(SHIM(Unlink)(path_of("map")) == 0);
    CHECK(SHIM(Close)(fd, 0) == 0);
}

/* The last check: it replaces pages of the mapping, and installs a handler of SIGBUS. */
void check_guard(void)
{
    intptr_t fd = SHIM(Open)(path_of("guard"), PAL_O_RDWR | PAL_O_CREAT);
    CHECK(fd >= 0 && SHIM(FTruncate)(fd, SIZE) == 0);
    CHECK(SHIM(InstallGuard)() == 0);
    CHECK(SHIM(IsGuardActive)() == 1);

    int32_t* lost = NULL;
    char* memory = SHIM(MMap)(SIZE, PAL_MAP_READ | PAL_MAP_WRITE, fd, 0, &lost);
    char* copy = malloc(SIZE);
    int64_t element = 0x0101010101010101;
    CHECK(memory != NULL && lost != NULL && copy != NULL && *lost == 0);
    CHECK(SHIM(Fill)(memory, SIZE, &element, sizeof element) == NULL);
    CHECK(SHIM(Copy)(copy, memory, SIZE) == NULL && copy[SIZE - 1] == 1);

    /* A large copy leaves the signal handler by a jump; any other access meets zeros. */
    CHECK(SHIM(FTruncate)(fd, SIZE / 2) == 0);
    CHECK(SHIM(Copy)(copy, memory, SIZE) == lost && *lost == 1);
    CHECK(((volatile char*)memory)[SIZE - 1] == 0);
    CHECK(memory[0] == 1);
    CHECK(SHIM(MUnmap)(memory, SIZE, lost) == 0);
    free(copy);
    CHECK(SHIM(Unlink)(path_of("guard")) == 0);
    CHECK(SHIM(Close)(fd, 0) == 0);
}
