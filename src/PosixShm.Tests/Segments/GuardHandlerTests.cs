using System.IO.MemoryMappedFiles;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace PosixShm.Tests;

/// <summary>The handler of SIGBUS handles its own signals, and passes all others on to other handlers.</summary>
internal sealed class GuardHandlerTests : NamedTest
{
    private const int Length = 100_000;

    private const string Handlers = """
        #define _GNU_SOURCE
        #include <signal.h>
        #include <string.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        static struct sigaction before;
        static volatile int received;
        static void leave(int signal_number) { _exit(57); }
        static void count(int signal_number) { received++; }
        static void pass_on(int signal_number, siginfo_t* info, void* context) { before.sa_sigaction(signal_number, info, context); }
        int install_leaving(void) { signal(SIGBUS, leave); return 0; }
        int install_counting(void) { signal(SIGBUS, count); return 0; }
        int install_passing(void)
        {
            struct sigaction action;
            memset(&action, 0, sizeof action);
            action.sa_sigaction = pass_on;
            action.sa_flags = SA_SIGINFO;
            return sigaction(SIGBUS, &action, &before);
        }
        int is_blocked(void)
        {
            sigset_t mask;
            sigprocmask(SIG_BLOCK, NULL, &mask);
            return sigismember(&mask, SIGBUS);
        }
        int send_misaligned(void* address)
        {
            siginfo_t info;
            memset(&info, 0, sizeof info);
            info.si_signo = SIGBUS;
            info.si_code = BUS_ADRALN;
            info.si_addr = address;
            syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &info);
            return received;
        }
        """;

    [Test]
    public void Foreign_lost_memory_in_a_copy_is_not_blamed_on_the_array()
    {
        using ChildProcess child = ChildProcess.Start(Copy, Name, Path.Combine(Folder, "foreign"));
        Assert.That(child.WaitForExit(), Is.EqualTo(128 + 6).Or.EqualTo(128 + 7), child.Errors);
        Assert.That(child.Output, Is.Empty);

        static int Copy(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], Length);
            using Foreign foreign = new(args[1]);
            try
            {
                array.CopyTo(foreign.Span);
                Console.WriteLine("copied");
            }
            catch (SharedMemoryLostException error)
            {
                Console.WriteLine(error.Message);
            }

