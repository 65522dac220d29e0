using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>A pending <see cref="Thread.Interrupt"/> ends waits, but neither disposal nor the exit of a lock.</summary>
internal sealed class InterruptTests : NamedTest
{
    private const int Threads = 8;

    [Test]
    public void Disposal_on_an_interrupted_thread_is_whole()
    {
        SharedArray.Create<long>(Name, 8).Dispose();
        ChildProcess.Run(DisposeInterrupted, Name);

        // An EFAULT of a system call makes the library check all attachments, concurrently with the disposals.
        static int DisposeInterrupted(string[] args)
        {
            const int BadAddress = 14;
            SharedArray<long>[] others = [.. Enumerable.Range(0, 500).Select(_ => SharedArray.Attach<long>(args[0]))];
            OnThreads(() =>
            {
                for (int i = 0; i < 200; i++)
                {
                    SharedArray<long> array = SharedArray.Attach<long>(args[0]);
                    array.Lock.EnterAsync().AsTask().GetAwaiter().GetResult().Dispose();
                    Thread.CurrentThread.Interrupt();
                    array.Dispose();
                    EndInterrupt();
                    FailWith(BadAddress);
                }
            });
            Array.ForEach(others, static other => other.Dispose());
            Assert.That(OwnProcess.CountMappings(args[0]), Is.Zero, "all is unmapped");
            return 0;
        }
    }

    [Test]
    public void Asynchronous_entry_is_left_on_an_interrupted_thread_that_never_used_a_lock()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        OnThreads(() =>
        {
            using SharedArray<int> own = SharedArray.Attach<int>(Name);
            for (int i = 0; i < 20; i++)
            {
                SharedLockReleaser entered = own.Lock.EnterAsync().AsTask().GetAwaiter().GetResult();
                OnThreads(1, () =>
                {
                    Thread.CurrentThread.Interrupt();
                    entered.Dispose();
                });
            }
        });
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free));
    }

    [TestCase("TryEnter")]
    [TestCase("TryWait")]
    public void Interrupt_ends_a_loop_of_waits_that_are_shorter_than_the_time_between_checks(string what)
    {
        using SharedArray<int> holder = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> waiter = SharedArray.Attach<int>(Name);
        TimeSpan brief = TimeSpan.FromMilliseconds(10);
        Func<bool> wait = what == "TryEnter" ? () => waiter.Lock.TryEnter(brief) : () => waiter.ChangeCounter.TryWait(0, brief, out _);
        holder.Lock.Enter();
        int waits = 0;
        OnThreads(1, () =>
        {
            Thread.CurrentThread.Interrupt();
            _ = Assert.Catch<ThreadInterruptedException>(() =>
            {
                for (; waits < 1000; waits++)
                {
                    _ = wait();
                }
            });
        });
        Assert.That(waits, Is.LessThan(10));
        holder.Lock.Exit();
    }

    // An assertion of NUnit would not do: a pending interrupt can end its own waits.
    private static void EndInterrupt()
    {
        try
        {
            Thread.Sleep(0);
        }
        catch (ThreadInterruptedException)
        {
            return;
        }

        throw new InvalidOperationException("the interrupt was lost");
    }

    private static void FailWith(int errno)
    {
        try
        {
            throw new IOException("a system call failed", errno);
        }
        catch (IOException)
        {
        }
    }

    private static void OnThreads(Action action) => OnThreads(Threads, action);

    private static void OnThreads(int count, Action action)
    {
        Exception? failure = null;
        Thread[] threads =
        [
            .. Enumerable.Range(0, count).Select(_ => new Thread(() =>
            {
                try
                {
                    action();
                }
                catch (Exception error) when (error is not OutOfMemoryException)
                {
                    failure = error;
                }
            })),
        ];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        Assert.That(failure, Is.Null);
    }
}
