using PosixShm.Posix;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>
/// Waits end when what they wait for can no longer come: the owner died, the array was disposed or replaced, the thread was interrupted.
/// </summary>
internal sealed class WaitEndTests : NamedTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    [Test]
    public void Owner_s_death_is_noticed_while_signals_arrive()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using ChildProcess holder = ChildProcess.Start(LockOwner.Hold, Name);
        holder.Expect("HELD");
        using ChildProcess waiter = ChildProcess.Start(WaitHandlingSignals, Name, TimerLibrary());
        waiter.Expect("WAITING");
        WaitUntilLockHasWaiter();
        holder.Kill();
        waiter.Expect("ABANDONED");
        waiter.WaitForSuccess();

        static unsafe int WaitHandlingSignals(string[] args)
        {
            nint library = System.Runtime.InteropServices.NativeLibrary.Load(args[1]);
            ((delegate* unmanaged<void>)System.Runtime.InteropServices.NativeLibrary.GetExport(library, "start"))();
            return EnterAndTell(args);
        }
    }

    [Test]
    public void Owner_s_death_is_noticed_while_a_reader_wakes_the_waiter_in_a_loop()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using ChildProcess holder = ChildProcess.Start(LockOwner.Hold, Name);
        holder.Expect("HELD");
        using ChildProcess waiter = ChildProcess.Start(EnterAndTell, Name);
        waiter.Expect("WAITING");
        using ChildProcess waker = Python.Start(
            """
            import ctypes, mmap, platform, select
            file = np.memmap(sys.argv[1], np.uint8, 'r')
            address = ctypes.c_void_p(file.ctypes.data + int(sys.argv[2]))
            number = 98 if platform.machine() == 'aarch64' else 202
            libc = ctypes.CDLL(None)
            print('WAKING', flush=True)
            while not select.select([sys.stdin], [], [], 0)[0]:
                libc.syscall(number, address, 1, 2**31 - 1, None, None, 0)
            """,
            ShmPath, $"{LockWords.OffsetIn(ShmPath)}");
        waker.Expect("WAKING");
        WaitUntilLockHasWaiter();
        holder.Kill();
        waiter.Expect("ABANDONED");
        waiter.WaitForSuccess();
        waker.Send("END");
        waker.WaitForSuccess();
    }

    [Test]
    public void Disposal_ends_a_wait_for_a_change([Values] bool isReadOnly)
    {
        SharedArray.Create<int>(Name, 1).Dispose();
        ChildProcess.Run(DisposeUnderWaiter, Name, $"{isReadOnly}");

        // The waiter is a foreground thread: it would keep the process alive.
        static int DisposeUnderWaiter(string[] args)
        {
            UntypedSharedArray array = bool.Parse(args[1])
                ? SharedArray.AttachUntyped(args[0], SharedArrayAccess.ReadOnly)
                : SharedArray.AttachUntyped(args[0]);
            ChangeCounter changed = array.ChangeCounter;
            Exception? ended = null;
            Thread waiter = new(() => ended = Assert.Catch(() => changed.Wait(0)));
            waiter.Start();
            SpinWait.SpinUntil(() => IsThreadAsleepOn(args[0]), s_limit);
            array.Dispose();
            return waiter.Join(s_limit) && ended is ObjectDisposedException ? OwnProcess.CountMappings(args[0]) : 1;
        }
    }

    [TestCase("Replace")]
    [TestCase("Resize")]
    public void Readers_of_a_replaced_array_are_woken(string how)
    {
        using SharedArray<int> old = SharedArray.Create<int>(Name, 4);
        using ReadOnlySharedArray<int> reader = SharedArray.AttachReadOnly<int>(Name);
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(Name);
        using ChildProcess child = ChildProcess.Start(WaitForGeneration, Name);
        child.Expect("WAITING 0");
        Task<uint>[] waiters =
        [
            Task.Run(() => old.ChangeCounter.Wait(0)),
            Task.Run(() => reader.ChangeCounter.Wait(0)),
            Task.Run(() => copy.ChangeCounter.Wait(0)),
        ];
        using SharedArray<int> next = how == "Replace" ? SharedArray.Replace<int>(Name, 8) : SharedArray.Resize<int>(Name, 8);
        Assert.That(Task.WaitAll(waiters, s_limit), Is.True);
        Assert.That((waiters[0].Result, old.IsCurrent, next.ChangeCounter.Count), Is.EqualTo((1u, false, 0u)));
        child.Expect("REPLACED 8");
        child.WaitForSuccess();

        static int WaitForGeneration(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            uint seen = array.ChangeCounter.Count;
            Console.WriteLine($"WAITING {seen}");
            while (array.IsCurrent)
            {
                seen = array.ChangeCounter.Wait(seen);
            }

            using SharedArray<int> next = SharedArray.Attach<int>(args[0]);
            Console.WriteLine($"REPLACED {next.Length}");
            return 0;
        }
    }

    [Test]
    public void Each_of_many_generations_wakes_the_readers_of_the_one_before()
    {
        const int Replacers = 2;
        const int Rounds = 200;
        using SharedArray<int> first = SharedArray.Create<int>(Name, 1);
        using ChildProcess reader = ChildProcess.Start(Follow, Name);
        reader.Expect("READY");
        Task[] replacers =
        [
            .. Enumerable.Range(0, Replacers).Select(_ => Task.Run(() =>
            {
                for (int i = 0; i < Rounds; i++)
                {
                    SharedArray.Replace<int>(Name, 1).Dispose();
                }
            })),
        ];
        Assert.That(Task.WaitAll(replacers, s_limit), Is.True);
        using SharedArray<int> last = SharedArray.Replace<int>(Name, 2);
        reader.Expect("LAST");
        reader.WaitForSuccess();

        // A process that attaches a generation while another replacer overtakes must not sleep on it for ever.
        static int Follow(string[] args)
        {
            Console.WriteLine("READY");
            while (true)
            {
                using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
                uint seen = array.ChangeCounter.Count;
                if (array.Length == 2)
                {
                    Console.WriteLine("LAST");
                    return 0;
                }

                if (array.IsCurrent && !array.ChangeCounter.TryWait(seen, s_limit, out _))
                {
                    return 1;
                }
            }
        }
    }

    [Test]
    public void Interrupt_ends_a_wait(
        [Values("Enter", "TryEnter", "EnterRecovery", "Changed", "read-only Changed", "semaphore")] string what, [Values] bool isPending)
    {
        using SharedArray<int> holder = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> waiter = SharedArray.Attach<int>(Name);
        using ReadOnlySharedArray<int> reader = SharedArray.AttachReadOnly<int>(Name);
        using NamedSemaphore semaphore = NamedSemaphore.Create(Name);
        holder.Lock.Enter();
        Action wait = what switch
        {
            "Enter" => () => waiter.Lock.Enter(),
            "TryEnter" => () => _ = waiter.Lock.TryEnter(s_limit * 2),
            "EnterRecovery" => () => waiter.Lock.EnterRecovery().Dispose(),
            "Changed" => () => _ = waiter.ChangeCounter.Wait(0),
            "semaphore" => () => semaphore.Wait(),
            _ => () => _ = reader.ChangeCounter.Wait(0),
        };
        bool isRunning = false; // not an event: the interrupt could end the call that sets it
        Exception? ended = null;
        Thread thread = new(() =>
        {
            if (isPending)
            {
                Thread.CurrentThread.Interrupt();
            }

            Volatile.Write(ref isRunning, true);
            ended = Assert.Catch(() => wait());
        });
        thread.Start();
        SpinWait.SpinUntil(() => Volatile.Read(ref isRunning));
        if (!isPending)
        {
            thread.Interrupt();
        }

        Assert.That(thread.Join(s_limit), Is.True);
        Assert.That(ended, Is.InstanceOf<ThreadInterruptedException>());
        holder.Lock.Exit();
        Assert.That(waiter.Lock.TryEnter(s_limit), Is.True, "the lock was not held");
        waiter.Lock.Exit();
    }

    [Test]
    public void Wake_up_of_an_interrupted_waiter_goes_on_to_the_next()
    {
        using SharedArray<int> holder = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> waiter = SharedArray.Attach<int>(Name);
        for (int round = 0; round < 50; round++)
        {
            holder.Lock.Enter();
            Thread interrupted = new(() => Assert.Catch<ThreadInterruptedException>(() => waiter.Lock.Enter()));
            Thread next = new(() => holder.Lock.EnterScope().Dispose());
            interrupted.Start();
            WaitUntilLockHasWaiter();
            next.Start();
            interrupted.Interrupt();
            Assert.That(interrupted.Join(s_limit), Is.True);
            holder.Lock.Exit();
            Assert.That(next.Join(s_limit), Is.True);
        }
    }

    // A handled signal every 5 ms. No system call is restarted after it.
    private string TimerLibrary()
    {
        string source = Path.Combine(Folder, "timer.c");
        string library = Path.Combine(Folder, "timer.so");
        File.WriteAllText(source, """
            #include <signal.h>
            #include <string.h>
            #include <sys/time.h>
            static void handle(int signal_number) { (void)signal_number; }
            void start(void)
            {
                struct sigaction action;
                memset(&action, 0, sizeof action);
                action.sa_handler = handle;
                sigaction(SIGALRM, &action, 0);
                struct itimerval every = { { 0, 5000 }, { 0, 5000 } };
                setitimer(ITIMER_REAL, &every, 0);
            }
            """);
        _ = ChildProcess.Run("cc", "-shared", "-fPIC", "-o", library, source);
        return library;
    }

    private static int EnterAndTell(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        Console.WriteLine("WAITING");
        try
        {
            // Two hundred times the documented time.
            Console.WriteLine(array.Lock.TryEnter(TimeSpan.FromSeconds(10)) ? "ENTERED" : "NOT NOTICED");
            return 1;
        }
        catch (AbandonedMutexException)
        {
            Console.WriteLine("ABANDONED");
            return 0;
        }
    }

    // Returns whether a thread is in futex(2) on a word of the mapping; proc_pid_syscall(5).
    private static bool IsThreadAsleepOn(string name)
    {
        long[] range = [.. OwnProcess.Mappings(name).First().Split(' ')[0].Split('-').Select(Hex)];
        return OwnProcess.OfThreads("syscall")
            .Select(static thread => thread.Text.Split(' '))
            .Any(
                call => call.Length > 2
                    && call[0] is "202" or "98" && Hex(call[1][2..]) is long address && address >= range[0] && address < range[1]);

        static long Hex(string text) => Convert.ToInt64(text, 16);
    }
}
