using PosixShm.Arrays;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Locks and the change counter.</content>
public abstract partial class UntypedSharedArray
{
    // The page is null until it is first used. Dispose sets it to null again, and the thread that does so removes this array as a user of
    // the page.
    private AttachedPage? _page;
    private ChangeCounter? _counter;

    /// <summary>Gets the array's first lock, which is in its file, for all threads of all processes that attach it.</summary>
    /// <remarks>The first use of a lock or of the change counter adds 4,096 bytes after the elements; see docs/FORMAT.md, "The control
    /// page".</remarks>
    /// <exception cref="InvalidOperationException">The array has no locks, for the reason in the message: this process created it with
    /// <see cref="SharedArrayOptions.Locks"/> = 0, it has no description (<see cref="SharedArray.AttachRaw"/>), or other bytes follow its
    /// elements.</exception>
    /// <exception cref="IOException">The array is a private copy, and a limit of the process was reached.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public SharedLock Lock => Page.Locks[0];

    /// <summary>Gets the array's locks: 31, or the value of <see cref="SharedArrayOptions.Locks"/> at creation if that was larger. The list
    /// is empty if <see cref="Lock"/> throws <see cref="InvalidOperationException"/>.</summary>
    /// <exception cref="IOException">The array is a private copy, and a limit of the process was reached.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public IReadOnlyList<SharedLock> Locks => PageOrNull?.Locks ?? (IReadOnlyList<SharedLock>)[];

    /// <summary>Gets the array's reader-writer lock: many readers or one writer, among all threads of all processes. It is independent of
    /// <see cref="Lock"/>.</summary>
    /// <inheritdoc cref="Lock"/>
    public SharedReaderWriterLock ReaderWriterLock => new(Page.Locks.ReaderWriter);

    /// <summary>Gets the array's change counter, on which readers wait until a writer signals a change.</summary>
    /// <inheritdoc cref="Lock"/>
    public ChangeCounter ChangeCounter
    {
        get
        {
            ChangeCounter counter = _counter ?? Interlocked.CompareExchange(ref _counter, new ChangeCounter(Page), null) ?? _counter;
            ThrowIfDetached();
            if (Volatile.Read(ref _isDisposed) != 0)
            {
                counter.Detach();
            }

            return counter;
        }
    }

    private protected AttachedPage Page
    {
        get
        {
            ThrowIfDetached();
            return _page ?? MakePage();
        }
    }

    private AttachedPage? PageOrNull
    {
        get
        {
            try
            {
                return Page;
            }
            catch (InvalidOperationException error) when (error is not ObjectDisposedException)
            {
                return null;
            }
        }
    }

    private void DetachPage()
    {
        if (Volatile.Read(ref _page) is not null)
        {
            Interlocked.Exchange(ref _page, null)?.RemoveUser();
        }

        _counter?.Detach();
    }

    private AttachedPage MakePage()
    {
        if (_attached.Policy == PagePolicy.Never)
        {
            throw new InvalidOperationException(
                $"'{Name}' has no locks and no change counter: this process created it with Locks = 0, it has no description "
                + "(AttachRaw), or Python's SharedArray package created it. A NamedSemaphore can take their place.");
        }

        using Use use = new(this);
        AttachedPage made = new(_attached);
        AttachedPage page = Interlocked.CompareExchange(ref _page, made, null) ?? made;
        if (Volatile.Read(ref _isDisposed) != 0)
        {
            DetachPage();
            ObjectDisposedException.ThrowIf(true, this);
        }

        return page;
    }

    // Makes a second array over this attachment use its control page, because an attachment is one owner of locks. Throws if another thread
    // has disposed this array, or the page of a private copy cannot be mapped.
    private TArray SharingLocks<TArray>(TArray other)
        where TArray : UntypedSharedArray
    {
        try
        {
            if (PageOrNull is AttachedPage page)
            {
                ObjectDisposedException.ThrowIf(!page.TryAddUser(), this);
                other._page = page;
            }

            return other;
        }
        catch
        {
            other.Dispose();
            throw;
        }
    }
}
