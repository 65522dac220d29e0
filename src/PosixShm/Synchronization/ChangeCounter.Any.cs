namespace PosixShm.Synchronization;

/// <content>The wait for the first of several counters.</content>
public sealed partial class ChangeCounter
{
    // A wait at each of several counters. The first one that ends decides, and ends the others. The result
    // comes after all have ended, so that no wait uses an array any more.
    private sealed class AnyChange
    {
        private readonly ChangeCounter[] _counters;
        private readonly uint[] _lastSeen;
        private readonly AsyncWait?[] _waits;
        private readonly TaskCompletionSource<(int Index, uint Count)> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _isDecided;
        private int _unended = 1; // the waits that have not ended, and the caller while it starts them
        private (int Index, uint Count) _result;
        private Exception? _error;

        public AnyChange(ReadOnlySpan<ChangeCounter> counters, ReadOnlySpan<uint> lastSeen)
        {
            _counters = counters.ToArray();
            _lastSeen = lastSeen.ToArray();
            _waits = new AsyncWait?[counters.Length];
        }

        private bool IsDecided => Volatile.Read(ref _isDecided) != 0;

        // -1 if the time ran out.
        public int Wait(int milliseconds, Span<uint> lastSeen, CancellationToken cancellation)
        {
            using CancellationTokenRegistration registration = Register(cancellation);
            Start();
            Exception? interrupt = null;
            try
            {
                if (!_ended.Task.Wait(milliseconds, CancellationToken.None))
                {
                    Decide((-1, 0), null);
                }
            }
            catch (AggregateException)
            {
                // The result has it.
            }
            catch (ThreadInterruptedException error)
            {
                interrupt = error;
                Decide((-1, 0), null);
            }

            (int index, uint count) = Result();
            if (interrupt is not null)
            {
                throw new ThreadInterruptedException(interrupt.Message, interrupt);
            }

            if (index >= 0)
            {
                lastSeen[index] = count;
            }

            return index;
        }

        public async ValueTask<(int Index, uint Count)> WaitAsync(CancellationToken cancellation)
        {
            CancellationTokenRegistration registration = Register(cancellation);
            await using (registration.ConfigureAwait(false))
            {
                Start();
                return await _ended.Task.ConfigureAwait(false);
            }
        }

        public void Decide((int Index, uint Count) result, Exception? error)
        {
            if (Interlocked.Exchange(ref _isDecided, 1) == 0)
            {
                _result = result;
                _error = error;
                foreach (AsyncWait? wait in _waits)
                {
                    wait?.Cancel();
                }
            }
        }

        public void End()
        {
            if (Interlocked.Decrement(ref _unended) == 0)
            {
                _ = _error is null ? _ended.TrySetResult(_result) : _ended.TrySetException(_error);
            }
        }

        private CancellationTokenRegistration Register(CancellationToken cancellation)
            => cancellation.UnsafeRegister(
                static (any, token) => ((AnyChange)any!).Decide((-1, 0), new OperationCanceledException(token)), this);

        // The waits end soon after the decision, whatever interrupts this thread.
        private (int Index, uint Count) Result()
        {
            while (true)
            {
                try
                {
                    return _ended.Task.GetAwaiter().GetResult();
                }
                catch (ThreadInterruptedException)
                {
                }
            }
        }

        private void Start()
        {
            try
            {
                for (int i = 0; i < _counters.Length && !IsDecided; i++)
                {
                    if (_counters[i].TryOnce(_lastSeen[i], out Change change, out WaitPlace place))
                    {
                        Decide((i, change.Count), null);
                        break;
                    }

                    // The decision is made before the waits are read, and this wait is written before the decision is read. So one of
                    // them ends it.
                    Part wait = new(this, i, _counters[i], change, place);
                    Volatile.Write(ref _waits[i], wait);
                    _ = Interlocked.Increment(ref _unended);
                    try
                    {
                        _counters[i].Start(wait);
                    }
                    catch
                    {
                        _ = Interlocked.Decrement(ref _unended);
                        throw;
                    }

                    if (IsDecided)
                    {
                        wait.Cancel();
                    }
                }
            }
#pragma warning disable CA1031 // The caller gets it with the result.
            catch (Exception error)
#pragma warning restore CA1031
            {
                Decide((-1, 0), error);
            }

            End();
        }

        private sealed class Part(AnyChange any, int index, ChangeCounter counter, in Change change, in WaitPlace place)
            : AsyncWait<Change>(change, place, counter._page.Segment, CancellationToken.None)
        {
            private uint _count;

            protected override void Accept(in Change rules) => _count = rules.Count;

            protected override void Succeed()
            {
                any.Decide((index, _count), null);
                any.End();
            }

            protected override void Fail(Exception error)
            {
                any.Decide((-1, 0), error);
                any.End();
            }
        }
    }
}
