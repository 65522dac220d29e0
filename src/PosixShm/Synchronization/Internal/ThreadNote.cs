using System.Runtime.CompilerServices;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

//
//  Shared memory counts the readers of an attachment, and does not name them. Each thread notes its own entries, because recursion, exits
//  and the end of the thread are matters of one thread. A thread has a list of notes: as many as it ever was inside locks at a time.
//
//  The thread's first entry into a lock binds a note to it. The note stays bound after the exit, so that the next entry finds it at once,
//  until the thread binds it to another lock. Only the thread itself changes its notes, until it has ended.
//
//  Invariant: a lock that is being closed counts all stays in it (AttachedReaderWriterLock). A thread binds its note before it notes the
//  stay, and the closing thread loads the stay and then the lock: a note whose lock is this one had it before, too.
//
/// <summary>The entries of one thread into one reader-writer lock.</summary>
internal sealed class ThreadNote
{
    [ThreadStatic]
    private static ThreadNote? s_first;

    // The first note of each thread that ever used a reader-writer lock and has not ended.
    private static readonly Registry<ThreadNote> s_firsts = new();

    private AttachedReaderWriterLock? _lock;
    private ThreadNote? _next;
    private int _reads;
    private int _writes;
    private int _place; // in that registry
    private bool _isKept; // the closed lock's memory is kept for the stay; under the gate of the lock's table

    private ThreadNote(LockThread thread) => Thread = thread;

    public LockThread Thread { get; }

    /// <summary>Gets or sets how often the thread has entered for reading and not yet exited.</summary>
    /// <remarks>Volatile: the use of the lock's words stays between the stores that begin and end a stay.</remarks>
    public int Reads
    {
        get => Volatile.Read(ref _reads);
        set => Volatile.Write(ref _reads, value);
    }

    /// <summary>Gets or sets how often the thread has entered for writing and not yet exited.</summary>
    /// <inheritdoc cref="Reads"/>
    public int Writes
    {
        get => Volatile.Read(ref _writes);
        set => Volatile.Write(ref _writes, value);
    }

    /// <summary>Gets whether the thread does not stay in the lock that the note is bound to.</summary>
    /// <remarks>Invariant: a stay is never seen as idle. A writer may stay as a reader, but no reader as a writer. So the writes are loaded
    /// first: if they are 0 during a stay, the reads are not, until it ends.</remarks>
    public bool IsIdle => (Writes | Reads) == 0;

    /// <summary>Gets the calling thread's note for a lock. An idle one is bound to the lock if the thread has none yet.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory or thread left to watch the thread.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ThreadNote For(AttachedReaderWriterLock entered)
        => s_first is ThreadNote first && first._lock == entered ? first : Search(entered);

    /// <summary>Gets the calling thread's note of being inside a lock, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ThreadNote? InsideOf(AttachedReaderWriterLock entered)
    {
        ThreadNote? note = s_first;
        while (note is not null && !note.IsInside(entered))
        {
            note = note._next;
        }

        return note;
    }

    /// <summary>Counts the threads that stay in a closed lock, and notes that they are counted; under the gate of its table.</summary>
    public static int KeepHolders(AttachedReaderWriterLock closed)
    {
        int count = 0;
        foreach (ThreadNote first in s_firsts.All())
        {
            for (ThreadNote? note = first; note is not null; note = Volatile.Read(ref note._next))
            {
                if (!note.IsIdle && Volatile.Read(ref note._lock) == closed)
                {
                    note._isKept = true;
                    count++;
                }
            }
        }

        return count;
    }

    /// <summary>Leaves the locks that an ended thread was inside of, and forgets the thread.</summary>
    public static void Abandon(long thread)
    {
        if (Array.Find(s_firsts.All(), first => first.Thread.Id == thread) is ThreadNote ended)
        {
            // Before the removal: until a note is idle, a closing thread must find it.
            for (ThreadNote? note = ended; note is not null; note = note._next)
            {
                note._lock?.Abandon(note);
            }

            s_firsts.Remove(ended._place);
        }
    }

    /// <summary>Returns whether a stay that has ended was counted by <see cref="KeepHolders"/>, once; under the gate of the lock's
    /// table.</summary>
    public bool TakeKept()
    {
        bool wasKept = _isKept && IsIdle;
        _isKept &= !wasKept;
        return wasKept;
    }

    /// <summary>Returns whether the thread has entered a lock once, for reading.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsOneReader(AttachedReaderWriterLock entered) => _lock == entered && Reads == 1 && Writes == 0;

    public bool IsInside(AttachedReaderWriterLock entered) => _lock == entered && !IsIdle;

    private static ThreadNote Search(AttachedReaderWriterLock entered)
    {
        ThreadNote? idle = null;
        for (ThreadNote? note = s_first ?? AddFirst(); ; note = note._next)
        {
            if (note._lock == entered)
            {
                return note;
            }

            idle ??= note.IsIdle ? note : null;
            if (note._next is null)
            {
                idle ??= note._next = new ThreadNote(note.Thread);
                idle._lock = entered;
                return idle;
            }
        }
    }

    private static ThreadNote AddFirst()
    {
        ThreadNote first = new(LockThread.Current);
        first._place = s_firsts.Add(first);

        // Counts as a lock that the thread holds, so that its end takes its notes out of the registry (Abandon).
        first.Thread.Held++;
        return s_first = first;
    }
}
