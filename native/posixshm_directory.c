#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

void* PosixShm_OpenDirectory(const char* path)
{
    return opendir(path);
}

int32_t PosixShm_ReadDirectory(void* directory, char* names, int32_t size)
{
    int32_t used = 0;
    while (size - used >= PAL_NAME_SIZE)
    {
        errno = 0;
        struct dirent* entry = readdir(directory);
        if (entry == NULL)
        {
            return errno == 0 ? used : -1;
        }

        size_t length = strlen(entry->d_name) + 1;
        if ((entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN) && length <= PAL_NAME_SIZE)
        {
            memcpy(names + used, entry->d_name, length);
            used += (int32_t)length;
        }
    }

    return used;
}

int32_t PosixShm_CloseDirectory(void* directory)
{
    return closedir(directory);
}

void PosixShm_EndProbe(PosixShmProbe* probe)
{
    if (probe->file >= 0)
    {
        close((int)probe->file);
        probe->file = -1;
    }
}

static int32_t probe_open_file(int fd, int64_t lockOffset, PosixShmProbe* probe)
{
    probe->head_length = 0;
    probe->locked = 0;
    if (posixshm_status(fd, "", AT_EMPTY_PATH, &probe->status) < 0)
    {
        return -1;
    }

    if (probe->status.type != PAL_TYPE_REGULAR)
    {
        return 0;
    }

    ssize_t count;
    RETRY(count, pread(fd, probe->head, PAL_PROBE_HEAD, 0));
    probe->head_length = (int32_t)count;
    probe->locked = lockOffset < 0 ? 0 : PosixShm_FindByteLock(fd, lockOffset, PAL_LOCK_EXCLUSIVE);
    return probe->head_length < 0 || probe->locked < 0 ? -1 : 0;
}

int32_t PosixShm_Probe(void* directory, const char* name, int32_t follow, int64_t lockOffset, PosixShmProbe* probe)
{
    PosixShm_EndProbe(probe);
    int fd;
    if (directory == NULL)
    {
        int32_t flags = PAL_O_RDONLY | (follow ? PAL_O_FOLLOW : 0);
        fd = FAULT("probe") ? -1 : (int)(strchr(name, '/') == NULL ? PosixShm_ShmOpen(name, flags) : PosixShm_Open(name, flags));
    }
    else
    {
        RETRY(fd, FAULT("probe") ? -1 : openat(dirfd(directory), name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW));
    }

    if (fd < 0)
    {
        return -1;
    }

    probe->file = fd;
    if (probe_open_file(fd, lockOffset, probe) < 0)
    {
        int error = errno;
        PosixShm_EndProbe(probe);
        errno = error;
        return -1;
    }

    return 0;
}
