#include "faults.h"

#include <string.h>

enum { MOST_FAILED = 64 };

/* Of the thread that armed them: with the calls of other threads, the numbers would differ from run to run. */
static _Thread_local struct
{
    bool armed;
    bool lasts;
    int error;
    int64_t chosen;
    int64_t calls;
    int failed_count;
    const char* failed[MOST_FAILED];
} faults;

bool posixshm_fails(const char* operation)
{
    if (!faults.armed)
    {
        return false;
    }

    faults.calls++;
    bool fails = faults.chosen > 0 && (faults.lasts ? faults.calls >= faults.chosen : faults.calls == faults.chosen);
    if (fails)
    {
        errno = faults.error;
        faults.failed[faults.failed_count % MOST_FAILED] = operation;
        faults.failed_count++;
    }

    return fails;
}

void PosixShm_ArmFaults(int64_t n, int32_t error, int32_t lasts)
{
    memset(&faults, 0, sizeof faults);
    faults.chosen = n;
    faults.error = error;
    faults.lasts = lasts != 0;
    faults.armed = true;
}

int64_t PosixShm_DisarmFaults(void)
{
    faults.armed = false;
    return faults.calls;
}

int32_t PosixShm_HasFailed(const char* operation)
{
    int count = faults.failed_count < MOST_FAILED ? faults.failed_count : MOST_FAILED;
    for (int i = 0; i < count; i++)
    {
        if (strcmp(faults.failed[i], operation) == 0)
        {
            return 1;
        }
    }

    return 0;
}
