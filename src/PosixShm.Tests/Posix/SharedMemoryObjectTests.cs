using System.Text;
using Mono.Unix.Native;
using PosixShm.Posix;

namespace PosixShm.Tests;

/// <summary>Shared memory objects as the kernel and programs in C see them.</summary>
internal sealed class SharedMemoryObjectTests : NamedTest
{
    private const UnixFileMode Group = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    [Test]
    public void New_object_has_its_size_mode_and_reserved_space()
    {
        using SharedMemoryObject created = SharedMemoryObject.Create(Name, 10_000, Group);
        Assert.That(Syscall.stat(ShmPath, out Stat stat), Is.Zero);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(stat.st_size, Is.EqualTo(10_000));
            Assert.That((UnixFileMode)(stat.st_mode & FilePermissions.ALLPERMS), Is.EqualTo(Group));
            Assert.That(stat.st_blocks * 512, Is.EqualTo(3 * 4096));
            Assert.That(stat.st_uid, Is.EqualTo(Syscall.geteuid()));
            Assert.That(stat.st_nlink, Is.EqualTo(1));
            Assert.That((created.Name, created.Size, created.Access), Is.EqualTo((Name, 10_000L, FileAccess.ReadWrite)));
        }
    }

    [Test]
    public void Sparse_object_takes_no_space()
    {
        using SharedMemoryObject created = SharedMemoryObject.Create(Name, 1 << 20, preallocate: false);
        created.Resize(2 << 20, preallocate: false);
        Assert.That(Syscall.stat(ShmPath, out Stat stat), Is.Zero);
        Assert.That((stat.st_size, stat.st_blocks), Is.EqualTo((2L << 20, 0L)));
    }

    [Test]
    public void Creation_is_exclusive()
    {
        using SharedMemoryObject created = SharedMemoryObject.Create("/" + Name, 1);
        Assert.That(
            () => SharedMemoryObject.Create(Name, 1),
            Throws.InstanceOf<IOException>().With.Property(nameof(Exception.HResult)).EqualTo(NativeConvert.FromErrno(Errno.EEXIST))
                .And.Message.Contains($"There is a shared memory object named '{Name}' already"));
        Assert.That(created.Size, Is.EqualTo(1));
    }

    [Test]
    public void Absent_object_is_reported()
    {
        Assert.That(
            () => SharedMemoryObject.Open(Name),
            Throws.InstanceOf<FileNotFoundException>().With.Message.EqualTo($"There is no shared memory object named '{Name}'."));
        Assert.That(() => SharedMemoryObject.Delete(Name), Throws.InstanceOf<FileNotFoundException>());
        Assert.That((SharedMemoryObject.Exists(Name), SharedMemoryObject.TryDelete(Name)), Is.EqualTo((false, false)));
    }

    [TestCase("")]
    [TestCase(".")]
    [TestCase("a/b")]
    [TestCase("//a")]
    [TestCase("sem.a")]
    [TestCase("a\0b")]
    [TestCase("shm://a")]
    public void Name_that_no_object_can_have_is_refused(string name)
        => Assert.That(
            () => SharedMemoryObject.Create(name, 1),
            Throws.ArgumentException.With.Property(nameof(ArgumentException.ParamName)).EqualTo("name")
                .And.Message.Contains("cannot name a shared memory object"));

    [Test]
    public void Arguments_are_checked_before_anything_is_touched()
    {
        Assert.That(() => SharedMemoryObject.Create(Name, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => SharedMemoryObject.Create(Name, 1, UnixFileMode.SetUser), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => SharedMemoryObject.Open(Name, FileAccess.Write), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(File.Exists(ShmPath), Is.False);
    }

    [Test]
    public void Link_and_second_name_are_refused()
    {
        SharedMemoryObject.Create(Name, 1).Dispose();
        _ = File.CreateSymbolicLink(ShmPathOf(NameOf("link")), ShmPath);
        Assert.That(() => SharedMemoryObject.Open(NameOf("link")), Throws.InstanceOf<InvalidDataException>());
        Assert.That(Syscall.link(ShmPath, ShmPathOf(NameOf("second"))), Is.Zero);
        Assert.That(() => SharedMemoryObject.Open(Name), Throws.InstanceOf<InvalidDataException>());
    }

    [Test]
    public void Object_opened_to_read_cannot_be_written()
    {
        SharedMemoryObject.Create(Name, 100).Dispose();
        using SharedMemoryObject opened = SharedMemoryObject.Open(Name, FileAccess.Read);
        Assert.That(() => opened.Resize(1), Throws.InstanceOf<UnauthorizedAccessException>());
        Assert.That(() => opened.Map(access: FileAccess.ReadWrite), Throws.InstanceOf<UnauthorizedAccessException>());
        Assert.That(opened.Size, Is.EqualTo(100));

        using MemoryMapping mapping = opened.Map();
        Assert.That(mapping.Access, Is.EqualTo(FileAccess.Read));
    }

    [Test]
    public void Environment_variable_of_the_arrays_does_not_move_objects()
    {
        using ChildProcess child = ChildProcess.Start([("POSIXSHM_DIR", Folder)], Create, Name);
        child.WaitForSuccess();
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(5));

        static int Create(string[] args)
        {
            SharedMemoryObject.Create(args[0], 5).Dispose();
            Assert.That(
                () => SharedMemoryObject.Create(args[0], 5),
                Throws.InstanceOf<IOException>().With.Message.Contains("Shared memory objects are in /dev/shm"));
            return 0;
        }
    }

    [Test]
    public void Deleted_object_stays_with_those_who_have_it()
    {
        using SharedMemoryObject created = SharedMemoryObject.Create(Name, 100);
        using MemoryMapping mapping = created.Map();
        SharedMemoryObject.Delete(Name);
        Assert.That(SharedMemoryObject.Exists(Name), Is.False);
        mapping.Span[0] = 7;
        Span<byte> first = stackalloc byte[1];
        _ = RandomAccess.Read(created.Handle, first, 0);
        Assert.That((first[0], created.Size), Is.EqualTo(((byte)7, 100L)));
    }

    [Test]
    public void Handle_works_in_the_classes_of_NET_and_is_closed_with_the_object()
    {
        SharedMemoryObject created = SharedMemoryObject.Create(Name, 4);
        Microsoft.Win32.SafeHandles.SafeFileHandle handle = created.Handle;
        RandomAccess.Write(handle, "abcd"u8, 0);
        using (StreamReader reader = new(new FileStream(handle, FileAccess.ReadWrite)))
        {
            Assert.That(reader.ReadToEnd(), Is.EqualTo("abcd"));
        }

        Assert.That(() => created.Size, Throws.InstanceOf<ObjectDisposedException>(), "the stream has closed the handle");
        created.Dispose();

        using SharedMemoryObject opened = SharedMemoryObject.Open(Name);
        nint descriptor = opened.Handle.DangerousGetHandle();
        Assert.That(Syscall.fcntl((int)descriptor, FcntlCommand.F_GETFD), Is.EqualTo(1), "close-on-exec");
        opened.Dispose();
        Assert.That(() => opened.Handle, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => opened.Map(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => opened.Resize(1), Throws.InstanceOf<ObjectDisposedException>());
        opened.Dispose();
        Assert.That(OwnProcess.CountDescriptors(ShmPath), Is.Zero);
    }

    [Test]
    public void Size_grows_and_shrinks()
    {
        using SharedMemoryObject created = SharedMemoryObject.Create(Name, 0);
        Assert.That(() => created.Map(), Throws.InstanceOf<ArgumentOutOfRangeException>());
        created.Resize(5000);
        using (MemoryMapping mapping = created.Map())
        {
            mapping.Span.Fill(1);
        }

        created.Resize(1000);
        created.Resize(9000);
        Assert.That(Syscall.stat(ShmPath, out Stat stat), Is.Zero);
        Assert.That((stat.st_size, stat.st_blocks * 512), Is.EqualTo((9000L, 3L * 4096)));
        using MemoryMapping grown = created.Map();
        Assert.That(grown.ReadOnlySpan.IndexOf((byte)0), Is.EqualTo(1000));
        Assert.That(grown.ReadOnlySpan[1000..].ContainsAnyExcept((byte)0), Is.False);
    }

    [Test]
    public void Lack_of_space_leaves_everything_as_it_was()
    {
        _ = Namespaces.RunWithShm("size=1M", Fill, Name);

        static int Fill(string[] args)
        {
            Assert.That(
                () => SharedMemoryObject.Create(args[0], 2 << 20), Throws.InstanceOf<IOException>().With.Message.Contains("No space"));
            Assert.That(Directory.GetFileSystemEntries("/dev/shm"), Is.Empty);

            using SharedMemoryObject created = SharedMemoryObject.Create(args[0], 4096);
            Assert.That(() => created.Resize(2 << 20), Throws.InstanceOf<IOException>().With.Message.Contains("No space"));
            Assert.That(created.Size, Is.EqualTo(4096));
            return 0;
        }
    }

    [Test]
    public void Size_beyond_the_limit_of_the_process_is_an_error_of_the_resizing()
    {
        _ = ChildProcess.RunWithFileSizeLimit(Grow, Name);

        static int Grow(string[] args)
        {
            using SharedMemoryObject created = SharedMemoryObject.Create(args[0], 4096);
            foreach (bool preallocate in (bool[])[true, false])
            {
                Assert.That(
                    () => created.Resize(2 << 20, preallocate),
                    Throws.InstanceOf<IOException>().With.Message.Contains($"Cannot resize '{args[0]}'")
                        .And.Message.Contains("RLIMIT_FSIZE"));
            }

            Assert.That(created.Size, Is.EqualTo(4096));
            return 0;
        }
    }

    [Test]
    public void Name_is_reported_as_existing_also_in_a_full_file_system()
    {
        _ = Namespaces.RunWithShm("size=1M", Fill, Name);

        static int Fill(string[] args)
        {
            using SharedMemoryObject created = SharedMemoryObject.Create(args[0], 1 << 20);
            Assert.That(
                () => SharedMemoryObject.Create(args[0], 1 << 20), Throws.InstanceOf<IOException>().With.Message.Contains("already"));
            return 0;
        }
    }

    [Test]
    public void Refused_unnamed_file_leads_to_shm_open()
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, "open-unnamed:95")], Create, Name);
        child.WaitForSuccess();

        static int Create(string[] args)
        {
            using SharedMemoryObject created = SharedMemoryObject.Create(args[0], 5000, Group);
            Assert.That(File.GetUnixFileMode(ShmPathOf(args[0])), Is.EqualTo(Group));
            Assert.That(new FileInfo(ShmPathOf(args[0])).Length, Is.EqualTo(5000));
            Assert.That(() => SharedMemoryObject.Create(args[0], 1), Throws.InstanceOf<IOException>().With.Message.Contains("already"));
            return 0;
        }
    }

    [Test]
    public void C_program_and_this_one_share_an_object_that_either_created()
    {
        string program = CProgram.Compile(Folder, "peer", """
            #include <fcntl.h>
            #include <stdio.h>
            #include <string.h>
            #include <sys/mman.h>
            #include <sys/stat.h>
            #include <unistd.h>
            /* usage: peer create|open /NAME: answers with the text that it finds, and writes another one behind it */
            int main(int argc, char** argv)
            {
                int created = argc == 3 && strcmp(argv[1], "create") == 0;
                int fd = shm_open(argv[2], created ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, 0600);
                struct stat status;
                if (fd < 0 || (created && ftruncate(fd, 8192) < 0) || fstat(fd, &status) < 0) return 1;
                char* text = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
                if (text == MAP_FAILED) return 2;
                strcpy(text + 4096, "from C");
                printf("%ld %s\n", (long)status.st_size, text);
                fflush(stdout);
                getchar();
                printf("%s\n", text);
                return created ? 0 : shm_unlink(argv[2]);
            }
            """);

        using (SharedMemoryObject created = SharedMemoryObject.Create(Name, 8192))
        using (MemoryMapping mapping = created.Map())
        {
            "from C#"u8.CopyTo(mapping.Span);
            using ChildProcess peer = ChildProcess.Start(program, "open", "/" + Name);
            peer.Expect("8192 from C#");
            Assert.That(TextAt(mapping, 4096), Is.EqualTo("from C"));
            "again"u8.CopyTo(mapping.Span);
            peer.Send(string.Empty);
            peer.Expect("againC#");
            peer.WaitForSuccess();
            Assert.That(SharedMemoryObject.Exists(Name), Is.False, "the program has deleted it");
        }

        using ChildProcess creator = ChildProcess.Start(program, "create", "/" + Name);
        creator.Expect("8192 ");
        using SharedMemoryObject opened = SharedMemoryObject.Open(Name);
        using MemoryMapping second = opened.Map(offset: 4096);
        Assert.That((opened.Size, second.Length, TextAt(second, 0)), Is.EqualTo((8192L, 4096L, "from C")));
        using MemoryMapping first = opened.Map(length: 100);
        "from C#"u8.CopyTo(first.Span);
        creator.Send(string.Empty);
        creator.Expect("from C#");
        creator.WaitForSuccess();
        SharedMemoryObject.Delete(Name);
    }

    [Test]
    public void Array_can_be_opened_as_an_object()
    {
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, 100);
        array[99] = 42;
        using SharedMemoryObject opened = SharedMemoryObject.Open(Name, FileAccess.Read);
        using MemoryMapping mapping = opened.Map();
        Assert.That(mapping.ReadOnlySpan[(int)array.DataOffset + 99], Is.EqualTo(42));
    }

    private static string TextAt(MemoryMapping mapping, int start)
    {
        ReadOnlySpan<byte> bytes = mapping.AsReadOnlySpan(start, 20);
        return Encoding.UTF8.GetString(bytes[..bytes.IndexOf((byte)0)]);
    }
}
