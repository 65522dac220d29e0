using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Looks at all that a folder holds: alone at a small one, with all processors at a large one, since most of it is system calls that do not wait for each other.</summary>
/// <typeparam name="T">What is found.</typeparam>
internal sealed unsafe class SegmentScan<T>
{
    // More than a hundred names: about a millisecond's work, so that nobody waits for the next ones, and a second thread is worth its start.
    private const int BatchSize = 8 << 10;

    // A batch as long as this had no room for one more name.
    private const int FullBatch = BatchSize - Interop.NameSize;

    private readonly SegmentName _folder;
    private readonly SafeDirectoryHandle _directory;
    private readonly SegmentVisitor<T> _visit;

    private SegmentScan(SegmentName folder, SafeDirectoryHandle directory, SegmentVisitor<T> visit)
    {
        _folder = folder;
        _directory = directory;
        _visit = visit;
    }

    /// <summary>Looks at all. Files that this user may not read are skipped.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="visit">Called for each, on several threads.</param>
    /// <returns>What the visitor found, in no order.</returns>
    public static List<T> Run(SegmentName folder, SegmentVisitor<T> visit)
    {
        using SafeDirectoryHandle directory = Interop.OpenDirectory(folder.Path);
        if (directory.IsInvalid)
        {
            throw SegmentError.Last(folder, SegmentError.List);
        }

        SegmentScan<T> scan = new(folder, directory, visit);
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

    // Looks at the names that are at hand, and at the next ones, until there are no more.
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

        // A pruner holds a lease for a moment. One who holds some for longer must not stop the listing: all of them share one time limit.
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
            if (probe.TryLook(_folder, _directory, first, out isLeased))
            {
                _visit(probe, name[..^1], found);
            }
        }

        return !isLeased;
    }

    private int ReadNames(byte[] names)
    {
        lock (_directory)
        {
            int length = Interop.ReadDirectory(_directory, names, names.Length);
            return length >= 0 ? length : throw SegmentError.Last(_folder, SegmentError.List);
        }
    }
}

/// <summary>Receives what a scan looked at: the probe holds it, and the bytes are those of the file's name.</summary>
internal delegate void SegmentVisitor<T>(SegmentProbe probe, ReadOnlySpan<byte> file, List<T> found);
