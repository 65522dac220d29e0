using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Any bytes in place of a control page are used by its rules, or refused. Nothing else is stored or touched.</summary>
internal sealed class HostilePageTests : NamedTest
{
    private const int Page = 4096;
    private const int PageEnd = 8192;

    private static readonly byte[] s_word = [2, 0, 0x50, 0x53, 0x48, 0x4D, 2, 1];

    [TestCase(1)]
    [TestCase(2)]
    public void Any_page_is_used_within_its_bounds_or_refused(int seed)
    {
        using ChildProcess child = ChildProcess.Start(Attach, Name, $"{seed}");
        child.WaitForSuccess();
        TestContext.Out.WriteLine(child.Output);
        Assert.That(child.Output, Does.Contain("True,").And.Contain("False,"), "some files are used, and some are refused");
    }

    [TestCase(0, 1)]
    [TestCase(0x1F_FFFF, 0)]
    [TestCase(int.MaxValue, 0)]
    [TestCase(int.MinValue, 1)]
    [TestCase(-1, 0)]
    public void Slot_is_taken_whatever_number_is_in_it(int stored, int generation)
    {
        SharedArray.Create(Name, 10).Dispose();
        byte[] file = [.. File.ReadAllBytes(ShmPath), .. new byte[PageEnd - 208]];
        s_word.CopyTo(file, Page);
        for (int place = Page + 256; place < Page + 2048; place += 4)
        {
            _ = BitConverter.TryWriteBytes(file.AsSpan(place), stored);
        }

        File.WriteAllBytes(ShmPath, file);
        using SharedArray<double> array = SharedArray.Attach(Name);
        using SharedArray<double> other = SharedArray.Attach(Name);
        using (array.Lock.EnterScope())
        {
            Assert.That((array.Lock.State, other.Lock.State), Is.EqualTo((SharedLockState.Held, SharedLockState.Held)));
            int slot = other.Lock.OwnerSlot;
            file = File.ReadAllBytes(ShmPath);
            Assert.That(BitConverter.ToInt32(file, Page + 252 + (4 * slot)), Is.EqualTo(generation));
            Assert.That(BitConverter.ToInt32(file, Page + LockWords.First), Is.EqualTo(slot | (generation << 9)));
        }
    }

    // Runs in a separate process, which any access to other memory ends.
    private static int Attach(string[] args)
    {
        string path = ShmPathOf(args[0]);
        Random random = new(int.Parse(args[1], CultureInfo.InvariantCulture));
        string fixtures = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Fixtures", "ControlPage");
        IEnumerable<string> files = Directory.GetFiles(fixtures, "*.npy").Order(StringComparer.Ordinal);

        // The file of version 1 is left out because its header is longer.
        byte[][] corpus = [.. files.Select(File.ReadAllBytes).Where(static file => BitConverter.ToUInt16(file, 8) == 118)];
        Dictionary<(bool IsUsed, int Locks), int> outcomes = [];
        for (int i = 0; i < 500; i++)
        {
            byte[] before = Mutate(corpus[random.Next(corpus.Length)], random);
            File.Delete(path);
            File.WriteAllBytes(path, before);
            Read(args[0], before);
            bool isUsed = Use(args[0], before, out int locks);
            Check(before, File.ReadAllBytes(path), isUsed, locks);
            outcomes[(isUsed, locks)] = outcomes.GetValueOrDefault((isUsed, locks)) + 1;
        }

        foreach ((bool isUsed, int locks) in outcomes.Keys)
        {
            Console.WriteLine($"{isUsed}, {locks} locks: {outcomes[(isUsed, locks)]}");
        }

        return 0;
    }

