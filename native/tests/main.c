#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char* name_prefix;

static void* library;
static int checks;

void* find(const char* name)
{
    void* function = dlsym(library, name);
    if (function == NULL)
    {
        printf("FAILED: the shim does not export %s\n", name);
        exit(1);
    }

    return function;
}

void check(bool holds, const char* what, const char* file, int line)
{
    checks++;
    if (!holds)
    {
        printf("FAILED: %s:%d: %s (errno %d: %s)\n", file, line, what, errno, strerror(errno));
        exit(1);
    }
}

const char* path_of(const char* suffix)
{
    static char paths[2][256];
    static int next;
    next = !next;
    snprintf(paths[next], sizeof paths[next], "/dev/shm/%s-%s", name_prefix, suffix);
    return paths[next];
}

void finish_child(int process)
{
    int status;
    CHECK(waitpid(process, &status, 0) == process);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void check_process(void)
{
    CHECK(SHIM(GetEffectiveUser)() == geteuid());
    CHECK(SHIM(IsSecureExecution)() == 0);
    CHECK(SHIM(ConvertErrno)(ENOENT) == PAL_ENOENT);
    CHECK(SHIM(ConvertErrno)(12345) == PAL_ENONSTANDARD);
}

int main(int argc, char** argv)
{
    if (argc != 3)
    {
        fprintf(stderr, "usage: %s LIBRARY NAME_PREFIX\n", argv[0]);
        return 2;
    }

    /* A wait that does not end fails. */
    alarm(120);
    setvbuf(stdout, NULL, _IOLBF, 0);
    name_prefix = argv[2];
    library = dlopen(argv[1], RTLD_NOW);
    if (library == NULL)
    {
        printf("FAILED: %s\n", dlerror());
        return 1;
    }

    check_process();
    check_files();
    check_locks();
    check_mappings();
    check_futexes();
    check_watches();
    check_threads();
    check_semaphores();
    check_guard();
    printf("ok: %d checks\n", checks);
    return 0;
}
