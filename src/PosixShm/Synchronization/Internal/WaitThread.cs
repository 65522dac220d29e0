using System.Diagnostics;
using System.Runtime.CompilerServices;
using PosixShm.Native;

namespace PosixShm.Synchronization;

//
//  A waiting thread repeats: take the inbox, make a round of each wait whose word has changed or whose check is due, sleep.
//
//  Invariant: no wait sleeps on a change that has already happened. Every sleep of the thread compares each word with the value that its
//  waits have prepared; the kernel does it while it queues the thread, so a change and its wake-up between two sleeps are not lost. If the
//  kernel wakes the thread for one word, it may have taken the wake-ups of others with it. So the thread compares all words after every
//  sleep. The thread keeps no wake-up for itself: a word that one process has made free is probed at once by the wait that came first, and
//  a wait that gives up passes a wake-up on (IWaitRules.GiveUp).
//
//  Invariant: a word is not touched after its memory is unmapped. Each wait has a reference to the memory until Complete, and the entry
//  of a word goes with its last wait, before Complete.
//
/// <summary>A thread of the library that sleeps on many words, for the asynchronous waits at them.</summary>
internal sealed unsafe class WaitThread
{
    // How often words are read without futex_waitv. As often as the count of changes by readers that cannot be counted.
    public const int PollMilliseconds = 5;

    // A program that waits again and again does not start a thread each time.
    private const int ParkMilliseconds = 500;

    private const int StackSize = 256 << 10;

    // The thread's own word is the first one. It is 1 if the inbox has to be taken. Pinned, and not unmapped at the thread's end: a thread
    // that posts may be late.
    private readonly int[] _own = GC.AllocateArray<int>(1, pinned: true);
    private readonly Interop.Futex[] _futexes = CanWaitForMany ? GC.AllocateArray<Interop.Futex>(Interop.MostFutexes, pinned: true) : [];
    private readonly List<WordWaiters> _words = [];
    private List<AsyncWait> _taken = [];
    private WordWaiters? _timer;

    private WaitThread()
    {
        if (CanWaitForMany)
        {
            _futexes[0].Address = Own;
        }
    }

    /// <summary>Gets whether the kernel has <c>futex_waitv(2)</c>, and permits it.</summary>
    public static bool CanWaitForMany { get; } = HasWaitAny();

    /// <summary>Gets or sets whether waits are not checked by time. Only a test sets it, so that a lost wake-up is a wait without
    /// end.</summary>
    public static bool ChecksNothing { get; set; }

    /// <summary>Gets or sets the new and the cancelled waits. Under the gate of <see cref="WaitThreads"/>.</summary>
    public List<AsyncWait> Inbox { get; set; } = [];

    /// <summary>Gets or sets the number of words. Under the gate of <see cref="WaitThreads"/>.</summary>
    public int Words { get; set; }

    private static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

    private int* Own => (int*)Unsafe.AsPointer(ref _own[0]);

    /// <exception cref="InsufficientMemoryException">No thread can be started.</exception>
    public static WaitThread Start()
    {
        try
        {
            WaitThread thread = new();
            new Thread(thread.Run, StackSize) { IsBackground = true, Name = "PosixShm: waits" }.UnsafeStart();
            return thread;
        }
        catch (OutOfMemoryException error)
        {
            throw new InsufficientMemoryException(
                "There is not enough memory for an asynchronous wait, or there are too many threads (RLIMIT_NPROC).", error);
        }
    }

    /// <summary>Adds a word, under the gate of <see cref="WaitThreads"/>.</summary>
    public WordWaiters NewWord(int* address)
    {
        Words++;
        return new WordWaiters(this, address);
    }

