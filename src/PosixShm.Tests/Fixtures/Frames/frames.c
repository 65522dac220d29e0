/*
 * A writer and a reader of streams of frames in C, written from docs/FORMAT.md alone. The elements are 64-bit words.
 *
 *     frames write PATH SLOTS WORDS COUNT [half]   COUNT frames; with "half", half of a further one, and then it waits to be killed
 *     frames read PATH SLOTS WORDS COUNT           COUNT frames in order, asleep between them
 *
 * Prints READY and the number of the newest frame, reads a line, and works. A reader prints the numbers received and missed at the end.
 * Word i of frame n is n * 0x9E3779B97F4A7C15 + i.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define UNIT 4096
#define WORD 0x01024D4853500002u

static int file;
static _Atomic uint32_t* generations;
static struct
{
    _Atomic uint64_t head;
    _Atomic uint64_t reserved;
    _Atomic uint32_t owner;
    _Atomic uint32_t sleepers;
}* line;
static uint64_t* frames;
static uint64_t slots;
static uint64_t words;
static uint32_t me;

static long futex(_Atomic uint32_t* word, int operation, uint32_t value)
{
    struct timespec limit = { .tv_nsec = 50000000 };
    return syscall(SYS_futex, word, operation, value, operation == FUTEX_WAIT ? &limit : NULL, NULL, 0);
}

static int locks(int command, short kind, uint32_t slot)
{
    struct flock lock = { .l_type = kind, .l_whence = SEEK_SET, .l_start = (1L << 62) + slot, .l_len = 1 };
    return fcntl(file, command, &lock) < 0 ? -1 : lock.l_type;
}

static int is_alive(uint32_t owner)
{
    uint32_t slot = owner & 0x1FF;
    return slot >= 1 && slot <= 448 && (atomic_load(&generations[slot - 1]) & 0x1FFFFF) == owner >> 9
        && locks(F_OFD_GETLK, F_RDLCK, slot) == F_WRLCK;
}

static void acquire_slot(void)
{
    for (uint32_t slot = 1; slot <= 448 && me == 0; slot++)
    {
        if (locks(F_OFD_SETLK, F_WRLCK, slot) >= 0)
        {
            uint32_t generation = (atomic_load(&generations[slot - 1]) + 1) & 0x1FFFFF;
            atomic_store(&generations[slot - 1], generation);
            me = slot | generation << 9;
        }
    }
}

static void attach(const char* path)
{
    file = open(path, O_RDWR | O_CLOEXEC);
    uint16_t header;
    if (file < 0 || pread(file, &header, sizeof header, 8) != sizeof header)
    {
        perror(path);
        exit(2);
    }

    long first = 10 + header;
    long page = (first + (long)(slots * words * 8) + UNIT - 1) / UNIT * UNIT;
    char* map = mmap(NULL, (size_t)page + UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (map == MAP_FAILED || *(uint64_t*)(void*)(map + page) != WORD)
    {
        fprintf(stderr, "%s has no control page\n", path);
        exit(2);
    }

    frames = (void*)(map + first);
    line = (void*)(map + page + 64);
    generations = (void*)(map + page + 256);
}

static uint64_t* slot_of(uint64_t number) { return frames + number % slots * words; }

static uint64_t word_of(uint64_t number, uint64_t i) { return number * 0x9E3779B97F4A7C15u + i; }

static uint64_t ready(void)
{
    uint64_t newest = atomic_load(&line->head);
    printf("READY %lu\n", newest);
    fflush(stdout);
    return getchar() == EOF ? exit(3), 0 : newest;
}

static int write_frames(uint64_t count, int half)
{
    acquire_slot();
    uint32_t seen = atomic_load(&line->owner);
    do
    {
        if (seen != 0 && is_alive(seen))
        {
            puts("BUSY");
            return 1;
        }
    } while (!atomic_compare_exchange_strong(&line->owner, &seen, me));

    futex(&line->sleepers, FUTEX_WAKE, INT_MAX);
    uint64_t number = ready();
    for (uint64_t left = count + (half != 0); left > 0; left--)
    {
        atomic_store_explicit(&line->reserved, ++number, memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
        for (uint64_t i = 0; i < words; i++)
        {
            if (half && left == 1 && i == words / 2)
            {
                puts("HALF");
                fflush(stdout);
                pause();
            }

            slot_of(number)[i] = word_of(number, i);
        }

        atomic_exchange(&line->head, number);
        if (atomic_load(&line->sleepers) & 1)
        {
            atomic_fetch_add(&line->sleepers, 1);
            futex(&line->sleepers, FUTEX_WAKE, INT_MAX);
        }
    }

    atomic_compare_exchange_strong(&line->owner, &me, 0);
    return 0;
}

static int is_whole(uint64_t number)
{
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&line->reserved, memory_order_relaxed) - number < slots;
}

static int read_frames(uint64_t count)
{
    uint64_t* copy = malloc(words * 8);
    uint64_t next = ready() + 1, received = 0, missed = 0;
    while (received < count)
    {
        uint64_t head = atomic_load_explicit(&line->head, memory_order_acquire);
        if (next > head)
        {
            uint32_t marked = atomic_fetch_or(&line->sleepers, 1) | 1;
            if (atomic_load(&line->head) < next)
            {
                futex(&line->sleepers, FUTEX_WAIT, marked);
            }

            continue;
        }

        if (atomic_load(&line->reserved) - next >= slots)
        {
            uint64_t back = (slots - 2) / 2, to = head > back ? head - back : 1;
            missed += to - next;
            next = to;
        }

        memcpy(copy, slot_of(next), words * 8);
        int whole = is_whole(next);
        for (uint64_t i = 0; whole && i < words; i++)
        {
            if (copy[i] != word_of(next, i))
            {
                printf("TORN %lu\n", next);
                return 1;
            }
        }

        received += (uint64_t)whole;
        missed += (uint64_t)!whole;
        next++;
    }

    printf("RECEIVED %lu MISSED %lu\n", received, missed);
    return 0;
}

int main(int argc, char** argv)
{
    if (argc < 6)
    {
        return 2;
    }

    slots = strtoul(argv[3], NULL, 10);
    words = strtoul(argv[4], NULL, 10);
    attach(argv[2]);
    uint64_t count = strtoul(argv[5], NULL, 10);
    return strcmp(argv[1], "write") == 0 ? write_frames(count, argc > 6) : read_frames(count);
}
