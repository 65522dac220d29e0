namespace PosixShm.Tests;

/// <summary>Only leftovers are deleted: what no live process has attached.</summary>
internal sealed class PruneTests : NamedTest
{
    private string Mine => $"*{Name}*";

    [Test]
    public void What_nobody_has_attached_is_listed_first_and_deleted_when_told()
    {
        SharedArray.Create(NameOf("left"), 1).Dispose();
        using SharedArray<double> used = SharedArray.Create(NameOf("used"), 1);
        File.WriteAllText(ShmPathOf(NameOf("text")), "no array");

        IReadOnlyList<SharedArrayInfo> listed = SharedArray.Prune(new PruneOptions { Pattern = Mine });
        Assert.That(listed.Select(info => info.Name), Is.EqualTo(new[] { NameOf("left") }));
        Assert.That(listed[0].CreatorProcessId, Is.EqualTo(Environment.ProcessId));
        Assert.That(SharedArray.Exists(NameOf("left")), Is.True, "a dry run");

        Assert.That(Pruned(), Is.EqualTo(new[] { NameOf("left") }));
        Assert.That((SharedArray.Exists(NameOf("left")), SharedArray.Exists(NameOf("used")), File.Exists(ShmPathOf(NameOf("text")))), Is.EqualTo((false, true, true)));

        used.Dispose();
        Assert.That(Pruned(), Is.EqualTo(new[] { NameOf("used") }));
    }

    [Test]
    public void Age_and_pattern_choose()
    {
        SharedArray.Create(NameOf("a1"), 1).Dispose();
        SharedArray.Create(NameOf("a2"), 1).Dispose();
        SharedArray.Create(NameOf("b1"), 1).Dispose();
        Assert.That(SharedArray.Prune(new PruneOptions { Pattern = Name + "-?1" }).Select(info => info.Name), Is.EqualTo(new[] { NameOf("a1"), NameOf("b1") }));
        Assert.That(SharedArray.Prune(new PruneOptions { Pattern = Mine, MinimumAge = TimeSpan.FromHours(1) }), Is.Empty);
        Assert.That(SharedArray.Prune(new PruneOptions { Pattern = Mine }), Has.Count.EqualTo(3));
        Assert.That(() => new PruneOptions { MinimumAge = TimeSpan.FromSeconds(-1) }, Throws.InstanceOf<ArgumentOutOfRangeException>());
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

        // And the other way round: one outside, asked from inside, where /proc does not show it.
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
            Console.WriteLine(SharedArray.Prune(new PruneOptions { Pattern = $"*{args[0]}*", DryRun = false }).Count);
            return 0;
        }
    }

    [Test]
    public void One_who_attaches_while_it_is_pruned_gets_the_array_or_finds_none()
    {
        using ChildProcess pruner = ChildProcess.Start(PruneForEver, Name);
        pruner.Expect("READY");
        int attached = 0;
        for (int i = 0; i < 1000; i++)
        {
            SharedArray.CreateFull(Name, 7.0, 10).Dispose();
            try
            {
                using SharedArray<double> array = SharedArray.Attach(Name);
                Assert.That(array, Is.All.EqualTo(7.0));
                attached++;
                _ = SharedArray.TryDelete(Name);
            }
            catch (FileNotFoundException)
            {
                // Pruned.
            }
        }

        pruner.Send("STOP");
        pruner.WaitForSuccess();
        Assert.That(attached, Is.Positive);

        static int PruneForEver(string[] args)
        {
            Task<string?> stop = Task.Run(Console.ReadLine);
            Console.WriteLine("READY");
            while (!stop.IsCompleted)
            {
                _ = SharedArray.Prune(new PruneOptions { Pattern = args[0], DryRun = false });
            }

            return 0;
        }
    }

    [Test]
    public void A_read_only_leftover_is_one_too()
    {
        SharedArray.Create<byte>(Name, new SharedArrayOptions { Mode = UnixFileMode.UserRead }, 1).Dispose();
        Assert.That(Pruned(), Is.EqualTo(new[] { Name }));
    }

    private IEnumerable<string> Pruned() => SharedArray.Prune(new PruneOptions { Pattern = Mine, DryRun = false }).Select(info => info.Name);
}
