using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <content>Reserves the space of new segments, so that a lack of it is an exception at the creation, and no bus error later.</content>
internal sealed partial class SegmentFile
{
    // Kernels before 5.18 give up a reservation at every signal and start it again, so a large one is made in steps.
    private const long Step = 64L << 20;

    /// <summary>The bytes of a huge page. A smaller segment has no huge pages.</summary>
    public const long HugePage = 2L << 20;

    // Machines with larger pages have larger huge pages, too.
    private static bool HasHugePages => Environment.SystemPageSize == 4096;

    /// <summary>Sets the size of a new file. With <paramref name="reserve"/>, reserves the space too, so that no store fails.</summary>
    /// <param name="length">The size.</param>
    /// <param name="reserve">Whether to reserve the space.</param>
    /// <param name="from">The size before. Only the space behind it is reserved.</param>
    /// <param name="action">The action, for the message of an error.</param>
    public void SetLength(long length, bool reserve, long from = 0, string action = SegmentError.Create)
    {
        if (reserve && length - from > Step)
        {
            _ = CheckFit(length - from);
        }

        // Reserving sets the size, too.
        if (!reserve || !TryAllocate(length, from, action))
        {
            SegmentError.Check(Interop.FTruncate(_fd, length), Name, action, length);
        }
    }

    /// <summary>Reserves the space of a mapped file in memory that has its size, and for which <see cref="CheckFit"/> found room. All whole
    /// units of 2 MiB become huge pages for any mount options, which takes a tenth of the time of <c>fallocate(2)</c>. That is best effort:
    /// fallocate allocates the rest, or reports that there is no space.</summary>
    /// <param name="mapping">A mapping of all of it.</param>
    /// <param name="length">The bytes.</param>
    /// <param name="populate">Whether to populate pages that cannot be collapsed: kernels before 6.1 may use huge pages.</param>
    public void ReserveLarge(Mapping mapping, long length, bool populate)
    {
        bool isPopulated = !TryCollapse(mapping.Address, length) && populate && TryPopulate(mapping.Address, length);
        if (!isPopulated)
        {
            _ = TryAllocate(length);
        }
    }

    /// <summary>Sets the size of a file that other processes may have open, or fails and leaves it as it was.</summary>
    public void Resize(long length, bool reserve)
    {
        long before = GetStatus().Size;
        try
        {
            SetLength(length, reserve && length > before, before, SegmentError.Resize);
        }
        catch (IOException)
        {
            _ = Interop.FTruncate(_fd, before);
            throw;
        }
    }

    // False where the file system cannot reserve: there, stores allocate the space.
    private bool TryAllocate(long length, long from = 0, string action = SegmentError.Create)
    {
        for (long offset = from; offset < length; offset += Step)
        {
            if (Interop.Allocate(_fd, offset, Math.Min(Step, length - offset)) < 0)
            {
                return Interop.LastError == Interop.Error.EOPNOTSUPP ? false : throw SegmentError.Last(Name, action, length);
            }
        }

        return true;
    }

    // MADV_COLLAPSE in madvise(2): EINVAL before Linux 6.1. It refuses a range without any page, and copies the pages that exist. So
    // exactly one page of each range is allocated first. A lack of memory ends the collapse and never a process. Returns whether all whole
    // units are in huge pages.
    private bool TryCollapse(nint address, long length)
    {
        bool isWhole = HasHugePages;
        long end = isWhole ? length - (length % HugePage) : 0;
        for (long start = 0; start < end; start += Step)
        {
            long next = Math.Min(start + Step, end);
            for (long offset = start; offset < next; offset += HugePage)
            {
                // Not by a write: a segment that is created in place has its first bytes already.
                if (Interop.Allocate(_fd, offset, 1) < 0)
                {
                    return false;
                }
            }

            if (Interop.MAdvise(address + (nint)start, (ulong)(next - start), Interop.MemoryAdvice.ADVICE_COLLAPSE) < 0)
            {
                // EAGAIN concerns single ranges. All other errors concern the ranges that follow, too.
                isWhole = false;
                if (Interop.LastError != Interop.Error.EAGAIN)
                {
                    break;
                }
            }
        }

        return isWhole;
    }

    /// <summary>Moves the pages of a mapped file into huge ones. Returns the number of bytes in huge pages.</summary>
    public static long Compact(nint address, long length)
    {
        // One range at a time: an error for a range without any page does not concern the others.
        long compacted = 0;
        for (long start = 0; HasHugePages && start <= length - HugePage; start += HugePage)
        {
            compacted += Interop.MAdvise(address + (nint)start, HugePage, Interop.MemoryAdvice.ADVICE_COLLAPSE) == 0 ? HugePage : 0;
        }

        return compacted;
    }

    // Allocates page by page as stores do, but reports an error where a store would raise a signal. False before Linux 5.14.
    private bool TryPopulate(nint address, long length)
    {
        int errno = ParallelMemory.Populate(address, length);
        return Interop.ConvertErrno(errno) switch
        {
            Interop.Error.SUCCESS => true,
            Interop.Error.EINVAL => false,
            Interop.Error.EFAULT => throw SegmentError.NoSpace(Name, length),
            _ => throw SegmentError.From(errno, Name, SegmentError.Create, length),
        };
    }

    /// <summary>Makes a mapped file longer, with zeros, or fails and leaves it as it was; see <c>fallocate(2)</c>.</summary>
    /// <remarks>Where the file system has no fallocate, a zero is written to the last byte, and the pages are allocated through the
    /// mapping. Other processes may do the same at the same time, which changes nothing.</remarks>
    public void Grow(long offset, int length, nint mapping)
    {
        if (Interop.Allocate(_fd, offset, length) == 0)
        {
            return;
        }

        if (Interop.LastError != Interop.Error.EOPNOTSUPP || Interop.WriteZero(_fd, offset + length - 1) < 0)
        {
            throw SegmentError.Last(Name, SegmentError.Create, length);
        }

        long start = offset - (offset % Environment.SystemPageSize);
        _ = TryPopulate(mapping + (nint)start, offset + length - start);
    }

    /// <summary>Maps the pages of a file, and allocates those that it lacks. Best effort, except for a segment that cannot fit.</summary>
    public void Populate(Mapping mapping, long length, bool isReserved)
    {
        // The free space no longer contains the pages that are reserved.
        if (length > Step && !isReserved)
        {
            _ = CheckFit(length);
        }

        _ = ParallelMemory.Populate(mapping.Address, length);
    }

    /// <summary>Checks that a segment can fit. Must precede its allocation, which reduces the free space.</summary>
    /// <remarks>A tmpfs may be larger than the free memory. The kernel would then end a process during the allocation.</remarks>
    /// <returns>Whether the segment is in memory.</returns>
    /// <exception cref="IOException">It cannot fit.</exception>
    public bool CheckFit(long length)
    {
        // Zero also means "no limit"; then the memory, or the reservation itself, decides.
        bool isKnown = Interop.GetFreeSpace(Name.Directory, out long free, out _, out int isMemory) == 0;
        if (isKnown && free > 0 && length > free)
        {
            throw SegmentError.NoSpace(Name, length);
        }

        bool isInMemory = isMemory != 0 || Name.Kind == SegmentKind.Descriptor;
        if (isInMemory && length > Step && AvailableMemory.Read() is long available && length > available)
        {
            throw SegmentError.NoMemory(Name, length, available);
        }

        return isInMemory;
    }
}
