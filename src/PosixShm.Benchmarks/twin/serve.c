#define _GNU_SOURCE
#include "twin.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

static int replied;

void fail(const char* call)
{
    perror(call);
    exit(1);
}

void check(long result, const char* call)
{
    if (result < 0)
    {
        fail(call);
    }
}

int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void reply(int64_t number)
{
    printf("%lld ", (long long)number);
    replied = 1;
}

static void answer(const Operation* operations, const char* name, Request request)
{
    for (; operations->name != NULL; operations++)
    {
        if (strcmp(operations->name, name) == 0)
        {
            replied = 0;
            int64_t start = now();
            operations->run(request);
            int64_t took = now() - start;
            if (!replied)
            {
                reply(took);
            }

            printf("\n");
            fflush(stdout);
            return;
        }
    }

    fprintf(stderr, "twin: no operation '%s'\n", name);
    exit(2);
}

int serve(const Operation* operations, int count, char** arguments)
{
    if (count > 3)
    {
        answer(operations, arguments[1], (Request){ atol(arguments[2]), arguments[3], count > 4 ? atol(arguments[4]) : 0 });
        return 0;
    }

    /* A process that waits for another one must not outlive a benchmark that was killed. */
    check(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
    char line[512];
    while (fgets(line, sizeof line, stdin) != NULL)
    {
        char operation[32], path[256] = "";
        Request request = { 0, path, 0 };
        if (sscanf(line, "%31s %ld %255s %ld", operation, &request.count, path, &request.number) < 2)
        {
            fprintf(stderr, "twin: not a request: %s", line);
            return 2;
        }

        answer(operations, operation, request);
    }

    return 0;
}
