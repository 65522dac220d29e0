#define _GNU_SOURCE
#include "files.h"
#include "npy.h"
#include "operations.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A new array whose memory is touched in one of several ways, and its deletion. */
static void create(Request request, int reserve, void (*touch)(char* memory, long size))
{
    char header[HEADER];
    long size = HEADER + request.number;
    write_header(header, request.number);
    for (long i = 0; i < request.count; i++)
    {
        int fd = open(request.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        check(fd, "open");
        check(reserve ? fallocate(fd, 0, 0, size) : ftruncate(fd, size), "size");
        char* memory = map(fd, size);
        touch(memory, size);
        memcpy(memory, header, HEADER);
        munmap(memory, (size_t)size);
        close(fd);
        check(unlink(request.path), "unlink");
    }
}

static char* elements;

static void copy_elements(char* memory, long size)
{
    memcpy(memory + HEADER, elements, (size_t)(size - HEADER));
}

void create_from(Request request)
{
    elements = malloc((size_t)request.number);
    memset(elements, 1, (size_t)request.number);
    create(request, 1, copy_elements);
    free(elements);
}

static void populate(char* memory, long size)
{
    check(madvise(memory, (size_t)size, 23 /* MADV_POPULATE_WRITE */), "madvise");
}

void create_populated(Request request)
{
    create(request, 1, populate);
}

/* With huge pages, where the mount has them. */
static void fill(char* memory, long size)
{
    madvise(memory, (size_t)size, MADV_HUGEPAGE);
    memset(memory, 1, (size_t)size);
}

void create_huge(Request request)
{
    create(request, 0, fill);
}
