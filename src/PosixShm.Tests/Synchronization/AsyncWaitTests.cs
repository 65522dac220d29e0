using System.Diagnostics;
using System.Globalization;
using Microsoft.Win32.SafeHandles;
using PosixShm.Native;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Waits that block no thread: the ends of a wait.</summary>
internal sealed class AsyncWaitTests : NamedTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    private static readonly Dictionary<string, Func<SharedArray<int>, CancellationToken, Task>> s_waits = new()
    {
        ["EnterAsync"] = static (array, cancellation) => array.Lock.EnterAsync(cancellation).AsTask(),
        ["EnterRecoveryAsync"] = static (array, cancellation) => array.Lock.EnterRecoveryAsync(cancellation).AsTask(),
        ["WaitAsync"] = static (array, cancellation) => array.ChangeCounter.WaitAsync(0, cancellation).AsTask(),
        ["WaitAnyAsync"] = static (array, cancellation)
            => ChangeCounter.WaitAnyAsync([array.ChangeCounter], new uint[1], cancellation).AsTask(),
        ["WaitAny"] = static (array, cancellation)
            => Task.Run(() => ChangeCounter.WaitAny([array.ChangeCounter], new uint[1], cancellation), CancellationToken.None),
        ["ReadAllAsync"] = static (array, cancellation)
            => array.ChangeCounter.ReadAllAsync(0, cancellation).FirstAsync(CancellationToken.None).AsTask(),
    };

    private static IEnumerable<string> Waits => s_waits.Keys;

    [TestCaseSource(nameof(Waits))]
    public async Task Cancellation_ends_a_wait(string wait)
    {
        using SharedArray<int> array = Held(out SharedArray<int> waiter);
        using CancellationTokenSource source = new();
        Task task = s_waits[wait](waiter, source.Token);
        Assert.That(task.IsCompleted, Is.False);
        await source.CancelAsync();
        await Assert.ThatAsync(() => task.WaitAsync(s_limit), Throws.InstanceOf<OperationCanceledException>());

        // A token that is cancelled already.
        await Assert.ThatAsync(
            () => s_waits[wait](waiter, source.Token).WaitAsync(s_limit), Throws.InstanceOf<OperationCanceledException>());
        waiter.Dispose();
    }

    [Test]
    public void Entry_with_a_cancelled_token_does_not_take_a_free_lock()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        CancellationToken cancelled = new(canceled: true);
        Task[] entries =
        [
            array.Lock.EnterAsync(cancelled).AsTask(),
            array.Lock.EnterRecoveryAsync(cancelled).AsTask(),
            array.ReaderWriterLock.EnterReadAsync(cancelled).AsTask(),
            array.ReaderWriterLock.EnterWriteAsync(cancelled).AsTask(),
        ];
        Assert.That(entries, Is.All.Matches<Task>(static entry => entry?.IsCanceled == true));
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free));
        Assert.That(array.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
    }

    [Test]
    public async Task Cancellation_is_noticed_at_once()
    {
        // With checks every 40 ms, these would take 20 s.
        const int Cancellations = 1000;
        using SharedArray<int> array = Held(out SharedArray<int> waiter);
        Stopwatch time = Stopwatch.StartNew();
        for (int i = 0; i < Cancellations; i++)
        {
            using CancellationTokenSource source = new();
            Task task = waiter.Lock.EnterAsync(source.Token).AsTask();
            await source.CancelAsync();
            await Assert.ThatAsync(() => task, Throws.InstanceOf<OperationCanceledException>());
        }

        Assert.That(time.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)));
        waiter.Dispose();
    }

    [TestCaseSource(nameof(Waits))]
    public void Disposal_of_the_array_ends_a_wait(string wait)
    {
        using SharedArray<int> array = Held(out SharedArray<int> waiter);
#pragma warning disable CA2025 // The disposal during the wait is the test.
        Task task = s_waits[wait](waiter, CancellationToken.None);
#pragma warning restore CA2025
        waiter.Dispose();
        Assert.That(async () => await task.WaitAsync(s_limit), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(OwnProcess.CountMappings(Name), Is.Zero, "the wait has released the memory");
    }

    [TestCaseSource(nameof(Waits))]
    public void Truncation_of_the_file_ends_a_wait(string wait)
    {
        using SharedArray<int> array = Held(out SharedArray<int> waiter);
        Task task = s_waits[wait](waiter, CancellationToken.None);
        Truncate(Name, 0);
        Assert.That(async () => await task.WaitAsync(s_limit), Throws.InstanceOf<SharedMemoryLostException>());
        waiter.Dispose();
    }

    [Test]
    public async Task Owner_that_dies_is_noticed_by_an_asynchronous_waiter()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ChildProcess child = ChildProcess.Start(Hold, Name);
        child.Expect("HELD");
        Task<SharedLockReleaser>[] entries = [.. Enumerable.Range(0, 10).Select(_ => array.Lock.EnterAsync().AsTask())];
        Task<SharedLockRecovery> repair = array.Lock.EnterRecoveryAsync().AsTask();
        Assert.That(repair.IsCompleted, Is.False);
        child.Kill();
        foreach (Task<SharedLockReleaser> entry in entries)
        {
            await Assert.ThatAsync(() => entry.WaitAsync(s_limit), Throws.InstanceOf<AbandonedMutexException>());
        }

        using (SharedLockRecovery recovery = await repair.WaitAsync(s_limit))
        {
            Assert.That(recovery.WasAbandoned, Is.True);
        }

        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Abandoned), "nothing was repaired");
        using (SharedLockRecovery recovery = await array.Lock.EnterRecoveryAsync())
        {
            recovery.MarkConsistent();
        }

        using (SharedLockRecovery recovery = await array.Lock.EnterRecoveryAsync())
        {
            Assert.That(recovery.WasAbandoned, Is.False);
        }

        using (await array.Lock.EnterAsync())
        {
            Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Held));
        }

        static int Hold(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            array.Lock.Enter();
            Console.WriteLine("HELD");
            _ = Console.ReadLine();
            return 0;
        }
    }

    [Test]
    public void Continuation_that_blocks_in_a_context_of_its_own_holds_up_no_other_wait()
    {
        // The context calls back at once, and so on whatever thread reports the end of the wait.
        using SharedArray<int> first = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> second = SharedArray.Create<int>(NameOf("second"), 1);
        using ManualResetEventSlim isBlocked = new();
        Task<bool>? both = null;
        OtherThread.Run(() =>
        {
            SynchronizationContext.SetSynchronizationContext(new ImmediateContext());
            both = WaitForBoth();
        });
        _ = first.ChangeCounter.Signal();
        Assert.That(isBlocked.Wait(s_limit), Is.True);
        _ = second.ChangeCounter.Signal();
        Assert.That(both!.Result, Is.True);

        async Task<bool> WaitForBoth()
        {
            _ = await first.ChangeCounter.WaitAsync(0);
            Task<uint> wait = second.ChangeCounter.WaitAsync(0).AsTask();
            isBlocked.Set();
            return Block(wait);
        }

        static bool Block(Task wait) => wait.Wait(s_limit);
    }

    [Test]
    public async Task Token_ends_an_enumeration_whose_next_change_is_always_there()
    {
        const uint Last = 3;
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using CancellationTokenSource source = new();
        _ = array.ChangeCounter.Signal();
        await Assert.ThatAsync(Enumerate, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(array.ChangeCounter.Count, Is.EqualTo(Last + 1));

        async Task Enumerate()
        {
            await foreach (uint count in array.ChangeCounter.ReadAllAsync(0, source.Token))
            {
                _ = array.ChangeCounter.Signal();
                Assert.That(count, Is.LessThanOrEqualTo(Last), "the token was cancelled");
                if (count == Last)
                {
                    await source.CancelAsync();
                }
            }
        }
    }

    [Test]
    public void File_that_cannot_be_queried_ends_a_wait_and_not_the_process()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        ChildProcess.Run(LoseDescriptor, Name);

        // Without a control page, a wait asks again and again whether the file has its name.
        static int LoseDescriptor(string[] args)
        {
            ReadOnlySharedArray<int> array = SharedArray.AttachReadOnly<int>(args[0]);
            Task<uint> wait = array.ChangeCounter.WaitAsync(0).AsTask();
            foreach (string path in Directory.GetFiles("/proc/self/fd"))
            {
                if (File.ResolveLinkTarget(path, returnFinalTarget: false)?.Name == args[0])
                {
                    nint descriptor = nint.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture);
                    new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
                }
            }

            Assert.That(() => wait.Wait(s_limit), Throws.InnerException.InstanceOf<IOException>());
            return 0;
        }
    }

    [Test]
    public void Waiter_that_gives_up_passes_its_wake_up_on()
    {
        // The next waiter is a plain futex wait, which no check of the library ends.
        const int TimedOut = -1;
        using SharedArray<int> array = Held(out SharedArray<int> waiter);
        using SharedArray<int> mapped = SharedArray.Attach<int>(Name);
        int result = TimedOut;
        Thread sleeper = new(() => result = Sleep(mapped));
        Task first = waiter.Lock.EnterAsync().AsTask();
        WaitUntilLockHasWaiter();
        sleeper.Start();

        // The sleeper may not sleep yet, so waiters give up until it is awake.
        Stopwatch time = Stopwatch.StartNew();
        while (sleeper.IsAlive && time.Elapsed < s_limit)
        {
            using CancellationTokenSource source = new();
            Task task = waiter.Lock.EnterAsync(source.Token).AsTask();
            source.Cancel();
            Assert.That(async () => await task, Throws.InstanceOf<OperationCanceledException>());
        }

        Assert.That(sleeper.Join(s_limit), Is.True);
        Assert.That(result, Is.Zero, "the sleeper was woken");
        Assert.That(first.IsCompleted, Is.False);
        waiter.Dispose();
        Assert.That(async () => await first, Throws.InstanceOf<ObjectDisposedException>());

        static unsafe int Sleep(SharedArray<int> mapped)
        {
            int* word = LockWords.AddressIn(mapped);
            return Interop.FutexWait(word, Volatile.Read(ref *word), (int)(2 * s_limit.TotalMilliseconds));
        }
    }

    [Test]
    public void Entry_exits_once_however_often_and_wherever_it_is_disposed()
    {
        const int Rounds = 2000;
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using Barrier barrier = new(2);
        SharedLockReleaser entry = default;
        Task other = Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; i < Rounds; i++)
                {
                    barrier.SignalAndWait();
                    entry.Dispose();
                    barrier.SignalAndWait();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        for (int i = 0; i < Rounds; i++)
        {
            entry = array.Lock.EnterAsync().AsTask().Result;
            barrier.SignalAndWait();
            entry.Dispose();
            using (SharedLockReleaser next = array.Lock.EnterAsync().AsTask().Result)
            {
                barrier.SignalAndWait();
                entry.Dispose();
                Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Held), "of the next entry");
                Assert.That(next, Is.Not.EqualTo(entry));
            }
        }

        other.Wait();
        default(SharedLockReleaser).Dispose();
    }

    [Test]
    public async Task Change_is_seen_without_a_page_by_a_read_only_attachment_and_by_a_private_copy()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ReadOnlySharedArray<int> readOnly = SharedArray.AttachReadOnly<int>(Name);
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        for (uint count = 0; count < 3; count++)
        {
            Task<uint>[] waits = [readOnly.ChangeCounter.WaitAsync(count).AsTask(), copy.ChangeCounter.WaitAsync(count).AsTask()];
            Assert.That(waits.Count(static wait => wait.IsCompleted), Is.Zero);
            _ = array.ChangeCounter.Signal();
            Assert.That(await Task.WhenAll(waits).WaitAsync(s_limit), Is.All.EqualTo(count + 1));
        }
    }

    [Test]
    public async Task Changes_of_another_process_are_enumerated()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ChildProcess child = ChildProcess.Start(Signal, Name);
        child.Expect("READY");
        child.Send("go");
        uint last = 0;
        await foreach (uint count in array.ChangeCounter.ReadAllAsync(0).WithCancellation(CancellationToken.None))
        {
            Assert.That(count, Is.GreaterThan(last));
            last = count;
            if (count == 100)
            {
                break;
            }
        }

        child.WaitForSuccess();

        static int Signal(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            Console.WriteLine("READY");
            _ = Console.ReadLine();
            for (int i = 0; i < 100; i++)
            {
                _ = array.ChangeCounter.Signal();
            }

            return 0;
        }
    }

    [Test]
    public void Entry_of_an_array_that_permits_none_fails_as_a_task()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ReadOnlySharedArray<int> readOnly = SharedArray.AttachReadOnly<int>(Name);
        Assert.That(readOnly.Lock.EnterAsync().AsTask().Exception!.InnerException, Is.InstanceOf<InvalidOperationException>());
        Assert.That(default(SharedLock).EnterAsync().AsTask().Exception!.InnerException, Is.InstanceOf<InvalidOperationException>());
    }

    // The lock is held through another attachment than the waiter's.
    private SharedArray<int> Held(out SharedArray<int> waiter)
    {
        SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        waiter = SharedArray.Attach<int>(Name);
        array.Lock.Enter();
        return array;
    }

    private sealed class ImmediateContext : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => d(state);
    }
}
