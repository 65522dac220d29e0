using System.Runtime.CompilerServices;
using PosixShm.Arrays;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

//
//  The process that needs the control page first makes it, without a lock; docs/FORMAT.md, "States of a file" to "To make the page", has
//  the proof in words, and docs/model/page.pml is the model.
//
//      state    condition                           next
//      bare     the file ends before the page       Make grows the file by one call, which succeeds or fails as a whole  -> zeros
//      zeros    the page exists, and is all zeros   Make stores the word by compare-exchange                             -> ours
//      ours     the page begins with the word       none: the state is final
//      foreign  all other bytes                     none: nothing is stored
//
//  Invariant: a byte of the page that is not zero was stored after the word. Every program keeps it, because it makes the page before it
//  stores. So a process that finds such a byte loads the word again, and the word decides. A store before the word's breaks it: other
//  processes would take the page for another program's bytes.
//
/// <summary>The control page of one attachment, before and after it is there. All members need a reference to the segment.</summary>
/// <param name="array">The array.</param>
/// <param name="page">The page's address.</param>
internal sealed unsafe class PageOnDemand(AttachedArray array, nint page)
{
    // Part of the format. An unknown bit of the first byte forbids stores, and one of the second two bytes forbids all uses.
    private const int StoreFeature = ControlPage.FeaturesOffset + 1;
    private const int AnyFeature = ControlPage.FeaturesOffset + 2;

    private readonly Segment _segment = array.Segment;
    private readonly PagePlace _place = array.Page;
    private volatile bool _isFound;

    /// <summary>Gets whether the page was found. From then on it exists until the memory is lost. Makes no system call.</summary>
    public bool IsFound => _isFound;

    /// <summary>Gets whether a page that was found permits stores by this version. Makes no system call.</summary>
    public bool MayStore => *((byte*)page + StoreFeature) == 0;

    /// <summary>Searches the page. Without it, all locks are free and the count of changes is 0.</summary>
    /// <exception cref="InvalidOperationException">There are other bytes in its place.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    public bool TryFind()
    {
        if (_isFound)
        {
            return true;
        }

        long size = GetSize();
        return size >= _place.PageEnd && IsOurs(size);
    }

    /// <summary>Makes the page, if it does not exist.</summary>
    /// <exception cref="InvalidOperationException">There are other bytes in its place, or this attachment may not add it.</exception>
    /// <exception cref="IOException">There is no space for it; the array is as it was.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    public void Make()
    {
        if (_isFound && MayStore)
        {
            return;
        }

        // A program that saved over the file may have elements where the page would be.
        long size = GetSize();
        ThrowIfSavedOver(size);
        if (size < _place.PageEnd)
        {
            Grow(size);
            size = _place.PageEnd;
        }

        if (!IsOurs(size))
        {
            if (size > _place.PageEnd)
            {
                throw Foreign(size);
            }

            // The invariant's store: no process stores another byte before this one.
            _ = Interlocked.CompareExchange(ref *(ulong*)page, ControlPage.Word, 0);
            _ = IsOurs(size) ? true : throw Foreign(size);
        }

        if (!MayStore)
        {
            throw None("a newer version of this library made its control page, which this one may only read");
        }
    }

    // All bytes behind the elements must be zeros, unless the page exists already: on some file systems, the growth by another process
    // becomes visible in steps.
    [SkipLocalsInit] // Only bytes that were read are used.
    private void Grow(long size)
    {
        Span<byte> gap = stackalloc byte[2 * Pages.Size];
        gap = gap[.._segment.Read(gap[..(int)(size - _place.End)], _place.End)];
        int padding = (int)(_place.Offset - _place.End);
        bool isOurs = gap.Length > padding && ControlPage.HasWord(gap[padding..]);
        if (!isOurs && gap.ContainsAnyExcept((byte)0))
        {
            throw Foreign(size);
        }

        if (!isOurs && array.Policy != PagePolicy.Always && !_segment.IsInArrayDirectory())
        {
            throw None(
                "its file is outside of the directory of shared memory, and may be another program's. Attach it with "
                + "AttachOptions.AddLocks, which lets locks add 4,096 bytes behind its elements");
        }

        try
        {
            _segment.Grow(_place.Offset, ControlPage.Size);
        }
        catch (UnauthorizedAccessException)
        {
            throw None("its file cannot grow: its size is sealed, or it is immutable");
        }
    }

    // Checks a page that exists. False if it is zeros, because no process has stored the word yet.
    private bool IsOurs(long size)
    {
        ulong word = Volatile.Read(ref *(ulong*)page);
        bool isZero = word == 0 && !new ReadOnlySpan<byte>((void*)page, ControlPage.Size).ContainsAnyExcept((byte)0);
        if (word == 0 && !isZero)
        {
            // The invariant's load: the process that stored the other byte had stored the word before.
            Volatile.ReadBarrier();
            word = Volatile.Read(ref *(ulong*)page);
        }

        if (_segment.IsLost)
        {
            throw SharedMemoryLostException.Of(_segment.Name.Value);
        }

        if (isZero)
        {
            return false;
        }

        if (word != ControlPage.Word)
        {
            throw ControlPage.FindProblem(word) is string problem ? None(problem) : Foreign(size);
        }

        if (*(ushort*)(page + AnyFeature) != 0)
        {
            throw None("a newer version of this library made its control page");
        }

        // Otherwise some attachments would use the locks behind the page, and others those in it.
        return _isFound = *(int*)(page + ControlPage.LockCountOffset) == _place.LocksBehind
            ? true
            : throw None("the locks behind its control page are not all in the file");
    }

    private void ThrowIfSavedOver(long size)
    {
        if (!array.HasSameHeader(size))
        {
            _segment.MarkLost();
            throw SharedMemoryLostException.Of(_segment.Name.Value);
        }
    }

    private InvalidOperationException Foreign(long size)
    {
        ThrowIfSavedOver(size);
        return None($"{size - _place.End} bytes of another program follow its elements");
    }

    private long GetSize()
    {
        long size = _segment.GetSize();
        return size >= _place.End && !_segment.IsLost ? size : throw SharedMemoryLostException.Of(_segment.Name.Value);
    }

    private InvalidOperationException None(string reason) => new($"'{_segment.Name}' has no locks and no count of changes: {reason}.");
}
