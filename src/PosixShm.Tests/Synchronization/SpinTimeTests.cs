using System.Diagnostics;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>The time that a thread spins before it sleeps. Separate processes, because the setting is the process's.</summary>
internal sealed class SpinTimeTests : NamedTest
{
    [Test]
    public void Time_is_checked_and_kept()
    {
        ChildProcess.Run(Set);

        static int Set(string[] args)
        {
            Assert.That(WaitSettings.SpinTime, Is.Null);
            WaitSettings.SpinTime = TimeSpan.FromMicroseconds(50);
            Assert.That(WaitSettings.SpinTime, Is.EqualTo(TimeSpan.FromMicroseconds(50)));
            Assert.That(() => WaitSettings.SpinTime = TimeSpan.FromTicks(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => WaitSettings.SpinTime = TimeSpan.FromMilliseconds(11), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(WaitSettings.SpinTime, Is.EqualTo(TimeSpan.FromMicroseconds(50)));
            WaitSettings.SpinTime = null;
            Assert.That(WaitSettings.SpinTime, Is.Null);
            return 0;
        }
    }

    [Test]
    public void Waiter_that_spins_is_no_waiter_of_the_kernel()
    {
        ChildProcess.Run(Spin, Name);

        // With time to spin, a wait ends without a count of waiters. Without it, a waiter is counted.
        static int Spin(string[] args)
        {
            const int Rounds = 200;
            using SharedArray<int> array = SharedArray.Create<int>(args[0], 1);
            using SharedArray<int> waiter = SharedArray.Attach<int>(args[0]);
            _ = array.ChangeCounter.Signal();
            foreach (TimeSpan time in new[] { TimeSpan.Zero, TimeSpan.FromMilliseconds(10) })
            {
                WaitSettings.SpinTime = time;
                Stopwatch wait = Stopwatch.StartNew();
                Assert.That(waiter.ChangeCounter.TryWait(1, TimeSpan.FromMilliseconds(1), out _), Is.False, "the limit holds");
                Assert.That(wait.Elapsed, Is.LessThan(TimeSpan.FromSeconds(20)));
            }

            uint seen = 1;
            for (int i = 0; i < Rounds; i++)
            {
                Thread signaller = new(() => _ = array.ChangeCounter.Signal());
                signaller.Start();
                seen = waiter.ChangeCounter.Wait(seen);
                signaller.Join();
            }

            array.Lock.Enter();
            Assert.That(waiter.Lock.TryEnter(TimeSpan.FromMilliseconds(1)), Is.False);
            array.Lock.Exit();
            return seen == Rounds + 1 ? 0 : 1;
        }
    }

    [Test]
    public void Budget_ends()
    {
        SpinBudget none = default;
        Assert.That(none.TrySpin(), Is.False);
        if (Environment.ProcessorCount > 1)
        {
            SpinBudget budget = SpinBudget.OfThread(-1);
            int spins = 0;
            while (budget.TrySpin())
            {
                spins++;
            }

            Assert.That(spins, Is.EqualTo(7));
        }
    }
}
