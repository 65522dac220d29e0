using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>A program in C, written by the rules of docs/FORMAT.md alone, that reads and writes under the same lock.</summary>
internal sealed class ForeignReaderWriterLockTests : NamedTest
{
    private const int Length = 8;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static string s_folder = null!;

    private static string Program => Path.Combine(s_folder, "peer");

    [OneTimeSetUp]
    public static void Compile()
    {
        s_folder = Directory.CreateTempSubdirectory("posixshm-test-").FullName;
        string source = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Fixtures", "ReaderWriterLock", "peer.c");
        _ = ChildProcess.Run("cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", Program, source);
    }

    [OneTimeTearDown]
    public static void RemoveProgram() => Directory.Delete(s_folder, recursive: true);

    [Test]
    public void C_and_csharp_read_and_write_together()
    {
        const int Rounds = 20_000;
        using SharedArray<long> array = SharedArray.Create<long>(Name, Length);
        using ChildProcess first = ChildProcess.Start(Program, ShmPath, "mix", $"{Rounds}");
        using ChildProcess second = ChildProcess.Start(Program, ShmPath, "mix", $"{Rounds}");
        int torn = 0;
        for (int i = 0; i < Rounds; i++)
        {
            if (i % 5 != 0)
            {
                using (array.ReaderWriterLock.EnterReadScope())
                {
                    torn += array.Span.ContainsAnyExcept(array[0]) ? 1 : 0;
                }
            }
            else
            {
                using (array.ReaderWriterLock.EnterWriteScope())
                {
                    torn += array.Span.ContainsAnyExcept(array[0]) ? 1 : 0;
                    array.Span.Fill(array[0] + 1);
                }
            }
        }

        first.WaitForSuccess();
        second.WaitForSuccess();
        string expected = string.Create(CultureInfo.InvariantCulture, $"{Rounds * 4 / 5} {Rounds / 5} 0\n");
        Assert.That((first.Output, second.Output, torn), Is.EqualTo((expected, expected, 0)));
        Assert.That(array, Is.All.EqualTo(3L * Rounds / 5));
        Assert.That(array.ReaderWriterLock.State, Is.EqualTo(SharedReaderWriterLockState.Free));
    }

    [Test]
    public void Each_program_excludes_the_other_and_wakes_it()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, Length);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        using (ChildProcess reader = ChildProcess.Start(Program, ShmPath, "read"))
        {
            reader.Expect("INSIDE");
            entered.EnterReadScope().Dispose();
            Assert.That((entered.State, entered.TryEnterWrite()), Is.EqualTo((SharedReaderWriterLockState.HeldByReaders, false)));
            Task<bool> writer = Task.Run(() =>
            {
                bool isInside = entered.TryEnterWrite(s_limit);
                entered.ExitWrite();
                return isInside;
            });
            Assert.That(() => PageWords.Read(ShmPath, PageWords.Draining), Is.Not.Zero.After(60_000, 5));
            reader.Send("LEAVE");
            Assert.That(writer.Result, Is.True);
            reader.WaitForSuccess();
        }

        entered.EnterWrite();
        using ChildProcess waiter = ChildProcess.Start(Program, ShmPath, "read");
        Assert.That(() => PageWords.Read(ShmPath, PageWords.Writer), Is.Negative.After(60_000, 5), "the lock has no waiter");
        entered.ExitWrite();
        waiter.Expect("INSIDE");
        waiter.Send("LEAVE");
        waiter.WaitForSuccess();
    }

    [Test]
    public void Each_program_detects_the_death_of_the_other()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, Length);
        SharedReaderWriterLock entered = array.ReaderWriterLock;
        using (ChildProcess reader = ChildProcess.Start(Program, ShmPath, "read"))
        {
            reader.Expect("INSIDE");
        }

        Assert.That(entered.TryEnterWrite(), Is.True, "a reader in C died");
        entered.ExitWrite();
        using (ChildProcess writer = ChildProcess.Start(Program, ShmPath, "write"))
        {
            writer.Expect("INSIDE");
            Assert.That(entered.TryEnterRead(TimeSpan.FromMilliseconds(70)), Is.False);
        }

        Assert.That(() => entered.EnterRead(), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That(ChildProcess.Run(Program, ShmPath, "read"), Is.EqualTo("ABANDONED\n"));
        Assert.That(ChildProcess.Run(Program, ShmPath, "repair"), Is.EqualTo("REPAIRED\n"));
        entered.EnterReadScope().Dispose();

        using (ChildProcess reader = ChildProcess.Start(Hold, Name, "read"))
        {
            reader.Expect("INSIDE");
        }

        Assert.That(ChildProcess.Run(Program, ShmPath, "repair"), Is.EqualTo("WHOLE\n"), "a reader in C# died");
        using (ChildProcess writer = ChildProcess.Start(Hold, Name, "write"))
        {
            writer.Expect("INSIDE");
        }

        Assert.That(ChildProcess.Run(Program, ShmPath, "write"), Is.EqualTo("ABANDONED\n"));
        Assert.That(entered.State, Is.EqualTo(SharedReaderWriterLockState.Abandoned));

        static int Hold(string[] args)
        {
            using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
            (args[1] == "read" ? (Action)(() => array.ReaderWriterLock.EnterRead()) : () => array.ReaderWriterLock.EnterWrite())();
            Console.WriteLine("INSIDE");
            _ = Console.ReadLine();
            return 0;
        }
    }
}
