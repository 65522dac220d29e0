using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Asynchronous entries into the reader-writer lock.</summary>
internal sealed class ReaderWriterLockAsyncTests : NamedTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Test]
    public async Task Asynchronous_entries_belong_to_no_thread_and_exit_on_any()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        SharedReaderWriterLockReleaser? reading = null;
        OtherThread.Run(() => reading = entered.EnterReadAsync().AsTask().Result);
        using (await entered.EnterReadAsync())
        {
            Assert.That((entered.IsReadLockHeld, entered.TryEnterWrite()), Is.EqualTo((false, false)));
            Assert.That(PageWords.Readers(ShmPath), Is.EqualTo(new[] { 2 }));
        }

        reading!.Dispose();
        reading.Dispose();
        using (await entered.EnterWriteAsync())
        {
            Assert.That((entered.IsWriteLockHeld, entered.TryEnterRead()), Is.EqualTo((false, false)));
        }

        Assert.That(entered.State, Is.EqualTo(SharedReaderWriterLockState.Free));
    }

    [Test]
    public async Task Readers_and_writers_wait_without_a_thread_until_they_are_inside()
    {
        const int Tasks = 20;
        const int Rounds = 50;
        using SharedArray<long> array = SharedArray.Create<long>(Name, 2);
        using SharedArray<long> other = SharedArray.Attach<long>(Name);
        async Task Work(int id)
        {
            SharedReaderWriterLock entered = (id % 2 == 0 ? array : other).ReaderWriterLock;
            for (int i = 0; i < Rounds; i++)
            {
                if (id % 4 == 0)
                {
                    using SharedReaderWriterLockReleaser writing = await entered.EnterWriteAsync();
                    array[0]++;
                    await Task.Yield();
                    array[1]++;
                }
                else
                {
                    using SharedReaderWriterLockReleaser reading = await entered.EnterReadAsync();
                    long seen = array[0];
                    await Task.Yield();
                    Assert.That(array[1], Is.EqualTo(seen));
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, Tasks).Select(id => Task.Run(() => Work(id)))).WaitAsync(s_limit);
        Assert.That((array[0], array[1]), Is.EqualTo((Tasks / 4 * Rounds, Tasks / 4 * Rounds)));
        Assert.That(array.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
    }

    [Test]
    public void Cancellation_disposal_and_abandonment_end_an_asynchronous_wait([Values] bool isWriter)
    {
        using SharedArray<int> holder = SharedArray.Create<int>(Name, 1);
        SharedArray<int> array = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock waited = array.ReaderWriterLock;
        holder.ReaderWriterLock.EnterWrite();
        using CancellationTokenSource source = new();
        Task cancelled = Enter(waited, isWriter, source.Token);
        source.Cancel();
        Assert.That(() => cancelled.WaitAsync(s_limit), Throws.InstanceOf<OperationCanceledException>());
        Task disposed = Enter(waited, isWriter, default);
        array.Dispose();
        Assert.That(() => disposed.WaitAsync(s_limit), Throws.InstanceOf<ObjectDisposedException>());
        holder.ReaderWriterLock.ExitWrite();
        using (ChildProcess writer = ChildProcess.Start(Hold, Name))
        {
            writer.Expect("INSIDE");
            Task abandoned = Enter(holder.ReaderWriterLock, isWriter, default);
            writer.Kill();
            Assert.That(() => abandoned.WaitAsync(s_limit), Throws.InstanceOf<AbandonedMutexException>());
        }

        static int Hold(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            array.ReaderWriterLock.EnterWrite();
            Console.WriteLine("INSIDE");
            _ = Console.ReadLine();
            return 0;
        }
    }

    [Test]
    public void Writer_that_gives_up_waiting_for_readers_lets_new_readers_in()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> other = SharedArray.Attach<int>(Name);
        using (array.ReaderWriterLock.EnterReadScope())
        {
            using CancellationTokenSource source = new();
            Task writer = Enter(other.ReaderWriterLock, isWriter: true, source.Token);
            Assert.That(other.ReaderWriterLock.TryEnterRead(), Is.False);
            source.Cancel();
            Assert.That(() => writer.WaitAsync(s_limit), Throws.InstanceOf<OperationCanceledException>());
            Assert.That(other.ReaderWriterLock.TryEnterRead(), Is.True);
            other.ReaderWriterLock.ExitRead();
        }
    }

    [Test]
    public void An_array_disposed_while_an_asynchronous_entry_is_inside_stays_mapped_until_it_exits([Values] bool isWriter)
    {
        using SharedArray<int> other = SharedArray.Create<int>(Name, 1);
        other.ReaderWriterLock.EnterReadScope().Dispose();
        int mappings = OwnProcess.CountMappings(Name);
        SharedArray<int> array = SharedArray.Attach<int>(Name);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        SharedReaderWriterLockReleaser entry = Enter(entered, isWriter, default).Result;
        array.Dispose();
        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings + 1));
        Assert.That(other.ReaderWriterLock.TryEnterWrite(), Is.False);
        entry.Dispose();
        Assert.That(OwnProcess.CountMappings(Name), Is.EqualTo(mappings));
        Assert.That(other.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
        Assert.That(async () => await entered.EnterReadAsync(), Throws.InstanceOf<ObjectDisposedException>());
    }

    private static Task<SharedReaderWriterLockReleaser> Enter(
        SharedReaderWriterLock entered, bool isWriter, CancellationToken cancellation)
        => isWriter ? entered.EnterWriteAsync(cancellation).AsTask() : entered.EnterReadAsync(cancellation).AsTask();
}
