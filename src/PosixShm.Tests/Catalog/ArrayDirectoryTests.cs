using PosixShm.Posix;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Arrays in the directory that POSIXSHM_DIR, or the option --dir, names.</summary>
internal sealed class ArrayDirectoryTests : CommandTest
{
    private const string Variable = "POSIXSHM_DIR";

    [Test]
    public void All_members_agree_on_the_directory_of_the_variable()
    {
        using ChildProcess child = ChildProcess.Start(
            [(Variable, Folder + "/")],
            Namespaces.WithFileSystem(Folder, "size=8m,mode=1777", ChildProcess.CommandLine(Use, Folder, Name)));
        child.WaitForSuccess();
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.Empty);

        static int Use(string[] args)
        {
            (string directory, string name) = (args[0], args[1]);
            string path = $"{directory}/{name}";
            using (SharedArray<double> array = SharedArray.Create<double>(name, 10))
            {
                array[3] = 42;
                Assert.That((File.Exists(path), File.Exists(ShmPathOf(name))), Is.EqualTo((true, false)));
                Assert.That(Python.Run("a = np.load(sys.argv[1], mmap_mode='r+'); print(a[3]); a[4] = 7", path), Is.EqualTo("42.0"));
                Assert.That(array[4], Is.EqualTo(7));
                using SharedArray<double> again = SharedArray.Attach<double>("shm://" + name);
                using SharedArray<double> file = SharedArray.Attach<double>("file://" + path);
                Assert.That((again[3], file[3], again.IsCurrent), Is.EqualTo((42, 42, true)));
                again.Lock.Enter();
                Assert.That(file.Lock.State, Is.EqualTo(SharedLockState.Held));
                again.Lock.Exit();
                Assert.That(
                    (SharedArray.Exists(name), SharedArray.Describe(name).Name, SharedArray.List().Single().Name),
                    Is.EqualTo((true, name, name)));
                Assert.That(SharedArray.FindStale(), Is.Empty, "it is in use");
                using SharedArray<double> next = SharedArray.Replace<double>(name, 20);
                Assert.That((array.IsCurrent, next.IsCurrent), Is.EqualTo((false, true)));
                Assert.That(new FileInfo(path).Length, Is.GreaterThan(20 * sizeof(double)));
            }

            Assert.That(SharedArray.FindStale().Single().Name, Is.EqualTo(name));
            Assert.That(SharedArray.DeleteStale().Single().Name, Is.EqualTo(name));
            Assert.That(SharedArray.Create(name, 1).DisposeAndDeleteIfUnused(), Is.True);
            SharedArray.Create(name, 1).Dispose();
            Assert.That(() => SharedArray.Create(name, 1), Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17));
            Assert.That(Mono.Unix.Native.Syscall.link(path, path + "2"), Is.Zero);
            Assert.That(() => SharedArray.Attach(name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("hard links"));
            File.Delete(path + "2");
            SharedArray.Delete(name);
            Assert.That(() => SharedArray.Attach(name), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(
                () => SharedArray.Create<byte>(name, 1 << 24),
                Throws.InstanceOf<IOException>().With.Message.Contains("No space in " + directory));
            Assert.That(
                (SharedArray.TryDelete(name), SharedArray.List().Count, Directory.GetFiles(directory).Length), Is.EqualTo((false, 0, 0)));
            return 0;
        }
    }

    [Test]
    public void Containers_with_a_volume_at_different_paths_share_its_arrays()
    {
        _ = ChildProcess.Run(Namespaces.WithFileSystem(Folder, "size=8m", ChildProcess.CommandLine(First, Folder, Name)));

        static int First(string[] args)
        {
            Environment.SetEnvironmentVariable(Variable, args[0]);
            using SharedArray<int> array = SharedArray.Create<int>(args[1], 4);
            array.Lock.Enter();
            string[] other = ["unshare", "--mount", "bash", "-c", "mount --bind \"$1\" /mnt && shift && exec \"$@\"", "bash", args[0]];
            using ChildProcess child = ChildProcess.Start([(Variable, "/mnt")], [.. other, .. ChildProcess.CommandLine(Second, args[1])]);
            child.Expect("HELD");
            array[1] = 5;
            array.Lock.Exit();
            child.WaitForSuccess();
            Assert.That(array[2], Is.EqualTo(6));
            return 0;
        }

        static int Second(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            Assert.That((SharedArray.List().Single().Name, SharedArray.FindStale().Count), Is.EqualTo((args[0], 0)));
            Console.WriteLine(array.Lock.TryEnter() ? "FREE" : "HELD");
            array.Lock.Enter();
            array[2] = array[1] + 1;
            array.Lock.Exit();
            return File.Exists("/mnt/" + args[0]) ? 0 : 1;
        }
    }