    // Changes the word, the count, a feature, a slot or a lock; writes zeros; and changes the size.
    private static byte[] Mutate(byte[] fixture, Random random)
    {
        int size = random.Next(4) switch
        {
            0 => random.Next(208, PageEnd + 300),
            1 => PageEnd + (64 * random.Next(100)),
            _ => fixture.Length,
        };
        byte[] file = new byte[size];
        fixture.AsSpan(0, Math.Min(fixture.Length, size)).CopyTo(file);
        for (int changes = random.Next(5); changes > 0; changes--)
        {
            (int place, int value) = random.Next(8) switch
            {
                0 => (Page, random.Next(3)),
                1 => (Page + 8, random.Next(2) == 0 ? random.Next(-3, 130) : random.Next(int.MinValue, int.MaxValue)),
                2 => (Page + 12, 1 << random.Next(32)),
                3 => (Page + 256 + (4 * random.Next(448)), random.Next(int.MinValue, int.MaxValue)),
                4 => (Page + 2048 + (4 * random.Next(2)), random.Next(int.MinValue, int.MaxValue)),
                5 => (Page + LockWords.First + (LockWords.Step * random.Next(31)), random.Next(int.MinValue, int.MaxValue)),
                6 => (random.Next(208, size), random.Next(int.MinValue, int.MaxValue)),
                _ => (PageEnd + (64 * random.Next(40)), random.Next(int.MinValue, int.MaxValue)),
            };
            if (place + 4 <= size)
            {
                _ = BitConverter.TryWriteBytes(file.AsSpan(place), value);
            }
        }

        if (size >= PageEnd && random.Next(2) == 0)
        {
            s_word.CopyTo(file, Page);
        }

        return file;
    }

    // Readers never store.
    private static void Read(string name, byte[] file)
    {
        foreach (bool isCopy in (bool[])[false, true])
        {
            using UntypedSharedArray array = isCopy
                ? SharedArray.AttachCopyOnWrite<double>(name)
                : SharedArray.AttachUntyped(name, SharedArrayAccess.ReadOnly);
            foreach (SharedLock shared in array.Locks)
            {
                Assert.That(shared.OwnerSlot, Is.InRange(0, 511));
                Assert.That(Enum.IsDefined(shared.State));
                Assert.That(() => shared.TryEnter(), Throws.InvalidOperationException);
            }

            _ = array.Locks.Count > 0 ? array.ChangeCounter.TryWait(array.ChangeCounter.Count, TimeSpan.Zero, out _) : false;
        }

        Assert.That(File.ReadAllBytes(ShmPathOf(name)), Is.EqualTo(file));
    }

    // Returns whether this process may store. If so, each lock is entered, repaired if it is abandoned, and left free.
    private static bool Use(string name, byte[] before, out int locks)
    {
        using SharedArray<double> array = SharedArray.Attach(name);
        locks = array.Locks.Count;
        if (locks == 0)
        {
            Assert.That(() => array.ChangeCounter.Signal(), Throws.InvalidOperationException);
            return false;
        }

        try
        {
            // An incomplete page is not read. It is the start of the page once the file is extended.
            uint count = BitConverter.ToUInt32([.. before, .. new byte[PageEnd]], Page + 2048);
            Assert.That(array.ChangeCounter.Count, Is.EqualTo(before.Length < PageEnd ? 0 : count));
            Assert.That(array.ChangeCounter.Signal(), Is.EqualTo(unchecked(count + 1)));
        }
        catch (InvalidOperationException)
        {
            Assert.That(() => array.Lock.TryEnter(), Throws.InvalidOperationException);
            return false;
        }

        foreach (SharedLock shared in array.Locks)
        {
            using (SharedLock.RecoveryScope scope = shared.EnterRecovery())
            {
                scope.MarkConsistent();
            }

            Assert.That(shared.State, Is.EqualTo(SharedLockState.Free));
        }

        return true;
    }

    // Elements and bytes behind the locks never change. A refused file does not change, except that an incomplete page is extended.
    private static void Check(byte[] before, byte[] after, bool isUsed, int locks)
    {
        if (!isUsed)
        {
            bool isCut = before.Length < PageEnd && before.AsSpan(Math.Min(Page, before.Length)).StartsWith(s_word);
            Assert.That(after, Is.EqualTo(isCut ? [.. before, .. new byte[PageEnd - before.Length]] : before));
            return;
        }

        Assert.That(after.AsSpan(0, 208).SequenceEqual(before.AsSpan(0, 208)), Is.True, "elements");
        Assert.That(after.AsSpan(Page, 8).SequenceEqual(s_word), Is.True, "word");
        bool isBehind = before.Length > PageEnd && BitConverter.ToInt32(before, Page + 8) == locks;
        int locksEnd = isBehind ? PageEnd + (64 * locks) : PageEnd;
        Assert.That(locksEnd, Is.LessThanOrEqualTo(after.Length));
        Assert.That(after.AsSpan(locksEnd).SequenceEqual(before.AsSpan(Math.Min(locksEnd, before.Length))), Is.True, "what lies behind");
    }
}
