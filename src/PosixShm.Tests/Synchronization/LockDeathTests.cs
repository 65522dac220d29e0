using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using PosixShm.Native;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Locks whose owners and waiters die at any moment.</summary>
internal sealed class LockDeathTests : NamedTest
{
    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(2);

    [Test]
    public void Death_is_reported_at_once_to_a_caller_that_does_not_wait()
    {
        // The owner is one by the rules of docs/FORMAT.md: it has locked the byte of a slot whose generation is 0. Answers of the kernel
        // that a waiter may use again within a tick of the clock are wrong for a caller that asks once. So a pair of questions within one
        // tick is needed.
        const int Slot = 448;
        const long SlotByte = (1L << 62) + Slot;
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> asking = SharedArray.Attach<int>(Name);
        _ = array.ChangeCounter.Signal(); // makes the page
        bool isSameTick = false;
        for (int i = 0; i < 10_000 && !isSameTick; i++)
        {
            LockWords.Write(ShmPath, Slot);
            int tick;
            using (SafeFileHandle owner = File.OpenHandle(ShmPath, access: FileAccess.ReadWrite, share: FileShare.ReadWrite))
            {
#pragma warning disable CA2000 // The handle closes it.
                Descriptor descriptor = new(owner.DangerousGetHandle());
#pragma warning restore CA2000
                Assert.That(Interop.LockByte(descriptor, SlotByte, Interop.ByteLock.LOCK_EXCLUSIVE), Is.Zero);
                Assert.That(asking.Lock.TryEnter(TimeSpan.FromMilliseconds(1)), Is.False);
                tick = Environment.TickCount;
                Assert.That(asking.Lock.State, Is.EqualTo(SharedLockState.Held));
            }

            SharedLockState state = asking.Lock.State;
            isSameTick = tick == Environment.TickCount;
            Assert.That(state, Is.EqualTo(SharedLockState.Abandoned));
            Assert.That(() => asking.Lock.TryEnter(), Throws.InstanceOf<AbandonedMutexException>());
            LockWords.Write(ShmPath, 0);
        }

        Assert.That(isSameTick, Is.True);
    }

    [Test]
    public void Killed_owner_leaves_an_abandoned_lock_until_a_repair()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using SharedArray<long> other = SharedArray.Attach<long>(Name);
        using ChildProcess child = ChildProcess.Start(HoldHalfWay, Name);
        child.Expect("HELD");
        Assert.That(array.Lock.FindOwnerProcess(), Is.EqualTo(child.Id));
        child.Kill();

        // Every attempt to enter gets the exception.
        for (int i = 0; i < 2; i++)
        {
            Assert.That(
                () => array.Lock.Enter(),
                Throws.InstanceOf<AbandonedMutexException>().With.Message.Contains(Name).And.Message.Contains("EnterRecovery"));
            Assert.That(() => other.Lock.TryEnter(), Throws.InstanceOf<AbandonedMutexException>());
            Assert.That(async () => await other.Lock.EnterAsync(), Throws.InstanceOf<AbandonedMutexException>());
            Assert.That((array.Lock.State, array.Lock.IsHeldByCurrentThread), Is.EqualTo((SharedLockState.Abandoned, false)));
        }

        // An unfinished repair leaves the lock abandoned.
        using (SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery())
        {
            Assert.That(recovery.WasAbandoned, Is.True);
            Assert.That(other.Lock.TryEnter(), Is.False, "the repairing thread holds it");
        }

        Assert.That(() => other.Lock.Enter(), Throws.InstanceOf<AbandonedMutexException>());

        using (SharedLock.RecoveryScope recovery = other.Lock.EnterRecovery())
        {
            Assert.That((array[0], array[1]), Is.EqualTo((1L, 0L)), "torn");
            array[1] = array[0];
            recovery.MarkConsistent();
        }

        using (array.Lock.EnterScope())
        {
            Assert.That((array[0], array[1]), Is.EqualTo((1L, 1L)));
        }

