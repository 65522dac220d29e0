using Mono.Unix.Native;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>The control page that the first use of a lock or of the change count adds: docs/FORMAT.md, "The control page".</summary>
internal sealed class PageOnDemandTests : NamedTest
{
    private const int HeaderLength = 128;
    private const ulong Word = 0x0102_4D48_5350_0002;

    private static readonly Dictionary<string, Action<SharedArray<double>>> s_uses = new()
    {
        ["Enter"] = array => array.Lock.EnterScope().Dispose(),
        ["TryEnter"] = array =>
        {
            Assert.That(array.Lock.TryEnter(), Is.True);
            array.Lock.Exit();
        },
        ["EnterAsync"] = array => array.Lock.EnterAsync().AsTask().GetAwaiter().GetResult().Dispose(),
        ["EnterRecovery"] = array => array.Lock.EnterRecovery().Dispose(),
        ["Signal"] = array => Assert.That(array.ChangeCounter.Signal(), Is.EqualTo(1)),
        ["TryWait"] = array => Assert.That(array.ChangeCounter.TryWait(0, TimeSpan.FromMilliseconds(1), out _), Is.False),
    };

    private static readonly Dictionary<string, Func<SharedArray<double>, object>> s_questions = new()
    {
        ["Count"] = array => array.ChangeCounter.Count,
        ["TryWait"] = array => array.ChangeCounter.TryWait(0, TimeSpan.Zero, out _),
        ["State"] = array => array.Lock.State,
        ["OwnerSlot"] = array => array.Lock.OwnerSlot,
        ["Locks"] = array => array.Locks.Count,
    };

    private static IEnumerable<string> Uses => s_uses.Keys;

    private static IEnumerable<string> Questions => s_questions.Keys;

    // fallocate(2) grows an append-only file, which open(2) refuses to open for writing without O_APPEND. Both refuse an immutable file.
    [TestCase('a')]
    [TestCase('i')]
    [NeedsRoot("makes a file append-only or immutable")]
    public void Attachments_from_before_keep_the_elements_of_an_append_only_or_immutable_file(char attribute)
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        using (ChildProcess chattr = ChildProcess.Start("chattr", [$"+{attribute}", ShmPath]))
        {
            if (chattr.WaitForExit() != 0)
            {
                // tmpfs has these attributes since then.
                Assert.That(Environment.OSVersion.Version, Is.LessThan(new Version(6, 6)), chattr.Errors);
                return;
            }
        }

