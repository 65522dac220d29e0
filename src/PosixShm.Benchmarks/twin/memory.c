#include "files.h"
#include "operations.h"

#include <stdlib.h>
#include <string.h>

void copy(Request request)
{
    static void* target;
    static long room;
    const char* source = map_elements(request.path);
    if (room < request.number)
    {
        free(target);
        target = malloc((size_t)request.number);
        room = request.number;
        memset(target, 1, (size_t)room);
    }

    for (long i = 0; i < request.count; i++)
    {
        memcpy(target, source, (size_t)request.number);
        __asm__ volatile("" ::: "memory");
    }
}

/* Several sums side by side, so that memory is the limit and not the latency of an addition. */
void sum(Request request)
{
    volatile double result = 0;
    const double* elements = (const double*)map_elements(request.path);
    long length = request.number / (long)sizeof(double);
    for (long i = 0; i < request.count; i++)
    {
        double sums[16] = { 0 };
        for (long n = 0; n + 16 <= length; n += 16)
        {
            for (int lane = 0; lane < 16; lane++)
            {
                sums[lane] += elements[n + lane];
            }
        }

        for (int lane = 1; lane < 16; lane++)
        {
            sums[0] += sums[lane];
        }

        result += sums[0];
    }
}
