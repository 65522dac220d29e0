/*
 * The reader-writer lock: docs/FORMAT.md, "The reader-writer lock"; ReaderWriterWords, ReaderEntry and WriterEntry in
 * src/PosixShm/Synchronization.
 *
 * Two readers and two writers, of an attachment each; with TWO, two readers that are threads of one attachment, and a writer.
 * Each enters and leaves once, and gives up at any time. No sleep has a time limit, so a sleeper that no process wakes is a deadlock.
 *   KILLS  two readers that have the same slot, one after the other, and two writers. A process may die before every step, and sleeps end
 *          after 50 ms. Writers that meet an abandoned lock repair
 *
 * Wrong variants:
 *   READS_FIRST     a reader loads the word before it counts itself
 *   SCANS_FIRST     a writer loads the counts before it stores the word
 *   DRAINS_FIRST    a reader that leaves loads "draining" before it subtracts itself
 *   DRAINS_LATE     a writer stores "draining" after the kernel has compared the count
 *   WAKES_ONE       a writer that leaves wakes one waiter only
 *   NO_GENERATION   (KILLS) a dead reader is cleared by a comparison of the count alone
 *   LOOK_FIRST      (KILLS) a writer queries the byte lock of a slot before it loads the slot's word
 *   INSIDE_FIRST    (KILLS) "inside" is loaded before the owner is found to be dead
 *   INSIDE_LATE     (KILLS) "inside" is stored after the first store into the elements
 *   FREES           (KILLS) the lock of a dead writer is always free
 */
#define SLOTS 2
#define PARTIES 5
#define FREE 0
#define ABANDONED 8
#define WAITERS 16
#define OWNER(word) ((word) & 7)      /* 0, or the party of the writer: 3 or 4 */

byte word;
bool inside, draining;
byte count[SLOTS], generation[SLOTS];
bool held[PARTIES];                   /* the byte locks: of slot 0 and 1, and of the writers 3 and 4 */
bool asleep[PARTIES];                 /* the queue of the futex of the word */
bool drains[PARTIES];                 /* the queue of the futex of the slot that a writer waits for */

bool torn;                            /* a writer has begun to store, and not ended */
byte reading, writing;

#ifdef KILLS
#define step() if :: skip :: goto dies fi
#else
#define step() skip
#endif

inline wake_all()
{
#ifdef WAKES_ONE
    atomic {
        if
        :: asleep[0] -> asleep[0] = false
        :: asleep[1] -> asleep[1] = false
        :: asleep[2] -> asleep[2] = false
        :: asleep[3] -> asleep[3] = false
        :: asleep[4] -> asleep[4] = false
        :: else
        fi
    }
#else
    d_step { asleep[0] = false; asleep[1] = false; asleep[2] = false; asleep[3] = false; asleep[4] = false }
#endif
}

/* To wake all on a slot. A writer waits for one slot at a time, and spurious wake-ups of the other one are permitted. */
inline wake_slot() { d_step { drains[3] = false; drains[4] = false } }

inline bury()
{
#ifdef FREES
    suspect = (seen & ABANDONED);
#elif !defined(INSIDE_FIRST)
    suspect = (seen & ABANDONED) || inside;
#endif
    step();
    atomic { if :: word == seen -> word = (suspect -> ABANDONED : FREE) :: else -> seen = 0 fi };
    step();
    if :: seen & WAITERS -> wake_all() :: else fi
}

/* Sleeps until the word is another one, and not after the owner's death. */
inline sleep_on_word(p)
{
    atomic { if :: word == seen -> word = seen | WAITERS; seen = seen | WAITERS :: else -> goto again fi };
    step();
    atomic {
        if
        :: word == seen -> asleep[p] = true
        :: word == seen -> asleep[p] = true; limited = true
        :: else -> goto again
        fi
    };
    if
    :: !asleep[p]                                                    /* until a process wakes it */
    :: limited -> goto leaves                                        /* its own time is over, and it gives up */
#ifdef KILLS
    /* After 50 ms. A sleep that would begin again is left out, so that a wait without an end is a deadlock. */
    :: atomic { OWNER(word) == 0 || !held[OWNER(word)] -> asleep[p] = false }
#endif
    fi
}

