using Mono.Unix.Native;

namespace PosixShm.Tests;

internal sealed class HostileNeighbourTests : NamedTest
{
    [Test]
    public void A_neighbour_that_writes_garbage_and_truncates_brings_about_documented_exceptions_and_no_more()
    {
        HostileNeighbour.Make(Name);
        using ChildProcess attacker = ChildProcess.Start(HostileNeighbour.Attack, Name, "11");
        attacker.Expect("READY");
        using ChildProcess victim = ChildProcess.Start(HostileNeighbour.Endure, Name, "12", "5");
        using ChildProcess second = ChildProcess.Start(HostileNeighbour.Endure, Name, "13", "5");
        victim.WaitForSuccess();
        second.WaitForSuccess();
        attacker.Kill();
        TestContext.Out.WriteLine(victim.Output);
        Assert.That(
            victim.Output, Does.Contain("good").And.Contain(nameof(InvalidDataException)).And.Contain(nameof(SharedMemoryLostException)));
    }

    [Test]
    public void The_page_on_reliability_lists_the_exceptions_that_a_neighbour_can_bring_about()
    {
        string page = Regions.Page("docs", "RELIABILITY.md");
        Assert.That(
            HostileNeighbour.Documented.Select(type => $"`{type.Name}`").Where(name => !page.Contains(name, StringComparison.Ordinal)),
            Is.Empty);
    }

    [Test]
    public void Waiter_of_a_lock_that_becomes_garbage_gets_an_exception()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        array.Lock.Enter();
        using ChildProcess waiter = ChildProcess.Start(Wait, Name);
        waiter.Expect("WAITING");
        WaitUntilLockHasWaiter();

        // The word of a dead owner without the WAITERS bit: no process wakes the waiter.
        LockWords.Write(ShmPath, 0x7FFF_FFFF);
        waiter.Expect("ABANDONED");
        waiter.WaitForSuccess();
        Assert.That(array.Lock.Exit, Throws.InstanceOf<InvalidDataException>());

        static int Wait(string[] args)
        {
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            Console.WriteLine("WAITING");
            try
            {
                array.Lock.Enter();
                return 1;
            }
            catch (AbandonedMutexException)
            {
                Console.WriteLine("ABANDONED");
                return 0;
            }
        }
    }

    [Test]
    public void Wait_interrupted_by_signals_has_the_given_length()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        array.Lock.Enter();
        using ChildProcess waiter = ChildProcess.Start(Wait, Name);
        waiter.Expect("WAITING");
        for (int i = 0; i < 10; i++)
        {
            // Stopping and continuing interrupts and restarts the futex(2) call. On a busy machine the wait can end before.
            _ = Syscall.kill(waiter.Id, Signum.SIGSTOP);
            Assert.That(() => waiter.HasExited || IsStopped(waiter.Id), Is.True.After(60_000, 1));
            _ = Syscall.kill(waiter.Id, Signum.SIGCONT);
        }

        waiter.WaitForSuccess();
        array.Lock.Exit();

        static int Wait(string[] args)
        {
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            Console.WriteLine("WAITING");
            long start = Environment.TickCount64;
            return !array.Lock.TryEnter(TimeSpan.FromMilliseconds(500)) && Environment.TickCount64 - start >= 490 ? 0 : 1;
        }
    }

    private static bool IsStopped(int id)
        => File.Exists($"/proc/{id}/status") && File.ReadAllText($"/proc/{id}/status").Contains("State:\tT", StringComparison.Ordinal);
}
