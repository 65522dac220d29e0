/* Shared by the shim's own files; nothing here is exported. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "posixshm.h"


/* Repeats a call that a signal interrupted. */
#define RETRY(result, call) while (((result) = (call)) < 0 && errno == EINTR)

/*
 * Steps at which a test may interfere, in the build with POSIXSHM_FAILPOINTS only: the process dies by SIGKILL at the
 * step that the environment variable POSIXSHM_FAILPOINT names, to see what a crash there leaves behind; and a call fails
 * with the error of POSIXSHM_FAULT, "step:errno,step:errno", to see what a system without that call, or without room, does;
 * "step:errno*n" fails n times and then no more.
 */
#ifdef POSIXSHM_FAILPOINTS
#include <stdbool.h>
void posixshm_failpoint(const char* step);
bool posixshm_fault(const char* step);
#define FAILPOINT(step) posixshm_failpoint(step)
#define FAULT(step) posixshm_fault(step)
#else
#define FAILPOINT(step) ((void)0)
#define FAULT(step) 0
#endif

/*
 * glibc 2.34 moved these from libpthread to libc under a new version. Bound to the old one, the shim also loads on older
 * systems, where a .NET process has libpthread loaded.
 */
#if defined(__GLIBC__) && defined(__x86_64__)
#define OLD_VERSION(name) __asm__(".symver " #name "," #name "@GLIBC_2.2.5")
#elif defined(__GLIBC__) && defined(__aarch64__)
#define OLD_VERSION(name) __asm__(".symver " #name "," #name "@GLIBC_2.17")
#else
#define OLD_VERSION(name) struct posixshm_default_version
#endif

/* The kernel's flags for PAL_O_*. */
int posixshm_open_flags(int32_t flags);

int32_t posixshm_status(int directory, const char* path, int flags, PosixShmStatus* status);

/* Before a call that can exceed RLIMIT_FSIZE: SIGXFSZ would end a .NET process without a word. */
void posixshm_survive_size_limit(void);

/* Pages that replace lost ones of a guarded mapping get at least this protection. */
void posixshm_guard_protection(int32_t* lost, int protection);
