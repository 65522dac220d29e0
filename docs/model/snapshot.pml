/*
 * Snapshots; docs/FORMAT.md, "Snapshots". Writers publish two elements, and a writer can die before every step. A reader copies both.
 *
 *   (none)            three writers that overwrite all elements, on an array without a page
 *   UPDATES           the third writer changes one element and keeps the other; it is refused if the last publication is incomplete
 *   THROWS            a writer's callback may throw, after which the writer lives on
 *   REUSES            of two writers: a bystander acquires the slot of the first dead writer and lives on
 *
 * Wrong variants, each without one rule:
 *
 *   NO_ODD            a writer stores the elements without marking the word before
 *   NO_SECOND_LOAD    a reader trusts its copy without a second load of the word
 *   NO_SECOND_FIND    a reader that found no page does not search it again after the copy
 *   NO_STORE_BARRIER  the store of an element may overtake the store of the odd word
 *   NO_LOAD_BARRIER   the second load of the word may overtake the load of an element
 *   SPLIT             the owner is a second word, stored after the sequence
 *   NO_REFUSAL        a second writer goes on beside a living one
 *   UPDATES UPDATES_DEAD   a writer that keeps elements goes on after an incomplete publication
 *   THROWS KEEPS_OWNER     a publication that failed keeps its living owner
 *   REUSES NO_GENERATION   a slot that is used again stands for its former owner
 */
#ifdef REUSES
#define WRITERS 2 /* otherwise there are too many states */
#else
#define WRITERS 3
#endif
#define NOBODY 7
#define BYSTANDER 3

bool page;            /* the control page exists */
byte sequence;
byte owner = NOBODY;  /* NOBODY is never alive */
byte element[2];
byte really = NOBODY; /* what the assertions compare: the process that made the sequence odd */

bool alive[4];        /* the exclusive lock on the byte of the slot, with its generation */

#ifdef NO_GENERATION
/* The bystander has the slot of writer 0. */
#define IS_ALIVE(who) ((who) != NOBODY && (alive[who] || ((who) == 0 && alive[BYSTANDER])))
#else
#define IS_ALIVE(who) ((who) != NOBODY && alive[who])
#endif

inline step() { if :: skip :: goto dies fi }

proctype Writer(byte id)
{
    byte seen, who;
    byte value = id + 1;
    alive[id] = true;
    step();
    page = true;
again:
    atomic { seen = sequence; who = owner }
    if
    :: seen % 2 == 1 && IS_ALIVE(who) ->
#ifdef NO_REFUSAL
        skip
#else
        goto dies /* two writers: refused */
#endif
    :: seen % 2 == 1 && !IS_ALIVE(who) ->
#if defined(UPDATES) && !defined(UPDATES_DEAD)
        if :: id == WRITERS - 1 -> goto dies :: else fi /* told abandoned */
#else
        skip
#endif
    :: else
    fi;
    step();
#ifdef NO_STORE_BARRIER
    if :: element[0] = value :: skip fi;
#endif
    atomic {
        if
        :: sequence == seen && owner == who ->
#ifndef NO_ODD
            sequence = seen + 1 + seen % 2;
            really = id;
#ifndef SPLIT
            owner = id
#endif
#endif
        :: else -> goto again
        fi
    }
#ifdef SPLIT
    step();
    owner = id;
#endif
    step();
#ifdef UPDATES
    if
    :: id == WRITERS - 1 ->
        value = element[1]; /* kept, and the first element must agree with it */
        assert(element[0] == element[1]);
        goto ends
    :: else
    fi;
#endif
    element[0] = value;
    step();
#ifdef THROWS
    if
    :: true ->
        atomic {
            skip;
#ifndef KEEPS_OWNER
            owner = NOBODY
#endif
        }
        goto lives
    :: true -> skip
    fi;
#endif
    element[1] = value;
    step();
#ifdef UPDATES
ends:
#endif
    atomic {
#ifdef NO_ODD
        sequence = sequence + 2;
#else
#ifndef NO_REFUSAL
        assert(really == id && (sequence % 2 == 1));
#endif
        sequence = sequence + 1;
#endif
        skip
    }
dies:
    alive[id] = false;
lives:
    skip
}

#ifdef REUSES
proctype Bystander()
{
    /* The first writer has the slot until it ends. */
end:
    sequence > 0 && !alive[0];
    alive[BYSTANDER] = true
}
#endif

proctype Reader()
{
    byte before, who, after, one, two, rounds;
    bool found;
    do
    :: rounds < 3 ->
        rounds++;
        found = page;
        atomic { before = (found -> sequence : 0); who = (found -> owner : NOBODY) }
        if
        :: before % 2 == 1 ->
            /* Alive: waits until the word is another one, or its owner dead. No other process wakes it, so it may wait for ever. */
            sequence != before || owner != who || !IS_ALIVE(who);
            if
            :: !IS_ALIVE(who) ->
                /* Told abandoned, if the word is still the same: then the process that made it odd is dead, or its callback threw. */
                atomic {
                    if
                    :: sequence == before && owner == who -> assert(who == NOBODY || !alive[really])
                    :: else
                    fi
                }
            :: else
            fi
        :: else ->
            one = element[0];
#ifdef NO_LOAD_BARRIER
            if
            :: atomic { after = sequence; two = 255 }
            :: two = element[1]
            fi;
#else
            two = element[1];
#endif
#ifdef NO_SECOND_FIND
            after = (found -> sequence : 0);
#else
#ifdef NO_LOAD_BARRIER
            if
            :: two == 255 -> two = element[1]
            :: else -> after = (page -> sequence : 0)
            fi;
#else
            after = (page -> sequence : 0);
#endif
#endif
#ifdef NO_SECOND_LOAD
            after = before;
#endif
            if
            :: after == before -> assert(one == two)
            :: else
            fi
        fi
    :: else -> break
    od
}

init {
    atomic {
        run Writer(0);
        run Writer(1);
#ifndef REUSES
        run Writer(2);
#endif
#ifdef REUSES
        run Bystander();
#endif
        run Reader()
    }
}
