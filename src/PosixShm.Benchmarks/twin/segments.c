#define _GNU_SOURCE
#include "twin.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[] = "\x93NUMPY";
static const off_t in_use_byte = (off_t)1 << 62;

static void check(int result, const char* what)
{
    if (result < 0)
    {
        fail(what);
    }
}

static void mark_in_use(int fd)
{
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = in_use_byte, .l_len = 1 };
    check(fcntl(fd, F_OFD_SETLK, &lock), "fcntl");
}

static void unmark(int fd)
{
    struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };
    check(fcntl(fd, F_OFD_SETLK, &all), "fcntl");
}

static void* map(int fd, long size)
{
    void* memory = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(memory == MAP_FAILED ? -1 : 0, "mmap");
    return memory;
}

/* The usual order of calls: whoever dies in between leaves half a segment. */
void create_plain(Request request)
{
    for (long i = 0; i < request.count; i++)
    {
        int fd = shm_open(strrchr(request.path, '/'), O_RDWR | O_CREAT | O_EXCL, 0600);
        check(fd, "shm_open");
        check(ftruncate(fd, request.number), "ftruncate");
        char* memory = map(fd, request.number);
        memset(memory, ' ', PAGE);
        memcpy(memory, magic, sizeof magic);
        munmap(memory, (size_t)request.number);
        close(fd);
        check(unlink(request.path), "unlink");
    }
}

static void hold_size_signal(int how)
{
    sigset_t limit;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    sigprocmask(how, &limit, NULL);
}

/* What a listing asks of a file: status, first and last bytes; and, if use is 1, whether it is in use. */
static int probe(int folder, const char* name, int use)
{
    char head[PAGE], tail[PAGE];
    struct statx status;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = in_use_byte, .l_len = 1 };
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    check(fd, "openat");
    check(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status), "statx");
    check((int)pread(fd, head, PAGE, 0), "pread");
    check((int)pread(fd, tail, PAGE, (off_t)status.stx_size - PAGE), "pread");
    if (use)
    {
        check(fcntl(fd, F_OFD_GETLK, &lock), "fcntl");
    }

    close(fd);
    return memcmp(head, magic, sizeof magic - 1) == 0;
}

