using System.Globalization;

namespace PosixShm.Tests;

/// <summary>Large arrays are in huge pages, by the kernel's statistics of mappings (smaps) and files (blocks).</summary>
internal sealed class HugePageTests : NamedTest
{
    private const int HugePage = 2 << 20;

    // The length is not a multiple of a huge page: the end stays in small pages.
    private const int Length = (16 * HugePage) + 12_347;

    private const string NoCollapse = "collapse:22";

    // MADV_COLLAPSE needs Linux 6.1, and a kernel whose huge pages have that size.
    private static bool HasCollapse { get; } = OperatingSystem.IsOSPlatformVersionAtLeast("linux", 6, 1)
        && File.Exists("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
        && File.ReadAllText("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size").Trim() == $"{HugePage}";

    [TestCase("huge=never", true)]
    [TestCase("huge=never", false)]
    [TestCase("huge=advise", true)]
    public void Large_arrays_get_huge_pages_whatever_the_mount(string huge, bool isFilled)
    {
        _ = Namespaces.RunWithShm($"size=200m,{huge}", Create, isFilled.ToString());

        static int Create(string[] args)
        {
            bool isFilled = bool.Parse(args[0]);
            byte[] bytes = new byte[Length];
            bytes.AsSpan().Fill(7);
            using SharedArray<byte> array = isFilled
                ? SharedArray.Create("large", ArrayContent.From(bytes))
                : SharedArray.Create<byte>("large", Length);
            Assert.That(array.Span.ContainsAnyExcept(isFilled ? (byte)7 : (byte)0), Is.False);
            Assert.That(
                Blocks("/dev/shm/large"), Is.GreaterThan(Length).And.LessThan(Length + 8192), "all of it is allocated, and no more");

            // All pages are huge, unless the machine's memory is fragmented.
            Assert.That(HugeBytes(), HasCollapse ? Is.Positive : Is.Zero);
            SharedArray.Delete("large");
            return 0;
        }
    }

    [Test]
    [NeedsRoot("creates an array as another user")]
    public void Huge_pages_take_no_privilege()
    {
        OtherUser.Run(Create, Name);

        static int Create(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], Length);
            array.Fill(1);
            Assert.That(HugeBytes(), HasCollapse ? Is.Positive : Is.Zero);
            SharedArray.Delete(args[0]);
            return 0;
        }
    }

    [Test]
    public void Anonymous_arrays_get_huge_pages()
    {
        ChildProcess.Run(Create);

        static int Create(string[] args)
        {
            using SharedArray<byte> array = SharedArray.CreateAnonymous<byte>(Length);
            array.Fill(1);
            Assert.That(HugeBytes("memfd:posixshm"), HasCollapse ? Is.Positive : Is.Zero);
            return 0;
        }
    }

    // EINVAL of an old kernel, ENOMEM and EBUSY of one without free huge pages, EAGAIN of a busy one; and a full file system in between.
    [TestCase(NoCollapse)]
    [TestCase("collapse:12")]
    [TestCase("collapse:16")]
    [TestCase("collapse:11")]
    [TestCase("allocate:28*1")]
    public void Small_pages_are_reserved_if_there_are_no_huge_pages(string fault)
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], Create, Name);
        child.WaitForSuccess();

        static int Create(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], Length);
            Assert.That(Blocks(ShmPathOf(args[0])), Is.GreaterThan(Length));
            array.Fill(1);
            Assert.That(HugeBytes(), Is.Zero);
            return 0;
        }
    }

    [TestCase("", 50)]
    [TestCase("", 140)]
    [TestCase(NoCollapse, 140)]
    public void An_array_that_fits_is_created_although_it_takes_most_of_the_space(string fault, int megabytes)
    {
        string[] command = Namespaces.WithShm($"size={megabytes}m", Create, $"{megabytes}");
        using ChildProcess child = ChildProcess.Start(fault.Length > 0 ? [(FailingShim.FailAt, fault)] : [], command);
        child.WaitForSuccess();

        static int Create(string[] args)
        {
            long length = (long.Parse(args[0], CultureInfo.InvariantCulture) << 20) - 100_000;
            foreach (SharedArrayOptions options in (SharedArrayOptions[])[new(), new() { Populate = true }, new() { HugePages = true }])
            {
                using SharedArray<byte> array = SharedArray.Create("large", ArrayContent.Zeros<byte>(length), options);
                Assert.That(Blocks("/dev/shm/large"), Is.GreaterThan(length));
                SharedArray.Delete("large");
            }

            return 0;
        }
    }

    [TestCase("")]
    [TestCase(NoCollapse)]
    public void An_array_that_does_not_fit_is_an_error_with_the_free_space_and_leaves_nothing(string fault)
    {
        string[] command = Namespaces.WithShm("size=20m", Create);
        using ChildProcess child = ChildProcess.Start(fault.Length > 0 ? [(FailingShim.FailAt, fault)] : [], command);
        child.WaitForSuccess();

        static int Create(string[] args)
        {
            IOException? error = Assert.Throws<IOException>(() => SharedArray.Create<byte>("large", Length));
            Assert.That(error!.HResult, Is.EqualTo(28));
            Assert.That(error.Message, Does.Contain("free: 20,971,520 bytes"));
            Assert.That(Directory.GetFileSystemEntries("/dev/shm"), Is.Empty);
            Assert.That(new DriveInfo("/dev/shm").AvailableFreeSpace, Is.EqualTo(20 << 20));
            return 0;
        }
    }

    // Another program takes the space between the check and the allocation.
    [Test]
    public void Space_that_is_lacking_only_after_the_huge_pages_is_an_error_and_leaves_nothing()
    {
        using ChildProcess child = ChildProcess.Start(
            [(FailingShim.FailAt, "allocate:28")], Namespaces.WithShm("size=100m", Create));
        child.WaitForSuccess();

        static int Create(string[] args)
        {
            Assert.That(
                () => SharedArray.Create<byte>("large", Length), Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(28));
            Assert.That(Directory.GetFileSystemEntries("/dev/shm"), Is.Empty);
            Assert.That(new DriveInfo("/dev/shm").AvailableFreeSpace, Is.EqualTo(100 << 20));
            return 0;
        }
    }

    [TestCase("")]
    [TestCase("map-aligned:12")]
    public void Large_attachments_begin_at_a_huge_page_and_leave_no_address_space(string fault)
    {
        using ChildProcess child = ChildProcess.Start(fault.Length > 0 ? [(FailingShim.FailAt, fault)] : [], Attach, Name, fault);
        child.WaitForSuccess();

        static int Attach(string[] args)
        {
            // Three large arrays are hardly at a multiple of a huge page by chance.
            SharedArray<byte> array = SharedArray.Create<byte>(args[0], Length);
            ReadOnlySharedArray<byte> reader = SharedArray.AttachReadOnly<byte>(args[0]);
            SharedArray<byte> copy = SharedArray.AttachCopyOnWrite<byte>(args[0]);
            array[Length - 1] = 5;
            Assert.That((reader[Length - 1], copy[Length - 1]), Is.EqualTo(((byte)5, (byte)5)));
            List<long> mappings = Mappings();
            Assert.That(mappings, Has.Count.EqualTo(3));
            Assert.That(mappings.All(static start => start % HugePage == 0), Is.EqualTo(args[1].Length == 0));
            Array.ForEach([array, reader, (UntypedSharedArray)copy], static one => one.Dispose());
            Assert.That(Mappings(), Is.Empty);

            // Each attachment reserves 2 MiB more than it keeps.
            long before = OwnProcess.Kilobytes("VmSize");
            UntypedSharedArray[] many = [.. Enumerable.Range(0, 200).Select(_ => SharedArray.AttachReadOnly<byte>(args[0]))];
            Assert.That(OwnProcess.Kilobytes("VmSize") - before, Is.EqualTo(200 * (Length >> 10)).Within(100 << 10));
            Array.ForEach(many, static one => one.Dispose());
            Assert.That(OwnProcess.Kilobytes("VmSize"), Is.EqualTo(before).Within(100 << 10));
            return 0;
        }
    }

    [Test]
    public void Compact_moves_an_array_of_another_program_into_huge_pages()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.arange(int(sys.argv[2])) % 251)", ShmPath, $"{Length / 8}");
        ChildProcess.Run(Compact, Name);

        static int Compact(string[] args)
        {
            using ReadOnlySharedArray<long> array = SharedArray.AttachReadOnly<long>(args[0]);
            Assert.That(Sum(array), Is.Positive);
            Assert.That(HugeBytes(), Is.Zero);
            long compacted = array.Compact();
            Assert.That(compacted, HasCollapse ? Is.InRange(HugePage, 16 * HugePage) : Is.Zero);
            Assert.That(compacted % HugePage, Is.Zero);
            Assert.That(array.Compact(), Is.GreaterThanOrEqualTo(compacted), "again");
            for (int i = 0; i < array.Length; i++)
            {
                Assert.That(array[i] == i % 251, Is.True);
            }

            Assert.That(HugeBytes(), HasCollapse ? Is.Positive : Is.Zero);
            return 0;
        }

        static long Sum(ReadOnlySharedArray<long> array)
        {
            long sum = 0;
            foreach (long element in array.Span)
            {
                sum += element;
            }

            return sum;
        }
    }

    [Test]
    public void Compact_takes_no_memory_for_ranges_that_have_none()
    {
        using SharedArray<byte> array = SharedArray.Create(
            Name, ArrayContent.Zeros<byte>(Length), new SharedArrayOptions { Preallocate = false });
        array[(5 * HugePage) + 1] = 1;
        long before = Blocks(ShmPath);
        long compacted = array.Compact();

        // At most the range of the header and that of the element are compacted.
        Assert.That(compacted, HasCollapse ? Is.LessThanOrEqualTo(2 * HugePage) : Is.Zero);
        Assert.That(Blocks(ShmPath), Is.InRange(before, Math.Max(before, compacted + 8192)));
        Assert.That(array[(5 * HugePage) + 1], Is.EqualTo(1));
    }

    [Test]
    public void Compact_does_nothing_to_small_arrays_and_on_a_disk()
    {
        using SharedArray<byte> small = SharedArray.Create<byte>(Name, 100);
        using SharedArray<byte> file = SharedArray.Create<byte>($"file://{Folder}/large.npy", Length);
        Assert.That(small.Compact(), Is.Zero);
        Assert.That(file.Compact(), new DriveInfo(Folder).DriveFormat == "tmpfs" ? Is.GreaterThanOrEqualTo(0) : Is.Zero);
        small.Dispose();
        Assert.That(small.Compact, Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void Compact_of_a_full_file_system_leaves_the_array_as_it_was()
    {
        _ = Namespaces.RunWithShm("size=20m", Compact);

        static int Compact(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create(
                "sparse", ArrayContent.Zeros<byte>(Length), new SharedArrayOptions { Preallocate = false });
            for (int i = 0; i < Length; i += HugePage)
            {
                array[i] = 1;
            }

            using SharedArray<byte> rest = SharedArray.Create<byte>("rest", 20_000_000);
            Assert.That(array.Compact(), Is.Zero);
            Assert.That(array.Span.Count((byte)1), Is.EqualTo(17));
            array.Dispose();
            rest.Dispose();
            return 0;
        }
    }

    [Test]
    public void Compact_returns_zero_if_the_kernel_lacks_it()
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, NoCollapse)], Compact, Name);
        child.WaitForSuccess();

        static int Compact(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], Length);
            Assert.That(array.Compact(), Is.Zero);
            return 0;
        }
    }

    // The sum over all mappings of arrays.
    private static long HugeBytes(string file = "/dev/shm/")
    {
        long kilobytes = 0;
        bool isArray = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            isArray = fields[0].EndsWith(':') ? isArray : line.Contains(file, StringComparison.Ordinal);
            kilobytes += isArray && fields[0] == "ShmemPmdMapped:" ? long.Parse(fields[1], CultureInfo.InvariantCulture) : 0;
        }

        return kilobytes << 10;
    }

    // Returns the start of each mapping. A file that was created without a name is shown as '/dev/shm/#NUMBER (deleted)'.
    private static List<long> Mappings() =>
    [
        .. OwnProcess.Mappings("/dev/shm/")
            .Select(static line => line[..line.IndexOf('-', StringComparison.Ordinal)])
            .Select(static start => long.Parse(start, NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
    ];

    private static long Blocks(string path) => long.Parse(ChildProcess.Run("stat", "-c", "%b", path), CultureInfo.InvariantCulture) * 512;
}
