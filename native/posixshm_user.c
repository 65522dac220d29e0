#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

int32_t PosixShm_GetUserName(uint32_t user, char* buffer, int32_t size)
{
    struct passwd entry;
    struct passwd* found;
    int error;
    do
    {
        error = getpwuid_r(user, &entry, buffer, (size_t)size, &found);
    } while (error == EINTR);

    if (error != 0)
    {
        errno = error;
        return -1;
    }

    if (found == NULL)
    {
        return 0;
    }

    size_t length = strlen(entry.pw_name);
    memmove(buffer, entry.pw_name, length + 1);
    return (int32_t)length;
}
