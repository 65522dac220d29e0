/*
 * The lock word: docs/FORMAT.md, "Locks"; AttachedLock, LockOwners and LockTable in src/PosixShm/Synchronization.
 *
 * Threads 0 and 1 belong to one attachment, and thread 2 to another. Each enters and leaves as often as it may, and gives up at any time.
 * No sleep has a time limit, so a sleeper that no thread wakes is a deadlock.
 *   ENDS   a thread may end inside, and its process marks the lock as abandoned
 *   KILLS  three attachments of one thread each; a process may die before every step, and sleeps end after 50 ms. There are two slots,
 *          so a later attachment acquires the slot of an owner that died
 *
 *   ASYNC  threads 0 and 1 are asynchronous waits, for which one waiting thread sleeps. FUTEX_WAKE wakes it, and it makes a round of one
 *          wait. After a wait has ended, it makes a round of the next one
 *
 * Wrong variants:
 *   NO_PASS_ON        a waiter that gives up does not pass its wake-up on
 *   DROPS_WAITERS     a woken waiter enters without the WAITERS bit
 *   RECOVERS_ALONE    (ENDS) a woken recovery enters without the WAITERS bit
 *   WAKES_FIRST       the wake-up comes before the word is stored
 *   NO_NEXT           (ASYNC) the waiting thread sleeps on after a wait has ended, without a round of the next one
 *   NO_GENERATION     (KILLS) the next owner of a slot has the owner value of the last one
 *   EARLY_GENERATION  (KILLS) the generation is stored before the byte lock is acquired
 *   ENTERS_DEAD       (KILLS) a caller enters the lock of a dead owner like a free one
 *   STORES            (KILLS) a store, not a compare-exchange, marks the lock of a dead owner
 */
#ifndef DEATHS
#define DEATHS 3
#endif
#define SLOTS 2
#define ATTACHMENTS 3
#define THREADS 3
#define NONE 255

/* The fields of the word, with fewer bits: slot 0..1, generation 2..5. */
#define FREE 0
#define ABANDONED 64
#define WAITERS 128
#define OWNER(word) ((word) & 63)
#define SLOT(owner) ((owner) & 3)
#define GENERATION(owner) ((owner) >> 2)
#define MAKE_OWNER(slot, generation) ((slot) | (generation) << 2)

byte word;
byte generation[SLOTS + 1];
byte holder[SLOTS + 1];         /* the byte lock of each slot: 0, or 1 + attachment */
bool asleep[THREADS];           /* the kernel's queue of the futex */
bool dead[ATTACHMENTS];

byte inside = NONE;             /* the thread that may use the elements */
bool damaged;                   /* an owner died inside, and no thread has repaired since */

inline begin_inside(recovers)
{
    assert(inside == NONE);
    assert(!damaged || recovers);
    inside = t
}

inline wake_one()
{
    atomic {
        if
        :: asleep[0] -> asleep[0] = false
        :: asleep[1] -> asleep[1] = false
        :: asleep[2] -> asleep[2] = false
        :: else
        fi
    }
}

#ifdef ASYNC
/* A wait that gives up runs on the waiting thread, which is not asleep then: the kernel can wake thread 2 only. */
inline pass_on()
{
    if :: t == 2 -> wake_one() :: else -> asleep[2] = false fi
}

inline end_wait()
{
#ifdef NO_NEXT
    skip
#else
    if :: slept && t < 2 -> asleep[1 - t] = false :: else fi
#endif
}
#endif

inline wake_all() { d_step { asleep[0] = false; asleep[1] = false; asleep[2] = false } }

/* The byte lock of a free slot first, and then a new generation. */
inline acquire_slot()
{
#ifndef KILLS
    me = 1 + a
#elif defined(EARLY_GENERATION)
    atomic { if :: slot = 1 :: slot = 2 fi; generation[slot]++; me = MAKE_OWNER(slot, generation[slot]) }
    atomic { if :: holder[slot] == 0 -> holder[slot] = 1 + a :: else -> goto detached fi }
#else
    atomic { if :: holder[1] == 0 -> slot = 1 :: holder[2] == 0 -> slot = 2 fi; holder[slot] = 1 + a }
    atomic {
#ifndef NO_GENERATION
        generation[slot]++;
#endif
        me = MAKE_OWNER(slot, generation[slot])
    }
#endif
}

