#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef STATX_BTIME
#include <linux/stat.h>
#endif

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

#define OWNER_READ_WRITE 0600

OLD_VERSION(shm_open);
OLD_VERSION(shm_unlink);

int posixshm_open_flags(int32_t flags)
{
    int native = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    native |= (flags & PAL_O_RDWR) ? O_RDWR : O_RDONLY;
    native |= (flags & PAL_O_CREAT) ? O_CREAT | O_EXCL : 0;
    native |= (flags & PAL_O_FOLLOW) ? 0 : O_NOFOLLOW;
    return native;
}

static int is_refused(const char* path, int32_t flags)
{
    (void)path; /* used in the build with failpoints only */
    (void)flags;
    return FAULT((flags & PAL_O_CREAT) && strstr(path, ".posixshm-") != NULL ? "create-own" : "open");
}

intptr_t PosixShm_Open(const char* path, int32_t flags)
{
    int fd;
    RETRY(fd, is_refused(path, flags) ? -1 : open(path, posixshm_open_flags(flags), OWNER_READ_WRITE));
    FAILPOINT("open");
    return fd;
}

intptr_t PosixShm_ShmOpen(const char* name, int32_t flags)
{
    int fd;
    RETRY(fd, is_refused(name, flags) ? -1 : shm_open(name, posixshm_open_flags(flags), OWNER_READ_WRITE));
    FAILPOINT("open");
    if (fd < 0 && errno == EINVAL)
    {
        errno = EISDIR; /* what glibc makes of a directory */
    }

    return fd;
}

int32_t PosixShm_ShmUnlink(const char* name)
{
    return shm_unlink(name);
}

intptr_t PosixShm_OpenUnnamed(const char* directory)
{
    if (FAULT("open-unnamed"))
    {
        return -1;
    }

    int fd;
    RETRY(fd, open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, OWNER_READ_WRITE));
    FAILPOINT("open-unnamed");
    return fd;
}

int32_t PosixShm_LinkEmptyPath(intptr_t fd, const char* path)
{
    FAILPOINT("before-link");
    int result = FAULT("link-empty-path") ? -1 : linkat((int)fd, "", AT_FDCWD, path, AT_EMPTY_PATH);
    if (result == 0)
    {
        FAILPOINT("after-link");
    }

    return result;
}

int32_t PosixShm_LinkThroughProc(intptr_t fd, const char* path)
{
    char from[32];
    snprintf(from, sizeof from, "/proc/self/fd/%d", (int)fd);
    int result = FAULT("link-through-proc") ? -1 : linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
    if (result == 0)
    {
        FAILPOINT("after-link");
    }

    return result;
}

int32_t PosixShm_Link(const char* from, const char* to)
{
    return FAULT("link") ? -1 : link(from, to);
}

int32_t PosixShm_RenameNew(const char* from, const char* to)
{
    /* The plain system call: musl before 1.2.5 has no wrapper. */
    FAILPOINT("before-rename");
    int32_t result = FAULT("rename") ? -1 : (int32_t)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    FAILPOINT("after-rename");
    return result;
}

int32_t PosixShm_Rename(const char* from, const char* to)
{
    FAILPOINT("before-replace");
    int result = rename(from, to);
    FAILPOINT("after-replace");
    return result;
}

