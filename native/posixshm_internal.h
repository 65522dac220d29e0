/* Shared by the shim's own files; nothing here is exported. */
#pragma once

#include "posixshm.h"

/* Repeats a call that a signal interrupted. */
#define RETRY(result, call) while (((result) = (call)) < 0 && errno == EINTR)

/*
 * A step at which a test may kill the process, to see what a crash there leaves behind: the build with
 * POSIXSHM_FAILPOINTS dies by SIGKILL at the step that the environment variable POSIXSHM_FAILPOINT names.
 */
#ifdef POSIXSHM_FAILPOINTS
void posixshm_failpoint(const char* step);
#define FAILPOINT(step) posixshm_failpoint(step)
#else
#define FAILPOINT(step) ((void)0)
#endif

int32_t posixshm_status(int directory, const char* path, int flags, PosixShmStatus* status);
