using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>The names of segments.</summary>
internal static class SegmentFolder
{
    /// <summary>Removes a name. Whoever has the segment open or mapped keeps it.</summary>
    public static void Remove(SegmentName name)
    {
        if (Interop.Unlink(name.Path) < 0)
        {
            throw SegmentError.Last(name, "delete");
        }
    }
}
