using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>A private copy has private elements and the shared control page.</summary>
internal sealed class PrivateCopyLockTests : NamedTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Test]
    public void Copy_is_woken_by_every_change()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        copy[0] = 7;
        Assert.That(copy.ChangeCounter.TryWait(0, TimeSpan.FromMilliseconds(20), out _), Is.False);
        for (uint change = 1; change <= 20; change++)
        {
            Task<uint> waiting = Task.Run(() => copy.ChangeCounter.Wait(change - 1));
            _ = array.ChangeCounter.Signal();
            Assert.That(waiting.Wait(s_limit), Is.True);
            Assert.That((waiting.Result, copy.ChangeCounter.Count), Is.EqualTo((change, change)));
        }

        Assert.That((array[0], copy[0]), Is.EqualTo((0, 7)));
    }

    [Test]
    public void Copy_sees_the_state_of_every_lock_after_it_waited([Values(2, 40)] int locks)
    {
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.Zeros<int>(1), new SharedArrayOptions { Locks = locks });
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        _ = copy.ChangeCounter.TryWait(0, TimeSpan.FromMilliseconds(20), out _);
        for (int i = 0; i < 3; i++)
        {
            SharedLock mine = array.Locks[locks - 1];
            using (mine.EnterScope())
            {
                Assert.That(
                    (copy.Locks[locks - 1].State, copy.Locks[locks - 1].OwnerSlot), Is.EqualTo((SharedLockState.Held, mine.OwnerSlot)));
            }

            Assert.That(copy.Locks[locks - 1].State, Is.EqualTo(SharedLockState.Free));
        }
    }

    [Test]
    public void Copy_maps_the_page_a_second_time_only_when_it_is_needed_and_unmaps_it()
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        ChildProcess.Run(Map, Name);

        static int Map(string[] args)
        {
            SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(args[0]);
            Assert.That(Mappings(args[0]), Is.EqualTo(new[] { "rw-p" }));
            _ = copy.ChangeCounter.Count;
            _ = copy.Lock.State;
            Assert.That(Mappings(args[0]), Is.EquivalentTo(new[] { "rw-p", "r--s" }));
            copy.Dispose();
            Assert.That(Mappings(args[0]), Is.Empty);

            using SharedArray<int> shared = SharedArray.Attach<int>(args[0]);
            _ = shared.ChangeCounter.Count;
            Assert.That(Mappings(args[0]), Is.EqualTo(new[] { "rw-s" }));
            return 0;
        }

        static string[] Mappings(string name)
            => [.. OwnProcess.Mappings(name).Select(line => line.Split(' ')[1])];
    }
}
