using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>An array as its header and the kernel describe it, without an attachment.</summary>
internal readonly record struct CatalogEntry(SegmentName Name, ArrayHeader Header, Interop.Status Status, bool IsInUse);

/// <summary>Describes, lists and deletes arrays.</summary>
internal static class ArrayCatalog
{
    /// <summary>Describes one array.</summary>
    /// <exception cref="FileNotFoundException">The array does not exist.</exception>
    /// <exception cref="InvalidDataException">The file is not an array, or is a damaged one.</exception>
    public static CatalogEntry Describe(SegmentName name)
    {
        using SegmentProbe probe = new();
        probe.Read(name);
        return ArrayReader.TryRead(probe, probe.Head, probe.Status.Size, int.MaxValue, out string problem) is ArrayHeader header
            ? new CatalogEntry(name, header, probe.Status, probe.IsInUse)
            : throw ArrayReader.Unreadable(name, problem);
    }

    /// <summary>Returns whether the name is that of an undamaged array.</summary>
    public static bool Exists(SegmentName name)
    {
        using SegmentProbe probe = new();
        try
        {
            probe.Read(name, withUse: false);
        }
        catch (Exception error) when (error is FileNotFoundException or InvalidDataException)
        {
            return false;
        }

        return ArrayReader.TryRead(probe, probe.Head, probe.Status.Size, int.MaxValue, out _) is not null;
    }

    /// <summary>Visits the undamaged arrays of a directory that this user may read, in no order. Other files are skipped.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="visit">Receives each array and the list of the calling thread. In a large directory, several threads call it.</param>
    /// <returns>The lists of all threads, joined.</returns>
    public static List<T> Scan<T>(SegmentName directory, Action<CatalogEntry, List<T>> visit)
    {
        LinuxOnly.Check();
        return SegmentScan<T>.Run(directory, (probe, file, found) =>
        {
            if (ArrayReader.TryRead(probe, probe.Head, probe.Status.Size, ArrayReader.LongestListed, out _) is ArrayHeader header
                && SegmentName.FromFile(directory, file) is SegmentName name)
            {
                visit(new CatalogEntry(name, header, probe.Status, probe.IsInUse), found);
            }
        });
    }

    /// <summary>Deletes an array, which may be damaged or incomplete, but no other file.</summary>
    /// <exception cref="FileNotFoundException">The array does not exist.</exception>
    /// <exception cref="InvalidDataException">The file is not an array.</exception>
    public static void Delete(SegmentName name)
    {
        using SegmentProbe probe = new();
        // A device may have the bytes of an array, too. The directory of shared memory has no devices.
        if (!name.IsObject || !probe.TryReadHead(name) || !ArrayHeader.IsRecognised(probe.Head, tail: []))
        {
            probe.Read(name, withUse: false);
            if (!ArrayReader.IsRecognised(probe, probe.Head, probe.Status.Size))
            {
                throw new InvalidDataException($"'{name}' is not an array, so it is not deleted.");
            }
        }

        SegmentDirectory.Remove(name);
    }
}
