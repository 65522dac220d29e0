/*
 * The control page on demand: the first operation that must store makes it. fallocate grows the file or changes nothing, a page of zeros is
 * a valid page, and a compare-exchange puts the word at its start. There is no lock.
 *
 * Three users make the page, if it is missing, and then enter a lock in it. A reader looks for it. A user may die before every step.
 * At the start, the file is bare, or has a page of zeros, and its file system may be full.
 *   FOREIGN   the bytes behind the elements are another program's
 *   TRUNCATE  a program truncates the file to its elements once; two users
 *
 * Wrong variants:
 *   ONCE          after a byte that is not zero, the word is not loaded again
 *   STORES_FIRST  a user stores in the page before it puts the word
 *   NO_LOOK       (FOREIGN) the other bytes of the page are not read
 *   NO_SIZE       the size of the file is not queried
 */
#define OURS 1
#define OTHER 2
#define NONE 255

bool grown;             /* the file ends behind the page, or at the end of its elements */
bool is_full;              /* the file system has no space */
byte word;              /* the first 8 bytes of the page: 0, OURS, OTHER */
bool changed;           /* another byte of the page is not zero */
byte lock;              /* a lock in the page: 0, or 1 + user */
bool dead[3];

bool foreign;
bool cut;
byte inside = NONE;

/* Load of the page. Without the page it is SIGBUS, "memory lost", and only a truncation may be the cause. */
inline load(to, from) { atomic { if :: !grown -> assert(cut); goto lost :: else -> to = from fi } }

/* The word, then all other bytes, and then the word again: a byte that is not zero was stored after the word. */
inline look()
{
    load(seen, word);
    other = false;
#ifndef NO_LOOK
    if
    :: seen == 0 ->
        load(other, changed);
#ifndef ONCE
        if :: other -> load(seen, word); other = (seen != OURS) :: else fi
#endif
    :: else
    fi
#endif
}

proctype User(byte id)
{
    byte seen;
    bool other;

    {
#ifndef NO_SIZE
        if
        :: grown
        :: !grown -> atomic { if :: is_full && !grown -> goto no_space :: else -> grown = true fi }
        fi;
#endif
#ifdef STORES_FIRST
        atomic { if :: !grown -> goto lost :: else -> changed = true fi }
#endif
        look();
        if
        :: seen == OTHER || other -> assert(foreign || cut); goto refused
        :: else -> assert(!foreign)
        fi;
        if
        :: seen == 0 -> atomic { if :: !grown -> assert(cut); goto lost :: word == 0 && grown -> word = OURS :: else fi }
        :: else
        fi;

        atomic {
            (!grown || lock == 0 || dead[lock - 1]) ->
            if :: !grown -> assert(cut); goto lost :: else fi;
            assert(word == OURS || cut);
            lock = 1 + id; changed = true; inside = id
        }
        atomic {
            if :: !grown -> assert(cut); goto lost :: else fi;
            assert(inside == id && lock == 1 + id || cut);
            lock = 0; inside = NONE
        }
lost:
refused:
no_space: skip
    } unless { dead[id] }

    seen = 0; other = false
}

proctype Reader()
{
    byte seen, rounds;
    bool other;
    do
    :: rounds < 2 ->
        rounds++;
        if
        :: !grown                   /* locks free, count 0 */
        :: else -> look(); assert(!(seen == OTHER || other) || foreign || cut)
        fi
    :: else -> break
    od;
lost:
    skip
}

active proctype Killer()
{
end:
    do
    :: dead[0] = true
    :: dead[1] = true
    :: dead[2] = true
    od
}

#ifdef TRUNCATE
active proctype Truncater() { atomic { cut = true; grown = false; word = 0; changed = false; lock = 0 } }
#endif

init
{
    atomic {
        if :: is_full = true :: skip fi;
#ifdef FOREIGN
        foreign = true; grown = true;
        if :: word = OTHER :: changed = true :: word = OTHER; changed = true fi;
#else
        if :: grown = true :: skip fi;
#endif
        run User(0); run User(1);
#ifndef TRUNCATE
        run User(2);
#endif
        run Reader()
    }
}
