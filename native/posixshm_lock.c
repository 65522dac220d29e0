#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static struct flock one_byte(int64_t offset, short type)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)offset, .l_len = 1 };
    return lock;
}

int32_t PosixShm_LockByte(intptr_t fd, int64_t offset, int32_t kind)
{
    short type = kind == PAL_LOCK_SHARED ? F_RDLCK : F_WRLCK;
    struct flock lock = one_byte(offset, type);
    int result;
    RETRY(result, FAULT("lock") ? -1 : fcntl((int)fd, F_OFD_SETLK, &lock));
    FAILPOINT("lock");

    /* Some file systems return EACCES for a lock that another open file holds; see fcntl(2). */
    if (result < 0 && errno == EACCES)
    {
        errno = EAGAIN;
    }

    return result;
}

int32_t PosixShm_UnlockAll(intptr_t fd)
{
    /* A length of zero reaches to the largest offset there is. */
    struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };
    int result;
    RETRY(result, fcntl((int)fd, F_OFD_SETLK, &all));
    return result;
}

int32_t PosixShm_FindByteLock(intptr_t fd, int64_t offset, int32_t kind)
{
    struct flock lock = one_byte(offset, kind == PAL_LOCK_SHARED ? F_RDLCK : F_WRLCK);
    int result;
    RETRY(result, FAULT("lock-query") ? -1 : fcntl((int)fd, F_OFD_GETLK, &lock));
    if (result < 0)
    {
        return -1;
    }

    int found = lock.l_type == F_RDLCK ? PAL_LOCK_SHARED : PAL_LOCK_EXCLUSIVE;
    return lock.l_type == F_UNLCK ? 0 : found;
}

int32_t PosixShm_TakeLease(intptr_t fd)
{
    /* Without F_SETSIG, an open by another process sends SIGIO, which kills this one. SIGURG is ignored unless handled. */
    int result = FAULT("lease") ? -1 : fcntl((int)fd, F_SETSIG, SIGURG);
    result = result < 0 ? -1 : fcntl((int)fd, F_SETLEASE, F_WRLCK);
    FAILPOINT("lease");
    return result;
}

int32_t PosixShm_EndLease(intptr_t fd)
{
    return fcntl((int)fd, F_SETLEASE, F_UNLCK);
}
