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

/* Reads what is there of a range: a file that shrinks meanwhile gives fewer bytes, which is no error here. */
static int32_t read_range(int fd, uint8_t* buffer, int64_t length, int64_t offset)
{
    ssize_t count;
    RETRY(count, pread(fd, buffer, (size_t)length, (off_t)offset));
    return (int32_t)count;
}

static int32_t probe_open_file(int fd, int64_t lockOffset, PosixShmProbe* probe)
{
    probe->head_length = 0;
    probe->tail_length = 0;
    probe->locked = 0;
    probe->reserved = 0;

    if (posixshm_status(fd, "", AT_EMPTY_PATH, &probe->status) < 0)
    {
        return -1;
    }

    if (probe->status.type != PAL_TYPE_REGULAR)
    {
        return 0;
    }

    int64_t size = probe->status.size;
    int64_t tail = size < PAL_PAGE ? size : PAL_PAGE + size % PAL_PAGE;
    probe->head_length = read_range(fd, probe->head, PAL_PROBE_HEAD, 0);
    probe->tail_length = read_range(fd, probe->tail, tail, size - tail);
    probe->locked = lockOffset < 0 ? 0 : PosixShm_FindByteLock(fd, lockOffset, PAL_LOCK_EXCLUSIVE);
    return probe->head_length < 0 || probe->tail_length < 0 || probe->locked < 0 ? -1 : 0;
}

int32_t PosixShm_Probe(void* directory, const char* name, int32_t follow, int64_t lockOffset, PosixShmProbe* probe)
{
    int at = directory == NULL ? AT_FDCWD : dirfd(directory);
    int fd;
    RETRY(fd, FAULT("probe") ? -1 : openat(at, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | (follow ? 0 : O_NOFOLLOW)));
    if (fd < 0)
    {
        return -1;
    }

    int32_t result = probe_open_file(fd, lockOffset, probe);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}
