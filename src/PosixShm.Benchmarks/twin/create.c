#define _GNU_SOURCE
#include "files.h"
#include "npy.h"
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* The library's order: absent or complete; and nothing is deleted that is not an array. */
static void create(Request request, int reserve)
{
    char header[HEADER];
    long end = HEADER + request.number, mapped = page_offset(end) + PAGE;
    write_header(header, request.number);
    for (long i = 0; i < request.count; i++)
    {
        int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        check(fd, "open");
        check(reserve ? fallocate(fd, 0, 0, end) : ftruncate(fd, end), "size");
        void* memory = map(fd, mapped);
        check(pwrite(fd, header, HEADER, 0), "pwrite");
        check(fchmod(fd, 0600), "fchmod");
        lock_byte(fd, F_RDLCK, IN_USE_BYTE);
        check(linkat(fd, "", AT_FDCWD, request.path, AT_EMPTY_PATH), "linkat");
        munmap(memory, (size_t)mapped);
        lock_byte(fd, F_UNLCK, 0);
        close(fd);
        delete_one((Request){ 1, request.path, 0 });
    }
}

void create_sparse(Request request)
{
    create(request, 0);
}

void create_reserved(Request request)
{
    create(request, 1);
}

void delete_one(Request request)
{
    char head[HEAD + 1];
    int fd = open_to_read(AT_FDCWD, request.path);
    read_head(fd, head);
    errno = EINVAL;
    check(is_array(head) ? 0 : -1, request.path);
    check(unlink(request.path), "unlink");
    close(fd);
}

/* The fewest calls. A creator that dies in between leaves an incomplete array. */
static void create_plain(Request request, int reserve)
{
    char header[HEADER];
    long end = HEADER + request.number;
    write_header(header, request.number);
    for (long i = 0; i < request.count; i++)
    {
        int fd = open(request.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        check(fd, "open");
        check(reserve ? fallocate(fd, 0, 0, end) : ftruncate(fd, end), "size");
        check(pwrite(fd, header, HEADER, 0), "pwrite");
        munmap(map(fd, end), (size_t)end);
        close(fd);
        check(unlink(request.path), "unlink");
    }
}

void create_sparse_plain(Request request)
{
    create_plain(request, 0);
}

void create_reserved_plain(Request request)
{
    create_plain(request, 1);
}
