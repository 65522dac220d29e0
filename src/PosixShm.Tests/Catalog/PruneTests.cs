using System.IO.MemoryMappedFiles;

namespace PosixShm.Tests;

/// <summary>Only leftovers are deleted: arrays that no living process has attached.</summary>
internal sealed class PruneTests : NamedTest
{
    private string Mine => $"*{Name}*";

    [Test]
    public void Prune_lists_unattached_arrays_and_deletes_them_on_request()
    {
        SharedArray.Create(NameOf("left"), 1).Dispose();
        using SharedArray<double> used = SharedArray.Create(NameOf("used"), 1);
        File.WriteAllText(ShmPathOf(NameOf("text")), "no array");

        IReadOnlyList<SharedArrayInfo> listed = SharedArray.FindStale(new StaleOptions { Pattern = Mine });
        Assert.That(listed.Select(info => info.Name), Is.EqualTo(new[] { NameOf("left") }));
        Assert.That(SharedArray.Exists(NameOf("left")), Is.True, "a dry run");

        Assert.That(Pruned(), Is.EqualTo(new[] { NameOf("left") }));
        Assert.That(
            (SharedArray.Exists(NameOf("left")), SharedArray.Exists(NameOf("used")), File.Exists(ShmPathOf(NameOf("text")))),
            Is.EqualTo((false, true, true)));

        used.Dispose();
        Assert.That(Pruned(), Is.EqualTo(new[] { NameOf("used") }));
    }

