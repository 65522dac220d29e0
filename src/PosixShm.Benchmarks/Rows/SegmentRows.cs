using System.IO.MemoryMappedFiles;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Creating, attaching and listing: what the kernel does most of.</summary>
internal static class SegmentRows
{
    private const int Elements = (1 << 20) / sizeof(double);
    private const int Listed = 10_000;

    // The system calls of the library, and the fewest that the work can be done with.
    private const string SameCalls = "C, same calls";
    private const string Plain = "C, fewest calls";

    public static RowResult CreateSparse(Contest contest) => Create(contest, "create + delete, 1 MiB, sparse", preallocate: false,
    [
        contest.Twin.Contender(SameCalls, "create-sparse", NewPath(), (1 << 20) + (2 * Scratch.DataOffset)),
        contest.Twin.Contender(Plain, "create-plain", NewPath(), 1 << 20),
        Contender.Of("MemoryMappedFile", CreateMapped),
        contest.Python.Contender("Python SharedMemory", "create", NewPath(), 1 << 20),
    ]);

    public static RowResult CreateReserved(Contest contest) => Create(contest, "create + delete, 1 MiB, preallocated, published whole", preallocate: true,
    [
        contest.Twin.Contender(SameCalls, "create-reserved", NewPath(), (1 << 20) + (2 * Scratch.DataOffset)),
    ]);

    public static RowResult Attach(Contest contest)
    {
        using Scratch scratch = new(1 << 20);
        return contest.Stage.Measure(
            "attach + detach, header checked",
            [
                contest.Twin.Contender(SameCalls, "attach-alike", scratch.Path),
                Contender.Of(Contender.Ours, () => SharedArray.Attach<double>(scratch.Name).Dispose()),
                contest.Twin.Contender(Plain, "attach", scratch.Path),
                Contender.Of("MemoryMappedFile", () => AttachMapped(scratch.Path)),
                contest.Python.Contender("Python SharedMemory", "attach", scratch.Path),
                contest.Python.Contender("numpy.load", "load", scratch.Path),
            ],
            [new Gate(1.3)]);
    }

    public static RowResult List(Contest contest)
    {
        using Folder folder = new(Listed);
        return contest.Stage.Measure(
            "list 10,000 arrays",
            [
                contest.Twin.Contender(SameCalls, "list-alike", Scratch.Folder),
                Contender.Of(Contender.Ours, static () => _ = SharedArray.List()),
                contest.Twin.Contender(Plain, "list", Scratch.Folder),
                Contender.Of("Directory and RandomAccess", ListFiles),
                contest.Python.Contender("Python", "list", Scratch.Folder),
            ],
            [new Gate(1.3)]);
    }

    private static RowResult Create(Contest contest, string title, bool preallocate, IReadOnlyList<Contender> others)
    {
        string name = Scratch.NewName();
        SharedArrayOptions options = new() { Preallocate = preallocate };
        Contender ours = Contender.Of(Contender.Ours, () =>
        {
            SharedArray.Create<double>(name, options, Elements).Dispose();
            SharedArray.Delete(name);
        });

        return contest.Stage.Measure(title, [others[0], ours, .. others.Skip(1)], [new Gate(1.3)]);
    }

    private static void CreateMapped()
    {
        string path = NewPath();
        using (MemoryMappedFile file = MemoryMappedFile.CreateFromFile(path, FileMode.CreateNew, mapName: null, 1 << 20))
        using (MemoryMappedViewAccessor view = file.CreateViewAccessor())
        {
            view.Write(0, 1);
        }

        File.Delete(path);
    }

    private static void AttachMapped(string path)
    {
        using MemoryMappedFile file = MemoryMappedFile.CreateFromFile(path, FileMode.Open);
        using MemoryMappedViewAccessor view = file.CreateViewAccessor();
        _ = view.ReadInt32(0);
    }

    private static void ListFiles()
    {
        byte[] head = new byte[Scratch.DataOffset];
        foreach (string path in Directory.GetFiles(Scratch.Folder))
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path);
            _ = RandomAccess.Read(file, head, 0);
        }
    }

    private static string NewPath() => $"{Scratch.Folder}/{Scratch.NewName()}";
}
