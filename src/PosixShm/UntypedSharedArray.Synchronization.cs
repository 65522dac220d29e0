using PosixShm.Arrays;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Locks and the change count.</content>
public abstract partial class UntypedSharedArray
{
    // Null before it is first needed. The thread that sets it to null again ends this array's use of it.
    private AttachedPage? _page;
    private ChangeCounter? _counter;

    /// <summary>Gets the array's first lock, in its own memory, for all threads of all processes that attach it.</summary>
    /// <remarks>The first use of a lock or of the count of changes adds 4,096 bytes behind the elements; see docs/FORMAT.md, "The control
    /// page".</remarks>
    /// <exception cref="InvalidOperationException">The array has none: it was created here with <see cref="SharedArrayOptions.Locks"/> = 0,
    /// it has no description (<see cref="SharedArray.AttachRaw"/>), or other bytes follow its elements. The message says which.</exception>
    /// <exception cref="IOException">This is a private copy, and a limit of the process was reached.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedLock Lock => Page.Locks[0];

    /// <summary>Gets the array's locks: 31, or as many as <see cref="SharedArrayOptions.Locks"/> said at creation if those were more. None
    /// where <see cref="Lock"/> throws.</summary>
    /// <exception cref="IOException">This is a private copy, and a limit of the process was reached.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public IReadOnlyList<SharedLock> Locks => PageOrNull?.Locks ?? (IReadOnlyList<SharedLock>)[];

    /// <summary>Gets the array's count of changes, by which readers sleep until a writer has published something.</summary>
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

    private AttachedPage Page
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
                $"'{Name}' has no locks and no count of changes: it was created here with Locks = 0, its bytes do not say themselves what they are (AttachRaw), or "
                + "Python's SharedArray package made it. A NamedSemaphore can take their place.");
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

    // For a second array over the same attachment, which is one owner of locks. Fails if another thread disposed this array meanwhile, or
    // if the page of a private copy cannot be mapped.
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
