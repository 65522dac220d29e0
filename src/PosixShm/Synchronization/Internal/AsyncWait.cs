using PosixShm.Segments;

namespace PosixShm.Synchronization;

//
//  A wait that blocks no thread. The caller makes the first round itself, and the library's waiting threads (WaitThreads) make the others.
//
//      state      fields                          the state ends with
//      new        Word null                       WaitThreads.Add, by the caller                                  -> posted
//      posted     Word set, in the thread's inbox its waiting thread takes the inbox                              -> asleep
//      asleep     in the queue of Word            its thread: a round that ends the wait                          -> ended
//                                                 its thread: a round that prepares a sleep at another word       -> posted
//      ended      Word null                       nothing
//
//  Invariant: from "posted" on, only the thread of Word calls the rules. A cancellation only sets a flag and posts the wait again, so it
//  needs no lock against a round that acquires at the same time. The flag is set before Word is loaded, and Word is set before the flag is
//  loaded. So either the cancellation finds the thread, or the thread finds the flag.
//
/// <summary>A wait that blocks no thread, as its waiting thread sees it.</summary>
internal abstract class AsyncWait
{
    private int _isCancelled;
    private volatile WordWaiters? _word;

    /// <summary>Gets the place of the sleep.</summary>
    public WaitPlace Place { get; protected set; }

    /// <summary>Gets or sets the word at which the wait is, with its thread; null before and after. It changes under the gate of
    /// <see cref="WaitThreads"/>. A waiting thread that finds its own word here also finds what was stored before.</summary>
    public WordWaiters? Word
    {
        get => _word;
        set => _word = value;
    }

    /// <summary>Gets or sets the neighbours in the queue of the word. For the waiting thread.</summary>
    public AsyncWait? Next { get; set; }

    /// <inheritdoc cref="Next"/>
    public AsyncWait? Previous { get; set; }

    /// <summary>Gets or sets whether the wait is in the queue. For the waiting thread.</summary>
    public bool IsQueued { get; set; }

    /// <summary>Gets whether the wait is to end without success.</summary>
    public bool IsCancelled => Volatile.Read(ref _isCancelled) != 0;

    /// <summary>Ends the wait without success, unless it has ended. Any thread may call it.</summary>
    public void Cancel()
    {
        if (Interlocked.Exchange(ref _isCancelled, 1) == 0)
        {
            WaitThreads.Post(this);
        }
    }

    /// <summary>Makes a round by the rules. True if the wait has ended; then <see cref="Complete"/> follows. False if it sleeps at
    /// <see cref="Place"/>.</summary>
    public abstract bool TryEnd(bool isCheckDue);

    /// <summary>Ends the wait without success, out of its sleep. <see cref="Complete"/> follows.</summary>
    public abstract void Abort(Exception error);

    /// <summary>Releases the memory of the word, and reports the end. No thread uses the word any more.</summary>
    public abstract void Complete();
}

/// <summary>A wait by rules of a kind.</summary>
internal abstract class AsyncWait<TRules> : AsyncWait
    where TRules : struct, IWaitRules
{
    private readonly Segment? _memory;
    private readonly CancellationToken _cancellation;
    private CancellationTokenRegistration _registration;
    private TRules _rules;
    private Exception? _error;

    /// <param name="rules">The rules, which have prepared the sleep.</param>
    /// <param name="place">The place of the sleep.</param>
    /// <param name="memory">The memory of the word, to which the wait takes over a reference.</param>
    /// <param name="cancellation">Ends the wait.</param>
    protected AsyncWait(in TRules rules, in WaitPlace place, Segment? memory, CancellationToken cancellation)
    {
        _rules = rules;
        _memory = memory;
        _cancellation = cancellation;
        Place = place;
    }

    /// <summary>Hands the wait to a waiting thread. After an exception it has ended.</summary>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory or thread left.</exception>
    public void Start()
    {
        try
        {
            _cancellation.ThrowIfCancellationRequested();
            _registration = _cancellation.UnsafeRegister(static wait => ((AsyncWait)wait!).Cancel(), this);
            WaitThreads.Add(this);
        }
        catch (Exception error)
        {
            Abort(error);
            _ = _registration.Unregister();
            _memory?.Release();
            throw;
        }
    }

    public sealed override void Abort(Exception error)
    {
        _rules.EndSleep();
        _rules.GiveUp();
        _error = error;
    }

    public sealed override bool TryEnd(bool isCheckDue)
    {
        if (IsCancelled)
        {
            Abort(new OperationCanceledException(_cancellation));
            return true;
        }

        _rules.EndSleep();
        try
        {
            if (!WaitLoop.TryOnce(ref _rules, isCheckDue, spins: default, out WaitPlace place))
            {
                Place = place;
                return false;
            }

            Accept(_rules);
        }
#pragma warning disable CA1031 // The caller of the wait gets it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _error = error;
        }

        return true;
    }

    public sealed override void Complete()
    {
        _ = _registration.Unregister();
        _memory?.Release();
        if (_error is null)
        {
            Succeed();
        }
        else
        {
            Fail(_error);
        }
    }

    /// <summary>Takes what the rules have acquired, while the memory is mapped. An exception is the result of the wait.</summary>
    protected abstract void Accept(in TRules rules);

    /// <summary>Reports the success.</summary>
    protected abstract void Succeed();

    /// <summary>Reports the failure.</summary>
    protected abstract void Fail(Exception error);
}
