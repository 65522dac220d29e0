using System.Diagnostics.CodeAnalysis;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Posix;

/// <summary>Creates the files of shared memory objects.</summary>
[SuppressMessage("Reliability", "CA2000", Justification = "A file is returned, or disposed where it was created.")]
internal static class ObjectFile
{
    /// <summary>Creates an object, if the name is free. Other processes see it with its size and mode, or not at all. If the system
    /// refuses files without a name, <c>shm_open(3)</c> creates it, and other processes may see it without a size for a moment.</summary>
    public static SegmentFile Create(SegmentName name, long size, UnixFileMode mode, bool reserve)
    {
        // Reports EEXIST rather than ENOSPC. The link, or shm_open, decides in the end.
        if (SegmentDirectory.Has(name))
        {
            throw SegmentError.Taken(name);
        }

        Refusals refusals = new();
        return TryComplete(SegmentFile.TryCreateUnnamed(name, refusals), file => file.TryLink(name.Path, refusals))
            ?? TryComplete(SegmentFile.TryCreateNamed(name, refusals), static _ => true, name)
            ?? throw refusals.First(name);

        SegmentFile? TryComplete(SegmentFile? file, Predicate<SegmentFile> publish, SegmentName? created = null)
        {
            bool isComplete = false;
            try
            {
                file?.SetPermissions(mode);
                file?.SetLength(size, reserve);
                isComplete = file is not null && publish(file);
                return isComplete ? file : null;
            }
            finally
            {
                if (!isComplete)
                {
                    Undo(file, created);
                }
            }
        }
    }

    // Removes the name of an incomplete file, unless another process has given the name to another file.
    private static void Undo(SegmentFile? file, SegmentName? created)
    {
        if (created is not null && file?.GetNamedFile() == NamedFile.Same)
        {
            SegmentDirectory.Remove(created);
        }

        file?.Dispose();
    }
}
