using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Signals against asynchronous waiters that come and go, and entries of several processes. <see cref="Storms"/> runs more of them
/// than the tests.</summary>
internal static class WaitStorm
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    /// <summary>Signals changes from another process. After each few signals, all waiters must have seen the last one. No check of the
    /// library helps: a lost wake-up is a wait without end. Arguments: the name, the number of signals, the seed.</summary>
    public static int LoseNoWakeUp(string[] args)
    {
        const int Waiters = 20;
        WaitThread.ChecksNothing = true;
        long signals = long.Parse(args[1], CultureInfo.InvariantCulture);
        int seed = int.Parse(args[2], CultureInfo.InvariantCulture);
        using SharedArray<int> array = SharedArray.Create<int>(args[0], 1);
        using ChildProcess signaller = ChildProcess.Start(Signal, args[0], args[1], args[2]);
        signaller.Expect("READY");

        using SharedArray<int> other = SharedArray.Attach<int>(args[0]);
        using CancellationTokenSource end = new();
        long[] seen = new long[Waiters];
        long cancelled = 0;
        Task[] waiters = [.. Enumerable.Range(0, Waiters).Select(index => Task.Run(() => Wait(index)))];
        for (uint count = 0; count < signals;)
        {
            signaller.Send("go");
            count = uint.Parse(signaller.ReadLine()!, CultureInfo.InvariantCulture);
            uint expected = count;
            if (!SpinWait.SpinUntil(() => HasSeen(expected), s_limit))
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"lost at {expected}: {string.Join(' ', seen)}"));
                return 1;
            }
        }

        signaller.WaitForSuccess();
        end.Cancel();
        Task.WhenAll(waiters).GetAwaiter().GetResult();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{signals} signals, {cancelled} cancelled waits, 0 lost"));
        return 0;

        bool HasSeen(uint expected)
        {
            for (int i = 0; i < Waiters; i++)
            {
                if (Volatile.Read(ref seen[i]) < expected)
                {
                    return false;
                }
            }

            return true;
        }

        async Task Wait(int index)
        {
            Random random = new(seed + index);
            SharedArray<int> waited = index % 2 == 0 ? array : other;
            uint last = 0;
            while (!end.IsCancellationRequested)
            {
                using CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(end.Token);
                Task<uint> wait = waited.ChangeCounter.WaitAsync(last, source.Token).AsTask();
                if (random.Next(4) == 0)
                {
                    await Task.Yield();
                    await source.CancelAsync();
                }

                try
                {
                    last = await wait;
                    Volatile.Write(ref seen[index], last);
                }
                catch (OperationCanceledException)
                {
                    _ = Interlocked.Increment(ref cancelled);
                }
            }
        }
    }

    /// <summary>Enters by many asynchronous callers and some threads, until it is killed or has entered often enough. Arguments: the name,
    /// the number of entries of each caller, the seed.</summary>
    public static int Enter(string[] args)
    {
        const int Callers = 20;
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        using SharedArray<long> other = SharedArray.Attach<long>(args[0]);
        int entries = int.Parse(args[1], CultureInfo.InvariantCulture);
        int seed = int.Parse(args[2], CultureInfo.InvariantCulture);
        Console.WriteLine("READY");
        Task.WhenAll(Enumerable.Range(0, Callers).Select(index => Task.Run(() => EnterOften(index)))).GetAwaiter().GetResult();
        return 0;

        async Task EnterOften(int index)
        {
            Random random = new(seed + index);
            SharedArray<long> own = index % 2 == 0 ? array : other;
            for (int i = 0; i < entries;)
            {
                using CancellationTokenSource source = new();
                ValueTask<SharedLockReleaser> entry = own.Lock.EnterAsync(source.Token);
                if (random.Next(8) == 0)
                {
                    await source.CancelAsync();
                }

                try
                {
                    using SharedLockReleaser entered = await entry;
                    Change(own);
                    i++;
                }
                catch (OperationCanceledException)
                {
                }
                catch (AbandonedMutexException)
                {
                    using SharedLockRecovery recovery = await own.Lock.EnterRecoveryAsync();
                    own[1] = own[0];
                    recovery.MarkConsistent();
                }
            }
        }
    }

    // A death between the two stores leaves them different.
    private static void Change(SharedArray<long> array)
    {
        Assert.That(array[1], Is.EqualTo(array[0]));
        array[0]++;
        Thread.SpinWait(10);
        array[1]++;
    }

    private static int Signal(string[] args)
    {
        using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
        Random random = new(int.Parse(args[2], CultureInfo.InvariantCulture));
        long signals = long.Parse(args[1], CultureInfo.InvariantCulture);
        Console.WriteLine("READY");
        for (long count = 0; count < signals;)
        {
            _ = Console.ReadLine();
            for (int i = random.Next(1, 200); i > 0; i--)
            {
                count = array.ChangeCounter.Signal();
            }

            Console.WriteLine(count);
        }

        return 0;
    }
}
