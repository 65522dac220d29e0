namespace PosixShm.Tests;

/// <summary>A program that saves over an array's file, as <c>np.save</c> does to an open file: the same inode, other bytes.</summary>
internal sealed class SavedOverTests : NamedTest
{
    private const string SaveOver =
        """
        new = np.arange(20000.0)
        with open(sys.argv[1], 'wb') as f:
            np.save(f, new)
        print('SAVED')
        sys.stdin.readline()
        print(np.array_equal(np.load(sys.argv[1]), new))
        """;

    private static readonly Dictionary<string, Action<SharedArray<double>>> s_storing = new()
    {
        ["Enter"] = array => array.Lock.Enter(),
        ["first Enter"] = array => array.Lock.Enter(),
        ["EnterAsync"] = array => array.Lock.EnterAsync().AsTask().GetAwaiter().GetResult().Dispose(),
        ["EnterRecovery"] = array => array.Lock.EnterRecovery().Dispose(),
        ["Signal"] = array => _ = array.ChangeCounter.Signal(),
        ["Wait"] = array => _ = array.ChangeCounter.TryWait(0, TimeSpan.FromSeconds(30), out _),
        ["Exit"] = array => array.Lock.Exit(),
        ["State"] = array => _ = array.Lock.State,
        ["OwnerSlot"] = array => _ = array.Lock.OwnerSlot,
        ["FindOwnerProcess"] = array => _ = array.Lock.FindOwnerProcess(),
    };

    private static IEnumerable<string> Storing => s_storing.Keys;

    [TestCaseSource(nameof(Storing))]
    public void Nothing_is_stored_in_another_program_s_elements(string what)
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.Filled(1.5, 10_000));
        if (what == "Enter")
        {
            array.Lock.EnterScope().Dispose();
        }
        else if (what == "Exit")
        {
            array.Lock.Enter();
        }

        using ChildProcess python = Python.Start(SaveOver, ShmPath);
        python.Expect("SAVED");
        Assert.That(array.IsCurrent, Is.False);
        Assert.That(() => s_storing[what](array), Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains(Name));
        Assert.That(() => s_storing["Signal"](array), Throws.InstanceOf<SharedMemoryLostException>());
        python.Send("COMPARE");
        python.Expect("True");
        python.WaitForSuccess();
    }

    // Zeros that reach beyond the place of the array's page, to its end, into it, and only into the padding.
    [TestCase(20_000)]
    [TestCase(1008)]
    [TestCase(600)]
    [TestCase(200)]
    public void Nothing_is_stored_in_another_program_s_zeros(int length)
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.zeros(int(sys.argv[2])))", ShmPath, $"{length}");
        Assert.That(array.IsCurrent, Is.False);
        Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains(Name));
        Assert.That(array.ChangeCounter.Signal, Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(Python.Run("print(np.load(sys.argv[1]).any())", ShmPath), Is.EqualTo("False"));
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(128 + (8 * length)));
    }

    [Test]
    public void Elements_equal_to_the_held_lock_word_stay_as_they_are()
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.Filled(1.5, 10_000));
        array.Lock.Enter();
        int word = LockWords.Read(ShmPath);
        _ = Python.Run(
            "np.save(open(sys.argv[1], 'wb'), np.full(100_000, int(sys.argv[2]), 'i4'))", ShmPath, $"{word}");
        Assert.That(array.Lock.Exit, Throws.InstanceOf<SharedMemoryLostException>());
        Assert.That(Python.Run("print((np.load(sys.argv[1]) == int(sys.argv[2])).all())", ShmPath, $"{word}"), Is.EqualTo("True"));
    }

    [Test]
    public void Waiters_of_an_overwritten_array_store_nothing_and_end()
    {
        using SharedArray<double> holder = SharedArray.Create(Name, ArrayContent.Filled(1.5, 10_000));
        using SharedArray<double> waiter = SharedArray.Attach(Name);
        holder.Lock.Enter();
        int length = (int)new FileInfo(ShmPath).Length;
        Task entering = Task.Run(() => waiter.Lock.Enter());
        Task waiting = Task.Run(() => waiter.ChangeCounter.Wait(0));
        WaitUntilLockHasWaiter();
        Assert.That(() => BitConverter.ToInt32(File.ReadAllBytes(ShmPath), length - 4096 + 2048 + 4), Is.EqualTo(1).After(30_000, 5));
        using ChildProcess python = Python.Start(SaveOver, ShmPath);
        python.Expect("SAVED");
        foreach (Task task in new[] { entering, waiting })
        {
            Assert.That(
                () => task.Wait(30_000),
                Throws.InstanceOf<AggregateException>().With.InnerException.InstanceOf<SharedMemoryLostException>());
        }

        Assert.That(holder.Lock.Exit, Throws.InstanceOf<SharedMemoryLostException>());
        python.Send("COMPARE");
        python.Expect("True");
        python.WaitForSuccess();
    }

    [TestCase("np.save(open(sys.argv[1], 'wb'), np.zeros(5))", TestName = "Array_is_not_current_once_it_was_saved_over_by_a_shorter_one")]
    [TestCase("np.save(open(sys.argv[1], 'r+b'), np.zeros((5, 2)))",
        TestName = "Array_is_not_current_once_its_header_was_changed_in_place")]
    [TestCase("m = np.lib.format.open_memmap(sys.argv[1], 'w+', np.float64, (10,)); m.flush()",
        TestName = "Array_is_not_current_once_it_was_made_anew_by_open_memmap")]
    public void Changed_header(string script)
    {
        using SharedArray<double> array = SharedArray.Create(Name, 10);
        using ReadOnlySharedArray<double> reader = SharedArray.AttachReadOnly<double>(Name);
        Assert.That((array.IsCurrent, reader.IsCurrent), Is.EqualTo((true, true)));
        array[0] = 5;
        array.Lock.EnterScope().Dispose();
        _ = array.ChangeCounter.Signal();
        Assert.That(reader.ChangeCounter.Count, Is.EqualTo(1));
        Assert.That((array.IsCurrent, reader.IsCurrent), Is.EqualTo((true, true)), "elements and locks are not the description");
        _ = Python.Run(script, ShmPath);
        Assert.That((array.IsCurrent, reader.IsCurrent), Is.EqualTo((false, false)));
    }
}
