#include "posixshm_internal.h"

#include <stddef.h>
#include <sys/mman.h>

void* PosixShm_MMap(uint64_t length, int32_t flags, intptr_t fd)
{
    int protection = ((flags & PAL_MAP_READ) ? PROT_READ : 0) | ((flags & PAL_MAP_WRITE) ? PROT_WRITE : 0);
    int sharing = (flags & PAL_MAP_PRIVATE) ? MAP_PRIVATE : MAP_SHARED;
    void* address = FAULT("map") ? MAP_FAILED : mmap(NULL, (size_t)length, protection, sharing, (int)fd, 0);
    FAILPOINT("map");
    return address == MAP_FAILED ? NULL : address;
}

int32_t PosixShm_MUnmap(void* address, uint64_t length)
{
    return munmap(address, (size_t)length);
}
