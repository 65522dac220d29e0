/*
 * The reader-writer lock of docs/FORMAT.md in C, for the tests: a second program that takes part in it. It shares no code with the library.
 */
#ifndef RWLOCK_H
#define RWLOCK_H
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum
{
    RW_SLOTS = 448,
    RW_LOOK_MS = 50,   /* the longest sleep between two checks of an owner */
    RW_TURN_MS = 5,    /* the time for which a writer lets overtaken readers go first */
    RW_TRIES = 4,      /* how often a reader is overtaken before it asks for that */
    RW_SPINS = 200
};

#define RW_READER (1u << 21)            /* one reader, in a slot's word: bits 21..31 count them, bits 0..20 are the generation */
#define RW_GENERATION (RW_READER - 1)
#define RW_MOST_READERS 2000u
#define RW_ABANDONED (1u << 30)
#define RW_WAITERS (1u << 31)

typedef struct
{
    _Atomic uint32_t word;     /* 0, or the writer: slot | generation << 9, ABANDONED, WAITERS, as in every lock */
    _Atomic uint32_t inside;   /* not 0: the writer may have begun to write */
    _Atomic uint32_t draining; /* not 0: the writer may be asleep on a slot's word */
    _Atomic uint32_t turn;     /* not 0: readers ask writers to let them go first */
} RwLock;

typedef struct
{
    int fd;                     /* an open file of its own: the kernel drops its byte locks when its process ends */
    _Atomic uint32_t* slots;    /* 448 words in the page */
    uint32_t slot;              /* from 1; 0: none yet */
    uint32_t owner;
} RwParty;

enum RwResult { RW_ENTERED, RW_WAS_ABANDONED, RW_TIMEOUT, RW_TOO_MANY };

static inline long rw_futex(_Atomic uint32_t* word, int operation, uint32_t value, int ms)
{
    struct timespec time = { ms / 1000, (ms % 1000) * 1000000L };
    return syscall(SYS_futex, word, operation, value, operation == FUTEX_WAIT ? &time : NULL, NULL, 0);
}

static inline long rw_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static inline struct flock rw_byte(uint32_t slot, short type)
{
    return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = (1L << 62) + slot, .l_len = 1 };
}

/* A slot: the byte's lock, then a new generation and no readers, in one store. */
static inline int rw_join(RwParty* me)
{
    uint32_t start = (uint32_t)getpid() * 17u;
    for (uint32_t i = 0; i < RW_SLOTS; i++)
    {
        uint32_t slot = 1 + (start + i) % RW_SLOTS;
        struct flock lock = rw_byte(slot, F_WRLCK);
        if (fcntl(me->fd, F_OFD_SETLK, &lock) == 0)
        {
            uint32_t generation = (atomic_load(&me->slots[slot - 1]) + 1) & RW_GENERATION;
            atomic_store(&me->slots[slot - 1], generation);
            me->slot = slot;
            me->owner = slot | generation << 9;
            return 0;
        }
    }

    return -1;
}

