using PosixShm.Format;
using PosixShm.Synchronization;

namespace PosixShm;

/// <content>Locks and the change count.</content>
public abstract partial class SharedArray
{
    // Null before it is first needed. Whoever sets it to null again ends this array's use of it.
    private AttachedPage? _page;
    private SharedEvent? _changed;

    /// <summary>Gets the array's first lock, in its own memory, for all threads of all processes that attach it.</summary>
    /// <exception cref="InvalidOperationException">The array has none: it was created without, or by another program.</exception>
    /// <exception cref="IOException">This is a private copy, and a limit of the process was reached.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedLock Lock => Page is { Locks: { Count: > 0 } locks }
        ? locks[0]
        : throw new InvalidOperationException($"'{Name}' has no lock: it was created with Locks = 0, or by another program. A NamedSemaphore can take its place.");

    /// <summary>Gets the array's locks: as many as <see cref="SharedArrayOptions.Locks"/> said at creation, none if another program created it.</summary>
    /// <exception cref="IOException">This is a private copy, and a limit of the process was reached.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public IReadOnlyList<SharedLock> Locks => Page is AttachedPage page ? page.Locks : [];

    /// <summary>Gets the array's count of changes, by which readers sleep until a writer has published something.</summary>
    /// <exception cref="InvalidOperationException">The array was created by another program.</exception>
    /// <exception cref="IOException">This is a private copy, and a limit of the process was reached.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public SharedEvent Changed
    {
        get
        {
            if (Page is not AttachedPage page)
            {
                throw new InvalidOperationException($"'{Name}' has no count of changes: it was created by another program.");
            }

            SharedEvent changed = _changed ?? Interlocked.CompareExchange(ref _changed, new SharedEvent(page), null) ?? _changed;
            if (Volatile.Read(ref _isDisposed) != 0)
            {
                changed.Detach();
            }

            return changed;
        }
    }

    private AttachedPage? Page
    {
        get
        {
            ThrowIfDetached();
            return _page ?? (Header.Control is ControlPage control ? MakePage(control) : null);
        }
    }

    private void DetachPage()
    {
        Interlocked.Exchange(ref _page, null)?.RemoveUser();
        _changed?.Detach();
    }

    private AttachedPage MakePage(ControlPage control)
    {
        using Use use = new(this);
        AttachedPage made = new(use.Segment, Header.ControlOffset, control);
        AttachedPage page = Interlocked.CompareExchange(ref _page, made, null) ?? made;
        if (Volatile.Read(ref _isDisposed) != 0)
        {
            DetachPage();
            ObjectDisposedException.ThrowIf(true, this);
        }

        return page;
    }

    // For a second array over the same attachment, which is one owner of locks.
    private TArray SharingLocks<TArray>(TArray other)
        where TArray : SharedArray
    {
        if (Page is AttachedPage page)
        {
            ObjectDisposedException.ThrowIf(!page.TryAddUser(), this);
            other._page = page;
        }

        return other;
    }
}
