namespace PosixShm;

/// <summary>How an array's elements and their description lie in its segment. Attach, Describe, List and Delete recognise either by its bytes.</summary>
public enum ArrayLayout
{
    /// <summary>An .npy file, which numpy reads and writes in place without anything else; see <c>numpy.lib.format</c>.</summary>
    Npy,

    /// <summary>
    /// As Python's SharedArray package has it, whether it was built with numpy 1 or 2: the elements first, the description last. It keeps the element type's kind and size, but not
    /// the fields of a structure or the unit of a date, and has at most 27 dimensions.
    /// </summary>
    SharedArray,
}
