using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks.Rows;

/// <summary>The space of arrays in <c>/dev/shm</c>.</summary>
internal static class SpaceRows
{
    private const int PageSize = 4096;

    public static IReadOnlyList<Space> All()
    {
        DriveInfo memory = new(Scratch.Folder);
        long before = memory.TotalFreeSpace;
        using Folder folder = new(SegmentRows.Listed);
        return [new Space("10,000 arrays of 10 doubles", before - memory.TotalFreeSpace, AtMost: SegmentRows.Listed * PageSize)];
    }
}