intptr_t PosixShm_CreateAnonymous(const char* label)
{
    return FAULT("memfd") ? -1 : memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int32_t PosixShm_SealSize(intptr_t fd)
{
    return fcntl((int)fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

int32_t PosixShm_SetInheritable(intptr_t fd, int32_t inheritable)
{
    return fcntl((int)fd, F_SETFD, inheritable ? 0 : FD_CLOEXEC);
}

int32_t PosixShm_IsInheritable(intptr_t fd)
{
    int flags = fcntl((int)fd, F_GETFD);
    return flags < 0 ? -1 : (flags & FD_CLOEXEC) == 0;
}

int32_t PosixShm_Unlink(const char* path)
{
    return unlink(path);
}

static uint32_t file_type(unsigned mode)
{
    switch (mode & S_IFMT)
    {
        case S_IFREG:  return PAL_TYPE_REGULAR;
        case S_IFDIR:  return PAL_TYPE_DIRECTORY;
        case S_IFLNK:  return PAL_TYPE_SYMLINK;
        case S_IFIFO:  return PAL_TYPE_FIFO;
        case S_IFSOCK: return PAL_TYPE_SOCKET;
        case S_IFCHR:
        case S_IFBLK:  return PAL_TYPE_DEVICE;
        default:       return PAL_TYPE_OTHER;
    }
}

static int64_t nanoseconds(struct statx_timestamp time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int32_t posixshm_status(int directory, const char* path, int flags, PosixShmStatus* status)
{
    /*
     * statx rather than fstat: it gives the time of birth, and fstat would bind us to glibc 2.33. The plain system call: musl before
     * 1.2.4 has no wrapper.
     */
    struct statx native;
    if (syscall(SYS_statx, directory, path, flags, STATX_BASIC_STATS | STATX_BTIME, &native) < 0)
    {
        return -1;
    }

    status->size = (int64_t)native.stx_size;
    status->device = makedev(native.stx_dev_major, native.stx_dev_minor);
    status->inode = native.stx_ino;
    status->modified = nanoseconds(native.stx_mtime);
    status->born = (native.stx_mask & STATX_BTIME) ? nanoseconds(native.stx_btime) : 0;
    status->type = file_type(native.stx_mode);
    status->permissions = native.stx_mode & 07777u;
    status->owner = native.stx_uid;
    status->group = native.stx_gid;
    status->links = native.stx_nlink;
    status->reserved = 0;
    return 0;
}

int32_t PosixShm_FStat(intptr_t fd, PosixShmStatus* status)
{
    return posixshm_status((int)fd, "", AT_EMPTY_PATH, status);
}

int32_t PosixShm_Stat(const char* path, int32_t follow, PosixShmStatus* status)
{
    return posixshm_status(AT_FDCWD, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, status);
}

int32_t PosixShm_IsOwner(intptr_t fd)
{
    /* The kernel compares its own ids: an id that this user namespace does not map is the same number for all of them. */
    int flags = fcntl((int)fd, F_GETFL);
    int result = flags < 0 ? -1 : fcntl((int)fd, F_SETFL, flags | O_NOATIME);
    if (result < 0)
    {
        return errno == EPERM ? 0 : -1;
    }

    return 1;
}

int32_t PosixShm_FChOwn(intptr_t fd, uint32_t owner, uint32_t group)
{
    return FAULT("chown") ? -1 : fchown((int)fd, (uid_t)owner, (gid_t)group);
}

int32_t PosixShm_CopyAccessList(intptr_t from, intptr_t to)
{
    static const char name[] = "system.posix_acl_access";
    char list[16384];
    ssize_t length = FAULT("acl") ? -1 : fgetxattr((int)from, name, list, sizeof list);
    if (length >= 0)
    {
        return fsetxattr((int)to, name, list, (size_t)length, 0);
    }

    /* A new file of a directory with a default list has one of its own. */
    int is_none = errno == ENODATA || errno == EOPNOTSUPP || errno == ENOSYS;
    int result = is_none ? fremovexattr((int)to, name) : -1;
    return result == 0 || (is_none && (errno == ENODATA || errno == EOPNOTSUPP || errno == ENOSYS)) ? 0 : -1;
}

int32_t PosixShm_FChMod(intptr_t fd, uint32_t permissions)
{
    int result = FAULT("chmod") ? -1 : fchmod((int)fd, (mode_t)permissions);
    FAILPOINT("chmod");
    return result;
}

static void on_size_limit(int signal_number)
{
    (void)signal_number; /* the call that exceeded the limit fails with EFBIG, which is all that there is to say */
}

/*
 * A handler, and not SIG_IGN, which programs that this process starts would inherit. Once for the process: to hold the
 * signal back at each call would be two more system calls for each. A program's own action stays.
 */
void posixshm_survive_size_limit(void)
{
    static atomic_int done;
    struct sigaction action;
    if (!atomic_load_explicit(&done, memory_order_acquire))
    {
        if (sigaction(SIGXFSZ, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
        {
            action.sa_handler = on_size_limit;
            action.sa_flags = SA_RESTART;
            sigaction(SIGXFSZ, &action, NULL);
        }

        atomic_store_explicit(&done, 1, memory_order_release);
    }
}

int32_t PosixShm_FTruncate(intptr_t fd, int64_t length)
{
    posixshm_survive_size_limit();
    int result;
    RETRY(result, ftruncate((int)fd, (off_t)length));
    FAILPOINT("truncate");
    return result;
}

int32_t PosixShm_Allocate(intptr_t fd, int64_t offset, int64_t length)
{
    posixshm_survive_size_limit();
    int result;
    FAILPOINT("before-allocate");
    RETRY(result, FAULT("allocate") ? -1 : fallocate((int)fd, 0, (off_t)offset, (off_t)length));
    FAILPOINT("allocate");
    return result;
}

int32_t PosixShm_WriteZero(intptr_t fd, int64_t offset)
{
    posixshm_survive_size_limit();
    ssize_t result;
    RETRY(result, FAULT("write-zero") ? -1 : pwrite((int)fd, "", 1, (off_t)offset));
    FAILPOINT("write-zero");
    return result == 1 ? 0 : -1;
}

int64_t PosixShm_PRead(intptr_t fd, void* buffer, int64_t length, int64_t offset)
{
    ssize_t result;
    RETRY(result, pread((int)fd, buffer, (size_t)length, (off_t)offset));
    return result;
}

int64_t PosixShm_PWrite(intptr_t fd, const void* buffer, int64_t length, int64_t offset)
{
    posixshm_survive_size_limit();
    ssize_t result;
    RETRY(result, FAULT("write") ? -1 : pwrite((int)fd, buffer, (size_t)length, (off_t)offset));
    FAILPOINT(offset == 0 ? "write-head" : "write-tail");
    return result;
}

int32_t PosixShm_FSync(intptr_t fd)
{
    int result;
    RETRY(result, FAULT("fsync") ? -1 : fsync((int)fd));
    return result;
}

int32_t PosixShm_GetFreeSpace(const char* path, int64_t* bytes, int64_t* files, int32_t* is_memory)
{
    struct statfs native;
    int result;
    RETRY(result, statfs(path, &native));
    if (result == 0)
    {
        *bytes = (int64_t)native.f_bavail * (int64_t)(native.f_frsize != 0 ? native.f_frsize : native.f_bsize);
        *files = (int64_t)native.f_ffree;
        *is_memory = native.f_type == TMPFS_MAGIC || native.f_type == RAMFS_MAGIC;
    }

    return result;
}

uint32_t PosixShm_GetEffectiveUser(void)
{
    return geteuid();
}
