#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_status(intptr_t fd)
{
    struct stat expected;
    PosixShmStatus status;
    CHECK(fstat((int)fd, &expected) == 0);
    memset(&status, 0xFF, sizeof status);
    CHECK(SHIM(FStat)(fd, &status) == 0);
    CHECK(status.size == expected.st_size);
    CHECK(status.device == expected.st_dev && status.inode == expected.st_ino);
    CHECK(status.modified == (int64_t)expected.st_mtim.tv_sec * 1000000000 + expected.st_mtim.tv_nsec);
    CHECK(status.type == PAL_TYPE_REGULAR && status.permissions == 0600);
    CHECK(status.owner == expected.st_uid && status.group == expected.st_gid && status.links == expected.st_nlink);
    CHECK(SHIM(Stat)(path_of("missing"), 0, &status) == -1 && errno == ENOENT);
}

static void check_names(void)
{
    const char* from = path_of("from");
    const char* to = path_of("to");
    intptr_t fd = SHIM(Open)(from, PAL_O_RDWR | PAL_O_CREAT);
    CHECK(fd >= 0);
    CHECK_ERROR(SHIM(Open)(from, PAL_O_RDWR | PAL_O_CREAT), -1, EEXIST);
    CHECK(SHIM(Link)(from, to) == 0);
    CHECK_ERROR(SHIM(RenameNew)(from, to), -1, EEXIST);
    CHECK(SHIM(Unlink)(to) == 0);
    CHECK(SHIM(RenameNew)(from, to) == 0);
    CHECK(SHIM(Rename)(to, from) == 0);
    CHECK(SHIM(Unlink)(from) == 0);
    CHECK(SHIM(Close)(fd, 0) == 0);

    intptr_t unnamed = SHIM(OpenUnnamed)("/dev/shm");
    CHECK(unnamed >= 0);
    CHECK(SHIM(LinkThroughProc)(unnamed, to) == 0);
    CHECK(SHIM(Unlink)(to) == 0);
    CHECK(SHIM(Close)(unnamed, 0) == 0);
}

static void check_object(void)
{
    char name[128];
    snprintf(name, sizeof name, "%s-object", name_prefix);
    intptr_t fd = SHIM(ShmOpen)(name, PAL_O_RDWR | PAL_O_CREAT);
    CHECK(fd >= 0);
    CHECK(access(path_of("object"), F_OK) == 0);
    CHECK(SHIM(PWrite)(fd, "first bytes", 11, 0) == 11);

    PosixShmProbe probe = { .file = -1 };
    CHECK(SHIM(Probe)(NULL, name, PAL_O_RDONLY, 0, PAL_LOCK_NONE, &probe) == 0);
    CHECK(probe.head_length == 11 && memcmp(probe.head, "first bytes", 11) == 0 && probe.locked == 0);
    CHECK(probe.status.size == 11 && probe.status.type == PAL_TYPE_REGULAR);
    CHECK(SHIM(Close)(probe.file, 0) == 0);
    CHECK(SHIM(ShmUnlink)(name) == 0);
    CHECK_ERROR(SHIM(ShmUnlink)(name), -1, ENOENT);
    CHECK(SHIM(Close)(fd, 0) == 0);
}

static void check_anonymous(void)
{
    intptr_t fd = SHIM(CreateAnonymous)("check");
    CHECK(fd >= 0);
    CHECK(SHIM(FTruncate)(fd, 4096) == 0);
    CHECK(SHIM(SealSize)(fd) == 0);
    CHECK_ERROR(SHIM(FTruncate)(fd, 0), -1, EPERM);
    CHECK(SHIM(IsInheritable)(fd) == 0);
    CHECK(SHIM(SetInheritable)(fd, 1) == 0);
    CHECK(SHIM(IsInheritable)(fd) == 1);
    CHECK(SHIM(Close)(fd, 0) == 0);
}

static void check_directory(void)
{
    char names[4 * PAL_NAME_SIZE];
    char wanted[PAL_NAME_SIZE];
    snprintf(wanted, sizeof wanted, "%s-listed", name_prefix);
    intptr_t fd = SHIM(Open)(path_of("listed"), PAL_O_RDWR | PAL_O_CREAT);
    void* directory = SHIM(OpenDirectory)("/dev/shm");
    CHECK(fd >= 0 && directory != NULL);
    bool found = false;
    int32_t length;
    while ((length = SHIM(ReadDirectory)(directory, names, sizeof names)) > 0)
    {
        for (char* name = names; name < names + length; name += strlen(name) + 1)
        {
            found = found || strcmp(name, wanted) == 0;
        }
    }

    CHECK(length == 0 && found);
    CHECK(SHIM(CloseDirectory)(directory) == 0);
    CHECK(SHIM(Unlink)(path_of("listed")) == 0);
    CHECK(SHIM(Close)(fd, 0) == 0);
}

void check_files(void)
{
    intptr_t fd = SHIM(Open)(path_of("file"), PAL_O_RDWR | PAL_O_CREAT);
    CHECK(fd >= 0);
    CHECK(SHIM(Allocate)(fd, 0, 8192) == 0);
    CHECK(SHIM(WriteZero)(fd, 9999) == 0);
    CHECK(SHIM(FChMod)(fd, 0640) == 0 && SHIM(FChMod)(fd, 0600) == 0);
    CHECK(SHIM(IsOwner)(fd) == 1);
    CHECK(SHIM(FSync)(fd) == 0);
    check_status(fd);
    char byte = 1;
    CHECK(SHIM(PRead)(fd, &byte, 1, 9999) == 1 && byte == 0);
    CHECK(SHIM(PRead)(fd, &byte, 1, 10000) == 0);
    CHECK(SHIM(Unlink)(path_of("file")) == 0);
    CHECK(SHIM(Close)(fd, 0) == 0);

    int64_t bytes = 0, files = 0;
    int32_t is_memory = 0;
    CHECK(SHIM(GetFreeSpace)("/dev/shm", &bytes, &files, &is_memory) == 0 && bytes > 0 && is_memory == 1);
    check_names();
    check_object();
    check_anonymous();
    check_directory();
}
