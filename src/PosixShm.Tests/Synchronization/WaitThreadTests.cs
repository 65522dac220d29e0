using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>The threads and the processor time of asynchronous waits. Each test runs in a separate process, whose threads it
/// counts.</summary>
internal sealed class WaitThreadTests : NamedTest
{
    private const int Waiters = 1000;

    // Denied as by an old kernel (ENOSYS), and as by an old filter of system calls (EPERM).
    private static readonly string?[] s_denials = [null, "futex-waitv:38", "futex-waitv:1"];

    private static IEnumerable<string?> Denials => s_denials;

    [Test]
    public void Entry_of_a_free_lock_starts_no_thread_and_allocates_nothing()
    {
        ChildProcess.Run(Enter, Name);

        static int Enter(string[] args)
        {
            using SharedArray<int> array = SharedArray.Create<int>(args[0], 1);
            SharedLock shared = array.Lock;

            // Code that is not optimised yet may allocate. When the runtime optimises it depends on the load of the machine.
            long allocated = 1;
            for (int i = 0; allocated != 0 && i < 1_000_000; i++)
            {
                long before = GC.GetAllocatedBytesForCurrentThread();
                ValueTask<SharedLockReleaser> entry = shared.EnterAsync();
                bool isComplete = entry.IsCompletedSuccessfully;
                entry.Result.Dispose();
                allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.That(isComplete, Is.True);
            }

            Assert.That(allocated, Is.Zero);
            Assert.That(shared.State, Is.EqualTo(SharedLockState.Free));
            Assert.That(WaitingThreads.CountAll(), Is.Zero);
            return 0;
        }
    }

    [TestCaseSource(nameof(Denials))]
    public void Thousand_waiters_at_a_thousand_locks_need_few_threads_and_hardly_any_processor_time(string? denied)
    {
        using ChildProcess child = Start(denied, Wait);
        child.WaitForSuccess();
        TestContext.Out.Write(child.Output);

        static int Wait(string[] args)
        {
            SharedArrayOptions options = new() { Locks = Waiters };
            using SharedArray<int> holder = SharedArray.Create(args[0], ArrayContent.Zeros<int>(1), options);
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            foreach (SharedLock held in holder.Locks)
            {
                held.Enter();
            }

            Task<SharedLockReleaser>[] entries = [.. array.Locks.Select(static shared => shared.EnterAsync().AsTask())];
            CheckIdle(args);
            Assert.That(entries.Count(static entry => entry.IsCompleted), Is.Zero);
            foreach (SharedLock held in holder.Locks)
            {
                held.Exit();
            }

            foreach (Task<SharedLockReleaser> entry in entries)
            {
                entry.GetAwaiter().GetResult().Dispose();
            }

            WaitingThreads.ExpectNone();
            return 0;
        }
    }

    [TestCaseSource(nameof(Denials))]
    public void Thousand_waiters_for_changes_of_a_thousand_arrays_need_few_threads_and_hardly_any_processor_time(string? denied)
    {
        using ChildProcess child = Start(denied, Wait);
        child.WaitForSuccess();
        TestContext.Out.Write(child.Output);

        static int Wait(string[] args)
        {
            SharedArray<int>[] arrays =
            [
                .. Enumerable.Range(0, Waiters).Select(_ => SharedArray.CreateAnonymous<int>(1)),
            ];
            Task<uint>[] waits = [.. arrays.Select(static array => array.ChangeCounter.WaitAsync(0).AsTask())];
            CheckIdle(args);
            Assert.That(waits.Count(static wait => wait.IsCompleted), Is.Zero);
            Array.ForEach(arrays, static array => array.ChangeCounter.Signal());
            Assert.That(Task.WhenAll(waits).Result, Is.All.EqualTo(1));
            Array.ForEach(arrays, static array => array.Dispose());
            WaitingThreads.ExpectNone();
            return 0;
        }
    }

