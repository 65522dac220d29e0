using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>Lost memory of an array is an exception and does not end the process. Each test runs in a separate process.</summary>
internal sealed class GuardTests : NamedTest
{
    private const int Length = 100_000;

    private static readonly Dictionary<string, Action<SharedArray<double>>> s_throwing = new()
    {
        ["CopyTo"] = array => array.CopyTo(new double[10], Length - 10),
        ["CopyFrom"] = array => array.CopyFrom(new double[10], Length - 10),
        ["ToArray"] = array => _ = array.ToArray(),
        ["GetValue"] = array => _ = array.GetValue(Length - 1),
        ["SetValue"] = array => array.SetValue(1.0, Length - 1),
        ["Flush"] = array => array.Flush(),
        ["enumeration"] = array => _ = array.Sum(),
        ["CopyOf"] = array => SharedArray.Create(array.Name + "-copy", ArrayContent.CopyOf(array)).Dispose(),
        ["Fill"] = array => array.Fill(1),
        ["Enter"] = array => array.Lock.Enter(),
        ["TryEnter"] = array => _ = array.Lock.TryEnter(TimeSpan.FromSeconds(1)),
        ["Signal"] = array => _ = array.ChangeCounter.Signal(),
        ["Wait"] = array => _ = array.ChangeCounter.TryWait(0, TimeSpan.FromSeconds(1), out _),
    };

    private static readonly Dictionary<string, Action<SharedArray<double>>> s_zeros = new()
    {
        ["indexer, read"] = array => Assert.That(array[Length - 1], Is.Zero),
        ["indexer, write"] = array => array[Length - 1] = 5,
        ["span, vectorised"] = array => Assert.That(array.Span.ContainsAnyExcept(0.0), Is.False),
        ["span, written"] = array => array.Span.Fill(3),
        ["span, copied by the runtime"] = array => array.Span.CopyTo(new double[Length]),
        ["span, copied by native code"] = array => Marshal.Copy(Pointer(array), new double[Length], 0, Length),
        ["tensor"] = array => _ = System.Numerics.Tensors.TensorPrimitives.Sum<double>(array.Span),
        ["interlocked"] = array => _ = Interlocked.Exchange(ref array[0], 1),
    };

    private static IEnumerable<string> Throwing => s_throwing.Keys;

    private static IEnumerable<string> Zeros => s_zeros.Keys;

    [TestCaseSource(nameof(Throwing))]
    public void A_call_on_a_truncated_array_throws(string call)
    {
        ChildProcess.Run(Call, Name, call);

        static int Call(string[] args)
        {
            using SharedArray<double> array = Truncated(args[0]);
            Assert.That(
                () => s_throwing[args[1]](array),
                Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains(args[0]).And.Message.Contains("truncated"));

            Assert.That(SharedArray.Exists(args[0] + "-copy"), Is.False);

            // The runtime survives a second time.
            Assert.That(() => array.Span.Length, Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => ((string?)null)!.Length, Throws.InstanceOf<NullReferenceException>());
            GC.Collect();
            return 0;
        }
    }

