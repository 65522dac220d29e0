using System.Globalization;
using PosixShm.Posix;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>
/// Lets the first system call of an operation fail, then the second, and so on until a run has no fault. Each time the operation either
/// succeeds all the same, or throws an exception that its documentation names and leaves everything as it was.
/// </summary>
internal sealed class FaultLoopTests : NamedTest
{
    // EPERM, EIO, ENOMEM, EACCES, EINVAL, EMFILE, ENOSPC, ENOSYS, EOPNOTSUPP. Not EINTR and EAGAIN, which mean: try again.
    private static readonly int[] s_errors = [1, 5, 12, 13, 22, 24, 28, 38, 95];

    // Bounds the loop. No operation makes as many system calls.
    private const int MostCalls = 200;

    // The system calls that the shim makes.
    private static readonly string[] s_traced =
    [
        "openat", "close", "memfd_create", "unlink", "link", "linkat", "rename", "renameat2", "fcntl", "statx", "statfs", "fchown",
        "fchmod", "fgetxattr", "fsetxattr", "fremovexattr", "ftruncate", "fallocate", "pread64", "pwrite64", "fsync", "msync", "mlock",
        "munlock", "mmap", "munmap", "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "poll", "getdents64",
    ];

    private static readonly Dictionary<string, FaultyOperation> s_operations = new()
    {
        ["create"] = new(
            ["PosixShm.SharedArray.Create"], None, static name => SharedArray.Create<int>(name, 10).Dispose(), Absent, IsZeros),
        ["create, sparse"] = new(
            ["PosixShm.SharedArray.Create"],
            None,
            static name => SharedArray.Create(name, ArrayContent.Zeros<int>(10), new SharedArrayOptions { Preallocate = false }).Dispose(),
            Absent,
            IsZeros),
        ["create in huge pages"] = new(
            ["PosixShm.SharedArray.Create"],
            None,
            static name => SharedArray.Create<byte>(name, 4 << 20).Dispose(),
            Absent,
            static name => SharedArray.Describe(name).Length == 4 << 20),
        ["create with content"] = new(
            ["PosixShm.SharedArray.Create"],
            None,
            static name => SharedArray.Create(name, ArrayContent.From(Values)).Dispose(),
            Absent,
            IsValues),
        ["create with many locks"] = new(
            ["PosixShm.SharedArray.Create"],
            None,
            static name => SharedArray.Create(name, ArrayContent.Zeros<int>(10), new SharedArrayOptions { Locks = 100 }).Dispose(),
            Absent,
            static name => IsZeros(name) && HasLocks(name, 100)),
        ["create in the SharedArray layout"] = new(
            ["PosixShm.SharedArray.Create"],
            None,
            static name => SharedArray.Create(
                name, ArrayContent.Zeros<int>(10), new SharedArrayOptions { Layout = ArrayLayout.PythonSharedArray }).Dispose(),
            Absent,
            IsZeros),
        ["create or attach, new"] = new(
            ["PosixShm.SharedArray.CreateOrAttach"],
            None,
            static name => SharedArray.CreateOrAttach(name, ArrayContent.From(Values)).Dispose(),
            Absent,
            IsValues),
        ["create or attach, old"] = new(
            ["PosixShm.SharedArray.CreateOrAttach"],
            Old,
            static name => SharedArray.CreateOrAttach<int>(name, 10).Dispose(),
            IsValues,
            IsValues),
        ["replace"] = new(
            ["PosixShm.SharedArray.Replace"], Old, static name => SharedArray.Replace<int>(name, 10).Dispose(), IsValues, IsZeros),
        ["resize"] = new(
            ["PosixShm.SharedArray.Resize"], Old, static name => SharedArray.Resize<int>(name, 5, 2).Dispose(), IsValues, IsValues),
        ["attach"] = new(["PosixShm.SharedArray.Attach"], Old, static name => SharedArray.Attach<int>(name).Dispose(), IsValues, IsValues),
        ["attach read-only"] = new(
            ["PosixShm.SharedArray.AttachReadOnly"],
            Old,
            static name => SharedArray.AttachReadOnly<int>(name).Dispose(),
            IsValues,
            IsValues),
        ["attach copy-on-write"] = new(
            ["PosixShm.SharedArray.AttachCopyOnWrite"],
            Old,
            static name => SharedArray.AttachCopyOnWrite<int>(name).Dispose(),
            IsValues,
            IsValues),
        ["attach raw"] = new(
            ["PosixShm.SharedArray.AttachRaw"],
            Old,
            static name => SharedArray.AttachRaw<int>(name, [10], 128).Dispose(),
            IsValues,
            IsValues),
        ["exists"] = new(["PosixShm.SharedArray.Exists"], Old, static name => _ = SharedArray.Exists(name), IsValues, IsValues),
        ["describe"] = new(["PosixShm.SharedArray.Describe"], Old, static name => _ = SharedArray.Describe(name), IsValues, IsValues),
        ["delete"] = new(["PosixShm.SharedArray.Delete"], Old, SharedArray.Delete, IsValues, Absent),
        ["list"] = new(["PosixShm.SharedArray.List"], Old, static _ => SharedArray.List(), IsValues, IsValues),
        ["prune"] = new(
            ["PosixShm.SharedArray.DeleteStale"],
            Old,
            static name => _ = SharedArray.DeleteStale(new StaleOptions { Pattern = name }),
            IsValues,
            static name => Absent(name) || IsValues(name)),
        ["first use of a lock"] = new(
            ["PosixShm.SharedArray.Attach", "PosixShm.Synchronization.SharedLock.Enter"],
            Old,
            static name =>
            {
                using SharedArray<int> array = SharedArray.Attach<int>(name);
                array.Lock.Enter();
                array.Lock.Exit();
            },
            IsValues,
            static name => IsValues(name) && IsLockFree(name)),
        ["first signal"] = new(
            ["PosixShm.SharedArray.Attach", "PosixShm.Synchronization.ChangeCounter.Signal"],
            Old,
            static name =>
            {
                using SharedArray<int> array = SharedArray.Attach<int>(name);
                _ = array.ChangeCounter.Signal();
            },
            IsValues,
            IsValues),
        ["first publication"] = new(
            ["PosixShm.SharedArray.Attach", "PosixShm.SharedArray`1.Publish"],
            Old,
            static name =>
            {
                using SharedArray<int> array = SharedArray.Attach<int>(name);
                _ = array.Publish(array.ToArray());
            },
            IsValues,
            IsValues),
        ["save"] = new(
            ["PosixShm.SharedArray.Attach", "PosixShm.UntypedSharedArray.Save"],
            Old,
            static name =>
            {
                using SharedArray<int> array = SharedArray.Attach<int>(name);
                array.Save($"/dev/shm/{name}-saved");
            },
            static name => IsValues(name) && Absent($"{name}-saved"),
            static name => IsValues(name) && IsValues($"{name}-saved"),
            CallsElsewhere: 1),
        ["flush"] = new(
            ["PosixShm.SharedArray.Attach", "PosixShm.UntypedSharedArray.Flush"],
            Old,
            static name =>
            {
                using SharedArray<int> array = SharedArray.Attach<int>(name);
                array.Flush(true);
            },
            IsValues,
            IsValues),
        ["lock in memory"] = new(
            ["PosixShm.SharedArray.Attach", "PosixShm.UntypedSharedArray.LockInMemory"],
            Old,
            static name =>
            {
                using SharedArray<int> array = SharedArray.Attach<int>(name);
                array.LockInMemory();
            },
            IsValues,
            IsValues),
        ["compact"] = new(
            ["PosixShm.SharedArray.Attach", "PosixShm.UntypedSharedArray.Compact"],
            static name => SharedArray.Create(
                name, ArrayContent.Zeros<byte>(4 << 20), new SharedArrayOptions { Preallocate = false }).Dispose(),
            static name =>
            {
                using SharedArray<byte> array = SharedArray.Attach<byte>(name);
                _ = array.Compact();
            },
            static name => SharedArray.Exists(name),
            static name => SharedArray.Exists(name)),
        ["create anonymous, for children"] = new(
            ["PosixShm.SharedArray.CreateAnonymous", "PosixShm.UntypedSharedArray.MakeInheritable"],
            None,
            static _ =>
            {
                using SharedArray<int> array = SharedArray.CreateAnonymous<int>(10);
                _ = array.MakeInheritable();
            },
            Absent,
            Absent),
        ["wait for an array"] = new(
            ["PosixShm.SharedArray.Attach"],
            None,
            static name =>
            {
                try
                {
                    SharedArray.Attach<int>(name, TimeSpan.FromMilliseconds(1)).Dispose();
                }
                catch (TimeoutException)
                {
                    // The file does not exist.
                }
            },
            Absent,
            Absent),
        ["create a semaphore"] = new(
            ["PosixShm.Posix.NamedSemaphore.Create"],
            None,
            static name => NamedSemaphore.Create(name, 1).Dispose(),
            HasNoSemaphore,
            NamedSemaphore.Exists,
            CallsElsewhere: 7),
        ["open a semaphore"] = new(
            ["PosixShm.Posix.NamedSemaphore.Attach"],
            OldSemaphore,
            static name => NamedSemaphore.Attach(name).Dispose(),
            NamedSemaphore.Exists,
            NamedSemaphore.Exists,
            CallsElsewhere: 3),
        ["delete a semaphore"] = new(
            ["PosixShm.Posix.NamedSemaphore.Delete"], OldSemaphore, NamedSemaphore.Delete, NamedSemaphore.Exists, HasNoSemaphore),
        ["create an object"] = new(
            ["PosixShm.Posix.SharedMemoryObject.Create"],
            None,
            static name => SharedMemoryObject.Create(name, 10).Dispose(),
            Absent,
            static name => HasSize(name, 10),
            CallsElsewhere: 1),
        ["open and map an object"] = new(
            ["PosixShm.Posix.SharedMemoryObject.Open", "PosixShm.Posix.SharedMemoryObject.Map"],
            OldObject,
            static name =>
            {
                using SharedMemoryObject opened = SharedMemoryObject.Open(name);
                opened.Map().Dispose();
            },
            static name => HasSize(name, 10),
            static name => HasSize(name, 10),
            CallsElsewhere: 1),
        ["resize an object"] = new(
            ["PosixShm.Posix.SharedMemoryObject.Open", "PosixShm.Posix.SharedMemoryObject.Resize"],
            OldObject,
            static name =>
            {
                using SharedMemoryObject opened = SharedMemoryObject.Open(name);
                opened.Resize(20);
            },
            static name => HasSize(name, 10),
            static name => HasSize(name, 20),
            CallsElsewhere: 1),
        ["protect, advise and lock a mapping"] = new(
            [
                "PosixShm.Posix.SharedMemoryObject.Open", "PosixShm.Posix.SharedMemoryObject.Map", "PosixShm.Posix.MemoryMapping.Protect",
                "PosixShm.Posix.MemoryMapping.Advise", "PosixShm.Posix.MemoryMapping.LockInMemory",
                "PosixShm.Posix.MemoryMapping.UnlockFromMemory", "PosixShm.Posix.MemoryMapping.Flush",
            ],
            OldObject,
            static name =>
            {
                using SharedMemoryObject opened = SharedMemoryObject.Open(name);
                using MemoryMapping mapping = opened.Map();
                mapping.Protect(FileAccess.Read);
                mapping.Advise(MemoryAdvice.Random);
                mapping.LockInMemory();
                mapping.UnlockFromMemory();
                mapping.Flush();
            },
            static name => HasSize(name, 10),
            static name => HasSize(name, 10),
            CallsElsewhere: 1),
        ["delete an object"] = new(
            ["PosixShm.Posix.SharedMemoryObject.Delete"],
            OldObject,
            SharedMemoryObject.Delete,
            static name => HasSize(name, 10),
            Absent),
    };

