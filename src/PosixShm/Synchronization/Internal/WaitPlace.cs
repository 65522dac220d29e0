using PosixShm.Native;

namespace PosixShm.Synchronization;

/// <summary>The place of a sleep: a word in shared memory and the value during which the waiter sleeps, or only a time.</summary>
internal readonly unsafe struct WaitPlace
{
    private WaitPlace(int* word, int expected, int longestNap, bool wakesOne)
    {
        Word = word;
        Expected = expected;
        LongestNap = longestNap;
        WakesOne = wakesOne;
    }

    /// <summary>Gets the word, whose memory is mapped until the wait has ended; null if there is only a time.</summary>
    public int* Word { get; }

    /// <summary>Gets the value during which the waiter sleeps.</summary>
    public int Expected { get; }

    /// <summary>Gets the number of milliseconds after which the waiter probes and checks again, because no process may wake it.</summary>
    public int LongestNap { get; }

    /// <summary>Gets whether a change of the word is for one waiter. After it has probed, the other waiters of the word may sleep on with
    /// the value that it prepared.</summary>
    public bool WakesOne { get; }

    /// <summary>A word whose changes wake all waiters. By default it may have an owner, whose death is to be noticed.</summary>
    public static WaitPlace All(int* word, int expected, int longestNap = WaitTime.CheckAfterMilliseconds)
        => new(word, expected, longestNap, wakesOne: false);

    /// <summary>A word with an owner, whose changes wake one waiter.</summary>
    public static WaitPlace One(int* word, int expected) => new(word, expected, WaitTime.CheckAfterMilliseconds, wakesOne: true);

    /// <summary>No word.</summary>
    public static WaitPlace Timer(int longestNap) => new(null, 0, longestNap, wakesOne: false);

    /// <summary>Blocks the calling thread at this place, up to a time. It may return early.</summary>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted, and there is only a time.</exception>
    public void Sleep(int milliseconds)
    {
        milliseconds = Math.Min(milliseconds, LongestNap);
        if (Word is null)
        {
            Thread.Sleep(milliseconds);
        }
        else
        {
            _ = Interop.FutexWait(Word, Expected, milliseconds);
        }
    }
}