    [TestCase("", "empty", TestName = "An_empty_directory_variable_is_an_error_at_the_first_use")]
    [TestCase("shm", "absolute", TestName = "A_relative_directory_is_an_error_at_the_first_use")]
    [TestCase("/nonexistent/arrays", "no such directory", TestName = "A_missing_directory_is_an_error_at_the_first_use")]
    [TestCase("/etc/passwd", "no such directory", TestName = "A_file_in_place_of_the_directory_is_an_error_at_the_first_use")]
    [TestCase("/tmp/\u001b[31m", "control characters", TestName = "Control_characters_in_the_directory_are_an_error_at_the_first_use")]
    public void A_wrong_directory(string value, string reason)
    {
        using ChildProcess child = ChildProcess.Start([(Variable, value)], Use, Name, reason, Folder);
        child.WaitForSuccess();
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}"), Is.Empty);

        static int Use(string[] args)
        {
            Action[] uses =
            [
                () => SharedArray.Create(args[0], 1),
                () => SharedArray.Attach(args[0]),
                () => SharedArray.Exists(args[0]),
                () => SharedArray.Describe(args[0]),
                () => SharedArray.Delete(args[0]),
                () => SharedArray.TryDelete(args[0]),
                () => SharedArray.Replace<int>(args[0], 1),
                () => SharedArray.List(),
                () => SharedArray.FindStale(),
            ];
            foreach (Action use in (Action[])[.. uses, .. uses])
            {
                Assert.That(
                    () => use(),
                    Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains(Variable).And.Message.Contains(args[1])
                        .And.Message.Not.Match("\u001b"));
            }

            SharedArray.Create($"file://{args[2]}/x", 1).Dispose();
            SharedArray.CreateAnonymous<int>(3).Dispose();
            using NamedSemaphore semaphore = NamedSemaphore.Create(args[0], 1);
            NamedSemaphore.Delete(args[0]);
            return 0;
        }
    }

    [Test]
    public void The_variable_is_read_once_and_a_directory_that_comes_later_is_used()
    {
        string later = Path.Combine(Folder, "later");
        using ChildProcess child = ChildProcess.Start([(Variable, later)], Use, Name, later);
        child.WaitForSuccess();

        static int Use(string[] args)
        {
            Assert.That(() => SharedArray.List(), Throws.InstanceOf<DirectoryNotFoundException>());
            Environment.SetEnvironmentVariable(Variable, null);
            _ = Directory.CreateDirectory(args[1]);
            SharedArray.Create(args[0], 1).Dispose();
            Assert.That(File.Exists($"{args[1]}/{args[0]}"), Is.True);
            Directory.Delete(args[1], recursive: true);
            Assert.That(
                () => SharedArray.Create(args[0], 1), Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains(args[1]));
            Assert.That(
                () => SharedArray.Attach(args[0]),
                Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("no directory " + args[1]));
            return 0;
        }
    }

    [Test]
    public void A_program_with_more_rights_than_its_caller_ignores_the_variable()
    {
        using ChildProcess child = ChildProcess.Start(
            [(Variable, Folder), (FailingShim.FailAt, "secure:1")], CreateInSharedMemory, Name, Folder);
        child.WaitForSuccess();
    }

    [Test]
    [NeedsRoot("makes a set-group-ID program")]
    public void A_set_group_ID_program_ignores_the_variable()
    {
        string runtime = Path.GetDirectoryName(Path.GetFullPath(Environment.ProcessPath!))!;
        string host = Path.Combine(Folder, "dotnet");
        File.Copy(Environment.ProcessPath!, host);
        foreach (string part in (string[])["host", "shared"])
        {
            _ = File.CreateSymbolicLink(Path.Combine(Folder, part), Path.Combine(runtime, part));
        }

        _ = ChildProcess.Run("chgrp", "65534", host);
        _ = ChildProcess.Run("chmod", "2755", host);
        using ChildProcess child = ChildProcess.Start(
            [(Variable, Folder)], [host, .. ChildProcess.CommandLine(CreateInSharedMemory, Name, Folder, "real").Skip(1)]);
        child.WaitForSuccess();
    }

    private static int CreateInSharedMemory(string[] args)
    {
        if (args.Length > 2)
        {
            // The kernel's entry AT_SECURE, 23, of the auxiliary vector.
            byte[] entries = File.ReadAllBytes("/proc/self/auxv");
            Assert.That(
                Enumerable.Range(0, entries.Length / 16).Any(
                    i => BitConverter.ToInt64(entries, i * 16) == 23 && BitConverter.ToInt64(entries, (i * 16) + 8) == 1));
        }

        SharedArray.Create(args[0], 1).Dispose();
        return File.Exists(ShmPathOf(args[0])) && !File.Exists($"{args[1]}/{args[0]}") ? 0 : 1;
    }

    [Test]
    public void Messages_of_semaphores_name_dev_shm_although_the_variable_is_set()
    {
        using ChildProcess child = ChildProcess.Start([(Variable, Folder)], Use, Name);
        child.WaitForSuccess();

        static int Use(string[] args)
        {
            Assert.That(
                () => NamedSemaphore.Attach(args[0]), Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("in /dev/shm"));
            using NamedSemaphore semaphore = NamedSemaphore.Create(args[0], 1);
            Assert.That(File.Exists("/dev/shm/sem." + args[0]), Is.True);
            Assert.That(() => NamedSemaphore.Create(args[0]), Throws.InstanceOf<IOException>().With.Message.Contains("in /dev/shm"));
            return NamedSemaphore.List().Contains(args[0]) ? 0 : 1;
        }
    }

    [Test]
    public void The_option_of_the_command_wins_over_the_variable()
    {
        string other = Directory.CreateDirectory(Path.Combine(Folder, "other")).FullName;
        string output = Shell(
            """
            export POSIXSHM_DIR=$3
            $pshm create $1 4 --dtype float64
            $pshm --dir $2 create $1 2 --dtype int32
            $pshm list --json --dir $2
            $pshm info $1 --json
            $pshm semaphore list --dir $2 >/dev/null
            $pshm delete $1 --dir=$2
            ls $2 $3
            $pshm prune --delete >/dev/null
            $pshm list
            """,
            Name, Folder, other);
        Assert.That(output, Does.Contain("<i4").And.Contain("<f8"));
        Assert.That(File.Exists(Path.Combine(Folder, Name)), Is.False);
        Assert.That(Directory.GetFiles(other), Is.Empty);
    }

    [Test]
    public void A_wrong_directory_of_the_option_or_the_variable_is_one_line_of_error()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Fail(2, "--dir", "relative", "list"), Does.Contain("--dir").And.Contain("absolute"));
            Assert.That(Fail(2, "list", "--dir", ""), Does.Contain("--dir"));
            Assert.That(Fail(1, "list", "--dir", "/nonexistent"), Does.Contain("--dir").And.Contain("/nonexistent"));
            Assert.That(Fail(2, "list", "--dir"), Does.Contain("--dir"));
            Assert.That(Shell("POSIXSHM_DIR= $pshm list 2>&1 || echo $?"), Does.Contain("POSIXSHM_DIR").And.EndsWith("\n1"));
            Assert.That(
                Shell("POSIXSHM_DIR=/nonexistent $pshm delete $1 2>&1 || echo $?", Name), Does.Contain("POSIXSHM_DIR").And.EndsWith("\n1"));
            Assert.That(Pshm("list", "--help"), Does.Contain("--dir"));
        }
    }
}
