using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Threads that the kernel interrupts at any step of an entry or exit, while another thread disposes the array.</summary>
internal sealed class ReaderWriterLockInterruptionTests : NamedTest
{
    private const int Rounds = 200;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static readonly Dictionary<string, Action<SharedReaderWriterLock, SharedReaderWriterLock>> s_uses = new()
    {
        ["Read"] = static (entered, _) => entered.EnterReadScope().Dispose(),
        ["Write"] = static (entered, _) => entered.EnterWriteScope().Dispose(),
        ["StayAsReader"] = static (entered, _) =>
        {
            entered.EnterWrite();
            entered.EnterRead();
            entered.ExitWrite();
            entered.ExitRead();
        },
        ["RefusedWrite"] = static (entered, held) =>
        {
            using (held.EnterReadScope())
            {
                Assert.That(entered.TryEnterWrite(), Is.False);
            }
        },
    };

    private static IEnumerable<string> Uses => s_uses.Keys;

    [TestCaseSource(nameof(Uses))]
    public void Thread_that_is_interrupted_in_an_entry_or_exit_finds_the_memory_and_lets_it_go(string use)
    {
        ChildProcess.Run(Interrupt, Name, use);

        static int Interrupt(string[] args)
        {
            OneProcessor.Stay();
            using SharedArray<long> holder = SharedArray.Create<long>(args[0], 1);
            string other = args[0] + "-other";
            SharedArray.Create<long>(other, 1).Dispose();
            SharedReaderWriterLock held = holder.ReaderWriterLock;
            held.EnterReadScope().Dispose();
            int mappings = OwnProcess.CountMappings(args[0]);
            for (int round = 0; round < Rounds; round++)
            {
                SharedArray<long> array = SharedArray.Attach<long>(args[0]);
                SharedReaderWriterLock entered = array.ReaderWriterLock;
                int count = 0;
                Task user = Task.Factory.StartNew(
                    () => UseUntilDisposed(entered, held, s_uses[args[1]], ref count),
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default);

                // This thread gets the processor again when the kernel interrupts the other one.
                while (Volatile.Read(ref count) == 0)
                {
                    _ = Thread.Yield();
                }

                array.Dispose();

                // The second array replaces the first mapping, so that a late store would change its page.
                using SharedArray<long> next = SharedArray.Attach<long>(other);
                next.ReaderWriterLock.EnterReadScope().Dispose();
                Assert.That(user.Wait(s_limit), Is.True);
                Assert.That(next.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
            }

            Assert.That(OwnProcess.CountMappings(args[0]), Is.EqualTo(mappings));
            return 0;
        }

        static void UseUntilDisposed(
            SharedReaderWriterLock entered,
            SharedReaderWriterLock held,
            Action<SharedReaderWriterLock, SharedReaderWriterLock> use,
            ref int count)
        {
            try
            {
                for (; ; Volatile.Write(ref count, 1))
                {
                    use(entered, held);
                }
            }
            catch (ObjectDisposedException)
            {
            }
        }
    }
}
