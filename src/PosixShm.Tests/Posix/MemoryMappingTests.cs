using System.Buffers;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;
using PosixShm.Posix;

namespace PosixShm.Tests;

/// <summary>Mappings as /proc/self/maps and /proc/self/smaps show them.</summary>
internal sealed partial class MemoryMappingTests : NamedTest
{
    private const int Page = 4096;

    private static readonly byte[] s_text = [1, 2, 3];

    private SharedMemoryObject _object = null!;

    [SetUp]
    public void CreateObject() => _object = SharedMemoryObject.Create(Name, 8 * Page);

    [TearDown]
    public void CloseObject() => _object.Dispose();

    [TestCase(FileAccess.ReadWrite, MappingOptions.None, "rw-s")]
    [TestCase(FileAccess.Read, MappingOptions.None, "r--s")]
    [TestCase(FileAccess.ReadWrite, MappingOptions.Private, "rw-p")]
    [TestCase(FileAccess.Read, MappingOptions.Private, "r--p")]
    public void Access_and_sharing_are_those_of_the_kernel(FileAccess access, MappingOptions options, string shown)
    {
        using SharedMemoryObject opened = SharedMemoryObject.Open(Name);
        using MemoryMapping mapping = opened.Map(2 * Page, 3 * Page, access, options);
        Assert.That(
            Areas(mapping.Address, 3 * Page), Is.EqualTo([$"{mapping.Address:x}-{mapping.Address + (3 * Page):x} {shown} {2 * Page:x8}"]));
        Assert.That((mapping.Length, mapping.Offset, mapping.Access, mapping.Name), Is.EqualTo((3L * Page, 2L * Page, access, Name)));
    }

