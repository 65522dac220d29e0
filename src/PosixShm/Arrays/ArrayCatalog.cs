using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Arrays;

/// <summary>An array as seen from outside, without attaching it.</summary>
internal readonly record struct CatalogEntry(SegmentName Name, ArrayHeader Header, Interop.Status Status, bool IsInUse);

/// <summary>The arrays that exist.</summary>
internal static class ArrayCatalog
{
    /// <summary>Describes one array.</summary>
    /// <exception cref="FileNotFoundException">There is none of that name.</exception>
    /// <exception cref="InvalidDataException">It is not an array, or damaged.</exception>
    public static CatalogEntry Describe(SegmentName name)
    {
        using SegmentProbe probe = new();
        probe.Read(name);
        return ArrayReader.TryRead(probe, probe.Head, probe.Status.Size, int.MaxValue, out string problem) is ArrayHeader header
            ? new CatalogEntry(name, header, probe.Status, probe.IsInUse)
            : throw ArrayReader.Unreadable(name, problem);
    }

    /// <summary>Tells whether there is a good array of that name.</summary>
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

    /// <summary>Visits the good arrays of a folder that we may read, in no order. Whatever else is there is passed over.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="visit">Called for each, of a large folder by several threads, each with a list of its own for what it finds.</param>
    /// <returns>What was found.</returns>
    public static List<T> Scan<T>(SegmentName folder, Action<CatalogEntry, List<T>> visit)
    {
        LinuxOnly.Check();
        return SegmentScan<T>.Run(folder, (probe, file, found) =>
        {
            if (ArrayReader.TryRead(probe, probe.Head, probe.Status.Size, ArrayReader.LongestListed, out _) is ArrayHeader header
                && SegmentName.FromFile(folder, file) is SegmentName name)
            {
                visit(new CatalogEntry(name, header, probe.Status, probe.IsInUse), found);
            }
        });
    }

    /// <summary>Deletes an array; one that is damaged or incomplete, too, but nothing that is not an array.</summary>
    /// <exception cref="FileNotFoundException">There is none of that name.</exception>
    /// <exception cref="InvalidDataException">It is not an array.</exception>
    public static void Delete(SegmentName name)
    {
        using SegmentProbe probe = new();
        if (!probe.TryReadHead(name) || !ArrayHeader.IsRecognised(probe.Head, tail: []))
        {
            probe.Read(name, withUse: false);
            if (!ArrayReader.IsRecognised(probe, probe.Head, probe.Status.Size))
            {
                throw new InvalidDataException($"'{name}' is not an array, so it is not ours to delete.");
            }
        }

        SegmentDirectory.Remove(name);
    }
}