        using SharedLock.RecoveryScope healthy = array.Lock.EnterRecovery();
        Assert.That(healthy.WasAbandoned, Is.False);
    }

    [Test]
    public void Waiter_gets_an_exception_when_the_owner_is_killed()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using ChildProcess holder = ChildProcess.Start(HoldHalfWay, Name);
        holder.Expect("HELD");
        using ChildProcess waiter = ChildProcess.Start(EnterAndTell, Name);
        waiter.Expect("WAITING");
        WaitUntilLockHasWaiter();
        holder.Kill();
        waiter.Expect("ABANDONED");
        waiter.WaitForSuccess();
    }

    [Test]
    public void Owner_that_dies_during_a_repair_leaves_the_lock_abandoned()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using (ChildProcess holder = ChildProcess.Start(HoldHalfWay, Name))
        {
            holder.Expect("HELD");
            holder.Kill();
        }

        using (ChildProcess repairer = ChildProcess.Start(RepairForEver, Name))
        {
            repairer.Expect("HELD");
            Assert.That(array.Lock.TryEnter(), Is.False);
            repairer.Kill();
        }

        Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<AbandonedMutexException>());

        static int RepairForEver(string[] args)
        {
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            using SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery();
            recovery.MarkConsistent();
            Console.WriteLine("HELD");
            _ = Console.ReadLine();
            return 0;
        }
    }

    [TestCase("before-sleep")]
    [TestCase("after-sleep")]
    public void Waiter_killed_around_its_sleep_delays_no_other_waiter(string step)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        array.Lock.Enter();
        using (ChildProcess waiter = ChildProcess.Start([(FailingShim.DieAt, step)], EnterAndTell, Name))
        {
            waiter.Expect("WAITING");
            Assert.That(waiter.WaitForExit(), Is.EqualTo(128 + 9));
        }

        using ChildProcess next = ChildProcess.Start(EnterAndTell, Name);
        next.Expect("WAITING");
        WaitUntilLockHasWaiter();
        array.Lock.Exit();
        next.Expect("ENTERED");
        next.WaitForSuccess();
    }

    [TestCase("before-wake")]
    [TestCase("after-wake")]
    public void Owner_killed_between_release_and_wake_up_delays_no_waiter(string step)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using ChildProcess holder = ChildProcess.Start([(FailingShim.DieAt, step)], LockOwner.Hold, Name);
        holder.Expect("HELD");
        using ChildProcess waiter = ChildProcess.Start(EnterAndTell, Name);
        waiter.Expect("WAITING");
        WaitUntilLockHasWaiter();
        holder.Send("LEAVE");
        Assert.That(holder.WaitForExit(), Is.EqualTo(128 + 9));
        waiter.Expect("ENTERED");
        waiter.WaitForSuccess();
    }

    [Test]
    public void Killed_owner_is_dead_although_its_child_inherited_the_array([Values] bool isHandedOnFirst)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using ChildProcess holder = ChildProcess.Start(HoldWithHeir, Name, $"{isHandedOnFirst}");
        holder.Expect("HELD");
        string heir = holder.ReadLine()!;
        try
        {
            _ = ChildProcess.Run("kill", "-KILL", $"{holder.Id}");
            Assert.That(() => array.Lock.TryEnter(TimeSpan.FromSeconds(5)), Throws.InstanceOf<AbandonedMutexException>());
            Assert.That(SharedArray.Describe(Name).IsInUse, Is.True);
        }
        finally
        {
            _ = ChildProcess.Run("kill", "-KILL", heir);
        }

        static int HoldWithHeir(string[] args)
        {
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            bool isHandedOnFirst = bool.Parse(args[1]);
            _ = isHandedOnFirst ? array.MakeInheritable() : null;
            array.Lock.Enter();
            _ = array.MakeInheritable();
            using Process heir = Process.Start(new ProcessStartInfo("sleep", ["60"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            Console.WriteLine("HELD");
            Console.WriteLine(heir.Id);
            _ = Console.ReadLine();
            return 0;
        }
    }

    [Test]
    public void Stopped_owner_is_alive()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using ChildProcess holder = ChildProcess.Start(HoldHalfWay, Name);
        holder.Expect("HELD");
        _ = ChildProcess.Run("kill", "-STOP", $"{holder.Id}");
        Assert.That(array.Lock.TryEnter(TimeSpan.FromMilliseconds(300)), Is.False);
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Held));
        _ = ChildProcess.Run("kill", "-CONT", $"{holder.Id}");
        holder.Send("LEAVE");
        holder.WaitForSuccess();
        Assert.That(array.Lock.TryEnter(s_longEnough), Is.True);
        Assert.That((array[0], array[1]), Is.EqualTo((1L, 1L)), "the process continued");
        array.Lock.Exit();
    }

    [Test]
    public void Reused_slot_does_not_stand_for_its_former_owner()
    {
        using SharedArray<long> array = SharedArray.Create(Name, ArrayContent.Zeros<long>(2), new SharedArrayOptions { Locks = 2 });
        using ChildProcess holder = ChildProcess.Start(HoldHalfWay, Name);
        holder.Expect("HELD");
        using ChildProcess waiter = ChildProcess.Start(EnterAndTell, Name);
        waiter.Expect("WAITING");
        WaitUntilLockHasWaiter();
        int slot = array.Lock.OwnerSlot;

        // The waiter is stopped so that it cannot check the slot while it is free.
        _ = ChildProcess.Run("kill", "-STOP", $"{waiter.Id}");
        holder.Kill();

        // Takes slots until that of the dead owner is in use again.
        List<SharedArray<long>> attachments = [];
        try
        {
            int taken = 0;
            while (taken != slot)
            {
                attachments.Add(SharedArray.Attach<long>(Name));
                using (attachments[^1].Locks[1].EnterScope())
                {
                    taken = attachments[^1].Locks[1].OwnerSlot;
                }
            }

            _ = ChildProcess.Run("kill", "-CONT", $"{waiter.Id}");
            waiter.Expect("ABANDONED");
            waiter.WaitForSuccess();
        }
        finally
        {
            attachments.ForEach(attachment => attachment.Dispose());
        }
    }

    [Test]
    public void Lack_of_slots_is_an_error_and_freed_slots_are_reused()
    {
        List<SharedArray<long>> attachments = [];
        try
        {
            attachments.Add(SharedArray.Create<long>(Name, 1));
            for (int i = 0; i < 448; i++)
            {
                attachments[^1].Lock.EnterScope().Dispose();
                attachments.Add(SharedArray.Attach<long>(Name));
            }

            Assert.That(() => attachments[^1].Lock.Enter(), Throws.InstanceOf<IOException>().With.Message.Contains("448 attachments"));
            attachments[0].Dispose();
            attachments[^1].Lock.EnterScope().Dispose();
        }
        finally
        {
            attachments.ForEach(attachment => attachment.Dispose());
        }
    }

    [Test]
    public void Equal_process_ids_of_two_namespaces_are_distinguished()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using ChildProcess inside = ChildProcess.Start(Namespaces.WithProcessIds(ChildProcess.CommandLine(HoldHalfWay, Name)));
        inside.Expect("HELD");
        using ChildProcess alsoInside = ChildProcess.Start(Namespaces.WithProcessIds(ChildProcess.CommandLine(EnterAndTell, Name)));
        alsoInside.Expect("WAITING");
        WaitUntilLockHasWaiter();
        Assert.That(array.Lock.TryEnter(TimeSpan.FromMilliseconds(200)), Is.False);
        inside.Kill();
        alsoInside.Expect("ABANDONED");
        alsoInside.WaitForSuccess();
    }

    [TestCase(0x7FFF_FFFF, TestName = "Lock_word_of_all_ones_is_abandoned")]
    [TestCase(unchecked((int)0x8000_0000), TestName = "Lock_word_with_waiters_and_no_owner_is_abandoned")]
    [TestCase(0x0000_01FF, TestName = "Lock_word_of_a_slot_beyond_the_last_is_abandoned")]
    [TestCase(0x0000_0001, TestName = "Lock_word_of_a_free_slot_is_abandoned")]
    public void Garbage(int word)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        array.Lock.EnterScope().Dispose();
        LockWords.Write(ShmPath, word);
        Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<AbandonedMutexException>());
        using (SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery())
        {
            recovery.MarkConsistent();
        }

        array.Lock.Enter();
        LockWords.Write(ShmPath, word);
        Assert.That(array.Lock.Exit, Throws.InstanceOf<InvalidDataException>().With.Message.Contains("overwritten"));
    }

    [Test]
    public void A_lock_that_was_overwritten_while_its_array_was_disposed_lets_the_memory_go()
    {
        SharedArray.Create<long>(Name, 1).Dispose();
        ChildProcess.Run(Hold, Name);

        static int Hold(string[] args)
        {
            SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            SharedLock held = array.Lock;
            held.Enter();
            array.Dispose();
            LockWords.Write(ShmPathOf(args[0]), 0x7FFF_FFFF);
            Assert.That(held.Exit, Throws.InstanceOf<InvalidDataException>());
            return OwnProcess.CountMappings(args[0]);
        }
    }

    [TestCase(300)]
    [TestCase(5000, Category = "More")]
    public void A_storm_of_kills_loses_no_wake_up_and_no_torn_state_goes_unnoticed(int kills)
    {
        const int Workers = 4;
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        SharedArray.Create<long>(NameOf("warm"), 2).Dispose();
        Random random = new(3);
        (int clean, int abandoned, int torn) = (0, 0, 0);
        using ChildProcess workers = ChildProcess.Start(ForkServer.Environment, Serve, Name, NameOf("warm"), $"{Workers}");
        Array.ForEach(new int[Workers], _ => workers.Expect("READY"));
        for (int kill = 0; kill < kills; kill++)
        {
            Thread.SpinWait(random.Next(10_000));
            workers.Send($"{random.Next(Workers)}");
            workers.Expect("KILLED");
            try
            {
                Assert.That(array.Lock.TryEnter(s_longEnough), Is.True, $"time-out after kill {kill}");
                clean++;
                Assert.That(array[0], Is.EqualTo(array[1]), $"torn without notice after kill {kill}");
                array.Lock.Exit();
            }
            catch (AbandonedMutexException)
            {
                using SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery();
                abandoned++;
                torn += array[0] == array[1] ? 0 : 1;
                array[1] = array[0];
                recovery.MarkConsistent();
            }

            workers.Expect("READY");
        }

        workers.WaitForSuccess();
        TestContext.Out.WriteLine(
            $"{kills} kills of {Workers} workers: {clean} clean, {abandoned} abandoned, {torn} of them torn, {array[0]} changes.");
        Assert.That(clean + abandoned, Is.EqualTo(kills));
        Assert.That((clean, abandoned), Is.Not.EqualTo((kills, 0)), "some owners died");

        static int Serve(string[] args) => ForkServer.Run(
            int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture),
            () => Work(args[1], 1000, static () => { }),
            ready => Work(args[0], long.MaxValue, ready));

        static void Work(string name, long rounds, Action ready)
        {
            using SharedArray<long> array = SharedArray.Attach<long>(name);
            ready();
            for (long round = 0; round < rounds; round++)
            {
                try
                {
                    using (array.Lock.EnterScope())
                    {
                        Change(array);
                    }
                }
                catch (AbandonedMutexException)
                {
                    using SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery();
                    Volatile.Write(ref array[1], array[0]);
                    recovery.MarkConsistent();
                }
            }
        }

        static void Change(SharedArray<long> array)
        {
            long next = array[0] + 1;
            Volatile.Write(ref array[0], next);
            Thread.SpinWait(200);
            Volatile.Write(ref array[1], next);
        }
    }

    private static int HoldHalfWay(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        using (array.Lock.EnterScope())
        {
            array[0]++;
            Console.WriteLine("HELD");
            _ = Console.ReadLine();
            array[1]++;
        }

        return 0;
    }

    private static int EnterAndTell(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        Console.WriteLine("WAITING");
        try
        {
            if (!array.Lock.TryEnter(s_longEnough))
            {
                return 1;
            }

            Console.WriteLine("ENTERED");
            array.Lock.Exit();
        }
        catch (AbandonedMutexException)
        {
            Console.WriteLine("ABANDONED");
        }

        return 0;
    }

    // The state that a thread leaves when it ends inside: abandoned, and without the WAITERS bit.
    [Test]
    public void Recovery_keeps_the_waiter_bit_after_a_sleep()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        using SharedArray<double> other = SharedArray.Attach(Name);
        array.Lock.Enter();
        Task<int> recovery = Task.Run(() =>
        {
            using SharedLock.RecoveryScope scope = other.Lock.EnterRecovery();
            scope.MarkConsistent();
            return scope.WasAbandoned ? LockWords.Read(ShmPath) : 0;
        });
        WaitUntilLockHasWaiter();
        LockWords.Write(ShmPath, 1 << 30);
        Assert.That(recovery.Wait(TimeSpan.FromSeconds(60)), Is.True);
        Assert.That(recovery.Result, Is.Negative, "the sign bit marks a possible waiter");
        Assert.That(LockWords.Read(ShmPath), Is.Zero);
    }
}
