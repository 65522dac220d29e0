using System.Diagnostics;

namespace PosixShm.Tests;

/// <summary>A segment is absent or complete, never in between, whatever happens to its creator.</summary>
internal sealed class CreationTests : NamedTest
{
    private static readonly string[] s_stepsBefore =
        ["open-unnamed", "allocate", "write-head", "write-tail", "chmod", "lock", "map", "before-link"];

    [TestCaseSource(nameof(s_stepsBefore))]
    public void A_creator_killed_before_the_name_is_given_leaves_nothing(string step)
    {
        Assert.That(CreateWith(FailingShim.DieAt, step), Is.EqualTo(128 + 9));
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.Empty);
    }

    [Test]
    public void A_creator_killed_after_the_name_is_given_leaves_a_whole_array()
    {
        Assert.That(CreateWith(FailingShim.DieAt, "after-link"), Is.EqualTo(128 + 9));
        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That((array.Length, SharedArray.Describe(Name).Mode), Is.EqualTo((1000L, UnixFileMode.UserRead | UnixFileMode.UserWrite)));
    }

    [TestCase("open-unnamed:95", TestName = "Without_O_TMPFILE_a_name_of_its_own_is_renamed")]
    [TestCase("link-empty-path:2", TestName = "Without_the_right_to_link_a_descriptor_it_is_linked_through_proc")]
    [TestCase("link-empty-path:2,link-through-proc:2", TestName = "Without_a_way_to_link_a_name_of_its_own_is_renamed")]
    [TestCase("open-unnamed:95,rename:22", TestName = "Without_renaming_a_name_of_its_own_is_linked")]
    [TestCase("open-unnamed:95,rename:38", TestName = "On_an_old_kernel_a_name_of_its_own_is_linked")]
    [TestCase("allocate:95", TestName = "Without_fallocate_the_size_is_set")]
    public void Fallback(string fault)
    {
        Assert.That(CreateWith(FailingShim.FailAt, fault), Is.Zero);
        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That(array.Length, Is.EqualTo(1000));

        // A name that is taken stays taken on every road.
        Assert.That(CreateWith(FailingShim.FailAt, fault), Is.EqualTo(3));
        Assert.That(TemporaryNames, Is.Empty.After(60_000, 50));
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
    public void A_failure_at_any_step_says_why_and_leaves_nothing(string fault, string message)
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], Create, Name);
        Assert.That(child.WaitForExit(), Is.EqualTo(2), child.Output + child.Errors);
        Assert.That(child.Output, Does.Contain(message).And.Contain(Name));
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.Empty);
        Assert.That(TemporaryNames, Is.Empty.After(60_000, 50));
    }

    [TestCase("map:12")]
    [TestCase("lock:37")]
    public void A_failed_attachment_deletes_nothing(string fault)
    {
        SharedArray.Create(Name, 10).Dispose();
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], Attach, Name);
        Assert.That(child.WaitForExit(), Is.EqualTo(2), child.Errors);
        Assert.That(SharedArray.Exists(Name), Is.True);

        static int Attach(string[] args)
        {
            try
            {
                using SharedArray<double> array = SharedArray.Attach(args[0]);
                return 0;
            }
            catch (IOException)
            {
                return 2;
            }
        }
    }

    [Test]
    public void Random_kills_leave_nothing_or_whole_arrays()
    {
        const int Rounds = 40;
        Random random = new(7);
        for (int round = 0; round < Rounds; round++)
        {
            using ChildProcess child = ChildProcess.Start(CreateForEver, Name);
            child.Expect("READY");
            Thread.SpinWait(random.Next(200_000));
            child.Kill();

            if (File.Exists(ShmPath))
            {
                using SharedArray<long> array = SharedArray.Attach<long>(Name);
                Assert.That(array.Length, Is.EqualTo(5000));
                SharedArray.Delete(Name);
            }
        }

        Assert.That(TemporaryNames, Is.Empty.After(60_000, 50));

        static int CreateForEver(string[] args)
        {
            Console.WriteLine("READY");
            for (Stopwatch time = Stopwatch.StartNew(); time.Elapsed < TimeSpan.FromMinutes(1);)
            {
                _ = SharedArray.TryDelete(args[0]);
                SharedArray.Create<long>(args[0], 5000).Dispose();
            }

            return 0;
        }
    }

    [Test]
    public void Of_four_creators_of_one_name_exactly_one_wins_a_thousand_times()
    {
        const int Creators = 4;
        const int Rounds = 1000;
        ChildProcess[] children = [.. Enumerable.Range(0, Creators).Select(_ => ChildProcess.Start(Compete, Name))];
        try
        {
            Array.ForEach(children, child => child.Expect("READY"));
            for (int round = 0; round < Rounds; round++)
            {
                Array.ForEach(children, child => child.Send("GO"));
                string[] answers = [.. children.Select(child => child.ReadLine()!)];
                Assert.That(answers.Order(), Is.EqualTo(new[] { "LOST", "LOST", "LOST", "WON" }), $"round {round}");
                SharedArray.Delete(Name);
            }

            Array.ForEach(children, child => child.WaitForSuccess());
        }
        finally
        {
            Array.ForEach(children, child => child.Dispose());
        }

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
        ChildProcess[] children = [.. Enumerable.Range(0, 3).Select(_ => ChildProcess.Start(CreateOrAttach, Name)), ChildProcess.Start(Delete, Name)];
        try
        {
            Array.ForEach(children, child => child.Expect("READY"));
            Array.ForEach(children, child => child.Send("GO"));
            Array.ForEach(children, child => child.WaitForSuccess());
        }
        finally
        {
            Array.ForEach(children, child => child.Dispose());
        }

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
    [Category("Root")]
    public void A_full_folder_is_an_error_with_the_bytes_asked_and_free_and_leaves_nothing()
    {
        string output = InSmallFolder("size=1m", Fill);
        Assert.That(output, Does.Contain("No space in /dev/shm for 'big': 4,202,496 bytes asked, free: 1,048,576 bytes.").And.Contain("--shm-size"));

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

            // What fits, fits.
            SharedArray.Create<byte>("small", 1 << 19).Dispose();
            return 0;
        }
    }

    [Test]
    [Category("Root")]
    public void In_a_full_folder_a_taken_name_is_what_is_said()
    {
        _ = InSmallFolder("size=32k", CreateTwice);

        static int CreateTwice(string[] args)
        {
            SharedArray.Create<byte>("taken", 8 << 10).Dispose();
            SharedArray.Create<byte>("rest", 4 << 10).Dispose();
            Assert.That(new DriveInfo("/dev/shm").AvailableFreeSpace, Is.LessThan(8 << 10));
            foreach (bool preallocate in (bool[])[true, false])
            {
                SharedArrayOptions options = new() { Preallocate = preallocate };
                Assert.That(() => SharedArray.Create<byte>("taken", options, 8 << 10), Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17));
                Assert.That(() => SharedArray.Create<byte>("other", options, 8 << 10), Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(28));
            }

            return 0;
        }
    }

    [Test]
    [Category("Root")]
    public void A_folder_without_inodes_is_told_apart_from_one_without_bytes()
    {
        string output = InSmallFolder("nr_inodes=2", Fill);
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
    public void What_can_never_fit_is_refused_before_any_memory_is_taken()
    {
        Assert.That(
            () => SharedArray.Create<byte>(Name, 1L << 50),
            Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(28).And.Message.Contains("1,125,899,906,850,816 bytes asked"));
        Assert.That(File.Exists(ShmPath), Is.False);
    }

    [Test]
    public void A_file_size_limit_is_an_error_and_not_the_end_of_the_process()
    {
        // The runtime itself keeps its code in a file that would be larger than the limit, unless told otherwise.
        string output = ChildProcess.Run("bash", ["-c", "export DOTNET_EnableWriteXorExecute=0; ulimit -f 1024; exec \"$@\"", "bash", .. ChildProcess.CommandLine(CreateTooLarge, Name)]);
        Assert.That(output, Does.Contain("RLIMIT_FSIZE"));
        Assert.That(File.Exists(ShmPath), Is.False);

        static int CreateTooLarge(string[] args)
        {
            foreach (bool preallocate in (bool[])[true, false])
            {
                try
                {
                    SharedArray.Create<byte>(args[0], new SharedArrayOptions { Preallocate = preallocate }, 10 << 20).Dispose();
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

    private static string InSmallFolder(string mountOptions, Func<string[], int> method)
        => ChildProcess.Run(
            "unshare",
            ["--mount", "bash", "-c", $"mount -t tmpfs -o {mountOptions} none /dev/shm && exec \"$@\"", "bash", .. ChildProcess.CommandLine(method)]);

    // Other tests have theirs for a moment; what is left over stays.
    private static string[] TemporaryNames() => Directory.GetFiles("/dev/shm", ".posixshm-*");

    private int CreateWith(string variable, string value)
    {
        using ChildProcess child = ChildProcess.Start([(variable, value)], Create, Name);
        return child.WaitForExit();
    }

    private static int Create(string[] args)
    {
        try
        {
            SharedArray.Create(args[0], 1000).Dispose();
            return 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Console.WriteLine(error.Message);
            return error.HResult == 17 ? 3 : 2;
        }
    }
}
