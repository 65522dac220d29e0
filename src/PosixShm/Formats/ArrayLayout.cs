using System.Text.Json.Serialization;

namespace PosixShm;

/// <summary>How an array's elements and their description lie in its segment. Attach, Describe, List and Delete recognise the first two by
/// their bytes.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ArrayLayout>))]
public enum ArrayLayout
{
    /// <summary>An .npy file, which numpy reads and writes in place without anything else; see <c>numpy.lib.format</c>.</summary>
    Npy,

    /// <summary>
    /// As Python's SharedArray package has it, whether it was built with numpy 1 or 2: the elements first, the description last. It keeps
    /// the element type's kind and size, but not the fields of a structure or the unit of a date, and has at most 27 dimensions.
    /// </summary>
    PythonSharedArray,

    /// <summary>Bytes without a description, whose element type and shape the caller of <see cref="SharedArray.AttachRaw"/> gave.</summary>
    Raw,
}
