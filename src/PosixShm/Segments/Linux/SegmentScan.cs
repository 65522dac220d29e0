using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Reads all files of a directory, a large one on all processors: most of the work is independent system calls.</summary>
/// <typeparam name="T">The type of a result.</typeparam>
internal sealed unsafe class SegmentScan<T>(SegmentName directory, SafeDirectoryHandle handle, SegmentVisitor<T> visit)
{
    // More than a hundred names: about a millisecond's work. So no thread waits for the next names, and a second thread is worth its start.
    private const int BatchSize = 8 << 10;

    // A batch as long as this had no room for one more name.
    private const int FullBatch = BatchSize - Interop.NameSize;

    /// <summary>Visits all files. Files that this user may not read are skipped.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="visit">Called for each file, on several threads.</param>
    /// <returns>The visitor's results, in no order.</returns>
    public static List<T> Run(SegmentName directory, SegmentVisitor<T> visit)
    {
        using SafeDirectoryHandle handle = Interop.OpenDirectory(directory.Path);
        if (handle.IsInvalid)
        {
            throw SegmentError.Last(directory, SegmentError.List);
        }

        SegmentScan<T> scan = new(directory, handle, visit);
        byte[] names = new byte[BatchSize];
        int length = scan.ReadNames(names);
        return length > FullBatch ? scan.WorkTogether(names, length) : scan.Work(names, length);
    }

    private List<T> WorkTogether(byte[] names, int length)
    {
        List<T> all = [];
        WorkSharing.Run(() => Add(Work(names, length)), Help);
        return all;

        void Help()
        {
            byte[] mine = new byte[BatchSize];
            Add(Work(mine, ReadNames(mine)));
        }

        void Add(List<T> found)
        {
            lock (all)
            {
                all.AddRange(found);
            }
        }
    }

    // Visits the names that were read, and the next ones, up to the end of the directory.
    private List<T> Work(byte[] names, int length)
    {
        List<T> found = [];
        List<byte[]> leased = [];
        using SegmentProbe probe = new();
        for (; length > 0; length = ReadNames(names))
        {
            for (int start = 0; start < length;)
            {
                ReadOnlySpan<byte> name = names.AsSpan(start, names.AsSpan(start).IndexOf((byte)0) + 1);
                if (!TryVisit(probe, name, found))
                {
                    leased.Add(name.ToArray());
                }

                start += name.Length;
            }
        }

        // A pruner holds a lease for a moment. A process that holds leases for longer must not stop the listing, so all share one time
        // limit.
        for (Patience patience = Patience.ForMany; leased.Count > 0 && patience.TryWait();)
        {
            _ = leased.RemoveAll(name => TryVisit(probe, name, found));
        }

        return found;
    }

    // False if another process holds a lease on the file.
    private bool TryVisit(SegmentProbe probe, ReadOnlySpan<byte> name, List<T> found)
    {
        bool isLeased;
        fixed (byte* first = name)
        {
            if (probe.TryRead(directory, handle, first, out isLeased))
            {
                visit(probe, name[..^1], found);
            }
        }

        return !isLeased;
    }

    private int ReadNames(byte[] names)
    {
        lock (handle)
        {
            int length = Interop.ReadDirectory(handle, names, names.Length);
            return length >= 0 ? length : throw SegmentError.Last(directory, SegmentError.List);
        }
    }
}

/// <summary>Receives one file of a scan: the probe has read it, and the bytes are its name.</summary>
internal delegate void SegmentVisitor<T>(SegmentProbe probe, ReadOnlySpan<byte> file, List<T> found);