    private static int[] Values => [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

    private static IEnumerable<string> Operations => s_operations.Keys;

    [TestCaseSource(nameof(Operations))]
    public void Each_system_call_of_an_operation_may_fail(string operation)
    {
        using ChildProcess child = ChildProcess.Start([(FaultyShim.Variable, "1")], Loop, Name, operation);
        child.WaitForSuccess();
        TestContext.Out.WriteLine(child.Output);

        static int Loop(string[] args)
        {
            FaultyOperation faulty = s_operations[args[1]];
            faulty.RunWithout(args[0]);
            long calls = faulty.RunWithout(args[0]);
            List<string> problems = [];
            foreach ((int error, bool lasts) in s_errors.SelectMany(static error => new[] { (error, false), (error, true) }))
            {
                for (long n = 1; n <= MostCalls && faulty.RunWith(n, error, lasts, args[0], problems) >= n; n++)
                {
                }
            }

            Console.WriteLine($"{calls} calls");
            Console.WriteLine(string.Join('\n', problems.Take(40)));
            return problems.Count == 0 && calls > 0 ? 0 : 1;
        }
    }

    [TestCaseSource(nameof(Operations), Category = "More")]
    public void Each_system_call_of_an_operation_is_counted(string operation)
    {
        string trace = Path.Combine(Folder, "trace");
        string[] tracer = ["strace", "-f", "-qq", "-s", "8", "-o", trace, "-e", $"trace=write,{string.Join(',', s_traced)}"];

        // Otherwise the runtime maps code that it compiles meanwhile a second time, from a file.
        using ChildProcess child = ChildProcess.Start(
            [(FaultyShim.Variable, "1"), ("DOTNET_EnableWriteXorExecute", "0")],
            [.. tracer, .. ChildProcess.CommandLine(Once, Name, operation)]);
        child.WaitForSuccess();
        int counted = int.Parse(child.Output.Trim().Split("end ")[^1], CultureInfo.InvariantCulture);
        string[] calls = [.. CallsBetweenMarks(File.ReadAllLines(trace))];
        TestContext.Out.WriteLine(string.Join('\n', calls));
        Assert.That(counted, Is.GreaterThanOrEqualTo(calls.Length - s_operations[operation].CallsElsewhere));

        static int Once(string[] args)
        {
            FaultyOperation faulty = s_operations[args[1]];
            faulty.RunWithout(args[0]);
            faulty.RunWithout(args[0]);
            faulty.RunTraced(args[0]);
            return 0;
        }

        // Returns the calls of the thread that wrote the marks: "PID call(arguments) = result". Anonymous mappings are the runtime's.
        static IEnumerable<string> CallsBetweenMarks(string[] lines)
        {
            int begin = Array.FindIndex(lines, static line => line.Contains("\"begin", StringComparison.Ordinal));
            string thread = lines[begin].Split(' ')[0];
            return lines.Skip(begin + 1)
                .Where(line => line.StartsWith(thread, StringComparison.Ordinal))
                .TakeWhile(static line => !line.Contains("\"end", StringComparison.Ordinal))
                .Where(
                    static line => !line.Contains("MAP_ANONYMOUS", StringComparison.Ordinal)
                        && !line.Contains("resumed>", StringComparison.Ordinal));
        }
    }

    private static void None(string name)
    {
    }

    private static void Old(string name) => SharedArray.Create(name, ArrayContent.From(Values)).Dispose();

    private static void OldSemaphore(string name) => NamedSemaphore.Create(name, 1).Dispose();

    private static void OldObject(string name) => SharedMemoryObject.Create(name, 10).Dispose();

    private static bool HasSize(string name, long size) => new FileInfo(ShmPathOf(name)) is { Exists: true } file && file.Length == size;

    private static bool Absent(string name) => !File.Exists(ShmPathOf(name));

    private static bool HasNoSemaphore(string name) => !NamedSemaphore.Exists(name);

    private static bool IsValues(string name) => Has(name, Values);

    private static bool IsZeros(string name) => Has(name, new int[10]);

    private static bool Has(string name, int[] values)
    {
        using ReadOnlySharedArray<int> array = SharedArray.AttachReadOnly<int>(name);
        return array.ToArray().AsSpan().SequenceEqual(values);
    }

    private static bool HasLocks(string name, int count)
    {
        using ReadOnlySharedArray<int> array = SharedArray.AttachReadOnly<int>(name);
        return array.Locks.Count == count;
    }

    private static bool IsLockFree(string name)
    {
        using ReadOnlySharedArray<int> array = SharedArray.AttachReadOnly<int>(name);
        return array.Lock.State == SharedLockState.Free;
    }
}
