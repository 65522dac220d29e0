#include "posixshm_internal.h"

#ifdef POSIXSHM_FAILPOINTS

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void posixshm_failpoint(const char* step)
{
    const char* chosen = getenv("POSIXSHM_FAILPOINT");
    if (chosen != NULL && strcmp(chosen, step) == 0)
    {
        raise(SIGKILL);
    }
}

bool posixshm_fault(const char* step)
{
    size_t length = strlen(step);
    for (const char* entry = getenv("POSIXSHM_FAULT"); entry != NULL; entry = strchr(entry, ','))
    {
        entry += *entry == ',' ? 1 : 0;
        if (strncmp(entry, step, length) == 0 && entry[length] == ':')
        {
            errno = atoi(entry + length + 1);
            return true;
        }
    }

    return false;
}

#else

/* ISO C wants a declaration in every file. */
typedef int posixshm_no_failpoints;

#endif
