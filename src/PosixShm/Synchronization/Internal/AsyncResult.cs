using System.Threading.Tasks.Sources;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>A wait whose result is a <see cref="ValueTask{TResult}"/>. The thread pool reports the end, so no program's code runs on a
/// waiting thread: no continuation, and no <see cref="SynchronizationContext"/> that a continuation has to go to. A waiting thread that
/// blocks there would hold up all other waits.</summary>
internal abstract class AsyncResult<TRules, TResult> : AsyncWait<TRules>, IValueTaskSource<TResult>, IValueTaskSource, IThreadPoolWorkItem
    where TRules : struct, IWaitRules
{
    private ManualResetValueTaskSourceCore<TResult> _source;
    private Exception? _failure;

    protected AsyncResult(in TRules rules, in WaitPlace place, Segment? memory, CancellationToken cancellation)
        : base(rules, place, memory, cancellation)
    {
    }

    /// <summary>Gets the result, once.</summary>
    public ValueTask<TResult> Task => new(this, _source.Version);

    /// <summary>Gets the end of the wait, once, in place of the result.</summary>
    public ValueTask End => new(this, _source.Version);

    /// <summary>Gets or sets the result.</summary>
    protected TResult Result { get; set; } = default!;

    TResult IValueTaskSource<TResult>.GetResult(short token) => _source.GetResult(token);

    void IValueTaskSource.GetResult(short token) => _ = _source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<TResult>.GetStatus(short token) => _source.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _source.GetStatus(token);

    void IValueTaskSource<TResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _source.OnCompleted(continuation, state, token, flags);

    void IThreadPoolWorkItem.Execute()
    {
        if (_failure is null)
        {
            _source.SetResult(Result);
        }
        else
        {
            _source.SetException(_failure);
        }
    }

    protected sealed override void Succeed() => _ = ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    protected sealed override void Fail(Exception error)
    {
        _failure = error;
        _ = ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }
}