proctype Reader(byte p; byte slot)
{
    byte seen;
    bool in, suspect, wakes, limited;
#ifdef KILLS
    atomic { !held[slot] -> held[slot] = true }
    step();
    atomic { generation[slot]++; count[slot] = 0 }
#endif

again:
    step();
    seen = word;
    if
    :: seen == FREE
#ifdef KILLS
    :: seen != FREE && OWNER(seen) != 0                              /* the load before the count is a hint, which may be old */
#endif
    :: seen != FREE -> goto leaves                                   /* gives up */
    :: seen != FREE && OWNER(seen) == 0 -> goto leaves               /* abandoned */
    :: seen != FREE && OWNER(seen) != 0 ->
#ifdef KILLS
#ifdef INSIDE_FIRST
        suspect = (seen & ABANDONED) || inside;
        step();
#endif
        if
        :: !held[OWNER(seen)] -> step(); bury(); goto again
        :: held[OWNER(seen)]
        fi;
#endif
        sleep_on_word(p);
        goto again
    fi;
    step();
#ifdef READS_FIRST
    if :: word != FREE -> goto again :: word == FREE fi;
#endif
    count[slot]++;
    step();
#ifndef READS_FIRST
    if :: word != FREE -> goto counts_out :: word == FREE fi;
#endif
    atomic { in = true; reading++ ; assert(writing == 0) };
    step();
    atomic { assert(!torn); in = false; reading-- };

counts_out:
    step();
#ifdef DRAINS_FIRST
    wakes = draining;
    step();
    atomic { assert(count[slot] > 0); count[slot]-- };
#else
    atomic { assert(count[slot] > 0); count[slot]-- };
    step();
    wakes = draining;
#endif
    step();
    if :: wakes -> wake_slot() :: else fi;
leaves:
dies:
    atomic { asleep[p] = false; if :: in -> in = false; reading-- :: else fi; held[slot] = false }
}

proctype Writer(byte me)
{
    byte i, seen, seen_count, seen_generation;
    bool in, is_held, suspect, limited;
    held[me] = true;

again:
    step();
#ifdef SCANS_FIRST
    count[0] == 0 && count[1] == 0;
    step();
#endif
    atomic { seen = word; if :: seen == FREE -> word = me; seen = me; goto owns :: else fi }
    if
    :: OWNER(seen) == 0 ->
        atomic { if :: word == seen -> word = me | ABANDONED :: else -> goto again fi };    /* to repair */
        step();
        if :: seen & WAITERS -> wake_all() :: else fi;
        goto owns
    :: goto leaves                                                   /* gives up */
    :: OWNER(seen) != 0 ->
#ifdef KILLS
#ifdef INSIDE_FIRST
        suspect = (seen & ABANDONED) || inside;
        step();
#endif
        if
        :: !held[OWNER(seen)] -> step(); bury(); goto again
        :: held[OWNER(seen)]
        fi;
#endif
        sleep_on_word(me);
        goto again
    fi;

owns:
    step();
#ifndef SCANS_FIRST
    i = 0;
    do
    :: i < SLOTS ->
#ifdef LOOK_FIRST
        is_held = held[i];
        step();
#endif
        atomic { seen_count = count[i]; seen_generation = generation[i] };
        step();
#ifndef LOOK_FIRST
        is_held = held[i];
#endif
#ifndef KILLS
        is_held = true;
#endif
        if
        :: seen_count == 0 -> i++
        :: seen_count != 0 && !is_held ->
            step();
#ifdef NO_GENERATION
            atomic { if :: count[i] == seen_count -> count[i] = 0 :: else fi }
#else
            atomic { if :: count[i] == seen_count && generation[i] == seen_generation -> count[i] = 0 :: else fi }
#endif
        :: seen_count != 0 && is_held ->
#ifdef DRAINS_LATE
            atomic { if :: count[i] == seen_count && generation[i] == seen_generation -> drains[me] = true :: else fi };
            draining = true;
#else
            draining = true;
            step();
            atomic { if :: count[i] == seen_count && generation[i] == seen_generation -> drains[me] = true :: else fi };
#endif
            if
            :: !drains[me]
#ifdef KILLS
            :: atomic { !held[i] || count[i] != seen_count || generation[i] != seen_generation -> drains[me] = false }
#endif
            fi
        :: seen_count != 0 && is_held ->                             /* gives up */
            draining = false;
            step();
            goto frees
        fi
    :: else -> break
    od;
    step();
    draining = false;
#endif
    step();
#ifndef INSIDE_LATE
    inside = true;
    step();
#endif
    atomic { in = true; writing++; assert(writing == 1 && reading == 0 && (!torn || (word & ABANDONED))) };
    torn = true;
    step();
#ifdef INSIDE_LATE
    inside = true;
#endif
    torn = false;
    step();
    atomic { in = false; writing-- };
    inside = false;
    step();
    atomic { assert(OWNER(word) == me); seen = word; word = FREE };
    goto wakes;

frees:
    atomic { assert(OWNER(word) == me); seen = word; word = word & ABANDONED };
wakes:
    step();
    if :: seen & WAITERS -> wake_all() :: else fi;
leaves:
dies:
    atomic { asleep[me] = false; drains[me] = false; if :: in -> in = false; writing-- :: else fi; held[me] = false }
}

init
{
    atomic {
        run Reader(0, 0);
#if defined(KILLS) || defined(TWO)
        run Reader(1, 0);
#else
        run Reader(2, 1);
#endif
        run Writer(3);
#ifndef TWO
        run Writer(4)
#endif
    }
}
