#define _GNU_SOURCE
#include "posixshm_internal.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

void* PosixShm_OpenDirectory(const char* path)
{
    return opendir(path);
}

int32_t PosixShm_ReadDirectory(void* directory, char* names, int32_t size)
{
    int32_t used = 0;
    while (size - used >= PAL_NAME_SIZE)
    {
        errno = 0;
        struct dirent* entry = readdir(directory);
        if (entry == NULL)
        {
            return errno == 0 ? used : -1;
        }

        size_t length = strlen(entry->d_name) + 1;
        if ((entry->d_type == DT_REG || entry->d_type == DT_UNKNOWN) && length <= PAL_NAME_SIZE)
        {
            memcpy(names + used, entry->d_name, length);
            used += (int32_t)length;
        }
    }

    return used;
}

int32_t PosixShm_CloseDirectory(void* directory)
{
    return closedir(directory);
}
