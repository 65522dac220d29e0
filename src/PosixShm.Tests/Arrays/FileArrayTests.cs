namespace PosixShm.Tests;

/// <summary>Arrays in files, in either layout.</summary>
[TestFixture(ArrayLayout.Npy)]
[TestFixture(ArrayLayout.PythonSharedArray)]
internal sealed class FileArrayTests(ArrayLayout layout) : NamedTest
{
    private readonly SharedArrayOptions _options = new() { Layout = layout };

    private string FileName => $"file://{FilePath}";

    private string FilePath => Path.Combine(Folder, "a file ä€😀.bin");

    [Test]
    public void A_file_is_created_attached_described_and_deleted()
    {
        using (SharedArray<int> array = SharedArray.Create(FileName, ArrayContent.Zeros<int>(2, 3), _options))
        {
            array[1, 2] = 42;
            Assert.That((array.Name, array.IsCurrent), Is.EqualTo((FileName, true)));
            Assert.That(SharedArray.Describe(FileName).IsInUse, Is.True);
            Assert.That(
                () => SharedArray.Create(FileName, ArrayContent.Zeros<int>(1), _options),
                Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17));
        }

        SharedArrayInfo info = SharedArray.Describe(FileName);
        Assert.That((info.Name, info.Layout, info.IsInUse, info.Mode),
            Is.EqualTo((FileName, layout, false, UnixFileMode.UserRead | UnixFileMode.UserWrite)));
        ChildProcess.Run(Read, FileName);
        using (SharedArray<int> resized = SharedArray.Resize<int>(FileName, 7))
        {
            Assert.That(resized[5], Is.EqualTo(42));
        }

        SharedArray.Delete(FileName);
        Assert.That(Directory.GetFileSystemEntries(Folder), Is.Empty);
        Assert.That(SharedArray.TryDelete(FileName), Is.False);

