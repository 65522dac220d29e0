#include "posixshm_internal.h"

#ifdef POSIXSHM_FAILPOINTS

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

#else

/* ISO C wants a declaration in every file. */
typedef int posixshm_no_failpoints;

#endif