    [TestCaseSource(nameof(Zeros))]
    public void A_direct_access_to_a_truncated_array_finds_zeros_and_the_next_call_throws(string access)
    {
        ChildProcess.Run(Access, Name, access);

        static int Access(string[] args)
        {
            using SharedArray<double> array = Truncated(args[0]);
            s_zeros[args[1]](array);
            Assert.That(() => array.Span.Length, Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => array.AsTensorSpan().FlattenedLength, Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => array.Acquire().Span.Length, Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    [Test]
    public void A_copy_fails_again_and_again_both_ways()
    {
        ChildProcess.Run(Copy, Name);

        static int Copy(string[] args)
        {
            using SharedArray<double> array = Truncated(args[0]);
            using SharedArray<double> whole = SharedArray.CreateAnonymous<double>(Length);
            for (int i = 0; i < 1000; i++)
            {
                Assert.That(() => array.CopyTo(new double[1]), Throws.InstanceOf<SharedMemoryLostException>());
                Assert.That(() => array.CopyFrom(new double[1]), Throws.InstanceOf<SharedMemoryLostException>());
                whole.CopyFrom([i]);
            }

            Assert.That(whole.ToArray()[0], Is.EqualTo(999));
            return 0;
        }
    }

    [Test]
    public void Threads_that_read_while_it_is_truncated_and_garbage_is_collected_live_on()
    {
        ChildProcess.Run(ReadOn, Name);

        static int ReadOn(string[] args)
        {
            using SharedArray<double> array = SharedArray.Create(args[0], ArrayContent.Filled(1.0, Length));
            using CancellationTokenSource enough = new();
            using CountdownEvent reading = new(4);
            Task[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                using SharedArrayLease<double> lease = array.Acquire();
                Span<double> span = lease.Span;
                reading.Signal();
                while (!enough.IsCancellationRequested)
                {
                    double sum = 0;
                    for (int i = 0; i < span.Length; i++)
                    {
                        sum += span[i];
                    }

                    Assert.That(sum, Is.InRange(0, Length));
                }
            }))];

            reading.Wait();
            for (int i = 0; i < 20; i++)
            {
                if (i == 5)
                {
                    Truncate(args[0], 8192);
                }

                _ = new byte[1 << 20];
                GC.Collect();
            }

            enough.Cancel();
            Task.WaitAll(readers);
            Assert.That(() => array.ToArray(), Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    [Test]
    public void Any_number_of_mappings_is_guarded()
    {
        ChildProcess.Run(MapMany, Name);

        static int MapMany(string[] args)
        {
            SharedArray.Create(args[0], 1000).Dispose();
            List<SharedArray<double>> arrays = [.. Enumerable.Range(0, 3000).Select(_ => SharedArray.Attach(args[0]))];
            for (int i = 0; i < 3000; i += 2)
            {
                arrays[i].Dispose();
                arrays[i] = SharedArray.Attach(args[0]);
            }

            Truncate(args[0], 0);
            foreach (SharedArray<double> array in arrays)
            {
                Assert.That(array[999], Is.Zero);
                Assert.That(() => array.Span.Length, Throws.InstanceOf<SharedMemoryLostException>());
                array.Dispose();
            }

            return 0;
        }
    }

    [Test]
    public void Truncated_array_ends_the_process_if_the_guard_is_off()
    {
        using ChildProcess child = ChildProcess.Start(Read, Name);
        Assert.That(child.WaitForExit(), Is.EqualTo(128 + 6).Or.EqualTo(128 + 7));

        static int Read(string[] args)
        {
            AppContext.SetSwitch("PosixShm.DisableFaultGuard", true);
            using SharedArray<double> array = Truncated(args[0]);
            return (int)array[Length - 1];
        }
    }

    [Test]
    public void Foreign_bus_error_is_still_the_runtimes()
    {
        using ChildProcess child = ChildProcess.Start(ReadForeign, Name, Path.Combine(Folder, "foreign"));
        Assert.That(child.WaitForExit(), Is.EqualTo(128 + 6).Or.EqualTo(128 + 7));
        Assert.That(child.Output, Is.Empty);
        Assert.That(child.Errors, Does.Not.Contain("tack overflow"));

        static int ReadForeign(string[] args)
        {
            using SharedArray<double> guarded = SharedArray.Create(args[0], 1);
            using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(args[1], FileMode.CreateNew, null, 1 << 16);
            using MemoryMappedViewAccessor view = file.CreateViewAccessor();
            view.Write(40_000, 1.0);
            _ = ChildProcess.Run("truncate", "-s", "0", args[1]);
            Console.WriteLine(view.ReadDouble(40_000));
            return 0;
        }
    }

    [Test]
    public void Earlier_handler_still_gets_foreign_signals()
    {
        string library = Path.Combine(Folder, "handler.so");
        string source = Path.Combine(Folder, "handler.c");
        File.WriteAllText(source, """
            #include <signal.h>
            #include <unistd.h>
            static void leave(int signal_number) { _exit(57); }
            void install(void) { signal(SIGBUS, leave); }
            """);
        _ = ChildProcess.Run("cc", "-shared", "-fPIC", "-o", library, source);

        using ChildProcess child = ChildProcess.Start(ReadForeign, Name, Path.Combine(Folder, "foreign"), library);
        Assert.That(child.WaitForExit(), Is.EqualTo(57), child.Errors);

        static unsafe int ReadForeign(string[] args)
        {
            ((delegate* unmanaged<void>)NativeLibrary.GetExport(NativeLibrary.Load(args[2]), "install"))();
            using SharedArray<double> array = Truncated(args[0]);
            Assert.That(array[Length - 1], Is.Zero, "the library's own fault");

            using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(args[1], FileMode.CreateNew, null, 1 << 16);
            using MemoryMappedViewAccessor view = file.CreateViewAccessor();
            view.Write(40_000, 1.0);
            _ = ChildProcess.Run("truncate", "-s", "0", args[1]);
            return (int)view.ReadDouble(40_000);
        }
    }

    [Test]
    public void Sent_bus_error_is_not_taken_for_lost_memory()
    {
        string library = Path.Combine(Folder, "sender.so");
        string source = Path.Combine(Folder, "sender.c");
        File.WriteAllText(source, """
            #define _GNU_SOURCE
            #include <signal.h>
            #include <string.h>
            #include <sys/syscall.h>
            #include <unistd.h>
            static volatile int received;
            static void receive(int signal_number) { received++; }
            int install(void) { signal(SIGBUS, receive); return 0; }
            int send_as_if_at(void* address)
            {
                siginfo_t info;
                memset(&info, 0, sizeof info);
                info.si_signo = SIGBUS;
                info.si_code = SI_QUEUE;
                info.si_addr = address;
                syscall(SYS_rt_sigqueueinfo, getpid(), SIGBUS, &info);
                return received;
            }
            """);
        _ = ChildProcess.Run("cc", "-shared", "-fPIC", "-o", library, source);
        ChildProcess.Run(Send, Name, library);

        static unsafe int Send(string[] args)
        {
            nint sender = NativeLibrary.Load(args[1]);
            _ = ((delegate* unmanaged<int>)NativeLibrary.GetExport(sender, "install"))();
            using SharedArray<double> array = SharedArray.Create(args[0], ArrayContent.Filled(1.0, Length));
            delegate* unmanaged<nint, int> send = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(sender, "send_as_if_at");
            Assert.That(() => send(Pointer(array)), Is.Positive.After(30_000, 5), "the earlier handler gets it");
            Assert.That(array.ToArray(), Is.All.EqualTo(1));
            return 0;
        }
    }

    [Test]
    public void A_sparse_array_that_finds_no_space_is_lost_and_the_process_lives()
    {
        string output = Namespaces.RunWithShm("size=1m", FillSparse);
        Assert.That(output, Does.Contain("file system is full").And.Contain("No space"));

        static int FillSparse(string[] args)
        {
            SharedArrayOptions sparse = new() { Preallocate = false };
            using (SharedArray<byte> array = SharedArray.Create("sparse", ArrayContent.Zeros<byte>(4 << 20), sparse))
            {
                try
                {
                    array.Fill(1);
                    return 1;
                }
                catch (SharedMemoryLostException error)
                {
                    Console.WriteLine(error.Message);
                }
            }

            SharedArray.Delete("sparse");

            // The array is filled before it is published. The filling fails, so nothing is published.
            try
            {
                SharedArray.Create("sparse", ArrayContent.From(new byte[4 << 20], 4 << 20), sparse).Dispose();
                return 2;
            }
            catch (IOException error) when (error.HResult == 28)
            {
                Console.WriteLine(error.Message);
            }

            return Directory.GetFileSystemEntries("/dev/shm").Length;
        }
    }

    private static SharedArray<double> Truncated(string name)
    {
        SharedArray<double> array = SharedArray.Create(name, ArrayContent.Filled(1.0, Length));
        Truncate(name, 0);
        return array;
    }

    private static unsafe nint Pointer(SharedArray<double> array) => (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref array[0]);
}