        static int Read(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            return array[1, 2] == 42 ? 0 : 1;
        }
    }

    [Test]
    public void Relative_path_starts_at_the_current_directory()
    {
        // The current directory belongs to the whole process, so the test runs in its own.
        ChildProcess.Run(
            "bash", ["-c", "cd \"$1\"; shift; exec \"$@\"", "bash", Folder, .. ChildProcess.CommandLine(Create, layout.ToString())]);
        Assert.That(SharedArray.List(directory: Folder).Select(info => info.Name), Is.EqualTo(new[] { $"file://{Folder}/relative" }));
        Assert.That(SharedArray.Exists($"file://{Folder}/sub/below"), Is.True);

        static int Create(string[] args)
        {
            SharedArrayOptions options = new() { Layout = Enum.Parse<ArrayLayout>(args[0]) };
            _ = Directory.CreateDirectory("sub");
            SharedArray.Create("file://relative", ArrayContent.Zeros<int>(3), options).Dispose();
            SharedArray.Create("file://./sub/../sub/below", ArrayContent.Zeros<int>(3), options).Dispose();
            Assert.That(SharedArray.List(directory: ".").Single().Name, Does.StartWith("file:///"));
            SharedArray.Attach<int>(SharedArray.List(directory: "sub/").Single().Name).Dispose();
            return 0;
        }
    }

    [Test]
    public void Directory_listing_gives_names_for_Attach_and_skips_other_files()
    {
        SharedArray.Create($"file://{Folder}/b", ArrayContent.Zeros<int>(1), _options).Dispose();
        SharedArray.Create($"file://{Folder}/sem.a", ArrayContent.Zeros<int>(1), _options).Dispose();
        SharedArray.Create(FileName, ArrayContent.Zeros<int>(1), _options).Dispose();
        File.WriteAllText(Path.Combine(Folder, "text"), "no array");
        File.WriteAllBytes(Path.Combine(Folder, "empty"), []);
        File.WriteAllBytes(Path.Combine(Folder, "damaged"), [0x93, .. "NUMPY\u0001\0\uffff"u8]);
        _ = Directory.CreateDirectory(Path.Combine(Folder, "folder"));
        _ = File.CreateSymbolicLink(Path.Combine(Folder, "link"), Path.Combine(Folder, "b"));
        _ = ChildProcess.Run("mkfifo", Path.Combine(Folder, "fifo"));
        File.Copy(Path.Combine(Folder, "b"), Path.Combine(Folder, "new\nline"));
        _ = ChildProcess.Run("bash", "-c", "cp \"$1/b\" \"$1/\"$'no-utf8-\\xff'", "bash", Folder);

        string[] names = [.. SharedArray.List(directory: Folder).Select(info => info.Name)];
        Assert.That(names, Is.EqualTo(new[] { FileName, $"file://{Folder}/b", $"file://{Folder}/sem.a" }));
        Array.ForEach(names, name => SharedArray.Attach<int>(name).Dispose());

        // .NET cannot delete a name that is not UTF-8.
        _ = ChildProcess.Run("bash", "-c", "rm \"$1\"/no-utf8-*", "bash", Folder);
    }

    [Test]
    public void Listing_of_a_missing_directory_is_an_error()
    {
        File.WriteAllText(FilePath, "text");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => SharedArray.List(directory: Path.Combine(Folder, "none")),
                Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("none"));
            Assert.That(() => SharedArray.List(directory: FilePath), Throws.InstanceOf<IOException>().With.Message.Contains("is not a directory"));
            Assert.That(() => SharedArray.List(directory: string.Empty), Throws.ArgumentException);
            Assert.That(() => SharedArray.List(directory: "a\nb"), Throws.ArgumentException);
        }
    }

    [Test]
    public void Symbolic_links_are_followed_only_on_request()
    {
        SharedArray.Create(FileName, ArrayContent.Zeros<int>(3), _options).Dispose();
        string link = $"file://{Folder}/link";
        _ = File.CreateSymbolicLink(Path.Combine(Folder, "link"), FilePath);
        _ = File.CreateSymbolicLink(ShmPath, FilePath);

        Assert.That(() => SharedArray.Attach<int>(link), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("symbolic link"));
        Assert.That(
            () => SharedArray.Create(link, ArrayContent.Zeros<int>(3), _options),
            Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17));
        foreach (string name in (string[])[link, Name])
        {
            using SharedArray<int> array = SharedArray.Attach<int>(name, new AttachOptions { FollowLinks = true });
            array[0]++;
            array.Flush(flushToDisk: true);
            Assert.That(array.IsCurrent, Is.True);
        }

        using SharedArray<int> direct = SharedArray.Attach<int>(FileName, new AttachOptions { FollowLinks = true });
        Assert.That(direct[0], Is.EqualTo(2));
        SharedArray.Delete(FileName);
        Assert.That(
            () => SharedArray.Attach<int>(link, new AttachOptions { FollowLinks = true }), Throws.InstanceOf<FileNotFoundException>());
    }

    [TestCase("open-unnamed:95")]
    [TestCase("open-unnamed:21")]
    [TestCase("link-empty-path:2,link-through-proc:2")]
    [TestCase("open-unnamed:95,rename:22")]
    [TestCase("allocate:95")]
    public void File_array_is_created_on_file_systems_that_lack_system_calls(string fault)
    {
        Assert.That(CreateWith(FailingShim.FailAt, fault), Is.Zero);
        SharedArray.Attach<int>(FileName).Dispose();
        Assert.That(CreateWith(FailingShim.FailAt, fault), Is.EqualTo(17));
        Assert.That(Directory.GetFileSystemEntries(Folder), Has.Length.EqualTo(1));
    }

    [TestCase("write-tail")]
    [TestCase("before-link")]
    public void Creator_killed_before_the_link_leaves_nothing(string step)
    {
        // More locks than a page has are written with the array.
        Assert.That(CreateWith(FailingShim.DieAt, step, step == "write-tail" ? "40" : "1"), Is.EqualTo(128 + 9));
        Assert.That(Directory.GetFileSystemEntries(Folder), Is.Empty);
    }

    [Test]
    public void Full_disk_is_an_error_with_the_requested_and_free_bytes_and_leaves_nothing()
    {
        string output = ChildProcess.Run(
            Namespaces.WithFileSystem(Folder, "size=1m", ChildProcess.CommandLine(Fill, Folder, layout.ToString())));
        Assert.That(
            output,
            Does.Contain($"No space in {Folder} for 'file://{Folder}/big'").And.Contain("free: 1,048,576 bytes. Please make room there."));

        static int Fill(string[] args)
        {
            SharedArrayOptions options = new() { Layout = Enum.Parse<ArrayLayout>(args[1]) };
            try
            {
                SharedArray.Create($"file://{args[0]}/big", ArrayContent.Zeros<byte>(4 << 20), options).Dispose();
                return 1;
            }
            catch (IOException error) when (error.HResult == 28)
            {
                Console.WriteLine(error.Message);
            }

            Assert.That(Directory.GetFileSystemEntries(args[0]), Is.Empty);
            using SharedArray<byte> small = SharedArray.Create($"file://{args[0]}/small", ArrayContent.Zeros<byte>(1 << 19), options);
            small.Fill(1);
            small.Flush(flushToDisk: true);

            // The disk fills up between two generations, and the first one stays as it is.
            Assert.That(
                () => SharedArray.Resize<byte>(small.Name, 1 << 20), Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(28));
            Assert.That(
                (small.IsCurrent, small[(1 << 19) - 1], Directory.GetFileSystemEntries(args[0]).Length), Is.EqualTo((true, (byte)1, 1)));
            return 0;
        }
    }

    [Test]
    public void File_holds_flushed_elements_after_its_process_is_killed()
    {
        using ChildProcess child = ChildProcess.Start(WriteAndWait, FileName, layout.ToString());
        child.Expect("FLUSHED");
        child.Kill();
        using SharedArray<long> array = SharedArray.Attach<long>(FileName);
        Assert.That(array, Is.EqualTo(Enumerable.Range(1, 10_000)));

        static int WriteAndWait(string[] args)
        {
            using SharedArray<long> array = SharedArray.Create(
                args[0], ArrayContent.Zeros<long>(10_000), new SharedArrayOptions { Layout = Enum.Parse<ArrayLayout>(args[1]) });
            for (int i = 0; i < array.Length; i++)
            {
                array[i] = i + 1;
            }

            array.Flush(flushToDisk: true);
            Console.WriteLine("FLUSHED");
            _ = Console.ReadLine();
            return 0;
        }
    }

    [Test]
    public void Flush_works_on_every_kind_of_attachment()
    {
        using SharedArray<int> shm = SharedArray.Create(Name, ArrayContent.Zeros<int>(3), _options);
        using SharedArray<int> anonymous = SharedArray.CreateAnonymous(ArrayContent.Zeros<int>(3), _options);
        using SharedArray<int> file = SharedArray.Create(FileName, ArrayContent.Zeros<int>(3), _options);
        using ReadOnlySharedArray<int> read = SharedArray.AttachReadOnly<int>(FileName);
        using SharedArray<int> copy = SharedArray.AttachCopyOnWrite<int>(FileName);
        foreach (UntypedSharedArray array in (UntypedSharedArray[])[shm, anonymous, file, read, copy])
        {
            array.Flush();
            array.Flush(flushToDisk: true);
            array.Dispose();
            Assert.That(() => array.Flush(), Throws.InstanceOf<ObjectDisposedException>());
        }
    }

    [TestCase("msync:5", "False", 5)]
    [TestCase("msync:28", "True", 28)]
    [TestCase("fsync:5", "False", 0)]
    [TestCase("fsync:5", "True", 5)]
    public void Disk_failure_is_an_exception_of_Flush(string fault, string toDisk, int error)
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], Flush, FileName, layout.ToString(), toDisk);
        Assert.That(child.WaitForExit(), Is.EqualTo(error), child.Errors);

        static int Flush(string[] args)
        {
            using SharedArray<int> array = SharedArray.Create(
                args[0], ArrayContent.Zeros<int>(3), new SharedArrayOptions { Layout = Enum.Parse<ArrayLayout>(args[1]) });
            try
            {
                array.Flush(bool.Parse(args[2]));
                return 0;
            }
            catch (IOException failure)
            {
                Assert.That(failure.Message, Does.Contain("Cannot flush").And.Contain(args[0]));
                return failure.HResult;
            }
        }
    }

    [Test]
    public void Name_is_on_disk_only_once_its_directory_is_synchronised()
    {
        // The directory permits creating files but not opening it, so it cannot be synchronised, and Flush reports that.
        const UnixFileMode NotToRead = UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        File.SetUnixFileMode(Folder, NotToRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute);
        _ = ChildProcess.Run(OtherUser.WithoutRoot(ChildProcess.CommandLine(Flush, FileName, layout.ToString())));
        File.SetUnixFileMode(Folder, NotToRead | UnixFileMode.UserRead);

        static int Flush(string[] args)
        {
            SharedArrayOptions options = new() { Layout = Enum.Parse<ArrayLayout>(args[1]) };
            using SharedArray<int> array = SharedArray.Create(args[0], ArrayContent.Zeros<int>(3), options);
            array.Flush();
            Assert.That(
                () => array.Flush(flushToDisk: true),
                Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("Cannot flush"));
            return 0;
        }
    }

    private int CreateWith(string variable, string value, string locks = "1")
    {
        using ChildProcess child = ChildProcess.Start([(variable, value)], Create, FileName, layout.ToString(), locks);
        return child.WaitForExit();

        static int Create(string[] args)
        {
            try
            {
                int locks = int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture);
                SharedArrayOptions options = new() { Layout = Enum.Parse<ArrayLayout>(args[1]), Locks = locks };
                SharedArray.Create(args[0], ArrayContent.Zeros<int>(3), options).Dispose();
                return 0;
            }
            catch (IOException error)
            {
                return error.HResult;
            }
        }
    }
}
