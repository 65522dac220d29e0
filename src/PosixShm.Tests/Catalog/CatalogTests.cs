namespace PosixShm.Tests;

internal sealed class CatalogTests : NamedTest
{
    [Test]
    public void A_list_is_in_order_and_holds_only_arrays()
    {
        SharedArray.Create<int>(NameOf("b"), 2).Dispose();
        SharedArray.Create<double>(NameOf("a"), 1, 2).Dispose();
        _ = Python.Run("np.save(open(sys.argv[1], 'xb'), np.zeros(3))", ShmPathOf(NameOf("c")));
        File.WriteAllText(ShmPathOf(NameOf("text")), "no array");
        File.WriteAllBytes(ShmPathOf(NameOf("empty")), []);
        File.WriteAllBytes(ShmPathOf("sem." + Name), new byte[32]);
        File.Copy(ShmPathOf(NameOf("a")), ShmPathOf($"sem.{Name}.npy"));
        File.WriteAllBytes(ShmPathOf(NameOf("damaged")), [0x93, .. "NUMPY\u0001\0\uffff"u8]);
        _ = Directory.CreateDirectory(ShmPathOf(NameOf("folder")));
        _ = File.CreateSymbolicLink(ShmPathOf(NameOf("link")), ShmPathOf(NameOf("a")));
        _ = ChildProcess.Run("mkfifo", ShmPathOf(NameOf("fifo")));

        try
        {
            string[] mine = [.. SharedArray.List().Select(info => info.Name).Where(name => name.Contains(Name, StringComparison.Ordinal))];
            Assert.That(mine, Is.EqualTo(new[] { NameOf("a"), NameOf("b"), NameOf("c") }));
        }
        finally
        {
            Directory.Delete(ShmPathOf(NameOf("folder")));
        }
    }

    [Test]
    public void Other_files_are_refused_and_a_fifo_blocks_no_caller()
    {
        using SharedArray<double> target = SharedArray.Create(Name, 1);
        _ = File.CreateSymbolicLink(ShmPathOf(NameOf("link")), ShmPath);
        _ = ChildProcess.Run("mkfifo", ShmPathOf(NameOf("fifo")));
        _ = ChildProcess.Run("ln", ShmPath, ShmPathOf(NameOf("hard")));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => SharedArray.Attach(NameOf("link")), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("symbolic link"));
            Assert.That(
                () => SharedArray.Attach(NameOf("fifo")), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("not an array"));
            Assert.That(
                () => SharedArray.Attach(NameOf("hard")), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("2 hard links"));
            Assert.That(() => SharedArray.Describe(NameOf("link")), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => SharedArray.Describe(NameOf("fifo")), Throws.InstanceOf<InvalidDataException>());
            Assert.That(
                () => SharedArray.Attach("file:///dev/shm"), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("directory"));
            Assert.That(() => SharedArray.Attach("file:///dev/null"), Throws.InstanceOf<InvalidDataException>());
        }
    }

    [Test]
    public void Listing_skips_files_that_vanish_or_cannot_be_read()
    {
        using ChildProcess churn = ChildProcess.Start(CreateAndDelete, Name);
        churn.Expect("READY");

        using SharedArray<double> constant = SharedArray.Create(NameOf("constant"), 1);
        for (int i = 0; i < 200; i++)
        {
            Assert.That(SharedArray.List().Select(info => info.Name), Does.Contain(NameOf("constant")));
        }

        churn.Send("STOP");
        churn.WaitForSuccess();

        static int CreateAndDelete(string[] args)
        {
            Task<string?> stop = Task.Run(Console.ReadLine);
            Console.WriteLine("READY");
            while (!stop.IsCompleted)
            {
                SharedArray.Create(args[0], 1).Dispose();
                SharedArray.Delete(args[0]);
            }

            return 0;
        }
    }

    [Test]
    [NeedsRoot("gives a file to another user")]
    public void Array_of_another_user_is_listed_if_readable_and_attached_only_if_allowed()
    {
        SharedArray.Create<double>(NameOf("secret"), 1).Dispose();
        SharedArray.Create(
            NameOf("open"), ArrayContent.Zeros<double>(1), new SharedArrayOptions { Mode = (UnixFileMode)0b110_110_110 }).Dispose();
        _ = ChildProcess.Run("chown", "12345", ShmPathOf(NameOf("open")));

        Assert.That(
            () => SharedArray.Attach(NameOf("open")), Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("user 12345"));
        using (SharedArray<double> trusted = SharedArray.Attach(NameOf("open"), new AttachOptions { AllowOtherOwners = true }))
        {
            trusted[0] = 1;
        }

        // Without root: the secret array is neither listed nor attached, and root's own file is trusted.
        OtherUser.Run(Look, Name);

        static int Look(string[] args)
        {
            IEnumerable<string> names = SharedArray.List().Select(info => info.Name);
            Assert.That(names, Does.Contain(args[0] + "-open").And.Not.Contain(args[0] + "-secret"));
            Assert.That(
                () => SharedArray.Attach(args[0] + "-secret"),
                Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("secret"));
            Assert.That(() => SharedArray.Delete(args[0] + "-secret"), Throws.InstanceOf<UnauthorizedAccessException>());
            Assert.That(() => SharedArray.Delete(args[0] + "-open"), Throws.InstanceOf<UnauthorizedAccessException>());
            return 0;
        }
    }

    [TestCase("lock-query:37", "open file description locks")]
    [TestCase("lock-query:22", "open file description locks")]
    [TestCase("probe:5", "list")]
    public void Listing_reports_a_directory_whose_files_cannot_be_read(string fault, string message)
    {
        SharedArray.Create(Name, 1).Dispose();
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], List, Name, message);
        child.WaitForSuccess();

        static int List(string[] args)
        {
            Assert.That(() => SharedArray.List(), Throws.InstanceOf<IOException>().With.Message.Contains(args[1]));
            Assert.That(() => SharedArray.FindStale(), Throws.InstanceOf<IOException>().With.Message.Contains(args[1]));
            Assert.That(() => SharedArray.Describe(args[0]), Throws.InstanceOf<IOException>().With.Message.Contains(args[0]));
            return 0;
        }
    }

    [TestCase("probe:2")]
    [TestCase("probe:13")]
    [TestCase("probe:1")]
    [TestCase("probe:40")]
    public void Files_that_vanished_or_that_this_user_may_not_read_are_skipped(string fault)
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], List);
        child.WaitForSuccess();

        static int List(string[] args) => SharedArray.List().Count;
    }

    [Test]
    public void A_lease_that_another_process_keeps_does_not_stop_a_listing()
    {
        SharedArray.Create(Name, 1).Dispose();
        SharedArray.Create(NameOf("free"), 1).Dispose();
        using ChildProcess holder = Python.Start(
            """
            import fcntl, os, signal
            fd = os.open(sys.argv[1], os.O_RDWR)
            fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            print("LEASED", flush=True)
            sys.stdin.readline()
            """,
            ShmPath);
        holder.Expect("LEASED");
        Assert.That(
            SharedArray.List().Select(info => info.Name).Where(name => name.StartsWith(Name, StringComparison.Ordinal)),
            Is.EqualTo(new[] { NameOf("free") }));
        Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<IOException>().With.Message.Contains("lease"));
        holder.WaitForSuccess();
        Assert.That(SharedArray.Exists(Name), Is.True);
    }
}
