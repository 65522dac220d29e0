using System.IO.MemoryMappedFiles;
using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>Creating, attaching and listing: mostly the kernel's work.</summary>
internal static class SegmentRows
{
    public const int Listed = 10_000;

    /// <summary>C with the system calls of the library.</summary>
    public const string SameCalls = "C, same calls";

    /// <summary>C with the fewest system calls that do the work.</summary>
    public const string FewestCalls = "C, fewest calls";

    private const int Bytes = 1 << 20;
    private const double MaxOfSame = 1.10;

    public static RowResult CreateSparse(Contest contest) => Create(contest, "create + delete, 1 MiB, sparse", preallocate: false,
    [
        contest.Twin.Contender(SameCalls, "create-sparse", Scratch.NewPath(), Bytes),
        contest.Twin.Contender(FewestCalls, "create-sparse-plain", Scratch.NewPath(), Bytes),
        Contender.Of("MemoryMappedFile", CreateMapped),
        contest.Python.Contender("Python SharedMemory", "create", Scratch.NewPath(), Bytes),
    ]);

    public static RowResult CreateReserved(Contest contest) => Create(contest, "create + delete, 1 MiB, preallocated", preallocate: true,
    [
        contest.Twin.Contender(SameCalls, "create-reserved", Scratch.NewPath(), Bytes),
        contest.Twin.Contender(FewestCalls, "create-reserved-plain", Scratch.NewPath(), Bytes),
    ]);

    public static RowResult Attach(Contest contest)
    {
        using Scratch scratch = new(Bytes);
        return contest.Stage.Measure(
            "attach + detach, header checked",
            [
                contest.Twin.Contender(SameCalls, "attach", scratch.Path),
                Contender.Of(Contender.Ours, () => SharedArray.Attach<double>(scratch.Name).Dispose()),
                contest.Twin.Contender(FewestCalls, "attach-plain", scratch.Path),
                Contender.Of("MemoryMappedFile", () => AttachMapped(scratch.Path)),
                contest.Python.Contender("Python SharedMemory", "attach", scratch.Path),
                contest.Python.Contender("numpy.load", "load", scratch.Path),
            ],
            [new Gate(MaxOfSame), new Gate(1.3, FewestCalls)]);
    }

    /// <summary>Measures an array of numpy in Fortran order, against one in C order.</summary>
    public static RowResult AttachFortran(Contest contest)
    {
        const int Length = 300;
        const string InOrder = "PosixShm, C order";
        string name = Scratch.NewName();
        string fortran = Scratch.NewName();
        try
        {
            SharedArray.Create<double>(name, Length, Length).Dispose();
            _ = contest.Python.Run("fortran", 1, $"{Scratch.Folder}/{fortran}", Length);
            return contest.Stage.Measure(
                "attach + detach, Fortran order",
                [
                    Contender.Of(InOrder, () => SharedArray.Attach<double>(name).Dispose()),
                    Contender.Of(Contender.Ours, () => SharedArray.Attach<double>(fortran).Dispose()),
                ],
                [new Gate(1.05)]);
        }
        finally
        {
            SharedArray.Delete(name);
            SharedArray.Delete(fortran);
        }
    }

    public static RowResult List(Contest contest)
    {
        using Folder folder = new(Listed);
        return contest.Stage.Measure(
            "list 10,000 arrays",
            [
                contest.Twin.Contender(SameCalls, "list", Scratch.Folder),
                Contender.Of(Contender.Ours, static () => _ = SharedArray.List()),
                contest.Twin.Contender(FewestCalls, "list-plain", Scratch.Folder),
                Contender.Of("Directory and RandomAccess", ListFiles),
                contest.Python.Contender("Python", "list", Scratch.Folder),
            ],
            [new Gate(MaxOfSame), new Gate(1.0, FewestCalls)]);
    }

    private static RowResult Create(Contest contest, string title, bool preallocate, IReadOnlyList<Contender> others)
    {
        string name = Scratch.NewName();
        SharedArrayOptions options = new() { Preallocate = preallocate };
        Contender ours = Contender.Of(Contender.Ours, () =>
        {
            SharedArray.Create(name, ArrayContent.Zeros<double>(Bytes / sizeof(double)), options).Dispose();
            SharedArray.Delete(name);
        });

        return contest.Stage.Measure(title, [others[0], ours, .. others.Skip(1)], [new Gate(MaxOfSame), new Gate(1.6, FewestCalls)]);
    }

    private static void CreateMapped()
    {
        string path = Scratch.NewPath();
        using (MemoryMappedFile file = MemoryMappedFile.CreateFromFile(path, FileMode.CreateNew, mapName: null, Bytes))
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
        byte[] head = new byte[4096];
        foreach (string path in Directory.GetFiles(Scratch.Folder))
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file = File.OpenHandle(path);
            _ = RandomAccess.Read(file, head, 0);
        }
    }
}
