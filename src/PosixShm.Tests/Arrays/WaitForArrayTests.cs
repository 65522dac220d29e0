namespace PosixShm.Tests;

/// <summary>Consumers that start before the creator of their array.</summary>
internal sealed class WaitForArrayTests : NamedTest
{
    private const string Infinite = "-1";

    [TestCase("link")]
    [TestCase("rename")]
    [TestCase("in place")]
    [TestCase("in pieces")]
    public void A_consumer_that_starts_first_attaches_when_the_array_is_whole(string way)
    {
        using ChildProcess consumer = ChildProcess.Start(Consume, Name, Infinite);
        WaitUntilWatching(consumer.Id);
        string other = NameOf("other");
        SharedArray.Create(other, ArrayContent.Filled(42, 1000)).Dispose();
        Assert.That(consumer.HasExited, Is.False);
        switch (way)
        {
            case "link":
                SharedArray.Create(Name, ArrayContent.Filled(42, 1000)).Dispose();
                break;
            case "rename":
                File.Move(ShmPathOf(other), ShmPath);
                break;
            case "in place":
                _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.full(1000, 42, 'i4'))", ShmPath);
                break;
            default:
                byte[] bytes = File.ReadAllBytes(ShmPathOf(other));
                using (FileStream file = new(ShmPath, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))
                {
                    foreach (byte[] piece in bytes.Chunk(100))
                    {
                        file.Write(piece);
                    }

                    // The file is not closed yet.
                    consumer.Expect("42");
                }

                consumer.WaitForSuccess();
                return;
        }

        consumer.Expect("42");
        consumer.WaitForSuccess();
    }

    [Test]
    public void A_file_array_in_another_directory_is_waited_for()
    {
        string name = $"file://{Folder}/größe.npy";
        using ChildProcess consumer = ChildProcess.Start(Consume, name, Infinite);
        WaitUntilWatching(consumer.Id);
        SharedArray.Create(name, ArrayContent.Filled(42, 3)).Dispose();
        consumer.Expect("42");
        consumer.WaitForSuccess();
    }

    [Test]
    public async Task The_asynchronous_forms_attach_when_the_array_is_there()
    {
        Task<SharedArray<int>> waiting = SharedArray.AttachAsync<int>(Name, Timeout.InfiniteTimeSpan);
        Task<ReadOnlySharedArray<int>> reading = SharedArray.AttachReadOnlyAsync<int>(Name, Timeout.InfiniteTimeSpan);
        Assert.That((waiting.IsCompleted, reading.IsCompleted), Is.EqualTo((false, false)));
        SharedArray.Create(Name, ArrayContent.Filled(42, 3)).Dispose();
        using SharedArray<int> array = await waiting.WaitAsync(TimeSpan.FromMinutes(5));
        using ReadOnlySharedArray<int> view = await reading.WaitAsync(TimeSpan.FromMinutes(5));
        Assert.That((array[2], view[2]), Is.EqualTo((42, 42)));
    }

    [Test]
    public void An_array_that_exists_needs_no_watch()
    {
        SharedArray.Create(Name, ArrayContent.Filled(42, 3)).Dispose();
        using ChildProcess consumer = ChildProcess.Start([(FailingShim.FailAt, "inotify_init:24")], Consume, Name, "0");
        consumer.Expect("42");
        consumer.WaitForSuccess();
    }

    [TestCase(0)]
    [TestCase(50)]
    public void The_end_of_the_time_is_an_exception_with_the_reason(int milliseconds)
    {
        TimeSpan timeout = TimeSpan.FromMilliseconds(milliseconds);
        Assert.That(
            () => SharedArray.Attach<int>(Name, timeout),
            Throws.TypeOf<TimeoutException>().With.InnerException.TypeOf<FileNotFoundException>().And.Message.Contains(Name));
        File.WriteAllText(ShmPath, "no array");
        Assert.That(
            () => SharedArray.AttachReadOnly<int>(Name, timeout),
            Throws.TypeOf<TimeoutException>().With.InnerException.TypeOf<InvalidDataException>());
        Assert.That(() => SharedArray.Attach<int>(Name, TimeSpan.FromMilliseconds(-2)), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void An_array_of_another_type_is_refused_at_once()
    {
        SharedArray.Create<double>(Name, 3).Dispose();
        Assert.That(
            () => SharedArray.Attach<int>(Name, Timeout.InfiniteTimeSpan),
            Throws.TypeOf<InvalidDataException>().With.Message.Contains("<f8"));
    }

    [Test]
    public void A_cancelled_wait_ends_and_leaves_no_watch()
    {
        using ChildProcess consumer = ChildProcess.Start(Cancel, Name);
        WaitUntilWatching(consumer.Id);
        consumer.Send("CANCEL");
        consumer.Expect("CANCELLED");
        Assert.That(Watches(consumer.Id), Is.Zero);
        consumer.WaitForSuccess();

        static int Cancel(string[] args)
        {
            using CancellationTokenSource source = new();
            Task<SharedArray<int>> waiting = SharedArray.AttachAsync<int>(args[0], Timeout.InfiniteTimeSpan, cancellation: source.Token);
            _ = Console.ReadLine();
            source.Cancel();
            Assert.That(async () => await waiting, Throws.InstanceOf<OperationCanceledException>());
            Console.WriteLine("CANCELLED");
            _ = Console.ReadLine();
            return 0;
        }
    }

    [Test]
    public void A_missing_directory_is_not_waited_for()
    {
        Assert.That(
            () => SharedArray.Attach<int>($"file://{Folder}/none/a.npy", Timeout.InfiniteTimeSpan),
            Throws.TypeOf<FileNotFoundException>().With.Message.Contains("There is no directory"));
        string folder = Directory.CreateDirectory(Path.Combine(Folder, "deleted")).FullName;
        using ChildProcess consumer = ChildProcess.Start(Consume, $"file://{folder}/a.npy", Infinite);
        WaitUntilWatching(consumer.Id);
        Directory.Delete(folder);
        consumer.Expect("FileNotFoundException");
        consumer.WaitForSuccess();
    }

    [TestCase("inotify_add_watch:28", "max_user_watches")]
    [TestCase("inotify_init:24", "max_user_instances")]
    public void A_lack_of_watches_is_an_error_that_names_the_limit(string fault, string limit)
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], Attach, Name, limit);
        child.WaitForSuccess();

        static int Attach(string[] args)
        {
            Assert.That(
                () => SharedArray.Attach<int>(args[0], Timeout.InfiniteTimeSpan),
                Throws.TypeOf<IOException>().With.Message.Contains(args[1]));
            Assert.That(Watches(Environment.ProcessId), Is.Zero);
            return 0;
        }
    }

    private static int Consume(string[] args)
    {
        try
        {
            int milliseconds = int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture);
            using SharedArray<int> array = SharedArray.Attach<int>(args[0], TimeSpan.FromMilliseconds(milliseconds));
            Console.WriteLine(string.Join(' ', array.ToArray().Distinct()));
        }
        catch (FileNotFoundException error)
        {
            Console.WriteLine(error.GetType().Name);
        }

        return 0;
    }

    private static void WaitUntilWatching(int process) => Assert.That(() => Watches(process), Is.EqualTo(1).After(60_000, 5), "no watch");

    // The watches are those of proc(5).
    private static int Watches(int process)
        => Directory.GetFiles($"/proc/{process}/fdinfo").Sum(static file =>
        {
            try
            {
                return File.ReadLines(file).Count(static line => line.StartsWith("inotify ", StringComparison.Ordinal));
            }
            catch (IOException)
            {
                // The descriptor was closed meanwhile.
                return 0;
            }
        });
}
