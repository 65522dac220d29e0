using System.Globalization;
using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>Writers of snapshots that die at any moment, one after the other, and readers in C# and C: no copy is torn unnoticed.</summary>
internal sealed class SnapshotStormTests : NamedTest
{
    // The adapted protocol in C, written from docs/FORMAT.md.
    private static readonly string s_source = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Fixtures", "Snapshot", "peer.c");

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    private static string s_folder = null!;

    /// <summary>Elements of the array of statistics, with the numbers that peer.c has.</summary>
    private enum Count
    {
        Stop,
        Published,
        DiedInside,
        Copies,
        Abandoned,
        Torn,
        Back,
        Late,
        Ready,
    }

    private static string Peer => Path.Combine(s_folder, "peer");

    [OneTimeSetUp]
    public static void Compile()
    {
        s_folder = Directory.CreateTempSubdirectory("posixshm-test-").FullName;
        _ = ChildProcess.Run("cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", Peer, s_source);
    }

    [OneTimeTearDown]
    public static void RemoveProgram() => Directory.Delete(s_folder, recursive: true);

    [TestCase(8, 2, 60)]
    [TestCase(512, 3, 60)]
    [TestCase(20_000, 5, 30)]
    public void Csharp_writers_that_are_killed_leave_no_torn_copy_unnoticed(int length, int readers, int kills)
    {
        SharedArray.Create<long>(NameOf("warm"), length).Dispose();
        SharedArray.Create<long>(NameOf("warm-statistics"), Enum.GetValues<Count>().Length).Dispose();
        using Storm storm = new(Name, length, readers);
        using ChildProcess writer = ChildProcess.Start(ForkServer.Environment, Serve, Name, NameOf("warm"));
        writer.Expect("READY");
        for (int kill = 0; storm.GoesOn(kill, kills); kill++)
        {
            storm.AwaitProgress();
            writer.Send("0");
            writer.Expect("KILLED");
            writer.Expect("READY");
        }

        writer.WaitForSuccess();
        storm.Finish(kills);

        static int Serve(string[] args) => ForkServer.Run(
            1,
            () => Write(args[1], 1000, dies: false, static () => { }),
            ready => Write(args[0], long.MaxValue, dies: true, ready));
    }

    [TestCase(8, 2, 60)]
    [TestCase(512, 3, 60)]
    [TestCase(20_000, 5, 30)]
    public void C_writers_that_die_at_every_step_leave_no_torn_copy_unnoticed(int length, int readers, int kills)
    {
        using Storm storm = new(Name, length, readers);
        for (int kill = 0; storm.GoesOn(kill, kills); kill++)
        {
            using ChildProcess writer = ChildProcess.Start(Peer, ShmPath, storm.StatisticsPath, "write", $"{kill + 1}");
            storm.AwaitProgress(() => writer.HasExited);
            writer.Kill();
            Assert.That(writer.WaitForExit(), Is.EqualTo(128 + 9), "the writer found another one, or its word overwritten");
        }

        storm.Finish(kills);
    }

