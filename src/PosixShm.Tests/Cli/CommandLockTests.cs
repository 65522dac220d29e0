using System.Text.Json;

namespace PosixShm.Tests;

/// <summary>The command shows locks and repairs abandoned ones.</summary>
internal sealed class CommandLockTests : CommandTest
{
    [Test]
    public void A_free_lock_is_shown_and_left_alone()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(
            Pshm("info", Name),
            Does.EndWith("\nin_use: false\norder: C\noffset: 128\nstrides: (8,)\nreader_writer_lock: free\nlocks: 31\n"));
        Assert.That(Locks().GetArrayLength(), Is.EqualTo(31));
        Assert.That(FirstLock(), Is.EqualTo("""{"index":0,"state":"free","slot":0,"pid":null}"""));
        Assert.That(Pshm("unlock", Name), Is.EqualTo($"Lock 0 of '{Name}' is free: there is nothing to do.\n"));
    }

    [Test]
    public void A_held_lock_is_shown_with_its_process_and_left_alone()
    {
        SharedArray.Create(Name, 1).Dispose();
        using ChildProcess holder = ChildProcess.Start(Hold, Name, "0");
        holder.Expect("HELD");
        string slot = holder.ReadLine()!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                Pshm("info", Name),
                Does.EndWith(
                    "\nin_use: true\norder: C\noffset: 128\nstrides: (8,)\nreader_writer_lock: free\nlocks: 31\n"
                    + $"lock 0: held (slot {slot}, pid {holder.Id})\n"));
            Assert.That(FirstLock(), Is.EqualTo($$"""{"index":0,"state":"held","slot":{{slot}},"pid":{{holder.Id}}}"""));
            Assert.That(Fail(1, "unlock", Name), Does.Contain($"held by process {holder.Id}").And.Contain("left alone"));
        }

        holder.Send("LEAVE");
        holder.WaitForSuccess();
    }

    [Test]
    public void A_killed_holders_lock_is_abandoned_until_it_is_repaired()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 1);
        using ChildProcess holder = ChildProcess.Start(Hold, Name, "0");
        holder.Expect("HELD");
        string slot = holder.ReadLine()!;
        holder.Kill();

        Assert.That(Pshm("info", Name), Does.EndWith($"\nreader_writer_lock: free\nlocks: 31\nlock 0: abandoned (slot {slot})\n"));
        Assert.That(FirstLock(), Is.EqualTo($$"""{"index":0,"state":"abandoned","slot":{{slot}},"pid":null}"""));

        // The first waiter marks the lock as abandoned, and its owner is no longer known.
        Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That(FirstLock(), Is.EqualTo("""{"index":0,"state":"abandoned","slot":0,"pid":null}"""));

        Assert.That(Pshm("unlock", Name), Does.Contain("was abandoned").And.Contain("half changed"));
        Assert.That(FirstLock(), Does.Contain("free"));
        array.Lock.EnterScope().Dispose();
        Assert.That(Pshm("unlock", Name), Does.Contain("nothing to do"));
    }

    [Test]
    public void Text_shows_only_locks_that_are_not_free_and_JSON_shows_all()
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.Zeros<double>(1), new SharedArrayOptions { Locks = 100 });
        using (ChildProcess dead = ChildProcess.Start(Hold, Name, "97"))
        {
            dead.Expect("HELD");
        }

        using ChildProcess holder = ChildProcess.Start(Hold, Name, "41");
        holder.Expect("HELD");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                Pshm("info", Name),
                Does.Match($@"\nlocks: 100\nlock 41: held \(slot \d+, pid {holder.Id}\)\nlock 97: abandoned \(slot \d+\)\n$"));
            string script = """
                "$pshm" info "$2" --json | "$1" -c '
                import json, sys
                locks = json.load(sys.stdin)["locks"]
                print(len(locks), [(l["index"], l["state"], l["pid"]) for l in locks if l["state"] != "free"])'
                """;
            Assert.That(Shell(script, Python.Interpreter, Name), Is.EqualTo($"100 [(41, 'held', {holder.Id}), (97, 'abandoned', None)]"));
            Assert.That(Pshm("unlock", Name), Does.Contain("nothing to do"), "the first one");
            Assert.That(Pshm("unlock", Name, "--lock", "97"), Does.StartWith("Lock 97 ").And.Contain("was abandoned"));
            Assert.That(Fail(1, "unlock", Name, "--lock", "41"), Does.StartWith("Lock 41 "));
            Assert.That(Fail(2, "unlock", Name, "--lock", "100"), Does.Contain("100 locks"));
            Assert.That(Fail(2, "unlock", Name, "--lock=-1"), Does.Contain("100 locks"));
        }
    }

    [Test]
    public void An_array_of_another_program_has_locks_unless_other_bytes_follow_its_elements()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.asfortranarray(np.zeros((2, 2))))", ShmPath);
        Assert.That(Pshm("info", Name), Does.EndWith("\norder: F\noffset: 128\nstrides: (8, 16)\nreader_writer_lock: free\nlocks: 31\n"));
        Assert.That(Locks().GetArrayLength(), Is.EqualTo(31));

        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.zeros((2, 2)))", ShmPathOf(NameOf("c")));
        Assert.That(Pshm("unlock", NameOf("c")), Does.Contain("nothing to do"));
        Assert.That(new FileInfo(ShmPathOf(NameOf("c"))).Length, Is.EqualTo(128 + 32));

        File.AppendAllText(ShmPathOf(NameOf("c")), new string('x', 8192));
        Assert.That(Pshm("info", NameOf("c")), Does.EndWith("\nreader_writer_lock: none\nlocks: 0\n"));
        Assert.That(Fail(2, "unlock", NameOf("c")), Does.Contain("0 locks"));
    }

    [Test]
    public void Unlock_fails_without_an_array_or_lock()
    {
        Assert.That(Fail(1, "unlock", Name), Does.Contain($"'{Name}'"));
        Assert.That(Fail(1, "unlock", Name, "--reader-writer"), Does.Contain($"'{Name}'"));
        Assert.That(Fail(2, "unlock", Name, "--reader-writer", "--lock", "1"), Does.Contain("different locks"));
    }

    [Test]
    public void Reader_writer_lock_is_shown_and_is_freed_if_it_is_abandoned()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 1);
        Assert.That(
            Pshm("unlock", Name, "--reader-writer"),
            Is.EqualTo($"The reader-writer lock of '{Name}' is free: there is nothing to do.\n"));
        using (array.ReaderWriterLock.EnterReadScope())
        {
            Assert.That(ReaderWriterLock(), Is.EqualTo("held by readers"));
            Assert.That(Fail(1, "unlock", Name, "--reader-writer"), Does.Contain("is held").And.Contain("left alone"));
        }

        using ChildProcess writer = ChildProcess.Start(Write, Name);
        writer.Expect("INSIDE");
        Assert.That(ReaderWriterLock(), Is.EqualTo("held by a writer"));
        Assert.That(Fail(1, "unlock", Name, "--reader-writer"), Does.Contain("is held").And.Contain("left alone"));
        writer.Kill();
        Assert.That(ReaderWriterLock(), Is.EqualTo("abandoned"));
        Assert.That(Pshm("info", Name), Does.Contain("\nreader_writer_lock: abandoned\n"));
        Assert.That(Pshm("unlock", Name, "--reader-writer"), Does.Contain("was abandoned").And.Contain("half changed"));
        Assert.That(ReaderWriterLock(), Is.EqualTo("free"));
        array.ReaderWriterLock.EnterReadScope().Dispose();
    }

    [Test]
    public void Help_warns_of_the_data() => Assert.That(Pshm("unlock", "--help"), Does.Contain("half changed"));

    private static int Hold(string[] args)
    {
        using SharedArray<double> array = SharedArray.Attach(args[0]);
        PosixShm.Synchronization.SharedLock shared = array.Locks[int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture)];
        using (shared.EnterScope())
        {
            Console.WriteLine("HELD");
            Console.WriteLine(shared.OwnerSlot);
            _ = Console.ReadLine();
        }

        return 0;
    }

    private static int Write(string[] args)
    {
        using SharedArray<double> array = SharedArray.Attach(args[0]);
        using (array.ReaderWriterLock.EnterWriteScope())
        {
            Console.WriteLine("INSIDE");
            _ = Console.ReadLine();
        }

        return 0;
    }

    private string? ReaderWriterLock()
        => JsonDocument.Parse(Pshm("info", Name, "--json")).RootElement.GetProperty("reader_writer_lock").GetString();

    private JsonElement Locks() => JsonDocument.Parse(Pshm("info", Name, "--json")).RootElement.GetProperty("locks");

    private string FirstLock() => Locks()[0].GetRawText();
}
