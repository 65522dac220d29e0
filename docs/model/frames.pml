/*
 * Streams of frames: docs/FORMAT.md, "Streams of frames"; FrameWords, FrameWriting and FrameArrival in src/PosixShm/Synchronization.
 *
 * Two writers follow each other, and each may die before every step. A reader takes the newest frame, copied or in place.
 *   NEXT      a reader takes the frames in order in its place, and sleeps between them
 *   SLEEPERS  (NEXT) two such readers, and one writer that does not die. No sleep has a time limit, so a sleeper that no writer wakes is
 *             an error; without SLEEPERS, it is one unless a writer died
 * The readers do not see each other, except for the mark of SLEEPERS, so one at a time is enough for the frames.
 *
 * Wrong variants:
 *   NO_RESERVE      the slot is filled before "reserved" is stored; also a missing store barrier
 *   EARLY_CHECK     "reserved" is loaded before the bytes; also a missing load barrier
 *   CHECK_HEAD      the bytes are checked against "head"
 *   OFF_BY_ONE      a frame whose slot is being filled again counts as whole
 *   EARLY_HEAD      "head" is stored before the last byte
 *   TAKES_RESERVED  the next writer takes the frame of a dead one for whole
 *   ONE_NUMBER_ON   the next writer skips the frame of a dead one
 *   TWO_WRITERS     a writer does not check whether the last one lives
 *   NO_RECHECK      (NEXT SLEEPERS) a reader sleeps without a second load of "head"
 *   FLAG_ONLY       (NEXT SLEEPERS) a wake-up clears the mark and does not count
 *   CLEAR_LATE      (NEXT SLEEPERS) the mark is cleared after the wake-up
 */
#ifndef FRAMES
#define FRAMES 3
#endif
#define SLOTS 2                 /* the fewest that have an order; the library demands three, so that readers are not starved */
#define WRITERS 2
#define NONE 255

byte head, reserved;
byte owner = NONE;
bool alive[WRITERS];            /* the byte lock of the writer's slot */
byte one[SLOTS], two[SLOTS];    /* the halves of each slot: the frame whose bytes are there */
bool mark;                      /* bit 0 of "sleepers" */
byte wakes;                     /* bits 1 and above */
bool asleep[2];                 /* the kernel's queue of the futex */
bool died;                      /* a writer may have died between a commit and its wake-up, and the sleep ends after 50 ms */

#ifdef SLEEPERS
#define step() skip
#else
inline step() { if :: skip :: died = true; goto dies fi }
#endif

inline wake() { atomic { asleep[0] = false; asleep[1] = false } }

proctype Writer(byte id)
{
    byte seen, n, rounds;
    alive[id] = true;
    step();
    seen = owner;
#ifndef TWO_WRITERS
    if :: seen != NONE && alive[seen] -> goto dies :: else fi;
    step();
#endif
    atomic { if :: owner == seen -> owner = id :: else -> goto dies fi }
    step();
#ifdef TAKES_RESERVED
    head = reserved;
#endif
    n = head;
#ifdef ONE_NUMBER_ON
    n = reserved;
#endif
    assert(reserved == head || reserved == head + 1);
    wake();
    do
    :: n < FRAMES && rounds < 4 ->
        rounds++;
        n++;
        step();
#ifndef NO_RESERVE
        reserved = n;
        step();
#endif
        one[n % SLOTS] = n;
        step();
#ifdef EARLY_HEAD
        head = n;
        step();
#endif
#ifdef NO_RESERVE
        reserved = n;
        step();
#endif
        two[n % SLOTS] = n;
        step();
        assert(owner == id);
        assert(head + 1 == n || head == n);
        head = n;
        step();
#ifdef CLEAR_LATE
        if :: mark -> step(); wake(); step(); mark = false :: else fi
#else
        if
        :: mark -> atomic { seen = mark; mark = false; wakes++ }; step(); if :: seen -> wake() :: else fi
        :: else
        fi
#endif
    :: else -> break
    od;
    step();
    owner = NONE;
dies:
    alive[id] = false
}

inline read(n)
{
#ifdef EARLY_CHECK
    r = reserved;
#endif
    a = one[n % SLOTS];
    b = two[n % SLOTS];
#ifdef CHECK_HEAD
    r = head;
#elif !defined(EARLY_CHECK)
    r = reserved;
#endif
#ifdef OFF_BY_ONE
    is_whole = r - n <= SLOTS;
#else
    is_whole = r - n < SLOTS;
#endif
    assert(!is_whole || (a == n && b == n))
}

#ifndef NEXT
active proctype Newest()
{
    byte n, last, a, b, r, rounds;
    bool is_whole;
    do
    :: rounds < 2 ->
        rounds++;
        n = head;
        if :: n != 0 -> read(n); assert(n >= last); last = n :: else fi
    :: else -> break
    od
}
#endif

proctype Next(byte me)
{
    byte w, next = 1, h, a, b, r, missed, received;
    bool is_whole;
    do
    :: next <= FRAMES ->
        h = head;
        if
        :: next > h ->
            atomic { mark = true; w = wakes };
#ifndef NO_RECHECK
            h = head;
#endif
            if
            :: next <= h -> skip
            :: else ->
                /* The kernel compares and queues in one step. */
#ifdef CLEAR_LATE
                atomic { if :: head == h -> asleep[me] = true :: else fi };
#elif defined(FLAG_ONLY)
                atomic { if :: mark -> asleep[me] = true :: else fi };
#else
                atomic { if :: mark && wakes == w -> asleep[me] = true :: else fi };
#endif
                if
                :: !asleep[me]
                :: timeout -> assert(died || head < next); asleep[me] = false; if :: head < next -> break :: else fi
                fi
            fi
        :: else ->
            r = reserved;
            if
            :: r - next >= SLOTS -> missed = missed + h - next; next = h
            :: else
            fi;
            read(next);
            if :: is_whole -> received++ :: else -> missed++ fi;
            next++;
            assert(received + missed == next - 1)
        fi
    :: else -> break
    od
}

init
{
    atomic {
        run Writer(0);
#ifndef SLEEPERS
        run Writer(1);
#endif
#ifdef NEXT
        run Next(0);
#endif
#ifdef SLEEPERS
        run Next(1)
#endif
    }
}
