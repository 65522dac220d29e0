/*
 * A writer or a reader of snapshots, for the tests. All elements of a publication are one number, which grows with each publication.
 *
 *     peer PATH STATISTICS write SEED     publishes until it dies: at a random step, or killed
 *     peer PATH STATISTICS read           reads until the word "stop" of the statistics is not 0, or once with "read-once"
 *     peer PATH STATISTICS hold           begins a publication, prints HELD, and ends it after a line
 *
 * STATISTICS is an array of counters; see SnapshotStorm.cs.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>

static int fail_at;
static void failpoint(int step);
#define SNAP_FAILPOINT(step) failpoint(step)
#include "snapshot.h"

enum { STOP, PUBLISHED, DIED_INSIDE, COPIES, ABANDONED, TORN, BACK, LATE, READY };

static _Atomic int64_t* counts;

static void failpoint(int step)
{
    if (step == fail_at)
    {
        counts[DIED_INSIDE] += step != 4;
        kill(getpid(), SIGKILL);
    }
}

static int write_all(const Snap* s, int64_t* elements, unsigned seed)
{
    counts[READY]++;
    for (;;)
    {
        uint64_t mine;
        fail_at = rand_r(&seed) % 100 == 0 ? 1 + rand_r(&seed) % 5 : 0;
        int64_t value = elements[0] + 1;
        if (snap_begin(s, 1, &mine) != SNAP_DONE)
        {
            return 5;
        }

        for (long i = 0; i < s->count; i++)
        {
            if (i == s->count / 2)
            {
                failpoint(5);
            }

            __atomic_store_n(&elements[i], value, __ATOMIC_RELAXED);
        }

        if (!snap_end(s, mine))
        {
            return 6;
        }

        counts[PUBLISHED]++;
        if (rand_r(&seed) % 4 == 0)
        {
            nanosleep(&(struct timespec){ 0, 20000 }, NULL);
        }
    }
}

static int read_all(const Snap* s, const int64_t* elements, int is_once)
{
    int64_t* copy = malloc((size_t)s->count * 8);
    uint64_t number = 0, last = 0;
    int64_t value = 0;
    counts[READY]++;
    while (copy != NULL && !counts[STOP])
    {
        enum SnapResult result = snap_read(s, elements, copy, 20, &number);
        if (is_once)
        {
            printf("%s %llu %lld\n", result == SNAP_DONE ? "DONE" : result == SNAP_ABANDONED ? "ABANDONED" : "LATE",
                   (unsigned long long)number, (long long)copy[s->count - 1]);
            return 0;
        }

        if (result == SNAP_DONE)
        {
            int is_torn = 0;
            for (long i = 1; i < s->count; i++)
            {
                is_torn |= copy[i] != copy[0];
            }

            counts[TORN] += is_torn || (number == last && copy[0] != value && last != 0);
            counts[BACK] += number < last || copy[0] < value;
            last = number;
            value = copy[0];
            counts[COPIES]++;
        }
        else
        {
            counts[result == SNAP_ABANDONED ? ABANDONED : LATE]++;
            nanosleep(&(struct timespec){ 0, 200000 }, NULL);
        }
    }

    free(copy);
    return 0;
}

int main(int argc, char** argv)
{
    Snap s, statistics;
    int writes = argc > 3 && (argv[3][0] == 'w' || argv[3][0] == 'h');
    long start = argc > 3 ? snap_attach(&s, argv[1], writes) : -1;
    long first = start < 0 ? -1 : snap_attach(&statistics, argv[2], 1);
    if (first < 0)
    {
        return 2;
    }

    counts = (_Atomic int64_t*)(void*)snap_elements(&statistics, first);
    int64_t* elements = snap_elements(&s, start);
    if (argv[3][0] == 'h')
    {
        uint64_t mine;
        if (snap_begin(&s, 1, &mine) != SNAP_DONE)
        {
            return 5;
        }

        puts("HELD");
        fflush(stdout);
        getchar();
        for (long i = 0; i < s.count; i++)
        {
            elements[i] = 42;
        }

        return snap_end(&s, mine) ? 0 : 6;
    }

    return writes ? write_all(&s, elements, (unsigned)atoi(argv[4])) : read_all(&s, elements, strcmp(argv[3], "read") != 0);
}
