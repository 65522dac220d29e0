using PosixShm.Synchronization;

namespace PosixShm.Benchmarks.Workers;

/// <summary>
/// A lock that a process acquires and releases, or one side of a change, which a process awaits or signals. Structures implement it, so
/// that the calls are direct.
/// </summary>
internal interface ITurn
{
    void Enter();

    void Leave();
}

internal readonly struct OwnLock(SharedLock shared) : ITurn
{
    public void Enter() => shared.Enter();

    public void Leave() => shared.Exit();
}

internal readonly struct NamedMutex(Mutex mutex) : ITurn
{
    public void Enter() => _ = mutex.WaitOne();

    public void Leave() => mutex.ReleaseMutex();
}

internal readonly struct Signaller(ChangeCounter changed) : ITurn
{
    public void Enter()
    {
    }

    public void Leave() => _ = changed.Signal();
}

internal struct Waiter(ChangeCounter changed, uint seen) : ITurn
{
    private uint _seen = seen;

    public void Enter() => _seen = changed.Wait(_seen);

    public readonly void Leave()
    {
    }
}

/// <summary>A waiter of an asynchronous method, whose thread does nothing else.</summary>
internal struct AsyncWaiter(ChangeCounter changed, uint seen) : ITurn
{
    private uint _seen = seen;

    public void Enter() => _seen = changed.WaitAsync(_seen).AsTask().GetAwaiter().GetResult();

    public readonly void Leave()
    {
    }
}
