/*
 * A program that takes part in the reader-writer lock of an array of 64-bit integers by the rules of docs/FORMAT.md alone.
 *
 *     peer PATH mix N       reads or adds one to all elements, N times; prints the numbers of reads and writes, and of torn states
 *     peer PATH read|write  enters, prints INSIDE or ABANDONED, and leaves after a line
 *     peer PATH repair      enters to repair, prints REPAIRED or WHOLE, and leaves
 */
#define _GNU_SOURCE
#include "rwlock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE = 4096, SLOTS_AT = 256, LOCK_AT = 128, LIMIT_MS = 60000 };

static const uint64_t page_word = 0x01024D4853500002u;
static volatile int64_t* elements;
static long count;

/* Elements in one dimension. The page is at the next multiple of 4,096 bytes behind them, and is made if it does not exist. */
static char* map_page(int file)
{
    char head[129] = "";
    struct stat status;
    if (pread(file, head, 128, 0) != 128 || fstat(file, &status) < 0)
    {
        return NULL;
    }

    long start = 10 + (unsigned char)head[8] + 256 * (unsigned char)head[9];
    count = atol(strstr(head + 10, "'shape': (") + 10);
    long place = (start + 8 * count + PAGE - 1) / PAGE * PAGE;
    if (status.st_size < place + PAGE && fallocate(file, 0, place, PAGE) < 0)
    {
        return NULL;
    }

    char* memory = mmap(NULL, (size_t)(place + PAGE), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    uint64_t none = 0;
    elements = (volatile int64_t*)(void*)(memory + start);
    __atomic_compare_exchange_n((uint64_t*)(void*)(memory + place), &none, page_word, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return none == 0 || none == page_word ? memory + place : NULL;
}

static int is_torn(void)
{
    int64_t first = elements[0];
    for (long i = 1; i < count; i++)
    {
        if (elements[i] != first)
        {
            return 1;
        }
    }

    return 0;
}

static void write_all(void)
{
    int64_t next = elements[0] + 1;
    for (long i = 0; i < count; i++)
    {
        elements[i] = next;
    }
}

static int mix(RwLock* lock, RwParty* me, int rounds)
{
    int reads = 0, writes = 0, torn = 0;
    for (int i = 0; i < rounds; i++)
    {
        if (i % 5 != 0)
        {
            if (rw_enter_read(lock, me, rw_now() + LIMIT_MS) != RW_ENTERED)
            {
                return 3;
            }

            torn += is_torn();
            rw_leave_read(lock, me);
            reads++;
        }
        else
        {
            if (rw_enter_write(lock, me, rw_now() + LIMIT_MS, 0) != RW_ENTERED)
            {
                return 4;
            }

            torn += is_torn();
            write_all();
            rw_leave_write(lock, 1);
            writes++;
        }
    }

    printf("%d %d %d\n", reads, writes, torn);
    return 0;
}

int main(int argc, char** argv)
{
    (void)argc;
    RwParty me = { .fd = open(argv[1], O_RDWR | O_CLOEXEC) };
    char* page = me.fd < 0 ? NULL : map_page(me.fd);
    if (page == NULL)
    {
        return 2;
    }

    RwLock* lock = (RwLock*)(void*)(page + LOCK_AT);
    me.slots = (_Atomic uint32_t*)(void*)(page + SLOTS_AT);
    if (rw_join(&me) < 0)
    {
        return 2;
    }

    if (strcmp(argv[2], "mix") == 0)
    {
        return mix(lock, &me, atoi(argv[3]));
    }

    int reads = strcmp(argv[2], "read") == 0, repairs = strcmp(argv[2], "repair") == 0;
    enum RwResult result = reads ? rw_enter_read(lock, &me, rw_now() + LIMIT_MS) : rw_enter_write(lock, &me, rw_now() + LIMIT_MS, repairs);
    if (result == RW_TIMEOUT || result == RW_TOO_MANY)
    {
        return 3;
    }

    if (repairs)
    {
        write_all();
        puts(result == RW_WAS_ABANDONED ? "REPAIRED" : "WHOLE");
    }
    else if (result == RW_WAS_ABANDONED)
    {
        puts("ABANDONED");
        return 0;
    }
    else
    {
        if (!reads)
        {
            elements[0]++;
        }

        puts("INSIDE");
        fflush(stdout);
        (void)!getchar();
        if (!reads)
        {
            write_all();
        }
    }

    if (reads)
    {
        rw_leave_read(lock, &me);
    }
    else
    {
        rw_leave_write(lock, 1);
    }

    return 0;
}