/* Only an exclusive lock counts: a neighbour who may only read can take a shared one, and must not make the dead look alive. */
static inline int rw_byte_is_held(RwParty* me, uint32_t slot)
{
    struct flock lock = rw_byte(slot, F_WRLCK);
    return slot == me->slot || (fcntl(me->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK);
}

static inline int rw_is_alive(RwParty* me, uint32_t owner)
{
    uint32_t slot = owner & 511;
    return owner == me->owner
        || (slot >= 1 && slot <= RW_SLOTS && (atomic_load(&me->slots[slot - 1]) & RW_GENERATION) == (owner >> 9 & RW_GENERATION)
            && rw_byte_is_held(me, slot));
}

static inline void rw_wake_all(_Atomic uint32_t* word) { rw_futex(word, FUTEX_WAKE, INT_MAX, 0); }

/* Replaces the word, and wakes all waiters. False: the word has another value. */
static inline int rw_give(RwLock* lock, uint32_t seen, uint32_t next)
{
    if (!atomic_compare_exchange_strong(&lock->word, &seen, next))
    {
        return 0;
    }

    if (seen & RW_WAITERS)
    {
        rw_wake_all(&lock->word);
    }

    return 1;
}

static inline void rw_release(RwLock* lock, uint32_t next)
{
    uint32_t seen = atomic_exchange(&lock->word, next);
    if (seen & RW_WAITERS)
    {
        rw_wake_all(&lock->word);
    }
}

/* What a dead owner left: free, if it had not begun to write or was done; else abandoned. */
static inline void rw_bury(RwLock* lock, uint32_t seen)
{
    int is_suspect = (seen & RW_ABANDONED) || atomic_load(&lock->inside);
    rw_give(lock, seen, is_suspect ? RW_ABANDONED : 0);
}

/* Sleeps until the word changes. True if the owner is to be checked. */
static inline int rw_sleep(RwLock* lock, uint32_t seen, int ms)
{
    uint32_t asleep = seen | RW_WAITERS;
    if (seen != asleep && !atomic_compare_exchange_strong(&lock->word, &seen, asleep))
    {
        return 0;
    }

    long result = rw_futex(&lock->word, FUTEX_WAIT, asleep, ms);
    return result < 0 && errno == ETIMEDOUT;
}

static inline int rw_left(long until) { long left = until - rw_now(); return left > RW_LOOK_MS ? RW_LOOK_MS : left < 0 ? 0 : (int)left; }

static inline void rw_count_out(RwLock* lock, RwParty* me)
{
    _Atomic uint32_t* mine = &me->slots[me->slot - 1];
    atomic_fetch_sub(mine, RW_READER);
    if (atomic_load(&lock->draining))
    {
        rw_wake_all(mine);
    }
}

static inline enum RwResult rw_enter_read_slow(RwLock* lock, RwParty* me, long until)
{
    int tries = 0, looks = 1, asked = 0;
    enum RwResult result;
    for (;;)
    {
        uint32_t seen = atomic_load(&lock->word);
        for (int i = 0; i < RW_SPINS && seen != 0 && (seen & ~(RW_ABANDONED | RW_WAITERS)) != 0; i++)
        {
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
            seen = atomic_load(&lock->word);
        }

        if (seen == 0)
        {
            uint32_t count = atomic_fetch_add(&me->slots[me->slot - 1], RW_READER) / RW_READER;
            if (count < RW_MOST_READERS && atomic_load(&lock->word) == 0)
            {
                result = RW_ENTERED;
                break;
            }

            rw_count_out(lock, me);
            if (count >= RW_MOST_READERS)
            {
                result = RW_TOO_MANY;
                break;
            }

            tries++;
            continue;
        }

        uint32_t owner = seen & ~(RW_ABANDONED | RW_WAITERS);
        if (owner == 0)
        {
            if (seen & RW_WAITERS)
            {
                rw_give(lock, seen, RW_ABANDONED);
            }

            result = RW_WAS_ABANDONED;
            break;
        }

        if (looks && !rw_is_alive(me, owner))
        {
            rw_bury(lock, seen);
            continue;
        }

        int ms = rw_left(until);
        if (ms == 0)
        {
            result = RW_TIMEOUT;
            break;
        }

        if (++tries >= RW_TRIES && atomic_load(&lock->turn) == 0)
        {
            atomic_store(&lock->turn, me->owner);
            asked = 1;
        }

        looks = rw_sleep(lock, seen, ms);
    }

    if (asked)
    {
        atomic_store(&lock->turn, 0);
        rw_wake_all(&lock->turn);
    }

    return result;
}

static inline enum RwResult rw_enter_read(RwLock* lock, RwParty* me, long until)
{
    if (__builtin_expect(atomic_load_explicit(&lock->word, memory_order_relaxed) != 0, 0))
    {
        return rw_enter_read_slow(lock, me, until); /* does not disturb a writer who waits for readers to leave */
    }

    uint32_t before = atomic_fetch_add(&me->slots[me->slot - 1], RW_READER);
    if (__builtin_expect(atomic_load(&lock->word) == 0 && before / RW_READER < RW_MOST_READERS, 1))
    {
        return RW_ENTERED;
    }

    rw_count_out(lock, me);
    return before / RW_READER >= RW_MOST_READERS ? RW_TOO_MANY : rw_enter_read_slow(lock, me, until);
}

static inline void rw_leave_read(RwLock* lock, RwParty* me) { rw_count_out(lock, me); }

/* Whether any slot counts readers: two slots at a time. */
static inline int rw_has_readers(RwParty* me)
{
    const _Atomic uint64_t* pairs = (const _Atomic uint64_t*)(const void*)me->slots;
    uint64_t all = 0;
    atomic_thread_fence(memory_order_seq_cst); /* the word before the slots */
    for (int i = 0; i < RW_SLOTS / 2; i++)
    {
        all |= atomic_load_explicit(&pairs[i], memory_order_relaxed);
    }

    atomic_thread_fence(memory_order_acquire);
    return (all & ~(RW_GENERATION * 0x100000001ull)) != 0;
}

/* Waits until no living party has readers inside. The word is ours, so no new ones come. */
static inline int rw_drain(RwLock* lock, RwParty* me, long until)
{
    if (!rw_has_readers(me))
    {
        return 1;
    }

    for (uint32_t slot = 1; slot <= RW_SLOTS; slot++)
    {
        _Atomic uint32_t* word = &me->slots[slot - 1];
        uint32_t seen;
        for (int i = 0; (seen = atomic_load(word)) >= RW_READER; i++)
        {
            if (i < RW_SPINS)
            {
#if defined(__x86_64__)
                __builtin_ia32_pause();
#endif
                continue;
            }

            /* The word was read before the question: an attachment that acquires the slot meanwhile makes it another one. */
            if (!rw_byte_is_held(me, slot))
            {
                atomic_compare_exchange_strong(word, &seen, seen & RW_GENERATION);
                continue;
            }

            int ms = rw_left(until);
            if (ms == 0)
            {
                atomic_store(&lock->draining, 0);
                return 0;
            }

            atomic_store(&lock->draining, me->owner);
            rw_futex(word, FUTEX_WAIT, seen, ms);
        }
    }

    if (atomic_load(&lock->draining))
    {
        atomic_store(&lock->draining, 0);
    }

    return 1;
}

/* "recovers": enters also an abandoned lock; it stays marked until rw_leave_write with is_whole. */
static inline enum RwResult rw_enter_write(RwLock* lock, RwParty* me, long until, int recovers)
{
    uint32_t turn = atomic_load(&lock->turn);
    if (turn != 0 && rw_futex(&lock->turn, FUTEX_WAIT, turn, RW_TURN_MS) < 0 && errno == ETIMEDOUT)
    {
        atomic_compare_exchange_strong(&lock->turn, &turn, 0); /* who asked is dead, or late */
    }

    int looks = 1;
    uint32_t taken;
    for (;;)
    {
        uint32_t seen = 0;
        if (atomic_compare_exchange_strong(&lock->word, &seen, me->owner))
        {
            taken = me->owner;
            break;
        }

        uint32_t owner = seen & ~(RW_ABANDONED | RW_WAITERS);
        if (owner == 0)
        {
            if (!recovers)
            {
                if (seen & RW_WAITERS)
                {
                    rw_give(lock, seen, RW_ABANDONED);
                }

                return RW_WAS_ABANDONED;
            }

            if (rw_give(lock, seen, me->owner | RW_ABANDONED))
            {
                taken = me->owner | RW_ABANDONED;
                break;
            }

            continue;
        }

        if (looks && !rw_is_alive(me, owner))
        {
            rw_bury(lock, seen);
            continue;
        }

        int ms = rw_left(until);
        if (ms == 0)
        {
            return RW_TIMEOUT;
        }

        looks = rw_sleep(lock, seen, ms);
    }

    if (!rw_drain(lock, me, until))
    {
        rw_release(lock, taken & RW_ABANDONED);
        return RW_TIMEOUT;
    }

    atomic_store_explicit(&lock->inside, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release); /* before anything is written */
    return taken == me->owner ? RW_ENTERED : RW_WAS_ABANDONED;
}

static inline void rw_leave_write(RwLock* lock, int is_whole)
{
    if (is_whole)
    {
        atomic_store_explicit(&lock->inside, 0, memory_order_release);
    }

    rw_release(lock, is_whole ? 0 : RW_ABANDONED);
}

#endif
