using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Takes the space of new segments, so that a lack of it is an exception at creation and not a bus error, or somebody's death, later.</summary>
internal static class SegmentSpace
{
    // In steps, because kernels before 5.18 give up a large reservation at every signal and start again.
    private const long Step = 64L << 20;

    /// <summary>Sets a file's size and reserves the space for it; see <c>fallocate(2)</c>. False where the file system cannot: there space is taken as it is written.</summary>
    public static bool TryReserve(Descriptor fd, SegmentName name, long length)
    {
        if (length > Step)
        {
            RefuseWhatCannotFit(name, length);
        }

        for (long offset = 0; offset < length; offset += Step)
        {
            if (Interop.Allocate(fd, offset, Math.Min(Step, length - offset)) < 0)
            {
                return Interop.LastError == Interop.Error.EOPNOTSUPP ? false : throw Error(name, length);
            }
        }

        return true;
    }

    /// <summary>Takes the space of a mapped file, page by page as stores would, but with an error where those would fail. False where the kernel cannot.</summary>
    public static bool TryReserve(Mapping mapping, SegmentName name, long length)
    {
        // Always: when it fails, what was taken is still held, and the error would say that nothing is free.
        RefuseWhatCannotFit(name, length);
        return TryPopulate(mapping.Address, name, length);
    }

    // False before Linux 5.14.
    private static bool TryPopulate(nint address, SegmentName name, long length)
    {
        int errno = ParallelMemory.Populate(address, length);
        return Interop.ConvertErrno(errno) switch
        {
            Interop.Error.SUCCESS => true,
            Interop.Error.EINVAL => false,
            Interop.Error.EFAULT => throw SegmentError.NoSpace(name, length), // as a store would fail
            _ => throw SegmentError.From(errno, name, SegmentError.Create),
        };
    }

    /// <summary>Makes a mapped file longer, with zeros, or fails and leaves it as it was; see <c>fallocate(2)</c>.</summary>
    /// <remarks>
    /// Where the file system has no fallocate, a zero is written to the last byte, and the pages are taken through the mapping. Others may do the same
    /// at the same time, which changes nothing.
    /// </remarks>
    public static void Grow(Descriptor fd, SegmentName name, long offset, int length, nint mapping)
    {
        if (Interop.Allocate(fd, offset, length) == 0)
        {
            return;
        }

        if (Interop.LastError != Interop.Error.EOPNOTSUPP || Interop.WriteZero(fd, offset + length - 1) < 0)
        {
            throw Error(name, length);
        }

        long start = offset - (offset % Environment.SystemPageSize);
        _ = TryPopulate(mapping + (nint)start, name, offset + length - start);
    }

    /// <summary>Maps the pages of a file, and takes those that it has not yet. Advice, but for what cannot fit.</summary>
    public static void Populate(Mapping mapping, SegmentName name, long length)
    {
        if (length > Step)
        {
            RefuseWhatCannotFit(name, length);
        }

        _ = ParallelMemory.Populate(mapping.Address, length);
    }

    /// <summary>Makes the exception for the error that this thread's last call left behind while it took space.</summary>
    public static Exception Error(SegmentName name, long bytes)
    {
        Exception error = SegmentError.Last(name, SegmentError.Create);
        return Interop.ConvertErrno(error.HResult) is Interop.Error.ENOSPC or Interop.Error.EDQUOT
            ? SegmentError.NoSpace(error.HResult, name, bytes)
            : error;
    }

    // A tmpfs may be larger than the memory that is left: what cannot fit must not be taken step by step until the kernel kills somebody.
    private static void RefuseWhatCannotFit(SegmentName name, long length)
    {
        // Zero also means "no limit"; then the memory, or the reservation itself, has the word.
        bool isKnown = Interop.GetFreeSpace(name.Folder, out long free, out _, out int isMemory) == 0;
        if (isKnown && free > 0 && length > free)
        {
            throw SegmentError.NoSpace(name, length);
        }

        if ((isMemory != 0 || name.Kind == SegmentKind.Descriptor) && AvailableMemory.Read() is long available && length > available)
        {
            throw SegmentError.NoMemory(name, length, available);
        }
    }
}