    [Test]
    public void Prune_filters_by_age_and_pattern()
    {
        SharedArray.Create(NameOf("a1"), 1).Dispose();
        SharedArray.Create(NameOf("a2"), 1).Dispose();
        SharedArray.Create(NameOf("b1"), 1).Dispose();
        Assert.That(
            SharedArray.FindStale(new StaleOptions { Pattern = Name + "-?1" }).Select(info => info.Name),
            Is.EqualTo(new[] { NameOf("a1"), NameOf("b1") }));
        Assert.That(SharedArray.FindStale(new StaleOptions { Pattern = Mine, MinimumAge = TimeSpan.FromHours(1) }), Is.Empty);
        Assert.That(SharedArray.FindStale(new StaleOptions { Pattern = Mine }), Has.Count.EqualTo(3));
        Assert.That(SharedArray.FindStale(new StaleOptions { Pattern = Mine, MinimumAge = TimeSpan.MaxValue }), Is.Empty);
        Assert.That(() => new StaleOptions { MinimumAge = TimeSpan.FromSeconds(-1) }, Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    // /dev/shm before Linux 5.18 keeps no time of creation.
    [Test]
    public void Age_is_that_of_the_last_change_where_no_time_of_creation_is_kept()
    {
        using ChildProcess child = ChildProcess.Start(
            Namespaces.WithMounts("mount -t ramfs none \"$1\"", "/dev/shm", ChildProcess.CommandLine(PruneOld)));
        child.WaitForSuccess();

        static int PruneOld(string[] args)
        {
            SharedArray.Create("new", 1).Dispose();
            SharedArray.Create("old", 1).Dispose();
            File.SetLastWriteTimeUtc("/dev/shm/old", DateTime.UtcNow.AddHours(-2));
            Assert.That(SharedArray.List().Select(info => info.Created), Is.EqualTo(new DateTimeOffset?[] { null, null }));
            foreach ((int hours, string[] expected) in new[] { (3, Array.Empty<string>()), (1, ["old"]), (0, ["new", "old"]) })
            {
                StaleOptions options = new() { MinimumAge = TimeSpan.FromHours(hours) };
                Assert.That(SharedArray.FindStale(options).Select(info => info.Name), Is.EqualTo(expected));
            }

            return args.Length;
        }
    }

    [Test]
    public void An_array_that_Python_has_mapped_is_no_leftover()
    {
        SharedArray.Create(Name, 1).Dispose();
        using ChildProcess python = Python.Start("a = np.load(sys.argv[1], mmap_mode='r'); print('READY'); sys.stdin.readline()", ShmPath);
        python.Expect("READY");
        Assert.That(SharedArray.Describe(Name).IsInUse, Is.False, "numpy does not mark it");
        Assert.That(Pruned(), Is.Empty);
        python.WaitForSuccess();
        Assert.That(Pruned(), Is.EqualTo(new[] { Name }));
    }

    [Test]
    public void An_array_that_is_attached_in_another_process_namespace_is_no_leftover()
    {
        SharedArray.Create(Name, 1).Dispose();
        using ChildProcess inside = ChildProcess.Start(Namespaces.WithProcessIds(ChildProcess.CommandLine(Hold, Name)));
        inside.Expect("READY");
        Assert.That(Pruned(), Is.Empty);
        inside.Kill();
        Assert.That(Pruned(), Is.EqualTo(new[] { Name }));

        // The attachment is now outside, and the pruner inside, where /proc does not show the other process.
        SharedArray.Create(Name, 1).Dispose();
        using SharedArray<double> outside = SharedArray.Attach(Name);
        string output = ChildProcess.Run(Namespaces.WithProcessIds(ChildProcess.CommandLine(PruneAll, Name), "--mount-proc"));
        Assert.That(output.Trim(), Is.EqualTo("0"));

        static int Hold(string[] args)
        {
            using SharedArray<double> array = SharedArray.Attach(args[0]);
            Console.WriteLine("READY");
            _ = Console.ReadLine();
            return 0;
        }

        static int PruneAll(string[] args)
        {
            Console.WriteLine(SharedArray.DeleteStale(new StaleOptions { Pattern = $"*{args[0]}*" }).Count);
            return 0;
        }
    }

    [Test]
    public void Attachment_during_a_prune_gets_the_array_or_FileNotFoundException()
    {
        using ChildProcess pruner = ChildProcess.Start(PruneForEver, Name);
        pruner.Expect("READY");
        int attached = 0;
        for (int i = 0; i < 1000 || (attached == 0 && i < 100_000); i++)
        {
            SharedArray.Create(Name, ArrayContent.Filled(7.0, 10)).Dispose();
            try
            {
                using SharedArray<double> array = SharedArray.Attach(Name);
                Assert.That(array, Is.All.EqualTo(7.0));
                attached++;
                _ = SharedArray.TryDelete(Name);
            }
            catch (FileNotFoundException)
            {
                // The pruner deleted it.
            }
        }

        pruner.Send("STOP");
        pruner.WaitForSuccess();
        Assert.That(attached, Is.Positive);
    }

    [Test]
    public void Prune_removes_read_only_leftovers()
    {
        SharedArray.Create(Name, ArrayContent.Zeros<byte>(1), new SharedArrayOptions { Mode = UnixFileMode.UserRead }).Dispose();
        Assert.That(Pruned(), Is.EqualTo(new[] { Name }));
    }

    [Test]
    public void An_array_that_Python_has_mapped_in_another_process_namespace_is_no_leftover()
    {
        SharedArray.Create(Name, 1).Dispose();
        using ChildProcess python = Python.Start("a = np.load(sys.argv[1], mmap_mode='r'); print('READY'); sys.stdin.readline()", ShmPath);
        python.Expect("READY");
        string output = ChildProcess.Run(Namespaces.WithProcessIds(ChildProcess.CommandLine(PruneAll, Name), "--mount-proc"));
        Assert.That(output.Trim(), Is.EqualTo("0"));
        python.WaitForSuccess();
        Assert.That(Pruned(), Is.EqualTo(new[] { Name }));

        static int PruneAll(string[] args)
        {
            Console.WriteLine(SharedArray.DeleteStale(new StaleOptions { Pattern = $"*{args[0]}*" }).Count);
            return 0;
        }
    }

    [Test]
    public void An_array_that_this_process_has_mapped_otherwise_is_no_leftover()
    {
        SharedArray.Create(Name, 1).Dispose();
        using (MemoryMappedFile file = MemoryMappedFile.CreateFromFile(ShmPath, FileMode.Open, null, 0, MemoryMappedFileAccess.Read))
        using (MemoryMappedViewAccessor view = file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read))
        {
            Assert.That(Pruned(), Is.Empty);
            Assert.That(view.CanWrite, Is.False);
        }

        using (File.OpenRead(ShmPath))
        {
            Assert.That(Pruned(), Is.Empty, "only open");
        }

        Assert.That(Pruned(), Is.EqualTo(new[] { Name }));
    }

    [Test]
    public void Mappings_are_searched_if_the_kernel_grants_no_lease()
    {
        SharedArray.Create(Name, 1).Dispose();
        using ChildProcess python = Python.Start("a = np.load(sys.argv[1], mmap_mode='r'); print('READY'); sys.stdin.readline()", ShmPath);
        python.Expect("READY");
        using ChildProcess pruner = ChildProcess.Start([(FailingShim.FailAt, "lease:13")], PruneTwice, Name);
        pruner.Expect("0");
        python.WaitForSuccess();
        pruner.Send("again");
        pruner.Expect("1");
        pruner.WaitForSuccess();

        static int PruneTwice(string[] args)
        {
            StaleOptions mine = new() { Pattern = args[0] };
            Console.WriteLine(SharedArray.DeleteStale(mine).Count);
            _ = Console.ReadLine();
            Console.WriteLine(SharedArray.DeleteStale(mine).Count);
            return 0;
        }
    }

    [Test]
    public void Processes_that_open_and_attach_while_a_third_prunes_live_and_none_fails()
    {
        using ChildProcess pruner = ChildProcess.Start(PruneForEver, Name);
        using ChildProcess opener = Python.Start(
            """
            import os
            print("READY", flush=True)
            opened = 0
            while opened < 2000:
                try:
                    os.close(os.open(sys.argv[1], os.O_RDWR))
                    opened += 1
                except FileNotFoundError:
                    pass
            """,
            ShmPath);
        using ChildProcess lister = ChildProcess.Start(List, Name);
        pruner.Expect("READY");
        opener.Expect("READY");
        lister.Expect("READY");

        // Without a deletion, the test would show nothing. The scheduler decides when the pruner first meets an unused array.
        Task deleted = Task.Run(() => pruner.Expect("DELETED"));
        for (int i = 0; i < 2000 || !opener.HasExited || !lister.HasExited || !deleted.IsCompleted; i++)
        {
            using SharedArray<int> array = SharedArray.CreateOrAttach<int>(Name, 10);
            Assert.That(array.Length, Is.EqualTo(10));
        }

        deleted.GetAwaiter().GetResult();
        opener.WaitForSuccess();
        lister.WaitForSuccess();
        pruner.Send("STOP");
        pruner.WaitForSuccess();

        static int List(string[] args)
        {
            Console.WriteLine("READY");
            for (int i = 0; i < 300; i++)
            {
                _ = SharedArray.List();
                _ = SharedArray.Exists(args[0]);
            }

            return 0;
        }
    }

    [Test]
    public void An_array_that_is_replaced_again_and_again_is_never_pruned()
    {
        using ChildProcess pruner = ChildProcess.Start(PruneForEver, Name);
        pruner.Expect("READY");
        SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        for (int i = 0; i < 2000; i++)
        {
            SharedArray<int> next = SharedArray.Replace<int>(Name, 1);
            array.Dispose();
            array = next;
            Assert.That(array.IsCurrent, Is.True);
        }

        pruner.Send("STOP");
        pruner.WaitForSuccess();
        Assert.That(array.IsCurrent, Is.True);
        array.Dispose();
    }

    [Test]
    public void One_of_several_processes_that_end_their_use_deletes_the_array()
    {
        const int Users = 6;
        const int Rounds = 50;
        using ChildProcessGroup children = new();
        children.Start(Users, EndUse, Name);
        children.Expect("READY");
        for (int round = 0; round < Rounds; round++)
        {
            SharedArray.Create(Name, 1).Dispose();
            children.Send("ATTACH");
            children.Expect("ATTACHED");
            children.Send("END");
            Assert.That(
                children.ReadLines().Order(),
                Is.EqualTo(Enumerable.Repeat("False", Users - 1).Append("True")),
                $"round {round}");
            Assert.That(File.Exists(ShmPath), Is.False);
        }

        children.WaitForSuccess();

        static int EndUse(string[] args)
        {
            Console.WriteLine("READY");
            while (Console.ReadLine() is not null)
            {
                SharedArray<double> array = SharedArray.Attach(args[0]);
                Console.WriteLine("ATTACHED");
                _ = Console.ReadLine();
                Console.WriteLine(array.DisposeAndDeleteIfUnused());
            }

            return 0;
        }
    }

    [Test]
    public void Only_the_last_user_deletes()
    {
        using SharedArray<int> first = SharedArray.Create<int>(Name, 1);
        using SharedArray<int> second = SharedArray.Attach<int>(Name);
        Assert.That(first.DisposeAndDeleteIfUnused(), Is.False, "another attachment");
        Assert.That(() => first.DisposeAndDeleteIfUnused(), Throws.InstanceOf<ObjectDisposedException>());
        SharedArrayLease<int> lease = second.Acquire();
        Assert.That(second.DisposeAndDeleteIfUnused(), Is.False, "a lease");
        lease.Dispose();
        SharedArray<int> third = SharedArray.Attach<int>(Name);
        using SharedArray<int> replacement = SharedArray.Replace<int>(Name, 2);
        Assert.That(third.DisposeAndDeleteIfUnused(), Is.False, "another array has the name");
        Assert.That(SharedArray.Attach<int>(Name).DisposeAndDeleteIfUnused(), Is.False);
        Assert.That(replacement.DisposeAndDeleteIfUnused(), Is.True);
        Assert.That(File.Exists(ShmPath), Is.False);
        using SharedArray<int> anonymous = SharedArray.CreateAnonymous<int>(1);
        Assert.That(anonymous.DisposeAndDeleteIfUnused(), Is.False, "no name");
        using SharedArray<int> file = SharedArray.Create<int>($"file://{Folder}/a", 1);
        Assert.That(file.DisposeAndDeleteIfUnused(), Is.True);
    }

    private IEnumerable<string> Pruned() => SharedArray.DeleteStale(new StaleOptions { Pattern = Mine }).Select(info => info.Name);

    // Prunes until a line arrives, and prints the number of deleted arrays.
    private static int PruneForEver(string[] args)
    {
        Task<string?> stop = Task.Run(Console.ReadLine);
        Console.WriteLine("READY");
        bool hasDeleted = false;
        while (!stop.IsCompleted)
        {
            bool deletes = SharedArray.DeleteStale(new StaleOptions { Pattern = args[0] }).Count != 0;
            if (deletes && !hasDeleted)
            {
                Console.WriteLine("DELETED");
                hasDeleted = true;
            }
        }

        return 0;
    }
}
