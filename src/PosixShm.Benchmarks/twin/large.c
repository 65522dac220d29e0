#define _GNU_SOURCE
#include "files.h"
#include "npy.h"
#include "operations.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A new array whose memory is reserved and then touched in one of several ways, and its deletion. */
static void create(Request request, void (*touch)(char* memory, long size), int deletes)
{
    char header[HEADER];
    long size = HEADER + request.number;
    write_header(header, request.number);
    for (long i = 0; i < request.count; i++)
    {
        int fd = open(request.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        check(fd, "open");
        check(fallocate(fd, 0, 0, size), "fallocate");
        char* memory = map(fd, size);
        touch(memory, size);
        memcpy(memory, header, HEADER);
        munmap(memory, (size_t)size);
        close(fd);
        check(deletes ? unlink(request.path) : 0, "unlink");
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
    create(request, copy_elements, 1);
    free(elements);
}

static void populate(char* memory, long size)
{
    check(madvise(memory, (size_t)size, 23 /* MADV_POPULATE_WRITE */), "madvise");
}

void create_populated(Request request)
{
    create(request, populate, 1);
}

static void fill(char* memory, long size)
{
    memset(memory, 1, (size_t)size);
}

void create_filled(Request request)
{
    create(request, fill, 1);
}

void create_kept(Request request)
{
    create(request, fill, 0);
}

/* What a user would take to copy a file. */
void copy_file(Request request)
{
    char target[300];
    snprintf(target, sizeof target, "%s.copy", request.path);
    char* arguments[] = { "cp", (char*)request.path, target, NULL };
    for (long i = 0; i < request.count; i++)
    {
        pid_t child;
        int status;
        check(posix_spawnp(&child, "cp", NULL, NULL, arguments, environ) == 0 ? 0 : -1, "posix_spawnp");
        check(waitpid(child, &status, 0), "waitpid");
        check(status == 0 ? 0 : -1, "cp");
        check(unlink(target), "unlink");
    }
}