    /// <summary>Makes the thread take its inbox.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref _own[0], 1) == 0)
        {
            _ = Interop.FutexWake(Own, 1);
        }
    }

    private static bool HasWaitAny()
    {
        int zero = 0;
        Interop.Futex futex = new() { Address = &zero, Expected = 1 };
        return Interop.FutexWaitAny(&futex, 1, 0) >= 0 || Interop.LastError is Interop.Error.EAGAIN or Interop.Error.ETIMEDOUT;
    }

    private void Run()
    {
        WordWaiters? woken = null;
        while (true)
        {
            TakeInbox();
            long next = MakeRounds(Now, woken);
            if (_words.Count > 0 || _timer is not null)
            {
                woken = Sleep((int)Math.Clamp(next - Now, 0, int.MaxValue));
            }
            else if (Interop.FutexWait(Own, 0, ParkMilliseconds) < 0
                && Interop.LastError == Interop.Error.ETIMEDOUT
                && WaitThreads.TryEnd(this))
            {
                return;
            }
        }
    }

    // The word is cleared before the inbox is taken: a later post sets it again, and the next sleep ends at once.
    private void TakeInbox()
    {
        if (Interlocked.Exchange(ref _own[0], 0) == 0)
        {
            return;
        }

        List<AsyncWait> taken = WaitThreads.TakeInbox(this, _taken);
        foreach (AsyncWait wait in taken)
        {
            // Otherwise the wait has ended, or is at another thread's word by now.
            if (wait.Word is WordWaiters word && word.Thread == this)
            {
                if (!wait.IsQueued)
                {
                    Enqueue(wait, word);
                }

                if (wait.IsCancelled)
                {
                    _ = Round(wait, word, isCheckDue: false);
                }
            }
        }

        taken.Clear();
        _taken = taken;
    }

    // Returns the time of the next round.
    private long MakeRounds(long now, WordWaiters? woken)
    {
        long next = _timer is null ? long.MaxValue : MakeRounds(_timer, now, isChanged: false);

        // From the end: a word that loses its last wait gets the last word in its place.
        for (int i = _words.Count - 1; i >= 0; i--)
        {
            WordWaiters word = _words[i];
            bool isChanged = word == woken || word.IsMixed || Volatile.Read(ref *word.Address) != word.Expected;
            next = Math.Min(next, MakeRounds(word, now, isChanged));
        }

        return next;
    }

    private static long MakeRounds(WordWaiters word, long now, bool isChanged)
    {
        // The checks depend on elapsed time, so signals and wake-ups that end sleeps early do not delay them.
        bool isCheckDue = word.TakeCheckRequest() || now >= word.NextCheck;
        if (isCheckDue || isChanged)
        {
            word.Thread.MakeRounds(word, isCheckDue);
        }

        if (word.First is null || ChecksNothing)
        {
            return word.IsMixed ? now : long.MaxValue;
        }

        if (isCheckDue || word.NextCheck > now + word.LongestNap)
        {
            // Multiples, so that the naps of all words end together.
            word.NextCheck = ((now / word.LongestNap) + 1) * word.LongestNap;
        }

        return word.IsMixed ? now : word.NextCheck;
    }

    private void MakeRounds(WordWaiters word, bool isCheckDue)
    {
        word.IsMixed = false;
        bool isFirst = true;
        for (AsyncWait? wait = word.First; wait is not null;)
        {
            AsyncWait? next = wait.Next;
            if (!Round(wait, word, isCheckDue))
            {
                word.Sleep(wait.Place, isFirst);
                isFirst = false;
                if (word.WakesOne)
                {
                    // The others sleep on: what the first one has seen and checked holds for them. So none of them overtakes it.
                    break;
                }
            }

            wait = next;
        }

        SetExpected(word);
    }

    // Returns whether the wait has left the word.
    private bool Round(AsyncWait wait, WordWaiters word, bool isCheckDue)
    {
        bool isEnded = wait.TryEnd(isCheckDue);
        if (!isEnded && wait.Place.Word == word.Address)
        {
            return false;
        }

        word.Remove(wait);
        if (WaitThreads.Remove(wait))
        {
            Drop(word);
        }

        if (!isEnded)
        {
            try
            {
                WaitThreads.Add(wait);
                return true;
            }
            catch (InsufficientMemoryException error)
            {
                wait.Abort(error);
            }
        }

        wait.Complete();
        return true;
    }

    private void Enqueue(AsyncWait wait, WordWaiters word)
    {
        if (word.Index < 0 && word.Address is not null)
        {
            word.Index = _words.Count;
            _words.Add(word);
        }

        _timer = word.Address is null ? word : _timer;
        bool isFirst = word.First is null;
        word.Enqueue(wait);
        word.Sleep(wait.Place, isFirst);
        SetExpected(word);
    }

    private void Drop(WordWaiters word)
    {
        if (word.Address is null)
        {
            _timer = null;
            return;
        }

        int last = _words.Count - 1;
        WordWaiters moved = _words[last];
        moved.Index = word.Index;
        _words[word.Index] = moved;
        _words.RemoveAt(last);
        word.Index = -1;
        SetExpected(moved);
    }

    private void SetExpected(WordWaiters word)
    {
        if (CanWaitForMany && word.Index >= 0)
        {
            ref Interop.Futex futex = ref _futexes[word.Index + 1];
            futex.Address = word.Address;
            futex.Expected = unchecked((uint)word.Expected);
        }
    }

    // Returns a word that was woken, if the kernel names one.
    private WordWaiters? Sleep(int milliseconds)
    {
        if (CanWaitForMany)
        {
            int count = _words.Count + 1;
            int woken = Interop.FutexWaitAny((Interop.Futex*)Unsafe.AsPointer(ref _futexes[0]), count, milliseconds);
            if (woken >= 0)
            {
                return woken == 0 || woken == count ? null : _words[woken - 1];
            }

            // EFAULT, if memory was truncated: the next round touches the word, and the guard replaces the memory. ENOMEM passes.
            if (Interop.LastError is Interop.Error.EAGAIN or Interop.Error.ETIMEDOUT)
            {
                return null;
            }
        }

        _ = Interop.FutexWait(Own, 0, Math.Min(milliseconds, PollMilliseconds));
        return null;
    }
}
