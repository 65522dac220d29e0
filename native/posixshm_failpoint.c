#include "posixshm_internal.h"

#ifdef POSIXSHM_FAILPOINTS

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
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
            char* rest;
            long error = strtol(entry + length + 1, &rest, 10);

            /* "*n": n times, and then no more. One entry at most may have it. */
            static atomic_long failed;
            if (*rest == '*' && atomic_fetch_add(&failed, 1) >= atol(rest + 1))
            {
                return false;
            }

            errno = (int)error;
            return true;
        }
    }

    return false;
}

#else

/* ISO C requires a declaration in every file. */
typedef int posixshm_no_failpoints;

#endif
