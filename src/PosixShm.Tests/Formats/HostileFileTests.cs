using PosixShm.Elements;
using PosixShm.Formats;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Files that other programs left, planted or change: refusals, and changes after the attachment.</summary>
internal sealed class HostileFileTests : NamedTest
{
    private const UnixFileMode Everybody = (UnixFileMode)0b110_110_110;

    private static readonly byte[] s_header = NpyHeader.Write(ScalarType.Native(ScalarType.FloatingPoint, 8), [10]);

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(9)]
    [TestCase(127)]
    [TestCase(128)]
    [TestCase(128 + 79)]
    public void A_segment_that_its_creator_has_not_finished_is_refused_at_once(int size)
    {
        File.WriteAllBytes(ShmPath, s_header.Concat(new byte[80]).Take(size).ToArray());
        Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains(Name));
        Assert.That(() => SharedArray.CreateOrAttach<double>(Name, 10), Throws.InstanceOf<InvalidDataException>());
        Assert.That(() => SharedArray.Create(Name, 10), Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17));
        Assert.That(SharedArray.Exists(Name), Is.False);
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(size), "untouched");
    }

    [Test]
    public void A_wrong_magic_is_refused_however_right_the_rest_is()
    {
        SharedArray.Create(Name, 10).Dispose();
        WriteAt(0, 0x92);
        Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("not an array"));
    }

    [TestCase(4096, null)]
    [TestCase(8192, null)]
    [TestCase(1 << 16, "65328 bytes of another program follow its elements")]
    public void A_file_that_a_system_rounded_up_to_a_larger_page_attaches(int size, string? reason)
    {
        SharedArray.Create(Name, ArrayContent.Filled(5.0, 10)).Dispose();
        using (FileStream file = File.OpenWrite(ShmPath))
        {
            file.SetLength(size);
        }

        // More zeros than a page has may be another program's.
        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That(array, Is.All.EqualTo(5));
        Assert.That((array.Lock.State, array.ChangeCounter.Count), Is.EqualTo((SharedLockState.Free, 0u)));
        if (reason is null)
        {
            array.Lock.EnterScope().Dispose();
        }
        else
        {
            Assert.That(() => array.Lock.Enter(), Throws.InvalidOperationException.With.Message.Contains(reason));
            Assert.That(File.ReadAllBytes(ShmPath)[208..], Is.All.Zero);
        }
    }

    [Test]
    public void A_sparse_file_as_large_as_an_offset_can_be_is_refused_and_listed()
    {
        // The largest file that the kernel allows: a page behind the elements would have no offset.
        byte[] head = NpyHeader.Write(ScalarType.Native(ScalarType.UnsignedInteger, 1), [long.MaxValue - 128]);
        File.WriteAllBytes(ShmPath, head);
        _ = ChildProcess.Run("truncate", "-s", $"{long.MaxValue}", ShmPath);
        Assert.That(SharedArray.Describe(Name).ByteLength, Is.EqualTo(long.MaxValue - 128));
        Assert.That(SharedArray.List().Select(info => info.Name), Does.Contain(Name));
        Assert.That(() => SharedArray.Attach<byte>(Name), Throws.InstanceOf<IOException>().With.Message.Contains(Name));
        Assert.That(() => SharedArray.AttachReadOnly<byte>(Name), Throws.InstanceOf<IOException>());
        SharedArray.Delete(Name);
    }

    [TestCase(long.MaxValue - 7, 1)]
    [TestCase(long.MaxValue - 15, 2)]
    [TestCase(8, (long.MaxValue / 8) - (1L << 28))]
    [TestCase(long.MaxValue - 7, (long.MaxValue / 8) - (1L << 28))]
    public void A_raw_offset_that_overflows_with_the_length_is_refused(long offset, long length)
    {
        File.WriteAllBytes(ShmPath, new byte[4096]);
        Assert.That(
            () => SharedArray.AttachRaw<double>(Name, [length], offset),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains("4096 bytes"));
    }

    [Test]
    public void Nothing_is_created_over_or_through_a_planted_file()
    {
        string target = ShmPathOf(NameOf("target"));
        using SharedArray<double> other = SharedArray.Create(NameOf("other"), 1);
        _ = File.CreateSymbolicLink(ShmPathOf(NameOf("dangling")), target);
        _ = File.CreateSymbolicLink(ShmPathOf(NameOf("link")), ShmPathOf(NameOf("other")));
        _ = ChildProcess.Run("mkfifo", ShmPathOf(NameOf("fifo")));
        _ = ChildProcess.Run("ln", ShmPathOf(NameOf("other")), ShmPathOf(NameOf("hard")));
        string folder = Directory.CreateDirectory(ShmPathOf(NameOf("folder"))).FullName;
        try
        {
            foreach (string plant in (string[])["dangling", "link", "fifo", "hard", "folder"])
            {
                Assert.That(
                    () => SharedArray.Create(NameOf(plant), 10),
                    Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17),
                    plant);
                Assert.That(
                    () => SharedArray.CreateOrAttach<double>(NameOf(plant), 10),
                    Throws.InstanceOf<IOException>().Or.InstanceOf<InvalidDataException>(),
                    plant);
                Assert.That(
                    Path.Exists(ShmPathOf(NameOf(plant))) || new FileInfo(ShmPathOf(NameOf(plant))).LinkTarget is not null, Is.True, plant);
            }
        }
        finally
        {
            Directory.Delete(folder);
        }

        Assert.That(File.Exists(target), Is.False);
    }

    [Test]
    public void A_device_under_the_name_is_neither_attached_nor_deleted()
    {
        // A device cannot be created without root, but can be mounted on a file.
        File.WriteAllBytes(ShmPath, []);
        _ = ChildProcess.Run(
            Namespaces.WithMounts("mount --bind /dev/zero \"$1\"", ShmPath, ChildProcess.CommandLine(Meet, Name)));

        static int Meet(string[] args)
        {
            string path = ShmPathOf(args[0]);
            Assert.That(
                () => SharedArray.Attach(args[0]), Throws.InstanceOf<InvalidDataException>().Or.InstanceOf<UnauthorizedAccessException>());
            Assert.That(
                () => SharedArray.Delete(args[0]), Throws.InstanceOf<InvalidDataException>().Or.InstanceOf<UnauthorizedAccessException>());
            Assert.That(SharedArray.List().Select(info => info.Name), Does.Not.Contain(args[0]));
            Assert.That(ChildProcess.Run("stat", "--format=%F", path), Is.EqualTo("character special file\n"));
            return 0;
        }
    }

    [Test]
    [NeedsRoot("is two users")]
    public void A_name_that_another_user_squats_is_not_adopted()
    {
        OtherUser.Run(Squat, Name);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => SharedArray.Create(Name, 10), Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17));
            Assert.That(
                () => SharedArray.CreateOrAttach<double>(Name, 10),
                Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("65534"));
            Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<UnauthorizedAccessException>());
            Assert.That(() => SharedArray.Resize<double>(Name, 5), Throws.InstanceOf<UnauthorizedAccessException>());
        }

        // A user also meets root's arrays, and cannot read the private ones.
        SharedArray.Create(NameOf("ours"), 10).Dispose();
        OtherUser.Run(Meet, NameOf("ours"));

        static int Squat(string[] args)
        {
            // An unprivileged user creates arrays by the same system calls and leaves no other name.
            SharedArray.Create(args[0], ArrayContent.Zeros<double>(10), new SharedArrayOptions { Mode = Everybody }).Dispose();
            return 0;
        }

        static int Meet(string[] args)
        {
            Assert.That(() => SharedArray.Create(args[0], 10), Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(17));
            Assert.That(() => SharedArray.CreateOrAttach<double>(args[0], 10), Throws.InstanceOf<UnauthorizedAccessException>());
            Assert.That(() => SharedArray.Describe(args[0]), Throws.InstanceOf<UnauthorizedAccessException>());
            Assert.That(() => SharedArray.Delete(args[0]), Throws.InstanceOf<UnauthorizedAccessException>());
            return 0;
        }
    }

    [Test]
    [NeedsRoot("is two users")]
    public void User_with_write_permission_may_truncate_and_the_owner_survives()
    {
        ChildProcess.Run(Own, Name);

        static int Own(string[] args)
        {
            using SharedArray<double> array = SharedArray.Create(
                args[0], ArrayContent.Zeros<double>(10), new SharedArrayOptions { Mode = Everybody });
            OtherUser.Run(Truncate, args[0]);
            Assert.That(array.ToArray, Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(File.Exists(ShmPathOf(args[0])), Is.True);
            return 0;
        }

        static int Truncate(string[] args)
        {
            using FileStream file = File.OpenWrite(ShmPathOf(args[0]));
            file.SetLength(0);
            Assert.That(() => File.Delete(ShmPathOf(args[0])), Throws.InstanceOf<UnauthorizedAccessException>());
            return 0;
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_header_changed_after_the_attachment_moves_no_bound(bool hasPage)
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.Filled(1.0, 2, 5));
        if (hasPage)
        {
            array.Lock.EnterScope().Dispose();
        }

        using ChildProcess writer = ChildProcess.Start(Change, ShmPath);
        writer.Expect("CHANGED");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(array.Shape, Is.EqualTo(new long[] { 2, 5 }));
            Assert.That(array.Span.Length, Is.EqualTo(10));
            Assert.That(() => array[10], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(array.Span.ToArray(), Is.All.EqualTo(1));
        }

        Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains(Name));
        Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<InvalidDataException>());
        writer.WaitForSuccess();

        static int Change(string[] args)
        {
            // Changes the dimensions, and the counts and places in the control page, but not the locks.
            using FileStream file = File.Open(args[0], FileMode.Open, FileAccess.ReadWrite);
            byte[] head = new byte[128];
            file.ReadExactly(head);
            file.Position = head.AsSpan().IndexOf("(2, 5), }"u8);
            file.Write("(999999999, 9), }"u8);
            file.Position = 4096;
            file.Write([.. Enumerable.Repeat((byte)0xFF, 256)]);
            file.SetLength(Math.Max(file.Length, 8192));
            file.Flush();
            Console.WriteLine("CHANGED");
            return 0;
        }
    }

    [Test]
    public void No_address_is_stored_in_shared_memory()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        using SharedArray<double> second = SharedArray.Attach(Name);
        using (array.Lock.EnterScope())
        {
            _ = array.ChangeCounter.Signal();
            _ = second.ChangeCounter.TryWait(1, TimeSpan.FromMilliseconds(1), out _);
            byte[] file = File.ReadAllBytes(ShmPath);
            (ulong Start, ulong End)[] mappings =
            [
                .. OwnProcess.Mappings(string.Empty).Select(line => line.Split(' ')[0].Split('-'))
                    .Select(range => (Convert.ToUInt64(range[0], 16), Convert.ToUInt64(range[1], 16))),
            ];

            // The description is text at any alignment.
            Assert.That(file, Has.Length.EqualTo(8192));
            for (int i = 128; i <= file.Length - 8; i++)
            {
                ulong word = BitConverter.ToUInt64(file, i);
                Assert.That(mappings.Any(mapping => word >= mapping.Start && word < mapping.End), Is.False, $"at {i}");
            }
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_truncation_inside_a_page_is_noticed_when_what_comes_after_it_is_used(bool hasPage)
    {
        ChildProcess.Run(Look, Name, $"{hasPage}");

        static int Look(string[] args)
        {
            using SharedArray<double> array = SharedArray.Create(args[0], ArrayContent.Filled(1.0, 10));
            if (args[1] == "True")
            {
                array.Lock.EnterScope().Dispose();
            }

            Truncate(args[0], 136);

            // The kernel raises no signal for the rest of an existing page.
            Assert.That(array.Span.ToArray(), Is.EqualTo(new double[] { 1, 0, 0, 0, 0, 0, 0, 0, 0, 0 }));

            // The control page lies behind the elements: calls that check it, or use it, throw. Without one, they query the size of the
            // file.
            Assert.That(array.ToArray, Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => array.ChangeCounter.Signal(), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(new FileInfo(ShmPathOf(args[0])).Length, Is.EqualTo(136));
            return 0;
        }
    }

    [Test]
    public void A_deleted_and_recreated_name_is_another_array_with_other_locks()
    {
        using SharedArray<int> old = SharedArray.Create(Name, ArrayContent.Filled(1, 10));
        SharedArray.Delete(Name);
        using SharedArray<int> young = SharedArray.Create(Name, ArrayContent.Filled(2, 10));
        using (old.Lock.EnterScope())
        {
            Assert.That(young.Lock.TryEnter(), Is.True);
            old[0] = 3;
            young.Lock.Exit();
        }

        Assert.That((old.IsCurrent, young.IsCurrent, old[0], young[0]), Is.EqualTo((false, true, 3, 2)));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void The_end_of_a_process_that_attached_deletes_nothing(bool isKilled)
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        using ChildProcess child = ChildProcess.Start(Attach, Name);
        child.Expect("ATTACHED");
        if (isKilled)
        {
            child.Kill();
        }
        else
        {
            child.WaitForSuccess();
        }

        Assert.That(SharedArray.Exists(Name), Is.True);

        static int Attach(string[] args)
        {
            SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            Console.WriteLine("ATTACHED");
            _ = Console.ReadLine();
            GC.KeepAlive(array);
            return 0;
        }
    }

    private void WriteAt(long position, byte value)
    {
        using FileStream file = File.OpenWrite(ShmPath);
        file.Position = position;
        file.WriteByte(value);
    }
}
