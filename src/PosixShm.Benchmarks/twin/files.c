#define _GNU_SOURCE
#include "files.h"
#include "npy.h"
#include "twin.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

long page_offset(long elements_end)
{
    return (elements_end + PAGE - 1) / PAGE * PAGE;
}

void lock_byte(int fd, short type, off_t byte)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = type == F_UNLCK ? 0 : byte, .l_len = type == F_UNLCK ? 0 : 1 };
    check(fcntl(fd, F_OFD_SETLK, &lock), "fcntl");
}

void* map(int fd, long size)
{
    void* memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(memory == MAP_FAILED ? -1 : 0, "mmap");
    return memory;
}

void read_head(int fd, char head[HEAD + 1])
{
    long count = pread(fd, head, HEAD, 0);
    check(count, "pread");
    head[count] = '\0';
}

void read_tail(int fd, long elements_end, off_t size)
{
    char tail[PAGE];
    if (size > elements_end)
    {
        check(pread(fd, tail, PAGE, size - PAGE), "pread");
    }
}

int open_to_read(int directory, const char* name)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    check(fd, name);
    return fd;
}

int probe(int directory, const char* name)
{
    char head[HEAD + 1];
    struct statx status;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = IN_USE_BYTE, .l_len = 1 };
    int fd = open_to_read(directory, name);
    check(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status), "statx");
    read_head(fd, head);
    if (!is_array(head))
    {
        close(fd);
        return -1;
    }

    read_tail(fd, elements_end(head), (off_t)status.stx_size);
    check(fcntl(fd, F_OFD_GETLK, &lock), "fcntl");
    return fd;
}

char* map_elements(const char* path)
{
    static struct { char path[256]; char* memory; long size; ino_t inode; } kept;
    struct stat status;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    check(fd, path);
    check(fstat(fd, &status), path);
    if (kept.inode != status.st_ino || strcmp(kept.path, path) != 0)
    {
        if (kept.memory != NULL)
        {
            munmap(kept.memory, (size_t)kept.size);
        }

        kept.memory = map(fd, status.st_size);
        kept.size = status.st_size;
        kept.inode = status.st_ino;
        snprintf(kept.path, sizeof kept.path, "%s", path);
    }

    close(fd);
    return kept.memory + elements_offset(kept.memory);
}