proctype Thread(byte t; byte a)
{
    byte me, slot, seen;
    bool slept, recovery;

    {
        acquire_slot();

next:   if :: goto detached :: skip fi;

again:  atomic {
            seen = word;
            if
#ifdef DROPS_WAITERS
            :: seen == FREE -> word = me; begin_inside(false); goto critical
#else
            :: seen == FREE -> word = (slept -> me | WAITERS : me); begin_inside(false); goto critical
#endif
            :: seen != FREE -> goto gives_up                        /* its time is over, or it was cancelled */
            :: seen != FREE && OWNER(seen) == 0 -> goto abandoned
            :: OWNER(seen) != 0 -> goto sleep
#ifdef KILLS
            :: OWNER(seen) != 0 && OWNER(seen) != me                /* a check of the owner is due */
#endif
            fi
        }
        atomic { if :: generation[SLOT(seen)] != GENERATION(OWNER(seen)) -> goto abandoned :: else fi }
        atomic { if :: holder[SLOT(seen)] == 0 -> goto abandoned :: else fi }

sleep:  atomic { if :: word == seen -> word = seen | WAITERS; seen = seen | WAITERS :: else -> goto again fi }
        atomic {
            slept = true;
            if
            :: word != seen -> goto again
            :: word == seen -> asleep[t] = true                     /* until a thread wakes it */
            :: word == seen -> asleep[t] = true; goto limited
            fi
        }
        if
        :: !asleep[t]
#ifdef KILLS
        /* After 50 ms. A sleep that would begin again is left out, so that a wait without an end is a deadlock. */
        :: atomic {
            OWNER(word) != me && (generation[SLOT(word)] != GENERATION(OWNER(word)) || holder[SLOT(word)] == 0) -> asleep[t] = false
        }
#endif
        fi;
        goto again;

limited: asleep[t] = false;                                         /* by its own limit, a signal, or a wake-up */
        goto again;

abandoned:
#ifdef ENTERS_DEAD
        atomic { if :: word == seen -> word = me; begin_inside(false); goto critical :: else -> goto again fi }
#endif
        atomic {
            if
            :: seen == ABANDONED
#ifdef STORES
            :: seen != ABANDONED -> word = ABANDONED
#else
            :: word == seen && seen != ABANDONED -> word = ABANDONED; assert(inside == NONE)
#endif
#ifdef RECOVERS_ALONE
            :: word == seen -> word = me | ABANDONED; recovery = true; begin_inside(true)
#else
            :: word == seen -> word = me | ABANDONED | (slept -> WAITERS : 0); recovery = true; begin_inside(true)
#endif
            :: word != seen -> goto again
            fi
        }
        if :: seen & WAITERS -> wake_all() :: else fi;
        if :: !recovery -> goto gives_up :: else fi;

critical:
#ifdef ASYNC
        end_wait();
#endif
#ifdef WAKES_FIRST
        if :: word & WAITERS -> wake_one() :: else fi;
#endif
        atomic {
            seen = word;
            assert(inside == t && OWNER(seen) == me);
            inside = NONE;
            slept = false;
            recovery = false;
            if
            :: word = FREE; damaged = false
#if defined(ENDS) || defined(KILLS)
            :: word = ABANDONED; damaged = true; goto marked        /* the thread ended, or has not repaired */
#endif
            fi;
            if :: seen & WAITERS :: else -> goto next fi
        }
#ifndef WAKES_FIRST
        wake_one();
#endif
        goto next;

marked: if :: seen & WAITERS -> wake_all() :: else fi;
        goto next;

gives_up:
        if
#ifndef NO_PASS_ON
#ifdef ASYNC
        :: slept -> pass_on(); end_wait(); slept = false
#else
        :: slept -> slept = false; wake_one()
#endif
#endif
        :: else -> slept = false
        fi;
        goto next

    } unless { dead[a] }

detached:
    /* The kernel drops the byte lock, however the process ends. */
    atomic {
        asleep[t] = false;
        if :: inside == t -> inside = NONE; damaged = true :: else fi;
        if :: slot != 0 && holder[slot] == 1 + a -> holder[slot] = 0 :: else fi;
        seen = 0; slept = false; recovery = false; slot = 0; me = 0
    }
}

#ifdef KILLS
active proctype Killer()
{
    byte deaths;
end:
    do
    :: atomic { deaths < DEATHS -> deaths++; if :: dead[0] = true :: dead[1] = true :: dead[2] = true fi }
    od
}
#endif

init
{
    atomic {
#ifdef KILLS
        run Thread(0, 0); run Thread(1, 1); run Thread(2, 2)
#else
        run Thread(0, 0); run Thread(1, 0); run Thread(2, 1)
#endif
    }
}