    [Test]
    public void Ranges_are_checked()
    {
        Assert.That(() => _object.Map(offset: 100), Throws.InstanceOf<ArgumentOutOfRangeException>().With.Message.Contains("page size"));
        Assert.That(() => _object.Map(offset: -Page), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => _object.Map(offset: 9 * Page), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => _object.Map(length: (8 * Page) + 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => _object.Map(length: 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => _object.Map(offset: 8 * Page), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => _object.Map(access: FileAccess.Write), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => _object.Map(options: (MappingOptions)1), Throws.InstanceOf<ArgumentOutOfRangeException>());

        using MemoryMapping mapping = _object.Map();
        Assert.That(() => mapping.AsSpan(1, 8 * Page).Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => mapping.AsReadOnlySpan(-1, 1).Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => mapping.Pin((8 * Page) + 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => mapping.Read((8 * Page) - 1, new byte[2]), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => mapping.Protect(FileAccess.Read, offset: 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => mapping.Protect(FileAccess.Write), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => mapping.Advise((MemoryAdvice)1000), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => mapping.LockInMemory(Page, 8 * Page), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Private_store_is_seen_by_this_mapping_alone()
    {
        using MemoryMapping shared = _object.Map();
        using MemoryMapping copy = _object.Map(options: MappingOptions.Private);
        copy.Span[0] = 1;
        shared.Span[Page] = 2;
        Assert.That((shared.Span[0], copy.Span[0], copy.Span[Page]), Is.EqualTo(((byte)0, (byte)1, (byte)2)));
    }

    [Test]
    public void Flags_reach_the_kernel()
    {
        using MemoryMapping plain = _object.Map(options: MappingOptions.Private);
        using MemoryMapping populated = _object.Map(options: MappingOptions.Populate);
        using MemoryMapping unreserved = _object.Map(options: MappingOptions.Private | MappingOptions.NoReserve);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Statistics(plain.Address)["Rss"], Is.EqualTo("0 kB"));
            Assert.That(Statistics(populated.Address)["Rss"], Is.EqualTo("32 kB"));
            Assert.That(Flags(plain), Does.Not.Contain("nr"));
            Assert.That(Flags(unreserved), Does.Contain("nr"));
        }
    }

    [Test]
    public void Members_that_write_are_refused_where_the_memory_cannot_be_written()
    {
        using MemoryMapping mapping = _object.Map(access: FileAccess.Read);
        Assert.That(() => mapping.Span.Length, Throws.InvalidOperationException.With.Message.Contains("may not be written"));
        Assert.That(() => mapping.Memory, Throws.InvalidOperationException);
        Assert.That(() => mapping.AsSpan(0, 1).Length, Throws.InvalidOperationException);
        Assert.That(() => mapping.Write(0, s_text), Throws.InvalidOperationException);
        Assert.That((mapping.ReadOnlySpan.Length, mapping.ReadOnlyMemory.Length), Is.EqualTo((8 * Page, 8 * Page)));
    }

    [Test]
    public void Protection_of_all_and_of_pages_is_the_kernels()
    {
        using MemoryMapping mapping = _object.Map();
        mapping.Protect(FileAccess.Read, offset: Page, length: Page);
        Assert.That(Areas(mapping.Address, 8 * Page).Select(line => line.Split(' ')[1]), Is.EqualTo(["rw-s", "r--s", "rw-s"]));
        Assert.That(mapping.Access, Is.EqualTo(FileAccess.ReadWrite));

        mapping.Protect(0);
        Assert.That(Areas(mapping.Address, 8 * Page).Select(line => line.Split(' ')[1]), Is.EqualTo(["---s"]));
        Assert.That(() => mapping.ReadOnlySpan.Length, Throws.InvalidOperationException.With.Message.Contains("may not be read"));

        mapping.Protect(FileAccess.ReadWrite);
        mapping.Span[0] = 1;
        Assert.That(Areas(mapping.Address, 8 * Page).Select(line => line.Split(' ')[1]), Is.EqualTo(["rw-s"]));
    }

    [Test]
    public void Protection_cannot_exceed_the_descriptors_access()
    {
        using SharedMemoryObject opened = SharedMemoryObject.Open(Name, FileAccess.Read);
        using MemoryMapping shared = opened.Map();
        Assert.That(
            () => shared.Protect(FileAccess.ReadWrite),
            Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("open to read only"));
        using MemoryMapping copy = opened.Map(options: MappingOptions.Private);
        copy.Protect(FileAccess.ReadWrite);
        copy.Span[0] = 1;
    }

    [TestCase(MemoryAdvice.Random, "rr")]
    [TestCase(MemoryAdvice.Sequential, "sr")]
    [TestCase(MemoryAdvice.DontDump, "dd")]
    [TestCase(MemoryAdvice.HugePages, "hg")]
    [TestCase(MemoryAdvice.SmallPages, "nh")]
    public void Lasting_advice_is_a_flag_of_the_mapping(MemoryAdvice advice, string flag)
    {
        using MemoryMapping mapping = _object.Map();
        Assert.That(Flags(mapping), Does.Not.Contain(flag));
        mapping.Advise(advice);
        Assert.That(Flags(mapping), Does.Contain(flag));
    }

    [TestCase(MemoryAdvice.Random, MemoryAdvice.Normal, "rr")]
    [TestCase(MemoryAdvice.DontDump, MemoryAdvice.Dump, "dd")]
    public void Advice_is_taken_back(MemoryAdvice advice, MemoryAdvice opposite, string flag)
    {
        using MemoryMapping mapping = _object.Map();
        mapping.Advise(advice);
        mapping.Advise(opposite);
        Assert.That(Flags(mapping), Does.Not.Contain(flag));
    }

    [Test]
    public void Advice_on_pages_changes_which_are_mapped()
    {
        using MemoryMapping mapping = _object.Map();
        mapping.Span.Fill(1);
        mapping.Advise(MemoryAdvice.DontNeed);
        Assert.That(Statistics(mapping.Address)["Rss"], Is.EqualTo("0 kB"));
        mapping.Advise(MemoryAdvice.PopulateRead, Page, 2 * Page);
        Assert.That(Statistics(mapping.Address)["Rss"], Is.Not.EqualTo("0 kB"));
        Assert.That(mapping.Span.ContainsAnyExcept((byte)1), Is.False, "the content stays");

        mapping.Advise(MemoryAdvice.Remove, offset: 0, length: 2 * Page);
        Assert.That(mapping.Span.IndexOf((byte)1), Is.EqualTo(2 * Page), "the file has lost its pages");

        mapping.Advise(MemoryAdvice.WillNeed);
        mapping.Advise(MemoryAdvice.Cold);
        mapping.Advise(MemoryAdvice.PageOut);
        Assert.That(mapping.Span[2 * Page], Is.EqualTo(1));
    }

    [Test]
    public void Populating_allocates_or_reports_that_there_is_no_space()
    {
        _ = Namespaces.RunWithShm("size=1M", Populate, Name);

        static int Populate(string[] args)
        {
            using SharedMemoryObject created = SharedMemoryObject.Create(args[0], 2 << 20, preallocate: false);
            using MemoryMapping mapping = created.Map();
            mapping.Advise(MemoryAdvice.PopulateWrite, 0, 8 * Page);
            Assert.That(Statistics(mapping.Address)["Rss"], Is.EqualTo("32 kB"));
            Assert.That(
                () => mapping.Advise(MemoryAdvice.PopulateWrite), Throws.InstanceOf<IOException>().With.Message.Contains("full"));
            return 0;
        }
    }

    [Test]
    public void Collapse_moves_pages_into_a_huge_one()
    {
        const int Huge = 2 << 20;
        using SharedMemoryObject large = SharedMemoryObject.Create(NameOf("large"), Huge, preallocate: false);
        using MemoryMapping mapping = large.Map();
        mapping.Span[0] = 1;
        mapping.Advise(MemoryAdvice.Collapse);
        Assert.That(Statistics(mapping.Address)["ShmemPmdMapped"], Is.EqualTo("2048 kB"));
    }

    [Test]
    public void Locked_pages_are_counted_by_the_kernel()
    {
        using MemoryMapping mapping = _object.Map();
        mapping.LockInMemory(Page, 2 * Page);
        Assert.That(Statistics(mapping.Address + Page)["Locked"], Is.EqualTo("8 kB"));
        mapping.UnlockFromMemory();
        Assert.That(Statistics(mapping.Address)["Locked"], Is.EqualTo("0 kB"));
    }

    [Test]
    public void Lost_memory_reads_as_zeros_and_the_next_call_reports_it()
    {
        ChildProcess.Run(Touch, Name);

        static int Touch(string[] args)
        {
            using SharedMemoryObject opened = SharedMemoryObject.Open(args[0]);
            using MemoryMapping mapping = opened.Map(offset: 2 * Page, access: FileAccess.Read);
            mapping.Protect(FileAccess.ReadWrite);
            Span<byte> span = mapping.Span;
            span.Fill(1);
            Truncate(args[0], 4 * Page);

            Assert.That((span[0], span[2 * Page]), Is.EqualTo(((byte)1, (byte)0)));
            span[3 * Page] = 7; // the pages in place of the lost ones have the new protection
            Assert.That(
                () => mapping.Span.Length, Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains($"'{args[0]}'"));
            Assert.That(() => mapping.Read(0, new byte[1]), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => mapping.Advise(MemoryAdvice.Random), Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    [Test]
    public void Copy_of_lost_memory_is_reported_by_that_copy()
    {
        ChildProcess.Run(Copy, Name);

        static int Copy(string[] args)
        {
            using SharedMemoryObject opened = SharedMemoryObject.Open(args[0]);
            using MemoryMapping mapping = opened.Map();
            Truncate(args[0], Page);
            Assert.That(() => mapping.Read(0, new byte[8 * Page]), Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    [Test]
    public void Copies_go_in_and_out()
    {
        using MemoryMapping mapping = _object.Map();
        mapping.Write(Page - 1, s_text);
        byte[] read = new byte[3];
        mapping.Read(Page - 1, read);
        Assert.That(read, Is.EqualTo(s_text));
        Assert.That(mapping.AsReadOnlySpan(Page, 2).ToArray(), Is.EqualTo(s_text[1..]));
    }

    [Test]
    public async Task Memory_serves_asynchronous_calls_and_ends_with_the_mapping()
    {
        MemoryMapping mapping = _object.Map();
        Memory<byte> memory = mapping.Memory;
        using MemoryStream source = new(s_text);
        int count = await source.ReadAsync(memory);
        Assert.That((count, memory.Span[2]), Is.EqualTo((3, (byte)3)));
        mapping.Dispose();
        Assert.That(() => memory.Span[0], Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public unsafe void Pin_keeps_the_memory_and_every_other_use_after_the_disposal_is_refused()
    {
        MemoryMapping mapping = _object.Map();
        nint address = mapping.Address;
        MemoryHandle pin = mapping.Pin(5);
        mapping.Dispose();
        mapping.Dispose();
        ((byte*)pin.Pointer)[0] = 9;
        Assert.That((nint)pin.Pointer, Is.EqualTo(address + 5));
        Assert.That(Areas(address, 8 * Page), Has.Length.EqualTo(1));
        foreach (Action use in (Action[])
            [
                () => _ = mapping.Address, () => _ = mapping.Span, () => _ = mapping.ReadOnlySpan, () => _ = mapping.Memory,
                () => mapping.Pin(), () => mapping.Read(0, new byte[1]), () => mapping.Write(0, s_text),
                () => mapping.Protect(FileAccess.Read), () => mapping.Advise(MemoryAdvice.Random), () => mapping.LockInMemory(),
                () => mapping.UnlockFromMemory(), () => mapping.Flush(),
            ])
        {
            Assert.That(use, Throws.InstanceOf<ObjectDisposedException>());
        }

        pin.Dispose();
        pin.Dispose();
        Assert.That(Areas(address, 8 * Page), Is.Empty);
        using MemoryMapping again = _object.Map();
        Assert.That(again.Span[5], Is.EqualTo(9));
    }

    [Test]
    public void Mapping_outlives_its_object_and_leaves_nothing()
    {
        SharedMemoryObject opened = SharedMemoryObject.Open(Name);
        MemoryMapping mapping = opened.Map();
        opened.Dispose();
        mapping.Span.Fill(3);
        Assert.That((OwnProcess.CountDescriptors(ShmPath), OwnProcess.CountMappings(Name)), Is.EqualTo((1, 1)));
        mapping.Dispose();
        Assert.That((OwnProcess.CountDescriptors(ShmPath), OwnProcess.CountMappings(Name)), Is.EqualTo((0, 0)));
    }

    [Test]
    public void Mapping_is_used_while_another_thread_disposes_it()
    {
        using SharedMemoryObject opened = SharedMemoryObject.Open(Name);
        for (int round = 0; round < 200; round++)
        {
            MemoryMapping mapping = opened.Map();
            using Barrier start = new(2);
            Task reader = Task.Run(() =>
            {
                byte[] bytes = new byte[8 * Page];
                start.SignalAndWait();
                for (int i = 0; i < 100; i++)
                {
                    mapping.Read(0, bytes);
                }
            });
            start.SignalAndWait();
            mapping.Dispose();
            Exception? problem = reader.ContinueWith(static ended => ended.Exception?.InnerException, TaskScheduler.Default).Result;
            Assert.That(problem, Is.Null.Or.InstanceOf<ObjectDisposedException>());
        }

        Assert.That(OwnProcess.CountMappings(Name), Is.Zero);
    }

    [Test]
    public void Any_regular_file_can_be_mapped_and_flushed()
    {
        string path = Path.Combine(Folder, "file");
        File.WriteAllBytes(path, new byte[100]);
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        using MemoryMapping mapping = MemoryMapping.Create(handle);
        handle.Dispose();
        s_text.CopyTo(mapping.Span);
        mapping.Flush();
        Assert.That(File.ReadAllBytes(path)[..3], Is.EqualTo(s_text));
        Assert.That(File.ResolveLinkTarget(mapping.Name, returnFinalTarget: true)!.FullName, Is.EqualTo(path));

        Assert.That(() => MemoryMapping.Create(handle), Throws.InstanceOf<ObjectDisposedException>());
        using SafeFileHandle device = File.OpenHandle("/dev/zero");
        Assert.That(() => MemoryMapping.Create(device, length: Page), Throws.InstanceOf<InvalidDataException>());
        using SafeFileHandle readable = File.OpenHandle(path);
        Assert.That(() => MemoryMapping.Create(readable), Throws.InstanceOf<UnauthorizedAccessException>());
    }

    [Test]
    public void Mapping_above_2_GiB_is_used_in_parts()
    {
        const long Size = (1L << 32) + Page;
        using SharedMemoryObject large = SharedMemoryObject.Create(NameOf("large"), Size, preallocate: false);
        using MemoryMapping mapping = large.Map();
        mapping.AsSpan(Size - 3, 3).Fill(5);
        mapping.Write(1L << 32, s_text);
        Assert.That(() => mapping.Span.Length, Throws.InvalidOperationException.With.Message.Contains("AsSpan"));
        using MemoryMapping end = large.Map(offset: 1L << 32);
        Assert.That((end.Span[0], end.Span[Page - 1], mapping.Length), Is.EqualTo(((byte)1, (byte)5, Size)));
    }

    // The areas of /proc/self/maps in a range: addresses, access and offset.
    private static string[] Areas(nint address, long length)
        => [.. File.ReadLines("/proc/self/maps").Select(static line => Area().Match(line))
            .Where(area => Start(area) >= address && Start(area) < address + length)
            .Select(static area => $"{area.Groups[1].Value}-{area.Groups[2].Value} {area.Groups[3].Value} {area.Groups[4].Value}")];

    // The fields of /proc/self/smaps for the area that begins at an address.
    private static Dictionary<string, string> Statistics(nint address)
        => File.ReadLines("/proc/self/smaps")
            .SkipWhile(line => !line.StartsWith($"{address:x}-", StringComparison.Ordinal))
            .Skip(1)
            .TakeWhile(static line => !Area().IsMatch(line))
            .Select(static line => line.Split(':', 2))
            .ToDictionary(static field => field[0], static field => field[1].Trim());

    private static string[] Flags(MemoryMapping mapping) => Statistics(mapping.Address)["VmFlags"].Split(' ');

    private static nint Start(Match area) => (nint)ulong.Parse(area.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    [GeneratedRegex("^([0-9a-f]+)-([0-9a-f]+) (....) ([0-9a-f]+) ")]
    private static partial Regex Area();
}
