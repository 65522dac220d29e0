/* Checks of a built shim, which the program loads as .NET does: by dlopen, each function by its name. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "../posixshm.h"

#include <stdbool.h>

/* The files and semaphores of this run have names that begin so. */
extern const char* name_prefix;

/* Returns the function of a name, or ends the program. */
void* find(const char* name);

/* The function of the loaded shim, with the type that the header declares. */
#define SHIM(name) ((__typeof__(&PosixShm_##name))find("PosixShm_" #name))

/* Counts a check. Ends the program, with the place and errno, if it failed. */
void check(bool holds, const char* what, const char* file, int line);
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)

/* Checks that a call fails with an error. */
#define CHECK_ERROR(call, failed, error) CHECK((errno = 0, (call) == (failed)) && errno == (error))

/* Returns "/dev/shm/PREFIX-SUFFIX", which stays valid until the second call after this one. */
const char* path_of(const char* suffix);

/* Runs a function in a child process to its good end. */
void finish_child(int process);

void check_files(void);
void check_locks(void);
void check_mappings(void);
void check_guard(void);
void check_futexes(void);
void check_watches(void);
void check_threads(void);
void check_semaphores(void);
