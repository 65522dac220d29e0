using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>The names of segments.</summary>
internal static class SegmentFolder
{
    /// <summary>Tells whether a name is taken, by whatever.</summary>
    public static bool Has(SegmentName name) => Interop.LStat(name.Path, out _) == 0;

    /// <summary>Removes a name. Whoever has the segment open or mapped keeps it.</summary>
    public static void Remove(SegmentName name)
    {
        if (Interop.Unlink(name.Path) < 0)
        {
            throw SegmentError.Last(name, "delete");
        }
    }
}
