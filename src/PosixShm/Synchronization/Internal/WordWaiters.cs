namespace PosixShm.Synchronization;

/// <summary>The waits at one word of one mapping, in the order of their arrival. The waits without a word are in one, too.</summary>
/// <param name="thread">The waiting thread of the word.</param>
/// <param name="address">The word; null for the waits without one.</param>
internal sealed unsafe class WordWaiters(WaitThread thread, int* address)
{
    private int _isCheckRequested;

    public WaitThread Thread => thread;

    public int* Address => address;

    /// <summary>Gets or sets the number of waits, those in the inbox included. Under the gate of <see cref="WaitThreads"/>.</summary>
    public int Users { get; set; }

    // The rest is for the waiting thread.

    /// <summary>Gets or sets the place in the thread's list.</summary>
    public int Index { get; set; } = -1;

    public AsyncWait? First { get; private set; }

    private AsyncWait? Last { get; set; }

    /// <summary>Gets or sets the value during which all waits sleep.</summary>
    public int Expected { get; set; }

    /// <summary>Gets or sets whether a wait has prepared its sleep with another value.</summary>
    public bool IsMixed { get; set; }

    /// <summary>Gets whether each change of the word is for one wait.</summary>
    public bool WakesOne { get; private set; } = true;

    /// <summary>Gets the number of milliseconds after which the waits probe and check again.</summary>
    public int LongestNap { get; private set; } = int.MaxValue;

    /// <summary>Gets or sets the time of the next check.</summary>
    public long NextCheck { get; set; } = long.MaxValue;

    /// <summary>Makes the next round check the waits. Any thread may call it, and wakes the waiting thread then.</summary>
    public void RequestCheck() => Volatile.Write(ref _isCheckRequested, 1);

    /// <summary>Returns whether a check was requested since the last call.</summary>
    public bool TakeCheckRequest() => Volatile.Read(ref _isCheckRequested) != 0 && Interlocked.Exchange(ref _isCheckRequested, 0) != 0;

    public void Enqueue(AsyncWait wait)
    {
        wait.Previous = Last;
        wait.IsQueued = true;
        if (Last is null)
        {
            First = wait;
        }
        else
        {
            Last.Next = wait;
        }

        Last = wait;
    }

    public void Remove(AsyncWait wait)
    {
        if (wait.Previous is null)
        {
            First = wait.Next;
        }
        else
        {
            wait.Previous.Next = wait.Next;
        }

        if (wait.Next is null)
        {
            Last = wait.Previous;
        }
        else
        {
            wait.Next.Previous = wait.Previous;
        }

        wait.Previous = null;
        wait.Next = null;
        wait.IsQueued = false;
    }

    /// <summary>Takes over the place at which a wait of the queue sleeps.</summary>
    public void Sleep(in WaitPlace place, bool isFirst)
    {
        IsMixed |= !isFirst && place.Expected != Expected;
        Expected = isFirst ? place.Expected : Expected;
        WakesOne &= place.WakesOne;
        LongestNap = Math.Min(LongestNap, place.LongestNap);
    }
}