            return 0;
        }
    }

    [Test]
    public void Foreign_lost_memory_in_a_copy_reaches_the_previous_handler()
    {
        using ChildProcess child = ChildProcess.Start(Copy, Name, Path.Combine(Folder, "foreign"), Compile());
        Assert.That(child.WaitForExit(), Is.EqualTo(57), child.Errors);

        static int Copy(string[] args)
        {
            _ = Call(args[2], "install_leaving");
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], Length);
            using Foreign foreign = new(args[1]);
            array.CopyFrom(foreign.Span);
            return 0;
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Two_copies_of_the_library_guard_their_own_arrays_and_pass_foreign_signals_on(bool isOneShim)
    {
        string second = Path.Combine(Folder, "second");
        _ = Directory.CreateDirectory(second);
        foreach (string file in new[] { "PosixShm.dll", "libposixshm.so" })
        {
            File.Copy(Path.Combine(AppContext.BaseDirectory, file), Path.Combine(second, file));
        }

        using ChildProcess child = ChildProcess.Start(
            Work, Name, Path.Combine(Folder, "foreign"), isOneShim ? AppContext.BaseDirectory : second);
        Assert.That(child.WaitForExit(), Is.EqualTo(128 + 6).Or.EqualTo(128 + 7), child.Errors);
        Assert.That(child.Output, Is.EqualTo("guarded\n"));

        static int Work(string[] args)
        {
            using SharedArray<double> first = SharedArray.Create(args[0], ArrayContent.Filled(1.0, Length));
            using IDisposable second = AttachInAnotherContext(args[2], args[0]);
            Truncate(args[0], 0);
            MethodInfo get = second.GetType().GetMethod("GetValue", [typeof(long)])!;
            Assert.That(() => first.GetValue(Length - 1), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => get.Invoke(second, [(object)(Length - 1L)]), Throws.InnerException.Message.Contains(args[0]));
            Assert.That(SharedArray.IsFaultGuardActive, Is.True);
            Console.WriteLine("guarded");

            using Foreign foreign = new(args[1]);
            return foreign.Span[40_000];
        }
    }

    [Test]
    public void A_later_handler_that_passes_signals_on_leaves_no_signal_blocked()
    {
        ChildProcess.Run(Copy, Name, Compile());

        static int Copy(string[] args)
        {
            using SharedArray<double> array = SharedArray.Create(args[0], ArrayContent.Filled(1.0, Length));
            Assert.That(SharedArray.IsFaultGuardActive, Is.True);
            _ = Call(args[1], "install_passing");
            Assert.That(SharedArray.IsFaultGuardActive, Is.False, "the later handler has passed no signal on yet");
            Span<double> span = array.Span;
            Truncate(args[0], 0);

            for (int i = 0; i < 3; i++)
            {
                try
                {
                    using SharedArray<double> target = SharedArray.CreateAnonymous<double>(Length);
                    target.CopyFrom(span);
                    return 1;
                }
                catch (SharedMemoryLostException)
                {
                    Assert.That(Call(args[1], "is_blocked"), Is.Zero);
                }
            }

            Assert.That(span[Length - 1], Is.Zero);
            Assert.That(SharedArray.IsFaultGuardActive, Is.True, "the later handler has passed a signal on");
            return 0;
        }
    }

    [Test]
    public void A_property_reports_a_later_handler_that_passes_nothing_on()
    {
        ChildProcess.Run(Ask, Compile());

        static int Ask(string[] args)
        {
            Assert.That(SharedArray.IsFaultGuardActive, Is.True);
            _ = Call(args[0], "install_leaving");
            Assert.That(SharedArray.IsFaultGuardActive, Is.False);
            return 0;
        }
    }

    [Test]
    public void A_guard_that_is_switched_off_is_not_active()
    {
        ChildProcess.Run(Ask);

        static int Ask(string[] args)
        {
            AppContext.SetSwitch("PosixShm.DisableFaultGuard", true);
            return SharedArray.IsFaultGuardActive ? 1 : 0;
        }
    }

    [Test]
    public void A_misaligned_access_is_not_taken_for_lost_memory()
    {
        ChildProcess.Run(Send, Name, Compile());

        static unsafe int Send(string[] args)
        {
            _ = Call(args[1], "install_counting");
            using SharedArray<double> array = SharedArray.Create(args[0], ArrayContent.Filled(1.0, Length));
            delegate* unmanaged<nint, int> send = (delegate* unmanaged<nint, int>)NativeLibrary.GetExport(
                NativeLibrary.Load(args[1]), "send_misaligned");
            Assert.That(send(array.Address), Is.EqualTo(1), "the earlier handler gets it");
            Assert.That(array.ToArray(), Is.All.EqualTo(1));
            return 0;
        }
    }

    private static IDisposable AttachInAnotherContext(string folder, string name)
    {
        AssemblyLoadContext context = new("second");
        context.Resolving += (_, wanted) => AssemblyLoadContext.Default.LoadFromAssemblyName(wanted);
        Assembly library = context.LoadFromAssemblyPath(Path.Combine(folder, "PosixShm.dll"));
        Type access = library.GetType("PosixShm.SharedArrayAccess")!;
        Type options = library.GetType("PosixShm.AttachOptions")!;
        MethodInfo attach = library.GetType("PosixShm.SharedArray")!.GetMethod("AttachUntyped", [typeof(string), access, options])!;
        return (IDisposable)attach.Invoke(null, [name, Enum.ToObject(access, 0), null])!;
    }

    private static unsafe int Call(string library, string function)
        => ((delegate* unmanaged<int>)NativeLibrary.GetExport(NativeLibrary.Load(library), function))();

    private string Compile()
    {
        string library = Path.Combine(Folder, "handlers.so");
        File.WriteAllText(Path.Combine(Folder, "handlers.c"), Handlers);
        _ = ChildProcess.Run("cc", "-shared", "-fPIC", "-o", library, Path.Combine(Folder, "handlers.c"));
        return library;
    }

    /// <summary>A mapping of the program's own, whose file is truncated.</summary>
    private sealed unsafe class Foreign : IDisposable
    {
        private const int Size = 1 << 16;

        private readonly MemoryMappedFile _file;
        private readonly MemoryMappedViewAccessor _view;
        private readonly byte* _data;

        public Foreign(string path)
        {
            _file = MemoryMappedFile.CreateFromFile(path, FileMode.CreateNew, null, Size);
            _view = _file.CreateViewAccessor();
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _data);
            _ = ChildProcess.Run("truncate", "-s", "0", path);
        }

        public Span<byte> Span => new(_data, Size);

        public void Dispose()
        {
            _view.Dispose();
            _file.Dispose();
        }
    }
}