/* The library's order: absent or complete; and it deletes nothing that it has not looked at. */
static void create(Request request, int reserve)
{
    char page[PAGE];
    memset(page, ' ', PAGE);
    memcpy(page, magic, sizeof magic);
    for (long i = 0; i < request.count; i++)
    {
        struct stat taken;
        check(!reserve || lstat(request.path, &taken) < 0 ? 0 : -1, "taken");
        int fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        check(fd, "open");
        hold_size_signal(SIG_BLOCK);
        check(reserve ? fallocate(fd, 0, 0, request.number) : ftruncate(fd, request.number), "size");
        hold_size_signal(SIG_UNBLOCK);
        check((int)pwrite(fd, page, PAGE, 0), "pwrite");
        check((int)pwrite(fd, page, PAGE, request.number - PAGE), "pwrite");
        check(fchmod(fd, 0600), "fchmod");
        mark_in_use(fd);
        void* memory = map(fd, request.number);
        check(linkat(fd, "", AT_FDCWD, request.path, AT_EMPTY_PATH), "linkat");
        munmap(memory, (size_t)request.number);
        unmark(fd);
        close(fd);
        check(probe(AT_FDCWD, request.path, 0) ? 0 : -1, "probe");
        check(unlink(request.path), "unlink");
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

/* Elements of one's own in a new segment: space, header, elements; and its end. */
void create_from(Request request)
{
    char* elements = malloc((size_t)request.number);
    memset(elements, 1, (size_t)request.number);
    for (long i = 0; i < request.count; i++)
    {
        long size = request.number + 2 * PAGE;
        int fd = shm_open(strrchr(request.path, '/'), O_RDWR | O_CREAT | O_EXCL, 0600);
        check(fd, "shm_open");
        check(fallocate(fd, 0, 0, size), "fallocate");
        char* memory = map(fd, size);
        memcpy(memory, magic, sizeof magic);
        memcpy(memory + PAGE, elements, (size_t)request.number);
        munmap(memory, (size_t)size);
        close(fd);
        check(unlink(request.path), "unlink");
    }

    free(elements);
}

/* A new segment whose pages are all mapped. */
void create_populated(Request request)
{
    for (long i = 0; i < request.count; i++)
    {
        int fd = shm_open(strrchr(request.path, '/'), O_RDWR | O_CREAT | O_EXCL, 0600);
        check(fd, "shm_open");
        check(fallocate(fd, 0, 0, request.number), "fallocate");
        char* memory = map(fd, request.number);
        check(madvise(memory, (size_t)request.number, 23 /* MADV_POPULATE_WRITE */), "madvise");
        munmap(memory, (size_t)request.number);
        close(fd);
        check(unlink(request.path), "unlink");
    }
}

/* A new segment of huge pages, where the mount has them, that is filled. */
void create_huge(Request request)
{
    for (long i = 0; i < request.count; i++)
    {
        int fd = shm_open(strrchr(request.path, '/'), O_RDWR | O_CREAT | O_EXCL, 0600);
        check(fd, "shm_open");
        check(ftruncate(fd, request.number), "ftruncate");
        char* memory = map(fd, request.number);
        madvise(memory, (size_t)request.number, MADV_HUGEPAGE);
        memset(memory, 1, (size_t)request.number);
        munmap(memory, (size_t)request.number);
        close(fd);
        check(unlink(request.path), "unlink");
    }
}

/* Looks at a file and deletes it: a whole process's work. */
void delete_one(Request request)
{
    check(probe(AT_FDCWD, request.path, 0) ? 0 : -1, "probe");
    check(unlink(request.path), "unlink");
}

static void* attach_one(Request request, int alike, int* fd, int64_t* size)
{
    char head[PAGE], tail[PAGE];
    struct stat status;
    *fd = open(request.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    check(*fd, "open");
    if (alike)
    {
        mark_in_use(*fd);
    }

    check(fstat(*fd, &status), "fstat");
    check((int)pread(*fd, head, PAGE, 0), "pread");
    if (alike)
    {
        check((int)pread(*fd, tail, PAGE, status.st_size - PAGE), "pread");
        check(status.st_uid == geteuid() ? 0 : -1, "owner");
    }

    check(memcmp(head, magic, sizeof magic - 1) == 0 ? 0 : -1, "magic");
    *size = status.st_size;
    return map(*fd, status.st_size);
}

static void attach_all(Request request, int alike)
{
    for (long i = 0; i < request.count; i++)
    {
        int fd;
        int64_t size;
        void* memory = attach_one(request, alike, &fd, &size);
        munmap(memory, (size_t)size);
        if (alike)
        {
            unmark(fd);
        }

        close(fd);
    }
}

/* No more than it takes. */
void attach(Request request)
{
    attach_all(request, 0);
}

/* The library's calls: the mark "in use", and the control page. */
void attach_alike(Request request)
{
    attach_all(request, 1);
}

/* So many attachments at the same time; the number says how many. */
void attach_many(Request request)
{
    struct { void* memory; int64_t size; int fd; }* all = calloc((size_t)request.number, sizeof *all);
    for (long i = 0; i < request.count; i++)
    {
        for (long n = 0; n < request.number; n++)
        {
            all[n].memory = attach_one(request, 1, &all[n].fd, &all[n].size);
        }

        for (long n = 0; n < request.number; n++)
        {
            munmap(all[n].memory, (size_t)all[n].size);
            unmark(all[n].fd);
            close(all[n].fd);
        }
    }

    free(all);
}

/* Tells whether a file's first page is that of an array. */
static int look(int folder, const char* name)
{
    char head[PAGE];
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    check(fd, "openat");
    int found = pread(fd, head, PAGE, 0) == PAGE && memcmp(head, magic, sizeof magic - 1) == 0;
    close(fd);
    return found;
}

static void list_all(Request request, int (*of)(int folder, const char* name))
{
    volatile long found = 0;
    for (long i = 0; i < request.count; i++)
    {
        DIR* folder = opendir(request.path);
        check(folder == NULL ? -1 : 0, "opendir");
        for (struct dirent* entry; (entry = readdir(folder)) != NULL;)
        {
            if (entry->d_type == DT_REG)
            {
                found += of(dirfd(folder), entry->d_name);
            }
        }

        closedir(folder);
    }
}

/* No more than it takes. */
void list(Request request)
{
    list_all(request, look);
}

static int probe_all(int folder, const char* name)
{
    return probe(folder, name, 1);
}

/* The library's calls, which also tell size, owner, times and whether it is in use. */
void list_alike(Request request)
{
    list_all(request, probe_all);
}
