using System.Globalization;

namespace PosixShm.Tests;

/// <summary>A segment is absent or complete, never in between, whatever happens to its creator.</summary>
internal sealed class CreationTests : NamedTest
{
    private static readonly string[] s_stepsBefore =
        ["open-unnamed", "allocate", "write-head", "write-tail", "chmod", "lock", "map", "before-link"];

    [TestCaseSource(nameof(s_stepsBefore))]
    public void Creator_killed_before_the_link_leaves_nothing(string step)
    {
        // More locks than a page has are written with the array.
        Assert.That(CreateWith(FailingShim.DieAt, step, step == "write-tail" ? "40" : "1"), Is.EqualTo(128 + 9));
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.Empty);
    }

    [Test]
    public void Creator_killed_after_the_link_leaves_a_complete_array()
    {
        Assert.That(CreateWith(FailingShim.DieAt, "after-link"), Is.EqualTo(128 + 9));
        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That((array.Length, SharedArray.Describe(Name).Mode), Is.EqualTo((1000L, UnixFileMode.UserRead | UnixFileMode.UserWrite)));
    }

    [TestCase("open-unnamed:95", TestName = "Missing_O_TMPFILE_falls_back_to_a_rename")]
    [TestCase("link-empty-path:2", TestName = "Refused_link_of_a_descriptor_falls_back_to_a_link_through_proc")]
    [TestCase("link-empty-path:2,link-through-proc:2", TestName = "Refused_links_fall_back_to_a_rename")]
    [TestCase("open-unnamed:95,rename:22", TestName = "Unsupported_rename_falls_back_to_a_link")]
    [TestCase("open-unnamed:95,rename:38", TestName = "Missing_renameat2_falls_back_to_a_link")]
    [TestCase("open-unnamed:13", TestName = "O_TMPFILE_refused_by_EACCES_falls_back_to_a_rename")]
    [TestCase("open-unnamed:1", TestName = "O_TMPFILE_refused_by_EPERM_falls_back_to_a_rename")]
    [TestCase("open-unnamed:38", TestName = "O_TMPFILE_refused_by_ENOSYS_falls_back_to_a_rename")]
    [TestCase("open-unnamed:21", TestName = "O_TMPFILE_refused_by_EISDIR_falls_back_to_a_rename")]
    [TestCase("link-empty-path:13", TestName = "Linkat_refused_by_EACCES_falls_back_to_a_rename")]
    [TestCase("link-empty-path:1", TestName = "Linkat_refused_by_EPERM_falls_back_to_a_rename")]
    [TestCase("link-empty-path:18", TestName = "Linkat_refused_by_EXDEV_falls_back_to_a_rename")]
    [TestCase("link-empty-path:38", TestName = "Linkat_refused_by_ENOSYS_falls_back_to_a_rename")]
    [TestCase("link-empty-path:2,link-through-proc:13", TestName = "Link_through_proc_refused_by_EACCES_falls_back_to_a_rename")]
    [TestCase("open-unnamed:13,rename:1", TestName = "Rename_refused_by_EPERM_falls_back_to_a_link")]
    [TestCase("open-unnamed:13,rename:13,link:13", TestName = "Refused_rename_and_link_fall_back_to_writing_the_header_last")]
    [TestCase("open-unnamed:13,create-own:13", TestName = "Refused_temporary_name_falls_back_to_writing_the_header_last")]
    [TestCase("allocate:95", TestName = "Missing_fallocate_falls_back_to_ftruncate")]
    public void Fallback(string fault)
    {
        using ChildProcess child = StartWithShm(fault, CreateTwice);
        child.WaitForSuccess();

        static int CreateTwice(string[] args)
        {
            Assert.That(Create(args), Is.Zero);
            using SharedArray<double> array = SharedArray.Attach(args[0]);
            Assert.That(array.Length, Is.EqualTo(1000));

            // Every fallback refuses an existing name.
            Assert.That(Create(args), Is.EqualTo(3));
            Assert.That(Directory.GetFiles("/dev/shm"), Has.Length.EqualTo(1));
            return 0;
        }
    }

    [TestCase("open-unnamed:13", TestName = "Name_of_255_bytes_is_created_through_a_temporary_name")]
    [TestCase("open-unnamed:13,create-own:13", TestName = "Name_of_255_bytes_is_created_in_place")]
    public void Longest(string fault)
    {
        string longest = Name + string.Concat(Enumerable.Repeat("ö", (255 - Name.Length) / 2)) + new string('x', (255 - Name.Length) % 2);
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], Create, longest);
        Assert.That(child.WaitForExit(), Is.Zero, child.Output + child.Errors);
        Assert.That(SharedArray.Exists(longest), Is.True);
    }

    [Test]
    public void First_refusal_is_reported_if_all_fallbacks_are_refused()
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, "open-unnamed:1,create-own:13,open:38")], Create, Name);
        Assert.That(child.WaitForExit(), Is.EqualTo(2), child.Errors);
        Assert.That(child.Output, Does.Contain("permissions").And.Contain(Name));
    }

    [TestCase(ArrayLayout.Npy, "write-head")]
    [TestCase(ArrayLayout.Npy, "write-tail")]
    [TestCase(ArrayLayout.Npy, "map")]
    [TestCase(ArrayLayout.Npy, "chmod")]
    [TestCase(ArrayLayout.Npy, "lock")]
    [TestCase(ArrayLayout.PythonSharedArray, "lock")]
    public void Creator_killed_before_writing_the_header_last_leaves_a_file_that_is_not_an_array_and_can_be_deleted(
        ArrayLayout layout, string step)
    {
        using ChildProcess child = ChildProcess.Start(
            [(FailingShim.FailAt, "open-unnamed:13,create-own:13"), (FailingShim.DieAt, step)], CreateLayout, Name, layout.ToString());
        Assert.That(child.WaitForExit(), Is.EqualTo(128 + 9), child.Output);
        Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<InvalidDataException>());
        Assert.That(
            (SharedArray.Exists(Name), CreateWith(FailingShim.FailAt, "open-unnamed:13,create-own:13")),
            Is.EqualTo((false, 3)),
            "the name exists");
        SharedArray.Delete(Name);
        Assert.That(CreateWith(FailingShim.FailAt, "open-unnamed:13,create-own:13"), Is.Zero);

        static int CreateLayout(string[] args)
        {
            SharedArray.Create(
                args[0],
                ArrayContent.Filled("float64", 1.5, 1000),
                new SharedArrayOptions { Layout = Enum.Parse<ArrayLayout>(args[1]) }).Dispose();
            return 0;
        }
    }

    // The larger ones get huge pages. The control page of the last one begins a huge page.
    [TestCase(ArrayLayout.Npy, 10, 1)]
    [TestCase(ArrayLayout.PythonSharedArray, 10, 1)]
    [TestCase(ArrayLayout.Npy, 1 << 19, 1)]
    [TestCase(ArrayLayout.PythonSharedArray, 1 << 19, 1)]
    [TestCase(ArrayLayout.PythonSharedArray, 1 << 18, 40_000)]
    public void Array_created_in_place_has_its_elements_and_locks(ArrayLayout layout, int length, int locks)
    {
        using ChildProcess child = ChildProcess.Start(
            [(FailingShim.FailAt, "open-unnamed:13,create-own:13")], Fill, Name, $"{layout}", $"{length}", $"{locks}");
        child.WaitForSuccess();
        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That((array.Length, array.Locks.Count), Is.EqualTo(((long)length, Math.Max(31, locks))));
        Assert.That(array.Span.ContainsAnyExcept(1.5), Is.False);
        array.Lock.Enter();
        array.Lock.Exit();

        static int Fill(string[] args)
        {
            int[] numbers = [.. args[2..].Select(static text => int.Parse(text, CultureInfo.InvariantCulture))];
            SharedArrayOptions options = new() { Layout = Enum.Parse<ArrayLayout>(args[1]), Locks = numbers[1] };
            using UntypedSharedArray array = SharedArray.Create(args[0], ArrayContent.Filled("float64", 1.5, numbers[0]), options);
            return array.GetValue(9) is 1.5 ? 0 : 1;
        }
    }

    [TestCase("allocate:28", "No space")]
    [TestCase("allocate:28,open-unnamed:95", "No space")]
    [TestCase("write:28,open-unnamed:95", "No space")]
    [TestCase("chmod:1,open-unnamed:95", "permissions")]
    [TestCase("map:12", "Dispose")]
    [TestCase("map:12,open-unnamed:95", "Dispose")]
    [TestCase("lock:37", "Cannot attach")]
    [TestCase("open-unnamed:24", "RLIMIT_NOFILE")]
    [TestCase("open-unnamed:23", "file-max")]
    [TestCase("open-unnamed:30", "read-only")]
    public void Failure_at_any_step_reports_the_reason_and_leaves_nothing(string fault, string message)
    {
        using ChildProcess child = StartWithShm(fault, Fail);
        child.WaitForSuccess();
        Assert.That(child.Output, Does.Contain(message).And.Contain(Name));

        static int Fail(string[] args)
        {
            Assert.That(Create(args), Is.EqualTo(2));
            Assert.That(Directory.GetFiles("/dev/shm"), Is.Empty);
            return 0;
        }
    }

    [TestCase(200)]
    [TestCase(3000, Category = "More")]
    public void Random_kills_leave_nothing_or_whole_arrays(int kills)
    {
        using ChildProcess child = ChildProcess.Start(
            ForkServer.Environment, Namespaces.WithShm("size=10m", Serve, Name));
        child.Expect("READY");
        Random random = new(7);
        for (int kill = 0; kill < kills; kill++)
        {
            Thread.SpinWait(random.Next(10_000));
            child.Send("0");
            child.Expect("KILLED");
            child.Expect("READY");
        }

        child.WaitForSuccess();

        static int Serve(string[] args)
            => ForkServer.Run(1, () => CreateAndDelete(args[0], 100), ready => CreateForEver(args[0], ready), () => Check(args[0]));

        static void CreateForEver(string name, Action ready)
        {
            ready();
            CreateAndDelete(name, long.MaxValue);
        }

        static void CreateAndDelete(string name, long rounds)
        {
            for (long round = 0; round < rounds; round++)
            {
                SharedArray.Create<long>(name, 5000).Dispose();
                SharedArray.Delete(name);
            }
        }

        static void Check(string name)
        {
            if (SharedArray.Exists(name))
            {
                using SharedArray<long> array = SharedArray.Attach<long>(name);
                Assert.That(array.Length, Is.EqualTo(5000));
                SharedArray.Delete(name);
            }

            Assert.That(Directory.GetFiles("/dev/shm"), Is.Empty);
        }
    }

    [Test]
    public void Exactly_one_of_four_creators_of_a_name_wins_a_thousand_times()
    {
        const int Creators = 4;
        const int Rounds = 1000;
        using ChildProcessGroup children = new();
        children.Start(Creators, Compete, Name);
        children.Expect("READY");
        for (int round = 0; round < Rounds; round++)
        {
            children.Send("GO");
            Assert.That(children.ReadLines().Order(), Is.EqualTo(new[] { "LOST", "LOST", "LOST", "WON" }), $"round {round}");
            SharedArray.Delete(Name);
        }

        children.WaitForSuccess();

        static int Compete(string[] args)
        {
            Console.WriteLine("READY");
            while (Console.ReadLine() is not null)
            {
                try
                {
                    SharedArray.Create(args[0], 10).Dispose();
                    Console.WriteLine("WON");
                }
                catch (IOException error) when (error.HResult == 17)
                {
                    Console.WriteLine("LOST");
                }
            }

            return 0;
        }
    }

    [Test]
    public void CreateOrAttach_wins_against_creators_and_deleters_at_once()
    {
        using ChildProcessGroup children = new();
        children.Start(3, CreateOrAttach, Name);
        children.Start(1, Delete, Name);
        children.Expect("READY");
        children.Send("GO");
        children.WaitForSuccess();

        static int CreateOrAttach(string[] args)
        {
            Console.WriteLine("READY");
            _ = Console.ReadLine();
            for (int i = 0; i < 2000; i++)
            {
                using SharedArray<int> array = SharedArray.CreateOrAttach<int>(args[0], 10);
                array[9] = i;
            }

            return 0;
        }

        static int Delete(string[] args)
        {
            Console.WriteLine("READY");
            _ = Console.ReadLine();
            for (int i = 0; i < 4000; i++)
            {
                _ = SharedArray.TryDelete(args[0]);
            }

            return 0;
        }
    }

    [Test]
    public void Full_file_system_is_an_error_with_the_requested_and_free_bytes_and_leaves_nothing()
    {
        string output = Namespaces.RunWithShm("size=1m", Fill);
        Assert.That(
            output,
            Does.Contain("No space in /dev/shm for 'big': 4,194,432 bytes requested, free: 1,048,576 bytes.").And.Contain("--shm-size"));

        // More than one step of the reservation, and less than one.
        static int Fill(string[] args)
        {
            foreach (int megabytes in (int[])[4, 400])
            {
                try
                {
                    SharedArray.Create<byte>("big", megabytes << 20).Dispose();
                    return 1;
                }
                catch (IOException error) when (error.HResult == 28)
                {
                    Console.WriteLine(error.Message);
                }

                Assert.That(Directory.GetFileSystemEntries("/dev/shm"), Is.Empty);
                Assert.That(new DriveInfo("/dev/shm").AvailableFreeSpace, Is.EqualTo(1 << 20));
            }

            // A smaller array has room.
            SharedArray.Create<byte>("small", 1 << 19).Dispose();
            return 0;
        }
    }

    [Test]
    public void Existing_name_takes_precedence_over_full_file_system()
    {
        _ = Namespaces.RunWithShm("size=32k", CreateTwice);

        static int CreateTwice(string[] args)
        {
            SharedArray.Create<byte>("taken", 8 << 10).Dispose();
            SharedArray.Create<byte>("rest", 16 << 10).Dispose();
            Assert.That(new DriveInfo("/dev/shm").AvailableFreeSpace, Is.Zero);
            foreach (bool preallocate in (bool[])[true, false])
            {
                SharedArrayOptions options = new() { Preallocate = preallocate };
                Assert.That(
                    () => SharedArray.Create("taken", ArrayContent.Zeros<byte>(8 << 10), options),
                    Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17));
                Assert.That(
                    () => SharedArray.Create("other", ArrayContent.Zeros<byte>(8 << 10), options),
                    Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(28));
            }

            return 0;
        }
    }

    [Test]
    public void Lack_of_inodes_is_distinguished_from_lack_of_bytes()
    {
        string output = Namespaces.RunWithShm("nr_inodes=2", Fill);
        Assert.That(output, Does.Contain("not one inode"));

        static int Fill(string[] args)
        {
            try
            {
                for (int i = 0; i < 5; i++)
                {
                    SharedArray.Create<byte>($"a{i}", 1).Dispose();
                }

                return 1;
            }
            catch (IOException error) when (error.HResult == 28)
            {
                Console.WriteLine(error.Message);
                return 0;
            }
        }
    }

    [Test]
    public void Array_beyond_the_file_system_is_refused_before_memory_is_reserved()
    {
        Assert.That(
            () => SharedArray.Create<byte>(Name, 1L << 50),
            Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(28).And.Message.Contains(
                "1,125,899,906,842,752 bytes requested"));
        Assert.That(File.Exists(ShmPath), Is.False);
    }

    [Test]
    public void A_file_size_limit_is_an_error_and_not_the_end_of_the_process()
    {
        string output = ChildProcess.RunWithFileSizeLimit(CreateTooLarge, Name);
        Assert.That(output, Does.Contain("RLIMIT_FSIZE"));
        Assert.That(File.Exists(ShmPath), Is.False);

        static int CreateTooLarge(string[] args)
        {
            foreach (bool preallocate in (bool[])[true, false])
            {
                try
                {
                    SharedArray.Create(
                        args[0], ArrayContent.Zeros<byte>(10 << 20), new SharedArrayOptions { Preallocate = preallocate }).Dispose();
                    return 1;
                }
                catch (IOException error)
                {
                    Console.WriteLine(error.Message);
                }
            }

            return 0;
        }
    }

    [TestCase("-", "1 0 0 0")]
    [TestCase("", "0 1 0 1")]
    public void The_handler_for_the_size_limit_is_not_inherited_and_replaces_no_action_of_the_program(
        string action, string caughtAndIgnoredHereAndInAChild)
    {
        string output = ChildProcess.Run(
            "bash", ["-c", "trap \"$0\" XFSZ; exec \"$@\"", action, .. ChildProcess.CommandLine(CreateAndShowActions, Name)]);
        Assert.That(output.Trim(), Is.EqualTo(caughtAndIgnoredHereAndInAChild));

        static int CreateAndShowActions(string[] args)
        {
            SharedArray.Create(args[0], 10).Dispose();
            SharedArray.Delete(args[0]);
            string child = ChildProcess.Run("cat", ["/proc/self/status"]);
            Console.WriteLine($"{Actions(File.ReadAllText("/proc/self/status"))} {Actions(child)}");
            return 0;
        }

        static string Actions(string status) => $"{Has(status, "SigCgt")} {Has(status, "SigIgn")}";

        // The mask is a hexadecimal number whose lowest bit is signal 1; proc_pid_status(5).
        static ulong Has(string status, string mask)
        {
            const int SizeLimitSignal = 25;
            string digits = status.Split('\n').First(line => line.StartsWith(mask, StringComparison.Ordinal)).Split('\t')[1];
            return (ulong.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> (SizeLimitSignal - 1)) & 1;
        }
    }

    // The test counts all files, so it has a separate /dev/shm.
    private ChildProcess StartWithShm(string fault, Func<string[], int> method)
        => ChildProcess.Start([(FailingShim.FailAt, fault)], Namespaces.WithShm("size=10m", method, Name));

    private int CreateWith(string variable, string value, string locks = "1")
    {
        using ChildProcess child = ChildProcess.Start([(variable, value)], Create, Name, locks);
        return child.WaitForExit();
    }

    private static int Create(string[] args)
    {
        try
        {
            int locks = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 1;
            SharedArray.Create(args[0], ArrayContent.Zeros<double>(1000), new SharedArrayOptions { Locks = locks }).Dispose();
            return 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Console.WriteLine(error.Message);
            return error.HResult == 17 ? 3 : 2;
        }
    }
}
