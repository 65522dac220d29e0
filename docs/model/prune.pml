/*
 * Deletion of an unused array, and replacement: docs/FORMAT.md, "Deleting an unused array"; SegmentFile, SegmentDirectory and SharedArray.Stale
 * in src/PosixShm.
 *
 * A user attaches the array, or creates it if the name is free, and ends its use by DisposeAndDeleteIfUnused. A pruner deletes what a
 * listing found. A replacer renames a new array over the name. A reader opens the file without a byte lock, as np.load does. A process may
 * die before every step.
 *
 * There are two users, a pruner and a replacer.
 *   READER     a reader in place of the second user
 *   REPLACERS  a second replacer in its place
 *   LAST       three users that have the array attached end their use beside a pruner, and no process dies: exactly one of the four deletes
 *   NO_LEASE   the kernel grants no lease, and the mappings in /proc are checked instead
 *   READ_ONLY  the file cannot be opened for writing, so no process locks a byte of it exclusively
 *
 * Wrong variants:
 *   NO_LINKS         a process that attaches does not check that the file still has a link
 *   NO_STATUS        a process that deletes does not check that the name still is that of its file
 *   NO_REPLACE_BYTE  (REPLACERS) a replacer does not lock the byte 2^62 - 1
 *   CLOSES_LATE      (LAST) a user keeps the array attached while it tries to delete it
 *   ENDS_EARLY       (READER) the lease ends before the name is removed
 *   NO_EXCLUSIVE     (NO_LEASE) a process that deletes queries the "in use" byte and does not lock it
 *   NOTHING_EXCLUDES (NO_LEASE READ_ONLY) a process deletes although nothing excludes one that attaches
 *   UNMARKED         (NO_LEASE) a replacer does not lock the "in use" byte
 *   DELETER          a program that keeps no protocol, such as rm, removes the name
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifdef READ_ONLY
#define NO_EXCLUSIVE
#define NO_REPLACE_BYTE
#endif
#define PROCESSES 5
#define FILES 4
#define NONE 255

byte name;                      /* the file that has the name, or NONE */
bool linked[FILES];
byte opens[FILES];              /* open files, each with its mapping: what the lease counts */
byte shared[FILES];             /* locks on the byte 2^62 */
bool exclusive[FILES];
bool replacing[FILES];          /* the byte 2^62 - 1 */
bool leased[FILES];
byte users[FILES];              /* attached arrays */
byte files = 1;                 /* files made so far */
byte deleted;                   /* calls that returned "deleted" */
byte ended;
bool dead[PROCESSES];

mtype = { user, last, pruner };

/* open(2) with O_NONBLOCK: EAGAIN while another process has a lease, and then again. */
inline open_name(f)
{
    atomic {
        (name == NONE || !leased[name]) ->
        if
        :: name == NONE -> goto absent
        :: else -> f = name; opens[f]++
        fi
    }
}

inline lock_shared(f) { atomic { !exclusive[f] -> shared[f]++; is_marked = true } }

inline unlock(f) { if :: is_marked -> shared[f]--; is_marked = false :: else fi }

inline close(f) { opens[f]--; f = NONE }

inline create(f) { f = files; files++; opens[f] = 1; shared[f] = 1; users[f] = 1 }

