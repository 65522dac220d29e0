/*
 * Snapshots in C, from docs/FORMAT.md alone: one writer publishes all elements of an array, and readers copy one publication whole.
 * The elements are of 8 bytes, in one dimension.
 */
#pragma once /* needs _GNU_SOURCE */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef SNAP_FAILPOINT
#define SNAP_FAILPOINT(step) ((void)0)
#endif

#define SNAP_PAGE 4096
#define SNAP_PAGE_WORD 0x01024D4853500002ull
#define SNAP_ONE (1ull << 30)
#define SNAP_OWNER (SNAP_ONE - 1)

typedef struct
{
    int fd;
    long page;     /* its offset in the file */
    long count;    /* elements */
    char* memory;
    uint32_t owner; /* 0: none */
} Snap;

enum SnapResult { SNAP_DONE, SNAP_BUSY, SNAP_ABANDONED, SNAP_LATE };

static inline int snap_lock(const Snap* s, int command, short kind, int slot)
{
    struct flock lock = { .l_type = kind, .l_whence = SEEK_SET, .l_start = (1ll << 62) + slot, .l_len = 1 };
    return fcntl(s->fd, command, &lock) < 0 ? -1 : lock.l_type;
}

static inline _Atomic uint64_t* snap_word(const Snap* s) { return (_Atomic uint64_t*)(void*)(s->memory + s->page + 192); }

static inline _Atomic uint32_t* snap_slot(const Snap* s, int slot)
{
    return (_Atomic uint32_t*)(void*)(s->memory + s->page + 252 + 4 * slot);
}

static inline int64_t* snap_elements(const Snap* s, long start) { return (int64_t*)(void*)(s->memory + start); }

static inline int snap_is_odd(uint64_t word) { return (word & SNAP_ONE) != 0; }

static inline int snap_has_page(const Snap* s)
{
    struct stat status;
    return fstat(s->fd, &status) == 0 && status.st_size >= s->page + SNAP_PAGE
        && atomic_load_explicit((_Atomic uint64_t*)(void*)(s->memory + s->page), memory_order_acquire) == SNAP_PAGE_WORD;
}

/* Maps the array up to the end of its page, which a writer makes. Returns the offset of the elements, or -1. */
static inline long snap_attach(Snap* s, const char* path, int writes)
{
    char head[129] = "";
    s->fd = open(path, (writes ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (s->fd < 0 || pread(s->fd, head, 128, 0) != 128)
    {
        return -1;
    }

    long start = 10 + (unsigned char)head[8] + 256 * (unsigned char)head[9];
    s->count = atol(strstr(head + 10, "'shape': (") + 10);
    s->page = (start + 8 * s->count + SNAP_PAGE - 1) / SNAP_PAGE * SNAP_PAGE;
    s->owner = 0;
    struct stat status;
    if (writes && (fstat(s->fd, &status) < 0 || (status.st_size < s->page + SNAP_PAGE && fallocate(s->fd, 0, s->page, SNAP_PAGE) < 0)))
    {
        return -1;
    }

    s->memory = mmap(NULL, (size_t)(s->page + SNAP_PAGE), writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, s->fd, 0);
    if (s->memory == MAP_FAILED)
    {
        return -1;
    }

    for (int slot = 1; writes && s->owner == 0 && slot <= 448; slot++)
    {
        uint64_t none = 0;
        atomic_compare_exchange_strong((_Atomic uint64_t*)(void*)(s->memory + s->page), &none, SNAP_PAGE_WORD);
        if (snap_lock(s, F_OFD_SETLK, F_WRLCK, slot) >= 0)
        {
            uint32_t generation = (atomic_load(snap_slot(s, slot)) + 1) & 0x1FFFFF;
            atomic_store(snap_slot(s, slot), generation);
            s->owner = (uint32_t)slot | generation << 9;
        }
    }

    return writes && s->owner == 0 ? -1 : start;
}

static inline int snap_is_alive(const Snap* s, uint32_t owner)
{
    int slot = owner & 0x1FF;
    return (owner == s->owner && owner != 0)
        || (slot >= 1 && slot <= 448 && (atomic_load(snap_slot(s, slot)) & 0x1FFFFF) == owner >> 9
            && snap_lock(s, F_OFD_GETLK, F_RDLCK, slot) == F_WRLCK);
}

/* "overwrites": the writer stores every element, and so repairs an incomplete publication. The odd word is given back. */
static inline enum SnapResult snap_begin(const Snap* s, int overwrites, uint64_t* mine)
{
    _Atomic uint64_t* word = snap_word(s);
    uint64_t seen = atomic_load(word);
    do
    {
        if (snap_is_odd(seen))
        {
            if (snap_is_alive(s, (uint32_t)(seen & SNAP_OWNER)))
            {
                return SNAP_BUSY;
            }

            if (!overwrites)
            {
                return SNAP_ABANDONED;
            }
        }

        *mine = ((seen & ~SNAP_OWNER) + (snap_is_odd(seen) ? 2 * SNAP_ONE : SNAP_ONE)) | s->owner;
    }
    while (!atomic_compare_exchange_weak(word, &seen, *mine));

    SNAP_FAILPOINT(1);
    atomic_thread_fence(memory_order_release); /* the word before the elements */
    SNAP_FAILPOINT(2);
    return SNAP_DONE;
}

/* 0: another process overwrote the word. */
static inline int snap_end(const Snap* s, uint64_t mine)
{
    SNAP_FAILPOINT(3);
    int is_ours = atomic_compare_exchange_strong_explicit(snap_word(s), &mine, mine + SNAP_ONE, memory_order_release, memory_order_relaxed);
    SNAP_FAILPOINT(4);
    atomic_fetch_add((_Atomic uint32_t*)(void*)(s->memory + s->page + 2048), 1); /* one change; these programs sleep on nothing */
    return is_ours;
}

static inline uint64_t snap_load(const Snap* s)
{
    return snap_has_page(s) ? atomic_load_explicit(snap_word(s), memory_order_acquire) : 0;
}

static inline enum SnapResult snap_read(const Snap* s, const int64_t* elements, int64_t* copy, int seconds, uint64_t* number)
{
    struct timespec end, now;
    clock_gettime(CLOCK_MONOTONIC, &end);
    for (int looks = 1;; looks++)
    {
        uint64_t before = snap_load(s);
        if (!snap_is_odd(before))
        {
            memcpy(copy, elements, (size_t)s->count * 8);
            atomic_thread_fence(memory_order_acquire); /* the elements before the word */
            if (snap_load(s) == before)
            {
                *number = before >> 31;
                return SNAP_DONE;
            }
        }

        if (looks % 64 == 0)
        {
            if (snap_is_odd(before) && !snap_is_alive(s, (uint32_t)(before & SNAP_OWNER)) && snap_load(s) == before)
            {
                return SNAP_ABANDONED;
            }

            clock_gettime(CLOCK_MONOTONIC, &now);
            if (now.tv_sec - end.tv_sec > seconds)
            {
                return SNAP_LATE;
            }

            nanosleep(&(struct timespec){ 0, 50000 }, NULL);
        }
    }
}
