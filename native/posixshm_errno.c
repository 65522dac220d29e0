#include "posixshm.h"

#include <errno.h>

int32_t PosixShm_ConvertErrno(int32_t platformErrno)
{
    switch (platformErrno)
    {
        case 0:            return PAL_SUCCESS;
        case EACCES:       return PAL_EACCES;
        case EAGAIN:       return PAL_EAGAIN;
        case EDQUOT:       return PAL_EDQUOT;
        case EEXIST:       return PAL_EEXIST;
        case EFAULT:       return PAL_EFAULT;
        case EFBIG:        return PAL_EFBIG;
        case EINVAL:       return PAL_EINVAL;
        case EISDIR:       return PAL_EISDIR;
        case ELOOP:        return PAL_ELOOP;
        case EMFILE:       return PAL_EMFILE;
        case ENAMETOOLONG: return PAL_ENAMETOOLONG;
        case ENFILE:       return PAL_ENFILE;
        case ENODEV:       return PAL_ENODEV;
        case ENOLCK:       return PAL_ENOLCK;
        case ENOENT:       return PAL_ENOENT;
        case ENOMEM:       return PAL_ENOMEM;
        case ENOSPC:       return PAL_ENOSPC;
        case ENOSYS:       return PAL_ENOSYS;
        case ENOTDIR:      return PAL_ENOTDIR;
        case ENXIO:        return PAL_ENXIO;
        case EOPNOTSUPP:   return PAL_EOPNOTSUPP;
        case EOVERFLOW:    return PAL_EOVERFLOW;
        case EPERM:        return PAL_EPERM;
        case ERANGE:       return PAL_ERANGE;
        case EROFS:        return PAL_EROFS;
        case ETIMEDOUT:    return PAL_ETIMEDOUT;
        case EXDEV:        return PAL_EXDEV;
        default:           return PAL_ENONSTANDARD;
    }
}