    [TestCaseSource(nameof(Denials))]
    public void Thousand_waiters_at_one_lock_need_one_thread_and_enter_in_turn(string? denied)
    {
        using ChildProcess child = Start(denied, Wait);
        child.WaitForSuccess();
        TestContext.Out.Write(child.Output);

        static int Wait(string[] args)
        {
            using SharedArray<int> holder = SharedArray.Create<int>(args[0], 1);
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            holder.Lock.Enter();
            Task<int>[] turns = [.. Enumerable.Range(0, Waiters).Select(_ => Count())];
            Assert.That(WaitingThreads.Count(), Is.EqualTo(1));
            holder.Lock.Exit();
            Assert.That(Task.WhenAll(turns).Result, Is.EqualTo(Enumerable.Range(0, Waiters)));
            WaitingThreads.ExpectNone();
            return 0;

            async Task<int> Count()
            {
                using (await array.Lock.EnterAsync())
                {
                    return array[0]++;
                }
            }
        }
    }

    [TestCaseSource(nameof(Denials))]
    public void Two_thousand_cancelled_waiters_leave_no_thread_and_no_mark(string? denied)
    {
        using ChildProcess child = Start(denied, Cancel);
        child.WaitForSuccess();

        static int Cancel(string[] args)
        {
            const int Each = 1000;
            using SharedArray<int> holder = SharedArray.Create<int>(args[0], 1);
            SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            holder.Lock.Enter();
            using CancellationTokenSource source = new();
            Task[] waits =
            [
                .. Enumerable.Range(0, Each).Select(_ => (Task)array.Lock.EnterAsync(source.Token).AsTask()),
                .. Enumerable.Range(0, Each).Select(_ => (Task)array.ChangeCounter.WaitAsync(0, source.Token).AsTask()),
            ];
            Assert.That(WaitingThreads.Count(), Is.EqualTo(1));
            source.Cancel();
            Assert.That(() => Task.WhenAll(waits).GetAwaiter().GetResult(), Throws.InstanceOf<OperationCanceledException>());
            Assert.That(waits.Count(static wait => wait.IsCanceled), Is.EqualTo(2 * Each));
            Assert.That(LockWords.ReadWaitersForChange("/dev/shm/" + args[0]), Is.Zero);
            array.Dispose();
            holder.Lock.Exit();
            Assert.That(holder.Lock.State, Is.EqualTo(SharedLockState.Free));
            Assert.That(OwnProcess.CountMappings(args[0]), Is.Zero, "no wait has kept the memory");
            WaitingThreads.ExpectNone();
            return 0;
        }
    }

    [Test]
    public void Waits_begin_again_after_the_thread_has_ended()
    {
        ChildProcess.Run(Again, Name);

        static int Again(string[] args)
        {
            using SharedArray<int> array = SharedArray.Create<int>(args[0], 1);
            for (uint i = 0; i < 3; i++)
            {
                Task<uint> wait = array.ChangeCounter.WaitAsync(i).AsTask();
                Assert.That(WaitingThreads.Count(), Is.EqualTo(1));
                _ = array.ChangeCounter.Signal();
                Assert.That(wait.Result, Is.EqualTo(i + 1));
                WaitingThreads.ExpectNone();
            }

            return 0;
        }
    }

    private ChildProcess Start(string? denied, Func<string[], int> method)
        => ChildProcess.Start(denied is null ? [] : [(FailingShim.FailAt, denied)], method, Name, denied ?? "10 threads");

    // A waiter that spins or is woken again and again takes whole seconds. How little a sleeping one takes depends on the machine.
    private static void CheckIdle(string[] args)
    {
        int most = args[1].StartsWith("10", StringComparison.Ordinal) ? 10 : 1;
        Assert.That(WaitingThreads.Count(), Is.InRange(1, most));
        _ = WaitingThreads.TimeOfIdleSeconds(1);
        TimeSpan time = WaitingThreads.TimeOfIdleSeconds(10);
        Console.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{args[1]}: {WaitingThreads.Count()} threads, {time.TotalSeconds} s"));
        Assert.That(time, Is.LessThan(TimeSpan.FromSeconds(1)), "processor time of 10 seconds");
    }
}
