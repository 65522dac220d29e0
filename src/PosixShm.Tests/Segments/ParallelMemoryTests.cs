using System.Globalization;

namespace PosixShm.Tests;

/// <summary>Work that several processors do in pieces is complete, and each piece is done once.</summary>
internal sealed class ParallelMemoryTests : NamedTest
{
    // The length is a multiple neither of a piece nor of a page.
    private const int Length = (33 << 20) + 12_347;

    [Test]
    public void A_large_copy_is_whole_in_both_directions()
    {
        byte[] bytes = new byte[Length];
        new Random(1).NextBytes(bytes);
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, Length + 7);
        array.CopyFrom(bytes, 7);
        byte[] copy = new byte[Length];
        array.CopyTo(copy, 7);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(copy.AsSpan().SequenceEqual(bytes), Is.True);
            Assert.That(array.AsSpan(0, 7).ContainsAnyExcept((byte)0), Is.False);
            Assert.That(
                Python.Run("import numpy as np, zlib; print(zlib.crc32(np.load(sys.argv[1], mmap_mode='r')[7:]))", ShmPath),
                Is.EqualTo($"{Crc32(bytes)}"));
        }
    }

    [TestCase(1)]
    [TestCase(-1)]
    [TestCase(5_000_000)]
    [TestCase(-5_000_000)]
    public void Large_overlapping_copy_equals_a_copy_through_a_buffer(int distance)
    {
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, Length + 5_000_000);
        new Random(2).NextBytes(array.Span);
        int from = Math.Max(0, -distance);
        byte[] before = array.AsSpan(from, Length).ToArray();
        array.CopyFrom(array.AsSpan(from, Length), from + distance);
        Assert.That(array.AsSpan(from + distance, Length).SequenceEqual(before), Is.True);
    }

    [Test]
    public void Every_element_of_a_large_array_is_filled()
    {
        using SharedArray<Point> fresh = SharedArray.Create(Name, ArrayContent.Filled(new Point(1, 2, 3), Length / 12));
        Assert.That(fresh.Span.ContainsAnyExcept(new Point(1, 2, 3)), Is.False);
        fresh.Fill(new Point(4, 5, 6));
        Assert.That(fresh.Span.ContainsAnyExcept(new Point(4, 5, 6)), Is.False);
    }

    [Test]
    public void A_large_array_is_made_of_elements_and_of_another_array()
    {
        double[] values = [.. Enumerable.Range(0, Length / 8).Select(static i => (double)i)];
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.From(values));
        using SharedArray<double> copy = SharedArray.Create(NameOf("copy"), ArrayContent.CopyOf(array));
        Assert.That(array.Span.SequenceEqual(values) && copy.Span.SequenceEqual(values), Is.True);
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_large_populated_array_is_mapped_whole(bool preallocate)
    {
        // Runs in a separate process, because the kernel counts all mappings of the process.
        ChildProcess.Run(CreatePopulated, Name, preallocate.ToString());

        static int CreatePopulated(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create(
                args[0], ArrayContent.Zeros<byte>(Length), new SharedArrayOptions { Populate = true, Preallocate = bool.Parse(args[1]) });
            string[] map = Map();

            // All pages but the control page, which the file does not have.
            Assert.That(Kilobytes(map, "Rss:"), Is.EqualTo(Kilobytes(map, "Size:") - 4).And.GreaterThan(Length >> 10));
            return 0;
        }
    }

    [Test]
    public void Huge_pages_are_used_and_reserved_where_the_mount_has_them()
    {
        _ = Namespaces.RunWithShm("size=200m,huge=advise", Create);

        static int Create(string[] args)
        {
            foreach (bool preallocate in (bool[])[true, false])
            {
                SharedArrayOptions options = new() { HugePages = true, Preallocate = preallocate };
                using SharedArray<byte> array = SharedArray.Create("huge", ArrayContent.Zeros<byte>(Length), options);
                long used = new DriveInfo("/dev/shm").TotalSize - new DriveInfo("/dev/shm").AvailableFreeSpace;
                Assert.That(used, preallocate ? Is.GreaterThanOrEqualTo(Length) : Is.LessThanOrEqualTo(4 << 20), "reserved");

                array.Fill(1);

                // All pages are huge, unless the machine's memory is fragmented.
                Assert.That(Kilobytes(Map(), "ShmemPmdMapped:"), Is.Positive);
                SharedArray.Delete("huge");
            }

            return 0;
        }
    }

    [Test]
    public void Huge_pages_that_do_not_fit_are_an_error_and_leave_nothing()
    {
        Assert.That(Namespaces.RunWithShm("size=20m,huge=advise", Create), Does.Contain($"{Length + 128:N0} bytes requested"));

        static int Create(string[] args)
        {
            IOException? error = Assert.Throws<IOException>(
                () => SharedArray.Create("huge", ArrayContent.Zeros<byte>(Length), new SharedArrayOptions { HugePages = true }));
            Console.WriteLine(error!.Message);
            Assert.That(error.Message, Does.Contain("free: 20,971,520 bytes"));
            Assert.That(Directory.GetFileSystemEntries("/dev/shm"), Is.Empty);
            Assert.That(new DriveInfo("/dev/shm").AvailableFreeSpace, Is.EqualTo(20 << 20));
            return 0;
        }
    }

    [Test]
    public void Small_pages_are_reserved_if_the_kernel_cannot_populate()
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, "advise:22,collapse:22")], Create, Name);
        child.WaitForSuccess();

        static int Create(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create(
                args[0], ArrayContent.Zeros<byte>(Length), new SharedArrayOptions { HugePages = true });
            string blocks = ChildProcess.Run("stat", "-c", "%b", ShmPathOf(args[0])).Trim();
            Assert.That(long.Parse(blocks, CultureInfo.InvariantCulture) * 512, Is.GreaterThan(Length));
            return 0;
        }
    }

    [Test]
    public void A_large_copy_of_an_array_that_is_truncated_meanwhile_throws()
    {
        ChildProcess.Run(CopyTruncated, Name);

        static int CopyTruncated(string[] args)
        {
            byte[] bytes = new byte[Length];
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], Length);
            using (FileStream file = File.OpenWrite(ShmPathOf(args[0])))
            {
                file.SetLength(20 << 20);
            }

            Assert.That(() => array.CopyTo(bytes), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => array.CopyFrom(bytes), Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    [Test]
    public void Large_sparse_array_whose_filling_exceeds_the_file_system_is_not_created()
    {
        Assert.That(Namespaces.RunWithShm("size=20m", CreateTooLarge), Does.Contain("No space"));

        static int CreateTooLarge(string[] args)
        {
            SharedArrayOptions sparse = new() { Preallocate = false };
            byte[] bytes = new byte[Length];
            IOException? error = Assert.Throws<IOException>(() => SharedArray.Create("big", ArrayContent.From(bytes, Length), sparse));
            Console.WriteLine(error!.Message);
            Assert.That(
                () => SharedArray.Create("big", ArrayContent.Filled("uint8", (byte)1, Length), sparse), Throws.InstanceOf<IOException>());
            Assert.That(Directory.GetFileSystemEntries("/dev/shm"), Is.Empty);
            return 0;
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Large_directory_is_listed_completely_and_each_array_once(bool isPoolBusy)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            // Names of 50 bytes: a dozen batches.
            using SharedArray<int> one = SharedArray.Create<int>($"file://{folder}/{0:D50}", 3);
            byte[] file = File.ReadAllBytes($"{folder}/{0:D50}");
            for (int i = 1; i < 2000; i++)
            {
                File.WriteAllBytes($"{folder}/{i:D50}", i % 10 == 0 ? [1, 2, 3] : file);
            }

            ChildProcess.Run(List, folder, isPoolBusy.ToString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        static int List(string[] args)
        {
            using ManualResetEventSlim done = new();
            if (bool.Parse(args[1]))
            {
                OccupyPool(done);
            }

            string[] expected =
            [
                .. Directory.GetFiles(args[0])
                    .Where(static file => new FileInfo(file).Length > 3)
                    .Order(StringComparer.Ordinal)
                    .Select(static file => "file://" + file),
            ];
            Assert.That(expected, Has.Length.EqualTo(1801));
            for (int round = 0; round < 20; round++)
            {
                Assert.That(SharedArray.List(directory: args[0]).Select(static array => array.Name), Is.EqualTo(expected));
            }

            Assert.That(SharedArray.List(directory: args[0]).Count(static array => array.IsInUse), Is.EqualTo(1));
            done.Set();
            return 0;
        }
    }

    [TestCase(24, "RLIMIT_NOFILE")]
    [TestCase(23, "file-max")]
    [TestCase(12, "out of memory")]
    public void Listing_without_free_descriptors_is_an_error_and_not_a_partial_list(int errno, string message)
    {
        SharedArray.Create(Name, 1).Dispose();
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, $"probe:{errno}")], List);
        child.WaitForSuccess();
        Assert.That(child.Output, Does.Contain(message));

        static int List(string[] args)
        {
            IOException? error = Assert.Throws<IOException>(() => SharedArray.List());
            Console.WriteLine(error!.Message);
            return 0;
        }
    }

    [Test]
    public void A_thread_that_is_interrupted_in_a_large_copy_is_so_after_it()
    {
        byte[] bytes = new byte[Length];
        using SharedArray<byte> array = SharedArray.Create<byte>(Name, Length);
        array.Fill(1);
        bool isWhole = false;
        bool isInterrupted = false;
        Thread copier = new(() =>
        {
            Thread.CurrentThread.Interrupt();
            array.CopyTo(bytes);
            isWhole = !bytes.AsSpan().ContainsAnyExcept((byte)1);
            try
            {
                _ = Thread.CurrentThread.Join(1);
            }
            catch (ThreadInterruptedException)
            {
                isInterrupted = true;
            }
        });
        copier.Start();
        copier.Join();
        Assert.That((isWhole, isInterrupted), Is.EqualTo((true, true)));
    }

    [Test]
    public void A_large_copy_does_not_wait_for_a_thread_pool_that_is_busy()
    {
        ChildProcess.Run(CopyBesideABusyPool, Name);

        static int CopyBesideABusyPool(string[] args)
        {
            using ManualResetEventSlim done = new();
            OccupyPool(done);
            byte[] bytes = new byte[Length];
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], Length);
            array.CopyTo(bytes);
            done.Set();
            return 0;
        }
    }

    private readonly record struct Point(int X, int Y, int Z);

    private static void OccupyPool(ManualResetEventSlim done)
    {
        _ = ThreadPool.SetMaxThreads(Environment.ProcessorCount, Environment.ProcessorCount);
        for (int i = 0; i < 100; i++)
        {
            _ = ThreadPool.UnsafeQueueUserWorkItem(_ => done.Wait(), null);
        }
    }

    // Returns the kernel's statistics of the only mapped array.
    private static string[] Map()
        => [.. File.ReadLines("/proc/self/smaps").SkipWhile(static line => !line.Contains("/dev/shm/", StringComparison.Ordinal)).Take(24)];

    private static long Kilobytes(string[] map, string key)
        => long.Parse(
            map.First(line => line.StartsWith(key, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
            CultureInfo.InvariantCulture);

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint sum = uint.MaxValue;
        foreach (byte b in bytes)
        {
            sum ^= b;
            for (int bit = 0; bit < 8; bit++)
            {
                sum = (sum >> 1) ^ ((sum & 1) * 0xEDB88320);
            }
        }

        return ~sum;
    }
}
