using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Waits for a change of an array that has no control page yet.</summary>
internal sealed class PageWaitTests : NamedTest
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    private static readonly Dictionary<string, Func<string, UntypedSharedArray>> s_waiters = new()
    {
        ["writable"] = name => SharedArray.AttachUntyped(name),
        ["read only"] = name => SharedArray.AttachUntyped(name, SharedArrayAccess.ReadOnly),
        ["private copy"] = name => SharedArray.AttachCopyOnWrite<int>(name),
    };

    private static readonly Dictionary<string, Action<string>> s_replacers = new()
    {
        ["Replace"] = name => SharedArray.Replace<int>(name, 8).Dispose(),
        ["Resize"] = name => SharedArray.Resize<int>(name, 8).Dispose(),
    };

    private static IEnumerable<string> Waiters => s_waiters.Keys;

    private static IEnumerable<string> Replacers => s_replacers.Keys;

    [Test]
    public void Change_is_seen_by_waiters_that_waited_before_the_page_was_made([ValueSource(nameof(Waiters))] string waiter)
    {
        using SharedArray<int> writer = SharedArray.Create<int>(Name, 4);
        using UntypedSharedArray waiting = s_waiters[waiter](Name);
        Task<uint> wait = Task.Run(() => waiting.ChangeCounter.Wait(0));
        Assert.That(wait.Wait(TimeSpan.FromMilliseconds(30)), Is.False);
        _ = writer.ChangeCounter.Signal();
        Assert.That(wait.Wait(s_limit), Is.True);
        Assert.That(wait.Result, Is.EqualTo(1));
    }

    [Test]
    public void Replacement_ends_a_wait_that_began_before_it(
        [ValueSource(nameof(Replacers))] string how, [ValueSource(nameof(Waiters))] string waiter, [Values] bool isMadeMeanwhile)
    {
        using SharedArray<int> other = SharedArray.Create<int>(Name, 4);
        using UntypedSharedArray waiting = s_waiters[waiter](Name);
        Task<uint> wait = Task.Run(() => waiting.ChangeCounter.Wait(0));
        Task made = isMadeMeanwhile ? Task.Run(() => other.Lock.EnterScope().Dispose()) : Task.CompletedTask;
        s_replacers[how](Name);
        Assert.That(Task.WaitAll([wait, made], s_limit), Is.True);
        Assert.That((wait.Result, waiting.IsCurrent), Is.EqualTo((1u, false)).Or.EqualTo((2u, false)));
    }

    // A page that is made or found only after the replacement has no signal in it.
    [Test]
    public void Replacement_ends_a_wait_that_begins_after_it(
        [ValueSource(nameof(Replacers))] string how,
        [ValueSource(nameof(Waiters))] string waiter,
        [Values("before", "after", "never")] string made)
    {
        using SharedArray<int> other = SharedArray.Create<int>(Name, 4);
        using UntypedSharedArray waiting = s_waiters[waiter](Name);
        if (made == "before")
        {
            other.Lock.EnterScope().Dispose();
        }

        s_replacers[how](Name);
        if (made == "after")
        {
            other.Lock.EnterScope().Dispose();
        }

        Task<uint> wait = Task.Run(() => waiting.ChangeCounter.Wait(0));
        Assert.That(wait.Wait(s_limit), Is.True);
        Assert.That((waiting.IsCurrent, wait.Result), Is.EqualTo((false, 1u)).Or.EqualTo((false, 2u)));
    }

    [Test]
    public void Deletion_ends_a_wait_of_an_attachment_that_cannot_make_the_page([Values("read only", "private copy")] string waiter)
    {
        SharedArray.Create<int>(Name, 4).Dispose();
        using UntypedSharedArray waiting = s_waiters[waiter](Name);
        Task<uint> wait = Task.Run(() => waiting.ChangeCounter.Wait(0));
        Assert.That(wait.Wait(TimeSpan.FromMilliseconds(30)), Is.False);
        SharedArray.Delete(Name);
        Assert.That(wait.Wait(s_limit), Is.True);
        Assert.That((wait.Result, waiting.IsCurrent), Is.EqualTo((1u, false)));
    }

    [Test]
    public void Disposal_ends_a_wait_without_a_page([Values("read only", "private copy")] string waiter)
    {
        SharedArray.Create<int>(Name, 4).Dispose();
        UntypedSharedArray waiting = s_waiters[waiter](Name);
        ChangeCounter changed = waiting.ChangeCounter;
        Task<uint> wait = Task.Run(() => changed.Wait(0));
        Assert.That(wait.Wait(TimeSpan.FromMilliseconds(30)), Is.False);
        waiting.Dispose();
        Assert.That(
            () => wait.Wait(s_limit), Throws.InstanceOf<AggregateException>().With.InnerException.InstanceOf<ObjectDisposedException>());
        Assert.That(OwnProcess.CountMappings(Name), Is.Zero);
    }
}
