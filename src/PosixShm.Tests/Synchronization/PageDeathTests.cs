using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Processes that are killed, find no space or lose the memory while they make a control page.</summary>
internal sealed class PageDeathTests : NamedTest
{
    private const int ElementsEnd = 128 + 80;

    // The step, the fault, and the size of the file afterwards.
    [TestCase("before-allocate", "", ElementsEnd)]
    [TestCase("allocate", "", 8192)]
    [TestCase("allocate", "allocate:95", ElementsEnd)]
    [TestCase("write-zero", "allocate:95", 8192)]
    [TestCase("before-sleep", "", 8192)]
    public void Process_killed_at_any_step_leaves_a_page_that_the_next_process_uses(string step, string fault, int size)
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.Filled(1.5, 10));
        using ReadOnlySharedArray<double> reader = SharedArray.AttachReadOnly<double>(Name);
        byte[] before = File.ReadAllBytes(ShmPath);
        using (ChildProcess maker = ChildProcess.Start([(FailingShim.DieAt, step), (FailingShim.FailAt, fault)], Wait, Name))
        {
            Assert.That(maker.WaitForExit(), Is.EqualTo(128 + 9));
        }

        byte[] after = File.ReadAllBytes(ShmPath);
        Assert.That(after, Has.Length.EqualTo(size));
        Assert.That(after.AsSpan(0, ElementsEnd).SequenceEqual(before), Is.True);
        Assert.That(after.AsSpan(ElementsEnd).ContainsAnyExcept((byte)0), Is.EqualTo(step == "before-sleep"), "the word is written");
        Assert.That((reader.Lock.State, reader.ChangeCounter.Count), Is.EqualTo((SharedLockState.Free, 0u)));

        ChildProcess.Run(Use, Name);
        Assert.That((reader.Lock.State, reader.ChangeCounter.Count), Is.EqualTo((SharedLockState.Free, 1u)));
        Assert.That((array.Lock.TryEnter(), new FileInfo(ShmPath).Length), Is.EqualTo((true, 8192L)));
        array.Lock.Exit();

        static int Wait(string[] args)
        {
            using SharedArray<double> array = SharedArray.Attach(args[0]);
            return (int)array.ChangeCounter.Wait(0);
        }

        static int Use(string[] args)
        {
            using SharedArray<double> array = SharedArray.Attach(args[0]);
            array.Lock.EnterScope().Dispose();
            return array.ChangeCounter.Signal() == 1 ? 0 : 1;
        }
    }

    [TestCase("")]
    [TestCase("allocate:95")]
    public void Full_file_system_is_an_error_of_the_first_use_and_of_nothing_else(string fault)
    {
        using ChildProcess child = ChildProcess.Start(
            [(FailingShim.FailAt, fault)], Namespaces.WithShm("size=64k", UseInFull));
        child.WaitForSuccess();

        static int UseInFull(string[] args)
        {
            const string Path = "/dev/shm/bare";
            using SharedArray<double> array = SharedArray.Create("bare", ArrayContent.Filled(1.5, 10));
            byte[] before = File.ReadAllBytes(Path);
            _ = ChildProcess.Run("sh", "-c", "cat /dev/zero >/dev/shm/rest 2>/dev/null || true");
            Assert.That(new DriveInfo("/dev/shm").AvailableFreeSpace, Is.Zero);
            for (int i = 0; i < 3; i++)
            {
                Assert.That(() => array.Lock.Enter(), ThrowsNoSpace());
                Assert.That(() => array.ChangeCounter.Signal(), ThrowsNoSpace());
                Assert.That(() => array.ChangeCounter.Wait(0), ThrowsNoSpace());
                Assert.That((array.Lock.State, array.ChangeCounter.Count), Is.EqualTo((SharedLockState.Free, 0u)));
                Assert.That(File.ReadAllBytes(Path), Is.EqualTo(before));
            }

            File.Delete("/dev/shm/rest");
            array.Lock.EnterScope().Dispose();
            Assert.That((array.ChangeCounter.Signal(), array.ToArray()), Is.EqualTo((1u, Enumerable.Repeat(1.5, 10))));
            return args.Length;
        }

        static NUnit.Framework.Constraints.IResolveConstraint ThrowsNoSpace()
            => Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(28)
                .And.Message.Contains("No space").And.Message.Contains("bare");
    }

    [Test]
    public void File_system_without_fallocate_gets_the_page_all_the_same()
    {
        using ChildProcess child = ChildProcess.Start(
            Namespaces.WithMounts("mount -t ramfs none \"$1\"", "/dev/shm", ChildProcess.CommandLine(UseWithout)));
        child.WaitForSuccess();

        static int UseWithout(string[] args)
        {
            Assert.That(() => ChildProcess.Run("fallocate", "-l", "1", "/dev/shm/any"), Throws.Exception, "fallocate(2)");
            using SharedArray<double> array = SharedArray.Create("a", ArrayContent.Filled(1.5, 10));
            using ReadOnlySharedArray<double> reader = SharedArray.AttachReadOnly<double>("a");
            array.Lock.EnterScope().Dispose();
            Assert.That(
                (array.ChangeCounter.Signal(), reader.ChangeCounter.Count, new FileInfo("/dev/shm/a").Length), Is.EqualTo((1u, 1u, 8192L)));
            Assert.That(reader, Is.All.EqualTo(1.5));
            return args.Length;
        }
    }

    [Test]
    public void File_size_limit_is_an_error_of_the_first_use_and_not_the_end_of_the_process()
    {
        SharedArray.Create(Name, 10).Dispose();
        using ChildProcess child = ChildProcess.Start([("DOTNET_EnableWriteXorExecute", "0")], UseLimited, Name);
        child.WaitForSuccess();
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(8192));

        static int UseLimited(string[] args)
        {
            using SharedArray<double> array = SharedArray.Attach(args[0]);
            SetLimit("4096");
            Assert.That(
                () => array.Lock.Enter(),
                Throws.InstanceOf<IOException>().With.Message.Contains("RLIMIT_FSIZE").And.Message.Contains(args[0]));
            Assert.That(new FileInfo(ShmPathOf(args[0])).Length, Is.EqualTo(ElementsEnd));
            SetLimit("unlimited");
            array.Lock.EnterScope().Dispose();
            return 0;
        }

        static void SetLimit(string limit)
        {
            string self = string.Create(CultureInfo.InvariantCulture, $"--pid={Environment.ProcessId}");
            _ = ChildProcess.Run("prlimit", self, $"--fsize={limit}:");
        }
    }

    [TestCase(0)]
    [TestCase(127)]
    [TestCase(ElementsEnd - 1)]
    public void First_use_of_a_truncated_array_is_an_error_and_adds_nothing(int size)
    {
        SharedArray.Create(Name, 10).Dispose();
        ChildProcess.Run(UseTruncated, Name, $"{size}");
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(size));

        static int UseTruncated(string[] args)
        {
            using SharedArray<double> array = SharedArray.Attach(args[0]);
            using ReadOnlySharedArray<double> reader = SharedArray.AttachReadOnly<double>(args[0]);
            _ = reader.ChangeCounter.Count;
            TruncateFile(ShmPathOf(args[0]), int.Parse(args[1], CultureInfo.InvariantCulture));
            Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => array.ChangeCounter.Signal(), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => reader.ChangeCounter.Wait(0), Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    [TestCase(300)]
    [TestCase(5000, Category = "More")]
    public void First_use_while_another_process_truncates_ends_with_an_exception_or_works(int rounds)
    {
        using ChildProcess user = ChildProcess.Start(Use, Name, $"{rounds}");
        user.Expect("READY");
        Random random = new(5);
        string path = ShmPath;
        while (!user.HasExited)
        {
            try
            {
                TruncateFile(
                    path, random.Next(3) == 0 ? random.Next(3 * 4096) : new[] { 0, ElementsEnd, 4096, 8191, 8192 }[random.Next(5)]);
            }
            catch (FileNotFoundException)
            {
                // The creator is between two rounds.
            }
        }

        user.WaitForSuccess();

        static int Use(string[] args)
        {
            int worked = 0;
            Console.WriteLine("READY");
            for (int round = 0; round < int.Parse(args[1], CultureInfo.InvariantCulture); round++)
            {
                using SharedArray<double> array = SharedArray.Create(args[0], ArrayContent.Filled(1.5, 10));
                try
                {
                    array.Lock.Enter();
                    array.Lock.Exit();
                    _ = array.ChangeCounter.Signal();
                    worked++;
                }
                catch (Exception error) when (error is SharedMemoryLostException or InvalidOperationException or InvalidDataException)
                {
                    // The memory is lost, or the added bytes are another program's.
                }

                File.Delete(ShmPathOf(args[0]));
            }

            Console.WriteLine(worked);
            return 0;
        }
    }

    private static void TruncateFile(string path, int size)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(size);
    }
}
