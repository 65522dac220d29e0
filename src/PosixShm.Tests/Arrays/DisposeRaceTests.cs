using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>
/// Every member of a lock and of the change counter may run during Dispose on another thread. Each runs in a separate process, which a
/// failure would kill.
/// </summary>
internal sealed class DisposeRaceTests : NamedTest
{
    private const int Rounds = 20_000;

    private static readonly Dictionary<string, Action<SharedArray<long>>> s_members = new()
    {
        ["first Enter"] = array => array.Lock.EnterScope().Dispose(),
        ["Enter again"] = array =>
        {
            SharedLock shared = array.Lock;
            while (true)
            {
                shared.EnterScope().Dispose();
            }
        },
        ["EnterAsync"] = array =>
        {
            SharedLock shared = array.Lock;
            while (true)
            {
                shared.EnterAsync().AsTask().GetAwaiter().GetResult().Dispose();
            }
        },
        ["State"] = array =>
        {
            SharedLock shared = array.Lock;
            while (true)
            {
                _ = shared.State;
            }
        },
        ["Signal"] = array =>
        {
            ChangeCounter changed = array.ChangeCounter;
            while (true)
            {
                _ = changed.Signal();
            }
        },
        ["Changed"] = array =>
        {
            while (true)
            {
                _ = array.ChangeCounter.Count;
            }
        },
        ["As"] = array =>
        {
            while (true)
            {
                using SharedArray<long> other = array.As<long>();
                other.Lock.EnterScope().Dispose();
            }
        },
    };

    private static IEnumerable<string> Members => s_members.Keys;

    [TestCaseSource(nameof(Members))]
    public void Member_meets_Dispose_without_harm(string member)
    {
        SharedArray.Create<long>(Name, 1).Dispose();
        ChildProcess.Run(Race, Name, member);
        using SharedArray<long> array = SharedArray.Attach<long>(Name);
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free), "the lock is free and not abandoned");

        static int Race(string[] args)
        {
            // Both threads spin before the start, so that they begin within a microsecond.
            using Barrier end = new(2);
            int round = 0;
            SharedArray<long>? array = null;
            Exception? failure = null;
            Thread other = new(() =>
            {
                for (int next = 1; next <= Rounds; next++)
                {
                    for (SpinWait spin = default; Volatile.Read(ref round) < next;)
                    {
                        spin.SpinOnce(sleep1Threshold: -1);
                    }

                    try
                    {
                        s_members[args[1]](array!);
                    }
                    catch (ObjectDisposedException)
                    {
                    }
                    catch (Exception error) when (error is not OutOfMemoryException)
                    {
                        failure = error;
                    }

                    end.SignalAndWait();
                }
            });
            other.Start();
            for (int i = 1; i <= Rounds; i++)
            {
                array = SharedArray.Attach<long>(args[0]);
                SharedLock shared = array.Lock;
                Volatile.Write(ref round, i);
                Thread.SpinWait(i % 400);
                array.Dispose();
                end.SignalAndWait();
                Assert.That(() => shared.TryEnter(), Throws.InstanceOf<ObjectDisposedException>(), "no handle enters any more");
            }

            other.Join();
            Assert.That(failure, Is.Null);
            Assert.That(OwnProcess.CountMappings(args[0]), Is.Zero, "nothing stays mapped");
            return 0;
        }
    }
}