proctype Process(byte id; mtype role)
{
    byte f = NONE, expected = NONE;
    bool is_marked, is_user, has_byte, has_lease;

    {
        if
        :: role == pruner -> atomic { expected = name; goto deletes }
        :: role == last -> atomic { f = 0; is_marked = true; is_user = true; goto uses }
        :: role == user
        fi;

attaches:
        open_name(f);
        lock_shared(f);
#ifdef NO_LINKS
        atomic { assert(linked[f]); users[f]++; is_user = true }
#else
        atomic { if :: linked[f] -> users[f]++; is_user = true; goto uses :: else -> unlock(f) fi }
        atomic { close(f); goto attaches };
#endif

uses:   /* An end of the use: unmapped and unlocked, then closed. */
        expected = f;
#ifndef CLOSES_LATE
        atomic { users[f]--; is_user = false; unlock(f) }
        atomic { close(f) }
#endif

deletes:
        atomic {
            if
            :: name == NONE -> goto finished
            :: name != NONE && leased[name] -> goto busy
            :: name != NONE && !leased[name] && f == NONE -> f = name; opens[f]++
            :: f != NONE
            fi
        }
#ifndef NO_EXCLUSIVE
        atomic { if :: shared[f] == 0 && !exclusive[f] -> exclusive[f] = true; has_byte = true; goto leases :: else fi }
        atomic { if :: shared[f] > 0 -> goto finished :: else -> goto busy fi }
#else
        atomic { if :: shared[f] > 0 -> goto finished :: else fi }
#endif

leases:
#ifndef NO_LEASE
        atomic { if :: opens[f] == 1 -> leased[f] = true; has_lease = true :: else -> goto busy fi }
#endif
#if defined(NO_LEASE) && defined(READ_ONLY) && !defined(NOTHING_EXCLUDES)
        goto finished;                                                  /* nothing would exclude a process that attaches */
#endif
#ifndef NO_STATUS
        atomic { if :: f == expected && name == f -> assert(linked[f]) :: else -> goto finished fi }
#endif
#ifdef NO_LEASE
        atomic { if :: users[f] > 0 -> goto finished :: else fi }       /* /proc/PID/maps */
#endif
#ifdef ENDS_EARLY
        atomic { leased[f] = false; has_lease = false }
#endif
        atomic {
            if
            :: name == NONE
            :: else ->
                assert(name == f);
                assert(users[f] == 0);
#ifndef NO_LEASE
                assert(opens[f] == 1);
#endif
                linked[name] = false;
                name = NONE;
                deleted++
            fi;
            goto finished
        }

busy:   /* Not kept open while it waits. A pruner does not wait. */
        atomic { if :: has_byte -> exclusive[f] = false; has_byte = false :: else fi }
        atomic {
            if :: f != NONE -> close(f) :: else fi;
            if :: role == pruner -> goto finished :: else -> goto deletes fi
        }

absent: atomic {
            if
            :: name != NONE -> goto attaches                            /* EEXIST */
            :: else -> create(f); is_marked = true; is_user = true; name = f; linked[f] = true; goto uses
            fi
        }
    } unless { dead[id] }

finished:
    atomic { if :: has_lease -> leased[f] = false; has_lease = false :: else fi }
    atomic { if :: has_byte -> exclusive[f] = false; has_byte = false :: else fi }
    atomic {
        /* The locks are dropped before the file is closed, also by the kernel. */
        if :: is_user -> users[f]--; is_user = false :: else fi;
        unlock(f);
        if :: f != NONE -> close(f) :: else fi;
        expected = NONE;
#ifdef LAST
        ended++;
        if :: ended == 4 -> assert(deleted == 1 && name == NONE) :: else fi
#endif
    }
}

proctype Replacer(byte id)
{
    byte old = NONE, f = NONE, new = NONE;
    bool is_marked, is_old_marked, has_byte;

    {
        skip;
attaches:
        open_name(f);
#ifndef UNMARKED
        lock_shared(f);
#endif
        atomic { if :: linked[f] :: else -> unlock(f); close(f); goto attaches fi }
        atomic { old = f; is_old_marked = is_marked; is_marked = false; f = NONE; create(new) }

again:  open_name(f);
#ifndef UNMARKED
        lock_shared(f);
#endif
#ifndef NO_REPLACE_BYTE
        atomic { if :: !replacing[f] -> replacing[f] = true; has_byte = true :: else -> unlock(f); close(f); goto again fi }
#endif
        atomic { if :: name == f :: else -> replacing[f] = false; has_byte = false; unlock(f); close(f); goto again fi }
        atomic { assert(name == f); linked[f] = false; name = new; linked[new] = true }
absent: skip
    } unless { dead[id] }

    atomic {
        if :: has_byte -> replacing[f] = false; has_byte = false :: else fi;
        if :: f != NONE -> unlock(f); close(f) :: else fi
    }
    atomic {
        if :: is_old_marked -> shared[old]--; is_old_marked = false :: else fi;
        if :: old != NONE -> close(old) :: else fi
    }
    atomic { if :: new != NONE -> users[new]--; shared[new]--; close(new) :: else fi }
}

proctype Reader()
{
    byte f;
    open_name(f);
    atomic { close(f) }
absent:
    skip
}

#ifdef DELETER
active proctype Deleter() { atomic { if :: name != NONE -> linked[name] = false; name = NONE :: else fi } }
#endif

#if DEATHS > 0 && !defined(LAST)
active proctype Killer()
{
    byte deaths;
end:
    do
    :: atomic { deaths < DEATHS -> deaths++; if :: dead[0] = true :: dead[1] = true :: dead[2] = true :: dead[3] = true fi }
    od
}
#endif

init
{
    atomic {
        linked[0] = true;
        run Process(2, pruner);
#ifdef LAST
        opens[0] = 3; shared[0] = 3; users[0] = 3;
        run Process(0, last); run Process(1, last); run Process(3, last)
#elif defined(REPLACERS)
        run Process(0, user); run Replacer(1); run Replacer(3)
#else
        run Process(0, user); run Replacer(3);
#ifdef READER
        run Reader()
#else
        run Process(1, user)
#endif
#endif
    }
}
