using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Tmds.LibC and Mono.Posix attach an array and use its lock, by their own calls and constants, while this library
/// watches.</summary>
[TestFixture(nameof(TmdsCalls))]
[TestFixture(nameof(MonoCalls))]
internal sealed class PackageLockTests(string package) : NamedTest
{
    [TestCase(true)]
    [TestCase(false)]
    public void Lock_of_a_package_is_seen_as_held_and_as_free(bool hasPage)
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 10);
        if (hasPage)
        {
            array.Lock.Enter();
            array.Lock.Exit();
        }

        using ChildProcess child = ChildProcess.Start(Hold, package, ShmPath);
        child.Expect("HELD");
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Held));
        Assert.That(array.Lock.TryEnter(), Is.False);
        Assert.That(array[9], Is.EqualTo(42));

        child.Send("leave");
        child.Expect("LEFT");
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Free));
        Assert.That(array.Lock.TryEnter(), Is.True);
        array.Lock.Exit();
        child.WaitForSuccess();
    }

    [Test]
    public void Lock_of_a_killed_process_is_abandoned()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 10);
        using ChildProcess child = ChildProcess.Start(Hold, package, ShmPath);
        child.Expect("HELD");
        child.Kill();

        Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Abandoned));
        using (SharedLock.RecoveryScope recovery = array.Lock.EnterRecovery())
        {
            recovery.MarkConsistent();
        }

        Assert.That(array.Lock.TryEnter(), Is.True);
        array.Lock.Exit();
    }

    [Test]
    public void Attachment_of_a_package_is_a_use_of_the_array()
    {
        SharedArray.Create<long>(Name, 10).Dispose();
        Assert.That(SharedArray.Describe(Name).IsInUse, Is.False);
        using ChildProcess child = ChildProcess.Start(Hold, package, ShmPath);
        child.Expect("HELD");
        Assert.That(SharedArray.Describe(Name).IsInUse, Is.True);
        Assert.That(SharedArray.DeleteStale(new StaleOptions { Pattern = Name }), Is.Empty);
        child.Kill();
        Assert.That(SharedArray.DeleteStale(new StaleOptions { Pattern = Name }), Has.Count.EqualTo(1));
    }

    private static unsafe int Hold(string[] args)
    {
        Attachment attachment = new(PackageCalls.Of(args[0]), args[1]);
        attachment.Enter();
        attachment.Elements[9] = 42;
        Console.WriteLine("HELD");
        _ = Console.ReadLine();
        attachment.Leave();
        Console.WriteLine("LEFT");
        return 0;
    }
}
