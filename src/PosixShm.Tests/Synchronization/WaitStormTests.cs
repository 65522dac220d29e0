using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Many asynchronous waits at once, with other processes that are killed.</summary>
internal sealed class WaitStormTests : NamedTest
{
    [TestCase(null)]
    [TestCase("futex-waitv:38")]
    public void No_wake_up_is_lost_by_waiters_that_come_and_go(string? denied)
    {
        using ChildProcess child = ChildProcess.Start(
            denied is null ? [] : [(FailingShim.FailAt, denied)], WaitStorm.LoseNoWakeUp, Name, denied is null ? "100000" : "10000", "1");
        child.WaitForSuccess();
    }

    [Test]
    public void Asynchronous_entries_of_several_processes_exclude_each_other()
    {
        const int Processes = 3;
        const int Entries = 500;
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        ChildProcess[] children = [.. Enumerable.Range(0, Processes).Select(index => Start(Entries, index))];
        Array.ForEach(children, static child => child.WaitForSuccess());
        Array.ForEach(children, static child => child.Dispose());
        Assert.That((array[0], array[1]), Is.EqualTo((20L * Processes * Entries, 20L * Processes * Entries)));
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free));
    }

    [Test]
    public void Processes_with_asynchronous_entries_are_killed_at_random_and_the_others_go_on()
    {
        const int Processes = 2;
        const int Kills = 20;
        Random random = new(1);
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        ChildProcess[] children = [.. Enumerable.Range(0, Processes).Select(index => Start(int.MaxValue, index))];
        for (int kill = 0; kill < Kills; kill++)
        {
            int unlucky = random.Next(Processes);
            children[unlucky].Expect("READY");
            long before = Volatile.Read(ref array[0]);
            Assert.That(() => Volatile.Read(ref array[0]) > before + 10, Is.True.After(60_000, 1), "entries go on");
            children[unlucky].Kill();
            children[unlucky].Dispose();
            children[unlucky] = Start(int.MaxValue, kill);
        }

        Array.ForEach(children, static child => child.Dispose());
        using SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery();
        recovery.MarkConsistent();
        Assert.That(array[0] - array[1], Is.InRange(0, recovery.WasAbandoned ? 1 : 0));
    }

    private ChildProcess Start(int entries, int seed)
        => ChildProcess.Start(
            WaitStorm.Enter, Name, entries.ToString(CultureInfo.InvariantCulture), seed.ToString(CultureInfo.InvariantCulture));
}
