using PosixShm.Native;
using PosixShm.Synchronization;

namespace PosixShm.Posix;

/// <content>Waits that block no thread.</content>
public sealed partial class NamedSemaphore
{
    /// <summary>Waits until the count is above zero, and lowers it by one, without blocking a thread.</summary>
    /// <param name="cancellation">Ends the wait at once.</param>
    /// <returns>The end of the wait.</returns>
    /// <remarks><para>The semaphore is polled: a thread of the library calls <c>sem_trywait(3)</c> every 5 ms, for all asynchronous waits
    /// of the process. The C library wakes only threads that wait inside its own functions. So a release is noticed after up to 5 ms, and a
    /// thread that blocks in <see cref="Wait"/> is usually faster. If the count is above zero, the task is complete at once.</para>
    /// <para>The <see cref="ValueTask"/> can be awaited once.</para></remarks>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="InvalidDataException">The file is no longer a semaphore.</exception>
    /// <exception cref="InsufficientMemoryException">No memory or thread is left for the wait.</exception>
    /// <exception cref="ObjectDisposedException">The semaphore is closed, before the wait or during it; noticed within 50 ms.</exception>
    public ValueTask WaitAsync(CancellationToken cancellation = default)
    {
        try
        {
            Decrement rules = new(this);
            if (WaitLoop.TryOnce(ref rules, isCheckDue: true, spins: default, out WaitPlace place))
            {
                return ValueTask.CompletedTask;
            }

            DecrementWait wait = new(rules, place, cancellation);
            wait.Start();
            return wait.End;
        }
#pragma warning disable CA1031 // As from an asynchronous method, the task has it.
        catch (Exception error)
#pragma warning restore CA1031
        {
            return ValueTask.FromException(error);
        }
    }

    // The rules of one wait. They count nothing and take no wake-up.
    private readonly struct Decrement(NamedSemaphore semaphore) : IWaitRules
    {
        public WaitStep Probe(out int seen)
        {
            seen = 0;
            return Interop.SemWait(semaphore._handle, 0) == 0 ? WaitStep.Done
                : Interop.LastError == Interop.Error.EAGAIN ? WaitStep.Wait
                : throw LastError(semaphore._name, "wait for");
        }

        public bool CanSpin(int seen) => false;

        public WaitStep Check(int seen, bool isDue) => WaitStep.Wait;

        public WaitStep PrepareSleep(int seen, out WaitPlace place)
        {
            place = WaitPlace.Timer(WaitThread.PollMilliseconds);
            return WaitStep.Wait;
        }

        public void EndSleep()
        {
        }

        public void GiveUp()
        {
        }
    }

    private sealed class DecrementWait(in Decrement rules, in WaitPlace place, CancellationToken cancellation)
        : AsyncResult<Decrement, bool>(rules, place, memory: null, cancellation)
    {
        protected override void Accept(in Decrement rules) => Result = true;
    }
}
