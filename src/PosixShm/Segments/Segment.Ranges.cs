using PosixShm.Native;

namespace PosixShm.Segments;

/// <content>Calls for a range of the mapping. Its start is a multiple of the page size, and the kernel rounds its length up to whole
/// pages.</content>
internal sealed unsafe partial class Segment
{
    /// <summary>Writes the stores in a range to the disk.</summary>
    public void Flush(long start, long length)
        => SegmentError.Check(Interop.MSync(Address + (nint)start, (ulong)length), Name, SegmentError.Flush);

    /// <summary>Keeps the pages of a range in memory: all of them are loaded, and never swapped out.</summary>
    /// <exception cref="SharedMemoryLostException">The file no longer has all of the pages.</exception>
    public void LockInMemory(long start, long length)
    {
        if (Interop.MLock(Address + (nint)start, (ulong)length) < 0)
        {
            // The kernel reports a lost page as it reports the limit: ENOMEM.
            Exception error = SegmentError.Last(Name, SegmentError.LockInMemory, length);
            throw GetSize() < FileEnd ? SharedMemoryLostException.Of(Name.Value) : error;
        }
    }

    /// <summary>Permits the kernel to swap out the pages of a range.</summary>
    public void UnlockFromMemory(long start, long length)
        => SegmentError.Check(Interop.MUnlock(Address + (nint)start, (ulong)length), Name, "unlock from memory");

    /// <summary>Sets the access to a range. A forbidden access is a fault.</summary>
    public void Protect(long start, long length, Interop.MapFlags flags)
        => SegmentError.Check(_mapping.Protect(start, length, flags), Name, SegmentError.Protect);

    /// <summary>Advises the kernel on the use of a range.</summary>
    public void Advise(long start, long length, Interop.MemoryAdvice advice)
        => SegmentError.Check(Interop.MAdvise(Address + (nint)start, (ulong)length, advice), Name, SegmentError.Advise, length);
}
