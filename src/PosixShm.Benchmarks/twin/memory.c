#include "twin.h"

#include <stdlib.h>
#include <string.h>

void copy(Request request)
{
    static void* target;
    static int64_t room;
    int64_t size;
    void* source = map_file(request.path, &size);
    if (room < size)
    {
        free(target);
        target = malloc((size_t)size);
        room = size;
        memset(target, 1, (size_t)size);
    }

    for (long i = 0; i < request.count; i++)
    {
        memcpy(target, (char*)source + PAGE, (size_t)request.number);
        __asm__ volatile("" ::: "memory");
    }
}

/* Four sums side by side, so that memory is the limit and not the latency of an addition. */
void sum(Request request)
{
    volatile double result = 0;
    int64_t size;
    const double* elements = (const double*)map_file(request.path, &size) + PAGE / sizeof(double);
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
