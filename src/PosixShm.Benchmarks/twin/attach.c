#define _GNU_SOURCE
#include "files.h"
#include "npy.h"
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
    void* memory;
    long size;
    int fd;
} Attachment;

/* The library's calls: with the mark "in use", the owner, and a mapping up to the end of the control page that may come. */
static Attachment attach_one(const char* path)
{
    char head[HEAD + 1];
    struct statx status;
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    check(fd, "open");
    lock_byte(fd, F_RDLCK, IN_USE_BYTE);
    check(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status), "statx");
    errno = EPERM;
    check(status.stx_uid == 0 || status.stx_uid == geteuid() ? 0 : -1, "owner");
    read_head(fd, head);
    long end = elements_end(head);
    check(end, path);
    read_tail(fd, end, (off_t)status.stx_size);
    long size = page_offset(end) + PAGE;
    return (Attachment){ map(fd, size), size, fd };
}

static void detach(Attachment attachment)
{
    munmap(attachment.memory, (size_t)attachment.size);
    lock_byte(attachment.fd, F_UNLCK, 0);
    close(attachment.fd);
}

void attach(Request request)
{
    for (long i = 0; i < request.count; i++)
    {
        detach(attach_one(request.path));
    }
}

void attach_many(Request request)
{
    Attachment* all = calloc((size_t)request.number, sizeof *all);
    for (long i = 0; i < request.count; i++)
    {
        for (long n = 0; n < request.number; n++)
        {
            all[n] = attach_one(request.path);
        }

        for (long n = 0; n < request.number; n++)
        {
            detach(all[n]);
        }
    }

    free(all);
}

/* The fewest calls. */
void attach_plain(Request request)
{
    for (long i = 0; i < request.count; i++)
    {
        char head[HEADER];
        struct stat status;
        int fd = open(request.path, O_RDWR | O_CLOEXEC);
        check(fd, "open");
        check(fstat(fd, &status), "fstat");
        check(pread(fd, head, HEADER, 0), "pread");
        check(is_array(head) ? 0 : -1, request.path);
        munmap(map(fd, status.st_size), (size_t)status.st_size);
        close(fd);
    }
}