    [Test]
    public void Each_language_detects_a_writer_of_the_other_and_its_death()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 100);
        using SharedArray<long> statistics = SharedArray.Create<long>(NameOf("statistics"), Enum.GetValues<Count>().Length);
        string counts = ShmPathOf(NameOf("statistics"));
        long[] read = new long[100];
        Assert.That(ChildProcess.Run(Peer, ShmPath, counts, "read-once"), Is.EqualTo("DONE 0 0\n"), "an array without a page");
        using (ChildProcess held = ChildProcess.Start(Peer, ShmPath, counts, "hold"))
        {
            held.Expect("HELD");
            Assert.That(array.TryReadSnapshot(read, out _), Is.False);
            Assert.That(() => array.Publish(read), Throws.InvalidOperationException);
            held.Send("END");
            held.WaitForSuccess();
        }

        Assert.That((array.ReadSnapshot(read), read[99]), Is.EqualTo((1UL, 42L)));
        Assert.That(ChildProcess.Run(Peer, ShmPath, counts, "read-once"), Is.EqualTo("DONE 1 42\n"));
        using (ChildProcess held = ChildProcess.Start(Peer, ShmPath, counts, "hold"))
        {
            held.Expect("HELD");
        }

        Assert.That(() => array.ReadSnapshot(read), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That(ChildProcess.Run(Peer, ShmPath, counts, "read-once"), Does.StartWith("ABANDONED"));
        Assert.That(array.Publish(7L, static (span, value) => span.Fill(value)), Is.EqualTo(3));
        Assert.That(ChildProcess.Run(Peer, ShmPath, counts, "read-once"), Is.EqualTo("DONE 3 7\n"));
        using ChildProcess inside = ChildProcess.Start(HoldInside, Name);
        inside.Expect("HELD");
        inside.Kill();
        Assert.That(ChildProcess.Run(Peer, ShmPath, counts, "read-once"), Does.StartWith("ABANDONED"));
    }

    [Test]
    public void Python_reads_whole_snapshots_with_the_code_of_the_page()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return; // The page says so: Python has no load barrier.
        }

        string code = Regions.Page("docs", "PYTHON.md").Split("```python\n").Skip(1)
            .Select(static block => block[..block.IndexOf("```", StringComparison.Ordinal)])
            .Single(static block => block.Contains("class Snapshots", StringComparison.Ordinal));
        using SharedArray<long> array = SharedArray.Create<long>(Name, 5000);
        using ChildProcess python = Python.Start(
            $$"""
            {{code}}
            reader = Snapshots(sys.argv[1])
            print("READY", flush=True)
            for line in sys.stdin:
                wanted, copies, torn, last = int(line), 0, 0, 0
                while copies < wanted:
                    try:
                        found = reader.read()
                    except RuntimeError:
                        found = None if wanted > 1 else "ABANDONED"
                    if found == "ABANDONED" or (found is None and wanted == 1):
                        print(found)
                        break
                    if found is not None:
                        copies += 1
                        torn += bool((found[0] != found[0][0]).any()) or found[1] < last
                        last = found[1]
                else:
                    print("READ", last if wanted == 1 else copies, torn)
            """,
            ShmPath);
        python.Expect("READY");
        Ask("1", "READ 0 0");
        _ = array.Publish(7L, static (span, value) => span.Fill(value));
        Ask("1", "READ 1 0");

        Task<string?> reading = Task.Run(() =>
        {
            python.Send("300");
            return python.ReadLine();
        });
        long published = 0;
        while (!reading.IsCompleted)
        {
            _ = array.Publish(++published, static (span, value) => span.Fill(value));
            Thread.SpinWait(20_000); // as long as a copy takes
        }

        Assert.That(reading.Result, Is.EqualTo("READ 300 0"));
        Assert.That(published, Is.Positive);
        using (ChildProcess inside = ChildProcess.Start(HoldInside, Name))
        {
            inside.Expect("HELD");
            Ask("1", "None");
        }

        Ask("1", "ABANDONED");
        python.WaitForSuccess();

        void Ask(string question, string answer)
        {
            python.Send(question);
            python.Expect(answer);
        }
    }

    [Test]
    public void Stopped_writer_is_alive()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 10);
        using SharedArray<long> statistics = SharedArray.Create<long>(NameOf("statistics"), Enum.GetValues<Count>().Length);
        using ChildProcess writer = ChildProcess.Start(Peer, ShmPath, ShmPathOf(NameOf("statistics")), "hold");
        writer.Expect("HELD");
        _ = ChildProcess.Run("kill", "-STOP", $"{writer.Id}");
        long[] read = new long[10];
        Assert.That(array.TryReadSnapshot(read, TimeSpan.FromMilliseconds(150), out _), Is.False);
        _ = ChildProcess.Run("kill", "-CONT", $"{writer.Id}");
        Task<ulong> waiting = Task.Run(() => array.ReadSnapshot(read));
        writer.Send("END");
        Assert.That(waiting.Wait(s_limit), Is.True);
        Assert.That((waiting.Result, read[0]), Is.EqualTo((1UL, 42L)));
    }

    private static int HoldInside(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        _ = array.Publish(0, static (_, _) =>
        {
            Console.WriteLine("HELD");
            _ = Console.ReadLine();
        });
        return 0;
    }

    // All elements of a publication are one number, which grows. The first element is stored first, so it is never behind the others.
    private static void Write(string name, long rounds, bool dies, Action ready)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(name);
        using SharedArray<long> statistics = SharedArray.Attach<long>($"{name}-statistics");
        long[] elements = new long[array.Length];
        Random random = new(Mono.Unix.Native.Syscall.getpid());
        ready();
        for (long round = 0; round < rounds; round++)
        {
            long value = array[0] + 1;
            if (random.Next(2) == 0)
            {
                Array.Fill(elements, value);
                _ = array.Publish(elements);
            }
            else
            {
                bool diesInside = dies && random.Next(100) == 0;
                _ = array.Publish((value, diesInside, statistics), Store);
            }

            Add(statistics, Count.Published);
            Thread.SpinWait(random.Next(4) == 0 ? 2000 : 10);
        }

        static void Store(Span<long> elements, (long Value, bool Dies, SharedArray<long> Statistics) state)
        {
            for (int i = 0; i < elements.Length; i++)
            {
                if (i == elements.Length / 2 && state.Dies)
                {
                    Add(state.Statistics, Count.DiedInside);
                    _ = Mono.Unix.Native.Syscall.kill(Mono.Unix.Native.Syscall.getpid(), Mono.Unix.Native.Signum.SIGKILL);
                }

                elements[i] = state.Value;
            }
        }
    }

    private static void Add(SharedArray<long> statistics, Count count) => _ = Interlocked.Increment(ref statistics[(int)count]);

    private static int ReadShared(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        return Read(args[0], array);
    }

    private static int ReadReadOnly(string[] args)
    {
        using ReadOnlySharedArray<long> array = SharedArray.AttachReadOnly<long>(args[0]);
        return Read(args[0], array);
    }

    private static int ReadPrivate(string[] args)
    {
        using SharedArray<long> array = SharedArray.AttachCopyOnWrite<long>(args[0]);
        array.Fill(-1);
        return Read(args[0], array);
    }

    private static int Read(string name, TypedSharedArray<long> array)
    {
        using SharedArray<long> statistics = SharedArray.Attach<long>($"{name}-statistics");
        long[] copy = new long[array.Length];
        (ulong lastSequence, long lastValue) = (0, 0);
        Add(statistics, Count.Ready);
        while (Volatile.Read(ref statistics[(int)Count.Stop]) == 0)
        {
            uint changes = array.ChangeCounter.Count;
            try
            {
                if (!array.TryReadSnapshot(copy, s_limit, out ulong sequence))
                {
                    Add(statistics, Count.Late);
                    continue;
                }

                bool isTorn = copy.AsSpan().ContainsAnyExcept(copy[0])
                    || (sequence == lastSequence && copy[0] != lastValue && lastSequence != 0);
                _ = isTorn ? Interlocked.Increment(ref statistics[(int)Count.Torn]) : 0;
                _ = sequence < lastSequence || copy[0] < lastValue ? Interlocked.Increment(ref statistics[(int)Count.Back]) : 0;
                (lastSequence, lastValue) = (sequence, copy[0]);
                Add(statistics, Count.Copies);
            }
            catch (AbandonedMutexException)
            {
                // The next writer signals.
                Add(statistics, Count.Abandoned);
                _ = array.ChangeCounter.TryWait(changes, TimeSpan.FromMilliseconds(1), out _);
            }
        }

        return 0;
    }

    /// <summary>The array, its statistics and its readers: of each kind in turn.</summary>
    private sealed class Storm : IDisposable
    {
        private static readonly Func<string[], int>[] s_kinds = [ReadReadOnly, ReadShared, ReadPrivate];

        private readonly SharedArray<long> _array;
        private readonly SharedArray<long> _statistics;
        private readonly List<ChildProcess> _readers = [];
        private readonly Random _random = new(3);
        private readonly int _length;

        // The counts at the end of the last wait, before the writer of that time was killed.
        private long _died;
        private long _abandoned;

        public Storm(string name, int length, int readers)
        {
            _length = length;
            _array = SharedArray.Create<long>(name, length);
            _statistics = SharedArray.Create<long>($"{name}-statistics", Enum.GetValues<Count>().Length);
            for (int i = 0; i < readers; i++)
            {
                _readers.Add(i % 2 == 1
                    ? ChildProcess.Start(Peer, ShmPathOf(name), StatisticsPath, "read")
                    : ChildProcess.Start(s_kinds[i / 2 % s_kinds.Length], name));
            }

            Await(() => this[Count.Ready] == readers, "the readers");
        }

        public string StatisticsPath => ShmPathOf(_statistics.Name);

        private long this[Count count] => Volatile.Read(ref _statistics[(int)count]);

        /// <summary>Returns whether another writer is to be killed. After the last one, only if no reader has met a death so far.</summary>
        public bool GoesOn(int kill, int kills) => kill < kills || (this[Count.Abandoned] == 0 && kill < 100 * kills);

        /// <summary>Waits until the writer has published a few times, or has died inside and a reader was told so.</summary>
        public void AwaitProgress(Func<bool>? hasEnded = null)
        {
            long published = this[Count.Published] + _random.Next(20);
            Await(
                () => this[Count.Published] > published
                    || (this[Count.DiedInside] > _died && this[Count.Abandoned] > _abandoned)
                    || hasEnded?.Invoke() == true,
                "the writer, or the report of its death");
            (_died, _abandoned) = (this[Count.DiedInside], this[Count.Abandoned]);
            Thread.SpinWait(_random.Next(2000));
        }

        public void Finish(int kills)
        {
            // A writer that may not have died in between is followed by one that is done.
            long copies = this[Count.Copies];
            _ = _array.Publish(_array[0] + 1, static (span, value) => span.Fill(value));
            Await(() => this[Count.Copies] >= copies + _readers.Count, "copies after the last death");
            Volatile.Write(ref _statistics[(int)Count.Stop], 1);
            _readers.ForEach(static reader => reader.WaitForSuccess());
            TestContext.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{_length} elements, {_readers.Count} readers, {kills} writers killed, {this[Count.DiedInside]} at a step inside; "
                + $"{this[Count.Published]} published, {this[Count.Copies]} copies, {this[Count.Abandoned]} times told abandoned."));
            Assert.That((this[Count.Torn], this[Count.Back], this[Count.Late]), Is.EqualTo((0, 0, 0)), "torn, back, late");
            Assert.That(this[Count.Abandoned], Is.Positive, "no reader met a death");
        }

        public void Dispose()
        {
            _readers.ForEach(static reader => reader.Dispose());
            _array.Dispose();
            _statistics.Dispose();
        }

        private static void Await(Func<bool> condition, string what)
        {
            long end = Environment.TickCount64 + (long)s_limit.TotalMilliseconds;
            while (!condition())
            {
                Assert.That(Environment.TickCount64, Is.LessThan(end), what);
                _ = Thread.Yield();
            }
        }
    }
}