        try
        {
            using ReadOnlySharedArray<double> other = SharedArray.AttachReadOnly<double>(Name);
            array[9] = 1.5;
            using (Assert.EnterMultipleScope())
            {
                Assert.That(
                    () => array.Lock.EnterScope().Dispose(),
                    attribute == 'a' ? Throws.Nothing : Throws.InvalidOperationException.With.Message.Contains("immutable"));
                Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(attribute == 'a' ? 8192 : HeaderLength + (10 * sizeof(double))));
                Assert.That(other[9], Is.EqualTo(1.5));
                Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<UnauthorizedAccessException>());
                Assert.That(() => SharedArray.Delete(Name), Throws.InstanceOf<UnauthorizedAccessException>());
            }
        }
        finally
        {
            _ = ChildProcess.Run("chattr", $"-{attribute}", ShmPath);
        }

        array.Lock.EnterScope().Dispose();
    }

    [Test]
    public void First_use_adds_one_page_behind_the_elements_and_changes_no_other_byte(
        [ValueSource(nameof(Uses))] string use, [Values(0, 10, 495, 496, 497)] int length)
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.From<double>([.. Enumerable.Range(1, length)]));
        byte[] before = File.ReadAllBytes(ShmPath);
        Assert.That(before, Has.Length.EqualTo(HeaderLength + (8 * length)));
        Assert.That(array.IsCurrent, Is.True);

        s_uses[use](array);
        byte[] after = File.ReadAllBytes(ShmPath);
        int place = (before.Length + 4095) / 4096 * 4096;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(after, Has.Length.EqualTo(place + 4096));
            Assert.That(after.AsSpan(0, before.Length).SequenceEqual(before), Is.True, "header and elements");
            Assert.That(after.AsSpan(before.Length, place - before.Length).ContainsAnyExcept((byte)0), Is.False, "padding");
            Assert.That((BitConverter.ToUInt64(after, place), after[^1]), Is.EqualTo((Word, (byte)0)));
            Assert.That(array.IsCurrent, Is.True);
            Assert.That(array.ToArray(), Is.EqualTo(Enumerable.Range(1, length)));
        }
    }

    [TestCaseSource(nameof(Questions))]
    public void Questions_add_nothing(string question)
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        Assert.That(s_questions[question](array), Is.EqualTo(question == "Locks" ? 31 : 0).Or.EqualTo(SharedLockState.Free).Or.False);
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(208));
    }

    [Test]
    public void Attachments_that_only_read_find_the_page_that_another_process_makes()
    {
        SharedArray.Create(Name, 10).Dispose();
        using ReadOnlySharedArray<double> reader = SharedArray.AttachReadOnly<double>(Name);
        using SharedArray<double> copy = SharedArray.AttachCopyOnWrite<double>(Name);
        UntypedSharedArray[] readers = [reader, copy];
        Assert.That(readers.Select(array => (array.Lock.State, array.ChangeCounter.Count)), Is.All.EqualTo((SharedLockState.Free, 0u)));
        Assert.That(() => reader.Lock.Enter(), Throws.InvalidOperationException.With.Message.Contains("read only"));
        Assert.That(() => copy.ChangeCounter.Signal(), Throws.InvalidOperationException);
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(208));

        using ChildProcess holder = ChildProcess.Start(Hold, Name);
        holder.Expect("HELD");
        Assert.That(readers.Select(array => (array.Lock.State, array.ChangeCounter.Count)), Is.All.EqualTo((SharedLockState.Held, 1u)));
        holder.Kill();
        Assert.That(readers.Select(array => array.Lock.State), Is.All.EqualTo(SharedLockState.Abandoned));
    }

    [Test]
    public void Creator_without_locks_has_none_where_another_process_has_31()
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.Zeros<double>(10), new SharedArrayOptions { Locks = 0 });
        using ChildProcess holder = ChildProcess.Start(Hold, Name);
        holder.Expect("HELD");
        Assert.That(array.Locks, Is.Empty);
        Assert.That(() => array.Lock, Throws.InvalidOperationException.With.Message.Contains("Locks = 0"));
    }

    [Test]
    public void Array_of_a_name_can_be_used_through_an_inherited_descriptor()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        using ChildProcess holder = ChildProcess.Start(Hold, array.MakeInheritable());
        holder.Expect("HELD");
        Assert.That((array.Lock.State, array.ChangeCounter.Count), Is.EqualTo((SharedLockState.Held, 1u)));
    }

    [Test]
    public void Array_without_a_name_has_locks_from_the_start_or_never()
    {
        using SharedArray<double> with = SharedArray.CreateAnonymous<double>(10);
        using (ChildProcess holder = ChildProcess.Start(Hold, with.Name))
        {
            holder.Expect("HELD");
            Assert.That((with.Lock.State, with.ChangeCounter.Count), Is.EqualTo((SharedLockState.Held, 1u)));
        }

        using SharedArray<double> without = SharedArray.CreateAnonymous(
            ArrayContent.Zeros<double>(10), new SharedArrayOptions { Locks = 0 });
        Assert.That(without.Locks, Is.Empty);
        using SharedArray<double> attached = SharedArray.Attach(without.Name);
        Assert.That(() => attached.Lock.Enter(), Throws.InvalidOperationException.With.Message.Contains("no locks"));
        using SharedArray<double> bold = SharedArray.Attach<double>(without.Name, new AttachOptions { AddLocks = true });
        Assert.That(() => bold.Lock.Enter(), Throws.InvalidOperationException.With.Message.Contains("size is sealed"));
        Assert.That(ChildProcess.Run("stat", "-L", "-c", "%s", without.Name).Trim(), Is.EqualTo("208"));
    }

    [Test]
    public void File_outside_of_the_directory_of_shared_memory_gets_the_page_from_its_creator_or_where_that_is_allowed()
    {
        string name = $"file://{Folder}/a";
        string path = Path.Combine(Folder, "a");
        _ = Python.Run("np.save(open(sys.argv[1], 'xb'), np.arange(10.0))", path);
        using (SharedArray<double> attached = SharedArray.Attach(name))
        {
            Assert.That(
                (attached.Locks.Count, attached.Lock.State, attached.ChangeCounter.Count), Is.EqualTo((31, SharedLockState.Free, 0u)));
            foreach (Action<SharedArray<double>> use in s_uses.Values)
            {
                Assert.That(
                    () => use(attached), Throws.InvalidOperationException.With.Message.Contains("AddLocks").And.Message.Contains(name));
            }

            Assert.That(new FileInfo(path).Length, Is.EqualTo(208));
        }

        using SharedArray<double> bold = SharedArray.Attach<double>(name, new AttachOptions { AddLocks = true });
        bold.Lock.Enter();
        using SharedArray<double> cautious = SharedArray.Attach(name);
        Assert.That(cautious.Lock.State, Is.EqualTo(SharedLockState.Held));
        bold.Lock.Exit();
        Assert.That(cautious.Lock.TryEnter(), Is.True, "the page exists");
        cautious.Lock.Exit();

        using SharedArray<double> created = SharedArray.Create($"file://{Folder}/b", 10);
        Assert.That(created.Lock.TryEnter(), Is.True);
        created.Lock.Exit();
    }

    [Test]
    public void Link_does_not_bring_a_file_into_the_directory_of_shared_memory()
    {
        string path = Path.Combine(Folder, "a");
        SharedArray.Create($"file://{path}", 10).Dispose();
        _ = File.CreateSymbolicLink(ShmPath, path);
        using SharedArray<double> array = SharedArray.Attach<double>(Name, new AttachOptions { FollowLinks = true });
        Assert.That(() => array.Lock.Enter(), Throws.InvalidOperationException.With.Message.Contains("AddLocks"));
        Assert.That(new FileInfo(path).Length, Is.EqualTo(208));
    }

    [Test]
    public void Descriptor_is_of_the_directory_of_shared_memory_only_if_its_file_is()
    {
        string arrays = Directory.CreateDirectory(Path.Combine(Folder, "arrays")).FullName;
        string link = File.CreateSymbolicLink(Path.Combine(Folder, "link"), arrays).FullName;
        using ChildProcess child = ChildProcess.Start([("POSIXSHM_DIR", link)], Use, Path.Combine(Folder, "a"), Path.Combine(arrays, "b"));
        child.WaitForSuccess();

        static int Use(string[] args)
        {
            Assert.That(() => EnterByDescriptor(args[0]), Throws.InvalidOperationException.With.Message.Contains("AddLocks"));
            EnterByDescriptor(args[1]);
            Assert.That(args.Select(static path => new FileInfo(path).Length), Is.EqualTo(new[] { 208, 8192 }));
            return 0;
        }

        static void EnterByDescriptor(string path)
        {
            SharedArray.Create($"file://{path}", 10).Dispose();
            using FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            using SharedArray<double> array = SharedArray.Attach($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}");
            array.Lock.EnterScope().Dispose();
        }
    }

    [TestCase("pwrite(f, b'abcde', 208)", "5 bytes of another program")]
    [TestCase("pwrite(f, b'x', 4095)", "3888 bytes of another program")]
    [TestCase("pwrite(f, b'x', 5000)", "4793 bytes of another program")]
    [TestCase("pwrite(f, b'x', 8191)", "7984 bytes of another program")]
    [TestCase("pwrite(f, b'x', 9000)", "8793 bytes of another program")]
    [TestCase("pwrite(f, b'x', 4097)", "3890 bytes of another program")]
    [TestCase("truncate(f, 8193)", "7985 bytes of another program")]
    [TestCase("lseek(f, 0, 2); np.save(os.fdopen(f, 'ab'), np.ones(900))", "7328 bytes of another program")]
    [TestCase("truncate(f, 8192); pwrite(f, (0x01024D4853500003).to_bytes(8, sys.byteorder), 4096)", "version 3")]
    [TestCase("truncate(f, 8192); pwrite(f, (0x01024D4853500002).to_bytes(8, 'big'), 4096)", "other byte order")]
    [TestCase("truncate(f, 8192); pwrite(f, b'PSHMCTRL', 4096)", "version 1")]
    public void Other_bytes_behind_the_elements_are_the_reason_for_no_locks_and_stay_as_they_are(string script, string reason)
    {
        SharedArray.Create(Name, 10).Dispose();
        _ = Python.Run($"import os; from os import *; f = os.open(sys.argv[1], os.O_RDWR); {script}", ShmPath);
        byte[] before = File.ReadAllBytes(ShmPath);
        using SharedArray<double> array = SharedArray.Attach(Name);
        using ReadOnlySharedArray<double> reader = SharedArray.AttachReadOnly<double>(Name);
        Assert.That((array.Length, array.IsCurrent), Is.EqualTo((10L, true)));
        bool isKnownBeforeTheFirstUse = before.Length >= 8192 && before.AsSpan(4096, 4096).ContainsAnyExcept((byte)0);
        Assert.That((array.Locks.Count, reader.Locks.Count), Is.EqualTo(isKnownBeforeTheFirstUse ? (0, 0) : (31, 31)));
        foreach (Action<SharedArray<double>> use in s_uses.Values)
        {
            Assert.That(() => use(array), Throws.InvalidOperationException.With.Message.Contains(reason).And.Message.Contains(Name));
        }

        Assert.That(File.ReadAllBytes(ShmPath), Is.EqualTo(before));
    }

    [Test]
    public void Zeros_behind_the_elements_are_padding_or_a_page_without_its_word([Values(209, 4096, 4097, 8191, 8192)] int size)
    {
        SharedArray.Create(Name, 10).Dispose();
        _ = ChildProcess.Run("truncate", "-s", $"{size}", ShmPath);
        using SharedArray<double> array = SharedArray.Attach(Name);
        Assert.That((array.Locks.Count, array.Lock.State), Is.EqualTo((31, SharedLockState.Free)));
        array.Lock.EnterScope().Dispose();
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(8192));
    }

    [Test]
    public void Copy_of_the_file_is_an_array_with_locks_of_its_own_in_every_state([Values("bare", "allocate", "ours", "held")] string state)
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.Filled(1.5, 10));
        if (state == "allocate")
        {
            using ChildProcess killed = ChildProcess.Start([(FailingShim.DieAt, state)], Hold, Name);
            Assert.That(killed.WaitForExit(), Is.EqualTo(128 + 9));
        }
        else if (state != "bare")
        {
            array.Lock.Enter();
        }

        if (state == "ours")
        {
            array.Lock.Exit();
        }

        _ = ChildProcess.Run("cp", ShmPath, ShmPathOf(NameOf("copy")));
        using SharedArray<double> copy = SharedArray.Attach(NameOf("copy"));
        Assert.That(copy.Lock.State, Is.EqualTo(state == "held" ? SharedLockState.Abandoned : SharedLockState.Free));
        using (SharedLock.RecoveryScope recovery = copy.Lock.EnterRecovery())
        {
            recovery.MarkConsistent();
            Assert.That(array.Lock.State, Is.EqualTo(state == "held" ? SharedLockState.Held : SharedLockState.Free));
        }

        Assert.That((copy.Lock.State, copy.ChangeCounter.Signal(), array.ChangeCounter.Count), Is.EqualTo((SharedLockState.Free, 1u, 0u)));
        Assert.That(copy, Is.All.EqualTo(1.5));
        if (state == "held")
        {
            array.Lock.Exit();
        }
    }

    [Test]
    public void Numpy_and_this_process_see_each_other_s_elements_before_and_after_the_page_is_made()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        using ChildProcess python = Python.Start(
            """
            a = np.load(sys.argv[1], mmap_mode='r+')
            a[0] = 1
            print('MAPPED')
            sys.stdin.readline()
            a[1] = 2 * a[2]
            a.flush()
            print(np.load(sys.argv[1]).tolist() == a.tolist(), np.lib.format.open_memmap(sys.argv[1], 'r').tolist() == a.tolist())
            """,
            ShmPath);
        python.Expect("MAPPED");
        Assert.That(array[0], Is.EqualTo(1));
        using (array.Lock.EnterScope())
        {
            array[2] = 21;
        }

        python.Send("GO");
        python.Expect("True True");
        python.WaitForSuccess();
        Assert.That((array[1], array.Lock.State), Is.EqualTo((42, SharedLockState.Free)));
    }

    [Test]
    public void Small_arrays_take_one_page_of_memory_each_until_their_locks_are_used()
    {
        const int Count = 1000;
        for (int i = 0; i < Count; i++)
        {
            SharedArray.Create(NameOf($"{i}"), 10).Dispose();
        }

        Assert.That(Blocks(), Is.EqualTo(Count * 4096));
        for (int i = 0; i < Count; i++)
        {
            using SharedArray<double> array = SharedArray.Attach(NameOf($"{i}"));
            array.Lock.EnterScope().Dispose();
        }

        Assert.That(Blocks(), Is.EqualTo(Count * 8192));

        long Blocks() => Enumerable.Range(0, Count).Sum(BlocksOf);

        long BlocksOf(int i) => Syscall.stat(ShmPathOf(NameOf($"{i}")), out Stat stat) == 0 ? stat.st_blocks * 512 : -1;
    }

    private static int Hold(string[] args)
    {
        using SharedArray<double> array = SharedArray.Attach(args[0]);
        using (array.Lock.EnterScope())
        {
            _ = array.ChangeCounter.Signal();
            Console.WriteLine("HELD");
            _ = Console.ReadLine();
        }

        return 0;
    }
}
