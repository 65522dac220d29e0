using System.Reflection;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Threads that end inside a lock, and identities that never repeat.</summary>
internal sealed class LockThreadTests : NamedTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Test]
    public void Lock_of_an_ended_thread_is_abandoned_for_waiters_of_its_process([Values] bool isOtherAttachment)
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        SharedLock waited = isOtherAttachment ? other.Lock : array.Lock;
        EndInside(array.Lock);
        Assert.That(() => waited.TryEnter(s_limit), Throws.InstanceOf<AbandonedMutexException>());
        Repair(waited);
        using (array.Lock.EnterScope())
        {
            Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Held));
        }
    }

    [Test]
    public void Lock_of_an_ended_thread_is_abandoned_for_other_processes()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ChildProcess child = ChildProcess.Start(EndInsideAndLive, Name);
        child.Expect("ENDED");
        Assert.That(() => array.Lock.TryEnter(s_limit), Throws.InstanceOf<AbandonedMutexException>());
        Repair(array.Lock);
        child.Send("END");
        child.WaitForSuccess();

        static int EndInsideAndLive(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            EndInside(array.Lock);
            Console.WriteLine("ENDED");
            _ = Console.ReadLine();
            return 0;
        }
    }

    [Test]
    public void Thread_with_the_id_of_an_ended_thread_does_not_hold_its_lock()
    {
        ChildProcess.Run(Reuse, Name);

        // Runs in a separate process, because the runtime gives the id of a collected thread to the next thread.
        static int Reuse(string[] args)
        {
            using SharedArray<int> array = SharedArray.Create<int>(args[0], 1);
            int id = EndInside(array.Lock);
            bool isSeen = false;
            for (int i = 0; i < 200 && !isSeen; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                OtherThread.Run(() =>
                {
                    isSeen = Environment.CurrentManagedThreadId == id;
                    Assert.That(array.Lock.IsHeldByCurrentThread, Is.False);
                    Assert.That(array.Lock.Exit, Throws.InstanceOf<SynchronizationLockException>());
                    Assert.That(() => array.Lock.TryEnter(s_limit), Throws.InstanceOf<AbandonedMutexException>());
                });
            }

            return isSeen ? 0 : 1;
        }
    }

    [Test]
    public void Thread_that_ends_outside_of_locks_leaves_them_as_they_are()
    {
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.Zeros<int>(1), new SharedArrayOptions { Locks = 2 });
        array.Locks[1].Enter();
        for (int i = 0; i < 100; i++)
        {
            OtherThread.Run(() => array.Lock.EnterScope().Dispose());
        }

        Assert.That((array.Locks[0].State, array.Locks[1].State), Is.EqualTo((SharedLockState.Free, SharedLockState.Held)));
        array.Locks[1].Exit();
    }

    [Test]
    public void Thread_that_ends_inside_a_recursion_or_a_recovery_leaves_the_lock_abandoned([Values] bool isRecovery)
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        OtherThread.Run(() =>
        {
            if (isRecovery)
            {
                array.Lock.EnterRecovery().MarkConsistent();
            }
            else
            {
                array.Lock.Enter();
                array.Lock.Enter();
            }
        });
        Assert.That(() => array.Lock.TryEnter(s_limit), Throws.InstanceOf<AbandonedMutexException>());
        Repair(array.Lock);
        array.Lock.EnterScope().Dispose();
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free), "left by one exit");
    }

    [Test]
    public void Lock_of_an_ended_thread_lets_the_memory_of_a_disposed_array_go()
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        ChildProcess.Run(DisposeAndEnd, Name);
        using SharedArray<int> array = SharedArray.Attach<int>(Name);
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Abandoned));

        static int DisposeAndEnd(string[] args)
        {
            SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            OtherThread.Run(() =>
            {
                array.Lock.Enter();
                array.Dispose();
            });
            return SpinWait.SpinUntil(() => OwnProcess.CountMappings(args[0]) == 0, s_limit) ? 0 : 1;
        }
    }

    [Test]
    public async Task Asynchronous_entry_outlives_the_thread_that_entered()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        SharedLockReleaser entered = default;
        OtherThread.Run(() => entered = array.Lock.EnterAsync().AsTask().Result);
        for (int i = 0; i < 20; i++)
        {
            OtherThread.Run(() => Assert.That(array.Lock.TryEnter(TimeSpan.FromMilliseconds(20)), Is.False));
        }

        entered.Dispose();
        entered.Dispose();
        using (await array.Lock.EnterAsync())
        {
            Assert.That(array.Lock.IsHeldByCurrentThread, Is.False);
        }
    }

    [Test]
    public void Identities_do_not_repeat_after_32_bits()
    {
        ChildProcess.Run(Repeat, Name);

        static int Repeat(string[] args)
        {
            using SharedArray<int> array = SharedArray.Create<int>(args[0], 1);
            FieldInfo last = typeof(SharedArray).Assembly.GetType("PosixShm.Synchronization.LockThread")!
                .GetField("s_lastId", BindingFlags.Static | BindingFlags.NonPublic)!;
            using SharedLockReleaser held = array.Lock.EnterAsync().AsTask().Result;
            last.SetValue(null, (long)last.GetValue(null)! - 1 + (1L << 32));
            using CancellationTokenSource enough = new(TimeSpan.FromMilliseconds(200));
            Assert.That(async () => await array.Lock.EnterAsync(enough.Token), Throws.InstanceOf<OperationCanceledException>());
            OtherThread.Run(() => Assert.That(array.Lock.TryEnter(), Is.False));
            return 0;
        }
    }

    [Test]
    public void Lock_is_a_value_that_no_lock_statement_takes()
    {
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.Zeros<int>(1), new SharedArrayOptions { Locks = 2 });
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(typeof(SharedLock).IsValueType, Is.True, "the compiler's error CS0185");
            Assert.That(array.Lock == array.Locks[0] && array.Lock.Equals((object)array.Locks[0]), Is.True);
            Assert.That(array.Lock.GetHashCode(), Is.EqualTo(array.Locks[0].GetHashCode()));
            Assert.That(array.Lock != array.Locks[1] && array.Lock != other.Lock, Is.True);
        }
    }

    [Test]
    public void Default_lock_is_no_array_s_lock()
    {
        SharedLock none = default;
        Action[] members =
        [
            () => _ = none.Index, () => _ = none.State, () => _ = none.OwnerSlot, () => _ = none.IsHeldByCurrentThread,
            () => _ = none.FindOwnerProcess(), none.Exit, () => none.Enter(), () => _ = none.TryEnter(),
            () => _ = none.TryEnter(TimeSpan.Zero), () => none.EnterScope().Dispose(), () => none.EnterRecovery().Dispose(),
            () => _ = none.EnterAsync().AsTask().GetAwaiter().GetResult(),
        ];
        foreach (Action member in members)
        {
            Assert.That(() => member(), Throws.InvalidOperationException.With.Message.Contains("default"));
        }

        default(SharedLock.Scope).Dispose();
        Assert.That((none == default, none.GetHashCode()), Is.EqualTo((true, 0)));
    }

    private static void Repair(SharedLock abandoned)
    {
        using SharedLock.RecoveryScope recovery = abandoned.EnterRecovery();
        Assert.That(recovery.WasAbandoned, Is.True);
        recovery.MarkConsistent();
    }

    private static int EndInside(SharedLock entered)
    {
        int id = 0;
        OtherThread.Run(() =>
        {
            entered.Enter();
            id = Environment.CurrentManagedThreadId;
        });
        return id;
    }
}
