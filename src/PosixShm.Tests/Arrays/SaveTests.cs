using System.Net.Sockets;

namespace PosixShm.Tests;

/// <summary>Files of arrays, compared with numpy's byte for byte.</summary>
internal sealed class SaveTests : NamedTest
{
    private string Saved => Path.Combine(Folder, "saved.npy");

    [TestCase("np.arange(6.0).reshape(2, 3)")]
    [TestCase("np.array(7, 'i2')")]
    [TestCase("np.zeros((0, 4), 'f4')")]
    [TestCase("np.array(['größe', 'x'])")]
    [TestCase("np.arange(4, dtype='>u4')")]
    [TestCase("np.array([(1, 2.5)], [('a', 'i4'), ('b', 'f8')])")]
    [TestCase("np.arange(3_000_000)")]
    public void A_saved_file_is_the_one_that_numpy_saves(string array)
    {
        string theirs = Path.Combine(Folder, "numpy.npy");
        _ = Python.Run($"a = {array}; np.save(sys.argv[1], a); np.save(open(sys.argv[2], 'wb'), a)", theirs, ShmPath);
        using UntypedSharedArray untyped = SharedArray.AttachUntyped(Name, SharedArrayAccess.ReadOnly);
        untyped.Save(Saved, flushToDisk: true);
        Assert.That(File.ReadAllBytes(Saved).SequenceEqual(File.ReadAllBytes(theirs)), Is.True);
        using MemoryStream stream = new();
        untyped.Save(stream);
        Assert.That(stream.ToArray().SequenceEqual(File.ReadAllBytes(theirs)), Is.True);
    }

    [Test]
    public void Arrays_of_each_kind_are_saved()
    {
        const string Script = "np.save(sys.argv[1], np.arange(5, dtype='i4')); print(open(sys.argv[1], 'rb').read().hex())";
        byte[] expected = Convert.FromHexString(Python.Run(Script, Saved));
        SharedArrayOptions layout = new() { Layout = ArrayLayout.PythonSharedArray };
        using SharedArray<int> shared = SharedArray.Create(NameOf("layout"), ArrayContent.From([0, 1, 2, 3, 4]), layout);
        using SharedArray<int> anonymous = SharedArray.CreateAnonymous<int>(5);
        shared.CopyTo(anonymous.Span);
        using SharedArray<int> withPage = SharedArray.Create(NameOf("page"), ArrayContent.CopyOf(shared));
        withPage.Lock.Enter();
        withPage.Lock.Exit();
        using SharedArray<int> copyOnWrite = SharedArray.AttachCopyOnWrite<int>(withPage.Name);
        foreach (UntypedSharedArray array in new UntypedSharedArray[] { shared, anonymous, withPage, copyOnWrite })
        {
            array.Save(Saved);
            Assert.That(File.ReadAllBytes(Saved), Is.EqualTo(expected), array.Name);
        }
    }

    [Test]
    public void A_pipe_takes_an_array_and_is_not_replaced()
    {
        string pipe = Path.Combine(Folder, "pipe");
        _ = ChildProcess.Run("mkfifo", pipe);
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.Filled(3, 1_000_000));
        using ChildProcess reader = Python.Start("import io; print(np.load(io.BytesIO(open(sys.argv[1], 'rb').read())).sum())", pipe);
        using (FileStream stream = new(pipe, FileMode.Open, FileAccess.Write))
        {
            array.Save(stream);
        }

