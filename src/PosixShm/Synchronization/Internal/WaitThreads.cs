using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>The waiting threads of this process, which make the rounds of asynchronous waits. A thread sleeps on up to 127 words at once
/// (<c>futex_waitv(2)</c>). Waits at one word share an entry. A thread ends when no wait has needed it for some time.</summary>
/// <remarks>Without that call (Linux before 5.16, or a seccomp filter that denies it), one thread reads all words every 5 ms.</remarks>
internal static unsafe class WaitThreads
{
    // A thread sleeps on its own word, too.
    private static readonly int s_mostWords = WaitThread.CanWaitForMany ? Interop.MostFutexes - 1 : int.MaxValue;

    private static readonly Gate s_gate = new();
    private static readonly List<WaitThread> s_threads = [];

    // By address. Two mappings of one word are two words here.
    private static readonly Dictionary<nint, WordWaiters> s_words = [];
    private static int s_wordCount;

    /// <summary>Hands a wait to the thread of its word.</summary>
    /// <exception cref="InsufficientMemoryException">No thread can be started.</exception>
    public static void Add(AsyncWait wait)
    {
        WordWaiters? word;
        using (s_gate.Enter())
        {
            nint address = (nint)wait.Place.Word;
            if (!s_words.TryGetValue(address, out word))
            {
                word = FindThread(needsWord: address != 0).NewWord(wait.Place.Word);
                s_words.Add(address, word);
                Volatile.Write(ref s_wordCount, s_words.Count);
            }

            word.Users++;
            wait.Word = word;
            word.Thread.Inbox.Add(wait);
        }

        word.Thread.Wake();
    }

    /// <summary>Puts a wait into the inbox of its thread again. Does nothing before and after the wait.</summary>
    public static void Post(AsyncWait wait)
    {
        WaitThread? thread;
        using (s_gate.Enter())
        {
            thread = wait.Word?.Thread;
            thread?.Inbox.Add(wait);
        }

        thread?.Wake();
    }

    /// <summary>Makes the thread of a word check the waits at it at once, if there are any.</summary>
    public static void Check(nint address)
    {
        if (Volatile.Read(ref s_wordCount) == 0)
        {
            return;
        }

        WaitThread? thread = null;
        using (s_gate.Enter())
        {
            if (s_words.TryGetValue(address, out WordWaiters? word))
            {
                word.RequestCheck();
                thread = word.Thread;
            }
        }

        thread?.Wake();
    }

    /// <summary>Takes a wait from its word, for the thread of the word. Returns whether it was the word's last one.</summary>
    public static bool Remove(AsyncWait wait)
    {
        using (s_gate.Enter())
        {
            WordWaiters word = wait.Word!;
            wait.Word = null;
            if (--word.Users > 0)
            {
                return false;
            }

            _ = s_words.Remove((nint)word.Address);
            Volatile.Write(ref s_wordCount, s_words.Count);
            word.Thread.Words--;
            return true;
        }
    }

    /// <summary>Exchanges the inbox of a thread for an empty list.</summary>
    public static List<AsyncWait> TakeInbox(WaitThread thread, List<AsyncWait> empty)
    {
        using (s_gate.Enter())
        {
            (List<AsyncWait> taken, thread.Inbox) = (thread.Inbox, empty);
            return taken;
        }
    }

    /// <summary>Returns whether a thread may end, because it has no words. Then it gets none any more.</summary>
    public static bool TryEnd(WaitThread thread)
    {
        using (s_gate.Enter())
        {
            return thread.Words == 0 && s_threads.Remove(thread);
        }
    }

    private static WaitThread FindThread(bool needsWord)
    {
        foreach (WaitThread thread in s_threads)
        {
            if (!needsWord || thread.Words < s_mostWords)
            {
                return thread;
            }
        }

        WaitThread started = WaitThread.Start();
        s_threads.Add(started);
        return started;
    }
}
