#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

static intptr_t open_file(void* directory, const char* name, int32_t flags)
{
    if (FAULT("probe"))
    {
        return -1;
    }

    if (name[0] == '/')
    {
        return PosixShm_Open(name, flags);
    }

    if (directory == NULL)
    {
        return PosixShm_ShmOpen(name, flags);
    }

    int fd;
    RETRY(fd, openat(dirfd(directory), name, posixshm_open_flags(flags)));
    return fd;
}

static int32_t look(int fd, int64_t byte, int32_t lock, PosixShmProbe* probe)
{
    /* The lock comes first: no process then removes the file as a leftover while its status is read. */
    probe->locked = byte < 0 || lock != PAL_LOCK_NONE ? 0 : PosixShm_FindByteLock(fd, byte, PAL_LOCK_EXCLUSIVE);
    if (probe->locked < 0
        || (byte >= 0 && lock != PAL_LOCK_NONE && PosixShm_LockByte(fd, byte, lock) < 0)
        || (byte != PAL_NO_STATUS && posixshm_status(fd, "", AT_EMPTY_PATH, &probe->status) < 0))
    {
        return -1;
    }

    ssize_t count = 0;
    if (byte == PAL_NO_STATUS || probe->status.type == PAL_TYPE_REGULAR)
    {
        RETRY(count, pread(fd, probe->head, PAL_PROBE_HEAD, 0));
    }

    probe->head_length = (int32_t)count;
    return count < 0 ? -1 : 0;
}

int32_t PosixShm_Probe(void* directory, const char* name, int32_t flags, int64_t byte, int32_t lock, PosixShmProbe* probe)
{
    if (probe->file >= 0)
    {
        close((int)probe->file);
    }

    probe->locked = 0;
    probe->file = open_file(directory, name, flags);
    if (probe->file < 0 || look((int)probe->file, byte, lock, probe) == 0)
    {
        return probe->file < 0 ? -1 : 0;
    }

    int error = errno;
    close((int)probe->file);
    probe->file = -1;
    errno = error;
    return -1;
}

int32_t PosixShm_Close(intptr_t fd, int32_t unlock)
{
    /* Not left to the closing: a process that another thread is just starting has a copy of the descriptor, until its program begins. */
    if (unlock)
    {
        PosixShm_UnlockAll(fd);
    }

    return close((int)fd);
}