        reader.Expect("3000000");
        reader.WaitForSuccess();
        Assert.That(() => array.Save(pipe), Throws.InstanceOf<IOException>().With.Message.Contains("not a regular file"));
        Assert.That(() => array.Save(Folder), Throws.InstanceOf<IOException>());
        Assert.That(() => array.Save(Path.Combine(Folder, "none", "a.npy")), Throws.InstanceOf<DirectoryNotFoundException>());
        Assert.That(Directory.GetFileSystemEntries(Folder), Is.EqualTo(new[] { pipe }));
    }

    [Test]
    public void A_file_has_the_mode_of_new_files_and_a_link_stays()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 3);
        File.WriteAllText(Saved, "old");
        File.SetUnixFileMode(Saved, UnixFileMode.UserRead);
        string link = Path.Combine(Folder, "link");
        _ = File.CreateSymbolicLink(link, "saved.npy");
        _ = ChildProcess.Run(["sh", "-c", "umask 027 && exec \"$@\"", "sh", .. ChildProcess.CommandLine(Save, Name, link)]);
        Assert.That(new FileInfo(link).LinkTarget, Is.EqualTo("saved.npy"));
        Assert.That(File.GetUnixFileMode(Saved), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead));
        Assert.That(Python.Run("print(np.load(sys.argv[1]).shape)", Saved), Is.EqualTo("(3,)"));

        static int Save(string[] args)
        {
            using ReadOnlySharedArray<int> array = SharedArray.AttachReadOnly<int>(args[0]);
            array.Save(args[1]);
            return 0;
        }
    }

    [Test]
    public void A_full_disk_leaves_the_old_file()
    {
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, 4 << 20);
        _ = ChildProcess.Run(Namespaces.WithFileSystem(Folder, "size=1m", ChildProcess.CommandLine(Save, Name, Folder)));

        static int Save(string[] args)
        {
            string path = Path.Combine(args[1], "a.npy");
            using SharedArray<byte> large = SharedArray.Attach<byte>(args[0]);
            using SharedArray<byte> small = SharedArray.CreateAnonymous<byte>(1000);
            small.Save(path);
            byte[] before = File.ReadAllBytes(path);
            Assert.That(
                () => large.Save(path),
                Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(28).And.Message.Contains("No space"));
            Assert.That(File.ReadAllBytes(path), Is.EqualTo(before));
            Assert.That(Directory.GetFileSystemEntries(args[1]), Is.EqualTo(new[] { path }));
            return 0;
        }
    }

    [Test]
    public void A_size_limit_is_an_error_and_not_the_death_of_the_process()
    {
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, 4 << 20);
        _ = ChildProcess.RunWithFileSizeLimit(Save, Name, Folder);
        Assert.That(Directory.GetFileSystemEntries(Folder), Is.Empty);

        static int Save(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Attach<byte>(args[0]);
            Assert.That(() => array.Save($"{args[1]}/a.npy"), Throws.InstanceOf<IOException>().With.Message.Contains("RLIMIT_FSIZE"));
            return 0;
        }
    }

    [Test]
    public void A_cancelled_save_leaves_the_old_file()
    {
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, 20 << 20);
        File.WriteAllText(Saved, "old");
        using CancellationTokenSource source = new();
        using CancellingStream stream = new(source);
        Assert.That(() => array.Save(stream, source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(stream.Length, Is.LessThan(20 << 20).And.GreaterThan(0));
        Assert.That(() => array.Save(Saved, cancellation: source.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(File.ReadAllText(Saved), Is.EqualTo("old"));
        Assert.That(Directory.GetFileSystemEntries(Folder), Is.EqualTo(new[] { Saved }));
    }

    [TestCase(0)]
    [TestCase(5 << 20)]
    [TestCase((6 << 20) + 100)]
    public void Lost_memory_is_an_exception_and_no_file(int left)
    {
        ChildProcess.Run(Save, Name, Folder, $"{left}");
        Assert.That(Directory.GetFileSystemEntries(Folder), Is.Empty);

        static int Save(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], 6 << 20);
            using (FileStream file = File.OpenWrite(ShmPathOf(args[0])))
            {
                file.SetLength(int.Parse(args[2], System.Globalization.CultureInfo.InvariantCulture));
            }

            Assert.That(() => array.Save($"{args[1]}/a.npy"), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => array.Save(Stream.Null), Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    [Test]
    public void Detached_array_cannot_be_saved()
    {
        SharedArray<int> array = SharedArray.Create<int>(Name, 3);
        array.Dispose();
        Assert.That(() => array.Save(Saved), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => array.Save(Stream.Null), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(Saved, Does.Not.Exist);
    }

    [TestCase("np.arange(400_000.).reshape(1000, 400)")]
    [TestCase("np.asfortranarray(np.arange(400_000.).reshape(1000, 400))")]
    [TestCase("np.float32(7)")]
    [TestCase("np.zeros((3, 0))")]
    public async Task An_array_is_saved_to_a_stream_without_synchronous_writes(string array)
    {
        _ = Python.Run(
            $"a = {array}; np.save(open(sys.argv[1], 'wb'), a); np.save(sys.argv[2], np.ascontiguousarray(a).reshape(a.shape))",
            ShmPath, Saved);
        using UntypedSharedArray untyped = SharedArray.AttachUntyped(Name, SharedArrayAccess.ReadOnly);
        using AsynchronousStream stream = new();
        await untyped.SaveAsync(stream);
        byte[] expected = await File.ReadAllBytesAsync(Saved);
        Assert.That(stream.ToArray().AsSpan().SequenceEqual(expected), Is.True);
    }

    [Test]
    public async Task A_save_to_a_socket_whose_reader_waits_is_cancelled()
    {
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, 20 << 20); // more than a socket's buffers hold
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        UnixDomainSocketEndPoint address = new(Path.Combine(Folder, "socket"));
        listener.Bind(address);
        listener.Listen();
        using Socket reader = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await reader.ConnectAsync(address);
        using Socket writer = await listener.AcceptAsync();
        await using NetworkStream stream = new(writer);
        using CancellationTokenSource source = new();
        Task cancel = CancelAfterFirstByte();
        await Assert.ThatAsync(
            () => array.SaveAsync(stream, source.Token).WaitAsync(TimeSpan.FromMinutes(1)),
            Throws.InstanceOf<OperationCanceledException>());
        await cancel;

        async Task CancelAfterFirstByte()
        {
            Assert.That(await reader.ReceiveAsync(new byte[1]), Is.EqualTo(1));
            await source.CancelAsync();
        }
    }

    [Test]
    public async Task An_asynchronous_save_of_lost_memory_or_of_a_detached_array_fails()
    {
        SharedArray<byte> array = SharedArray.Create<byte>(Name, 6 << 20);
        await using (FileStream file = File.OpenWrite(ShmPath))
        {
            file.SetLength(5 << 20);
        }

        await Assert.ThatAsync(() => array.SaveAsync(Stream.Null), Throws.InstanceOf<SharedMemoryLostException>());
        array.Dispose();
        await Assert.ThatAsync(() => array.SaveAsync(Stream.Null), Throws.InstanceOf<ObjectDisposedException>());
    }

    private sealed class AsynchronousStream : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            base.Write(buffer.ToArray(), 0, buffer.Length);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class CancellingStream(CancellationTokenSource source) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            base.Write(buffer);
            source.Cancel();
        }
    }
}
