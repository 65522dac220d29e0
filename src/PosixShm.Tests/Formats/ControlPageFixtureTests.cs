using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using PosixShm.Native;
using PosixShm.Segments;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>The golden files of the control page, one for each state: this library and Python read the states of the manifest.</summary>
internal sealed class ControlPageFixtureTests : NamedTest
{
    private static readonly string s_directory = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Fixtures", "ControlPage");

    // The message of the library for each reason of the manifest.
    private static readonly Dictionary<string, string> s_reasons = new()
    {
        ["foreign"] = "bytes of another program follow its elements",
        ["version-1"] = "version 1 of the control page",
        ["byte-order"] = "a machine of the other byte order",
        ["newer-version"] = "its control page has version 3, and this library reads version 2",
        ["newer-features"] = "a newer version of this library made its control page",
        ["cut-locks"] = "the locks behind its control page are not all in the file",
    };

    private static readonly JsonSerializerOptions s_json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter<SharedLockState>(JsonNamingPolicy.CamelCase) },
    };

    private static readonly Dictionary<string, Func<string, UntypedSharedArray>> s_attachments = new()
    {
        ["read and write"] = static name => SharedArray.Attach(name),
        ["read only"] = static name => SharedArray.AttachReadOnly<double>(name),
        ["private copy"] = static name => SharedArray.AttachCopyOnWrite<double>(name),
    };

    private static IEnumerable<Fixture> All { get; } =
        JsonSerializer.Deserialize<Fixture[]>(File.ReadAllText(Path.Combine(s_directory, "manifest.json")), s_json)!;

    // Files whose first lock names an owner, and files whose owner can be alive.
    private static IEnumerable<Fixture> Owned => All.Where(static fixture => fixture.Slot > 0);

    private static IEnumerable<Fixture> Held => All.Where(static fixture => fixture.Living == SharedLockState.Held);

    private static IEnumerable<Fixture> Streams => All.Where(static fixture => fixture.Newest > 0);

    private static IEnumerable<string> Attachments => s_attachments.Keys;

    [Test]
    public void Every_attachment_reads_what_the_manifest_has_and_stores_nothing(
        [ValueSource(nameof(All))] Fixture fixture, [ValueSource(nameof(Attachments))] string attachment)
    {
        Copy(fixture);
        using (UntypedSharedArray array = s_attachments[attachment](Name))
        {
            Assert.That(array.Length, Is.EqualTo(10));
            Assert.That((array.GetValue(0), array.GetValue(9)), Is.EqualTo((0.5, 9.5)));
            ExpectPage(array, fixture, fixture.First);
            if (fixture.Slot > 0)
            {
                using FileStream owner = LockSlot(fixture.Slot);
                ExpectPage(array, fixture, fixture.Living);
            }

            if (fixture.Writer > 0)
            {
                using FileStream writer = LockSlot(fixture.Writer);
                Assert.That(((TypedSharedArray<double>)array).TryReadSnapshot(new double[10], out _), Is.False);
            }
        }

        Assert.That(File.ReadAllBytes(ShmPath), Is.EqualTo(File.ReadAllBytes(PathOf(fixture))));
    }

    [TestCaseSource(nameof(Owned))]
    [SuppressMessage("Reliability", "CA2000", Justification = "The descriptor is borrowed from the stream.")]
    public void Shared_lock_on_the_slot_of_a_dead_owner_proves_nothing(Fixture fixture)
    {
        Copy(fixture);
        using FileStream file = File.OpenRead(ShmPath);
        Assert.That(
            Interop.LockByte(
                new Descriptor(file.SafeFileHandle.DangerousGetHandle()),
                SegmentFile.InUseByte + fixture.Slot,
                Interop.ByteLock.LOCK_SHARED),
            Is.Zero);
        using ReadOnlySharedArray<double> array = SharedArray.AttachReadOnly<double>(Name);
        ExpectPage(array, fixture, fixture.First);
    }

    [TestCaseSource(nameof(All))]
    public void Writer_uses_the_page_or_adds_it_or_stores_nothing(Fixture fixture)
    {
        Copy(fixture);
        using SharedArray<double> array = SharedArray.Attach(Name);
        using ReadOnlySharedArray<double> reader = SharedArray.AttachReadOnly<double>(Name);
        if (fixture.ReasonAgainstStores is string reason)
        {
            Assert.That(() => array.ChangeCounter.Signal(), Throws.InvalidOperationException.With.Message.Contains(reason));
            Assert.That(() => array.Lock.Enter(), Throws.InvalidOperationException.With.Message.Contains(reason));
            Assert.That(() => array.Lock.EnterRecovery(), Throws.InvalidOperationException.With.Message.Contains(reason));
            Assert.That(() => array.Publish(array.ToArray()), Throws.InvalidOperationException.With.Message.Contains(reason));
            Assert.That(File.ReadAllBytes(ShmPath), Is.EqualTo(File.ReadAllBytes(PathOf(fixture))));
            return;
        }

        uint changes = unchecked(fixture.Changes + 1);
        Assert.That((array.ChangeCounter.Signal(), reader.ChangeCounter.Count), Is.EqualTo((changes, changes)));
        if (fixture.First == SharedLockState.Free)
        {
            using (array.Lock.EnterScope())
            {
                Assert.That((array.Lock.State, reader.Lock.State), Is.EqualTo((SharedLockState.Held, SharedLockState.Held)));
            }
        }
        else
        {
            Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<AbandonedMutexException>());
            using SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery();
            Assert.That((recovery.WasAbandoned, reader.Lock.State), Is.EqualTo((true, SharedLockState.Held)));
            recovery.MarkConsistent();
        }

        Assert.That((array.Lock.State, reader.Lock.State), Is.EqualTo((SharedLockState.Free, SharedLockState.Free)));

        // The abandoned publications have the number 6.
        string last = fixture.Snapshot == "abandoned" ? "6" : fixture.Snapshot ?? "0";
        ulong number = ulong.Parse(last, CultureInfo.InvariantCulture) + 1;
        Assert.That((array.Publish(array.ToArray()), reader.ReadSnapshot(new double[10])), Is.EqualTo((number, number)));
        byte[] before = File.ReadAllBytes(PathOf(fixture));
        byte[] after = File.ReadAllBytes(ShmPath);
        Assert.That(after, Has.Length.EqualTo(Math.Max(before.Length, 8192)));
        Assert.That(after.AsSpan(4096, 8).ToArray(), Is.EqualTo(new byte[] { 2, 0, 0x50, 0x53, 0x48, 0x4D, 2, 1 }));
        Assert.That(after[..208], Is.EqualTo(before[..208]));
    }

    [TestCaseSource(nameof(Held))]
    public void Living_owner_excludes_a_writer(Fixture fixture)
    {
        Copy(fixture);
        using FileStream owner = LockSlot(fixture.Slot);
        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That(array.Lock.TryEnter(TimeSpan.FromMilliseconds(1)), Is.False);
        owner.Dispose();
        Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<AbandonedMutexException>());
    }

    // A frame is one element, and there are ten slots.
    [TestCaseSource(nameof(Streams))]
    public void Stream_has_the_frames_of_the_manifest_and_a_writer_continues_it(Fixture fixture)
    {
        Copy(fixture);
        using SharedFrames<double> stream = SharedFrames.Attach<double>(Name);
        using SharedFrames<double> readOnly = SharedFrames.AttachReadOnly<double>(Name);
        double[] copy = new double[1];
        Assert.That((stream.NewestNumber, stream.HasWriter), Is.EqualTo((fixture.Newest, false)));
        Assert.That((readOnly.OpenReader().TryReadNewest(copy, out long number), number), Is.EqualTo((true, fixture.Newest)));
        Assert.That(copy[0], Is.EqualTo((fixture.Newest % 10) + 0.5));
        using (LockSlot(fixture.Streamer))
        {
            Assert.That((stream.HasWriter, readOnly.HasWriter), Is.EqualTo((true, true)));
            Assert.That(() => stream.OpenWriter(), Throws.InstanceOf<IOException>().With.Message.Contains($"slot {fixture.Streamer}"));
        }

        using FrameWriter<double> writer = stream.OpenWriter();
        Assert.That(writer.Publish([1]), Is.EqualTo(fixture.Newest + 1));
    }

    [Test]
    public void Reader_in_Python_sees_the_same()
    {
        string[] files = [.. All.Select(PathOf)];
        Assert.That(ReadInPython(files), Is.EqualTo(All.Select(static fixture => fixture.ToSeen(fixture.First))));

        foreach (Fixture fixture in Owned)
        {
            Copy(fixture);
            using FileStream owner = LockSlot(fixture.Slot);
            Assert.That(ReadInPython([ShmPath]), Is.EqualTo(new[] { fixture.ToSeen(fixture.Living) with { File = Name } }));
            File.Delete(ShmPath);
        }

        foreach (Fixture fixture in All.Where(static fixture => fixture.Writer > 0))
        {
            Copy(fixture);
            using FileStream writer = LockSlot(fixture.Writer);
            Assert.That(
                ReadInPython([ShmPath]),
                Is.EqualTo(new[] { fixture.ToSeen(fixture.First) with { File = Name, Snapshot = "busy" } }));
            File.Delete(ShmPath);
        }
    }

    [Test]
    public void Script_makes_exactly_the_files()
    {
        _ = ChildProcess.Run(Python.Interpreter, Path.Combine(s_directory, "make.py"), Folder);
        string?[] names = [.. Directory.GetFiles(s_directory).Select(Path.GetFileName)];
        Assert.That(Directory.GetFiles(Folder).Select(Path.GetFileName).Concat(["make.py", "read.py"]), Is.EquivalentTo(names));
        Assert.That(All.Select(static fixture => fixture.File).Concat(["make.py", "manifest.json", "read.py"]), Is.EquivalentTo(names));
        foreach (string made in Directory.GetFiles(Folder))
        {
            Assert.That(File.ReadAllBytes(made), Is.EqualTo(File.ReadAllBytes(Path.Combine(s_directory, Path.GetFileName(made)))), made);
        }
    }

    private static string PathOf(Fixture fixture) => Path.Combine(s_directory, fixture.File);

    private static Seen[] ReadInPython(string[] files)
        => [.. ChildProcess.Run(Python.Interpreter, [Path.Combine(s_directory, "read.py"), .. files]).TrimEnd().Split('\n')
            .Select(static line => JsonSerializer.Deserialize<Seen>(line, s_json)!)];

    private static void ExpectPage(UntypedSharedArray array, Fixture fixture, SharedLockState? first)
    {
        if (fixture.Reason is not null)
        {
            string reason = s_reasons[fixture.Reason];
            Assert.That(array.Locks, Is.Empty);
            Assert.That(() => array.Lock, Throws.InvalidOperationException.With.Message.Contains(reason).And.Message.Contains(array.Name));
            Assert.That(() => array.ChangeCounter, Throws.InvalidOperationException.With.Message.Contains(reason));
            Assert.That(() => ReadSnapshot(array), Throws.InvalidOperationException.With.Message.Contains(reason));
            return;
        }

        SharedLockState[] states = [.. array.Locks.Select(static shared => shared.State)];
        Assert.That((states.Length, states[0], states[^1]), Is.EqualTo((fixture.Locks, first, fixture.Last)));
        Assert.That(array.ChangeCounter.Count, Is.EqualTo(fixture.Changes));
        Assert.That(states[1..^1], Is.All.EqualTo(SharedLockState.Free));
        Assert.That(array.Lock.OwnerSlot, Is.EqualTo(fixture.Slot));
        Assert.That(ReadSnapshot(array), Is.EqualTo(fixture.Snapshot ?? "0"));
    }

    private static string ReadSnapshot(UntypedSharedArray array)
    {
        try
        {
            ulong number = ((TypedSharedArray<double>)array).ReadSnapshot(new double[10]);
            return number.ToString(CultureInfo.InvariantCulture);
        }
        catch (AbandonedMutexException)
        {
            return "abandoned";
        }
    }

    // An attachment that owns locks has a separate open file.
    [SuppressMessage("Reliability", "CA2000", Justification = "The descriptor is borrowed from the stream.")]
    private FileStream LockSlot(int slot)
    {
        FileStream file = new(ShmPath, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Assert.That(
            Interop.LockByte(
                new Descriptor(file.SafeFileHandle.DangerousGetHandle()), SegmentFile.InUseByte + slot, Interop.ByteLock.LOCK_EXCLUSIVE),
            Is.Zero);
        return file;
    }

    private void Copy(Fixture fixture) => File.Copy(PathOf(fixture), ShmPath);

    /// <summary>What a reader sees in one file.</summary>
    internal sealed record Seen(
        string File,
        int Locks,
        SharedLockState? First,
        SharedLockState? Last,
        uint Changes,
        long Newest,
        int Streamer,
        string? Reason,
        string? Snapshot);

    /// <summary>One entry of the manifest.</summary>
    internal readonly record struct Fixture(
        string File,
        int Locks,
        SharedLockState? First,
        SharedLockState? Last,
        uint Changes,
        JsonElement? Store,
        int Slot,
        SharedLockState? Living,
        string? Snapshot,
        long Newest,
        int Streamer,
        int Writer,
        string? Reason)
    {
        public string? ReasonAgainstStores => Reason is not null ? s_reasons[Reason]
            : Store is { ValueKind: JsonValueKind.String } key ? s_reasons[key.GetString()!]
            : null;

        public Seen ToSeen(SharedLockState? first) => new(File, Locks, first, Last, Changes, Newest, Streamer, Reason, Snapshot);

        public override string ToString() => Path.GetFileNameWithoutExtension(File);
    }
}
