using Mono.Unix.Native;

namespace PosixShm.Tests;

/// <summary>A segment as other programs and libraries see it.</summary>
internal sealed class WitnessTests : NamedTest
{
    [Test]
    public void Stat_sees_mode_0600_our_user_one_link_and_the_size_that_numpy_writes()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        Assert.That(Syscall.stat(ShmPath, out Stat stat), Is.Zero);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(stat.st_mode, Is.EqualTo(FilePermissions.S_IFREG | FilePermissions.S_IRUSR | FilePermissions.S_IWUSR));
            Assert.That(stat.st_uid, Is.EqualTo(Syscall.geteuid()));
            Assert.That(stat.st_nlink, Is.EqualTo(1));
            Assert.That(stat.st_size, Is.EqualTo(128 + 80));
            Assert.That(stat.st_blocks * 512, Is.EqualTo(4096), "the space is reserved");
        }

        SharedArrayInfo info = SharedArray.Describe(Name);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(info.UserId, Is.EqualTo(stat.st_uid));
            Assert.That((int)info.Mode, Is.EqualTo((int)(stat.st_mode & FilePermissions.ALLPERMS)));
            Assert.That(info.Modified!.Value.ToUnixTimeSeconds(), Is.EqualTo(stat.st_mtime));
        }
    }

    [Test]
    public void A_detached_array_is_not_in_use_while_a_copy_of_its_descriptor_is_open()
    {
        SharedArray.Create(Name, 1).Dispose();
        SharedArray<double> array = SharedArray.Attach(Name);
        array.Lock.Enter(); // another byte is locked for that
        array.Lock.Exit();

        // A child process that another thread is just starting has such a copy.
        string descriptor = Directory.GetFiles("/proc/self/fd").First(link => new FileInfo(link).LinkTarget == ShmPath);
        int copy = Syscall.dup(int.Parse(Path.GetFileName(descriptor), System.Globalization.CultureInfo.InvariantCulture));
        Assert.That(copy, Is.Positive);
        try
        {
            Assert.That(SharedArray.Describe(Name).IsInUse, Is.True);
            array.Dispose();
            Assert.That(SharedArray.Describe(Name).IsInUse, Is.False);
            Assert.That(Syscall.stat(ShmPath, out Stat stat), Is.Zero);
            string inode = $":{stat.st_ino} ";
            Assert.That(File.ReadAllLines("/proc/locks").Where(line => line.Contains(inode, StringComparison.Ordinal)), Is.Empty);
        }
        finally
        {
            _ = Syscall.close(copy);
        }
    }

    [TestCase(0b110_000_000)]
    [TestCase(0b110_110_000)]
    [TestCase(0b110_110_110)]
    [TestCase(0b100_000_000)]
    public void A_mode_is_exact_under_every_umask(int mode)
    {
        ChildProcess.Run(CreateUnderUmasks, Name, $"{mode}");

        static int CreateUnderUmasks(string[] args)
        {
            int mode = int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture);
            SharedArrayOptions options = new() { Mode = (UnixFileMode)mode };
            foreach (FilePermissions umask in (FilePermissions[])[0, (FilePermissions)0x3F, (FilePermissions)0x1FF])
            {
                _ = Syscall.umask(umask);
                SharedArray.Create(args[0], ArrayContent.Zeros<byte>(1), options).Dispose();
                Assert.That(File.GetUnixFileMode(ShmPathOf(args[0])), Is.EqualTo(options.Mode));
                SharedArray.Delete(args[0]);
            }

            return 0;
        }
    }

    [Test]
    public void A_mode_beyond_0777_is_refused()
        => Assert.That(() => new SharedArrayOptions { Mode = UnixFileMode.SetUser }, Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void A_sparse_array_takes_no_space_until_it_is_written()
    {
        using SharedArray<double> array = SharedArray.Create(
            Name, ArrayContent.Zeros<double>(1 << 20), new SharedArrayOptions { Preallocate = false });
        Assert.That(Syscall.stat(ShmPath, out Stat before), Is.Zero);
        array[1 << 19] = 1;
        Assert.That(Syscall.stat(ShmPath, out Stat after), Is.Zero);

        Assert.That(before.st_blocks * 512, Is.LessThanOrEqualTo(2 * 4096));
        Assert.That(after.st_blocks * 512, Is.EqualTo((before.st_blocks * 512) + 4096));
    }

    [Test]
    public void A_C_program_opens_the_array_with_shm_open()
    {
        string source = Path.Combine(Folder, "reader.c");
        File.WriteAllText(source, """
            #include <fcntl.h>
            #include <stdio.h>
            #include <sys/mman.h>
            int main(int argc, char** argv)
            {
                int fd = shm_open(argv[argc - 1], O_RDWR, 0);
                double* elements = (double*)((char*)mmap(NULL, 208, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) + 128);
                printf("%g", elements[3]);
                elements[4] = 43;
                return 0;
            }
            """);
        string program = Path.Combine(Folder, "reader");
        _ = ChildProcess.Run("cc", "-o", program, source, "-lrt");

        using SharedArray<double> array = SharedArray.Create(Name, 10);
        array[3] = 42;
        Assert.That(ChildProcess.Run(program, "/" + Name), Is.EqualTo("42"));
        Assert.That(array[4], Is.EqualTo(43));
    }

    [Test]
    public void A_description_is_what_was_created()
    {
        using (SharedArray<short> array = SharedArray.Create<short>(Name, 2, 3))
        {
            Assert.That(SharedArray.Describe(Name).IsInUse, Is.True);
        }

        SharedArrayInfo info = SharedArray.Describe(Name);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((info.Name, info.DType, info.ElementType, info.Length, info.ByteLength, info.Layout, info.IsInUse),
                Is.EqualTo((Name, "<i2", typeof(short), 6L, 12L, ArrayLayout.Npy, false)));
            Assert.That(info.Shape, Is.EqualTo(new long[] { 2, 3 }));
            Assert.That(info.Created, Is.EqualTo(BirthOf(ShmPath)).Within(TimeSpan.FromMicroseconds(1)));
            Assert.That(info.Created!.Value.Offset, Is.EqualTo(TimeSpan.Zero));
        }
    }

    // The format of stat(1) is 2026-01-02 03:04:05.678901234 +0000, of which .NET reads seven decimals.
    private static DateTimeOffset BirthOf(string path)
    {
        string[] words = ChildProcess.Run("stat", "-c", "%w", path).Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return DateTimeOffset.ParseExact(
            $"{words[0]} {words[1][..16]} {words[2]}",
            "yyyy-MM-dd HH:mm:ss.fffffff zzz",
            System.Globalization.CultureInfo.InvariantCulture);
    }
}
