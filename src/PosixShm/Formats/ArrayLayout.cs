using System.Text.Json.Serialization;

namespace PosixShm;

/// <summary>The layout of an array's elements and their description in its segment. Attach, Describe, List and Delete recognise all but
/// <see cref="Raw"/> by their bytes.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ArrayLayout>))]
public enum ArrayLayout
{
    /// <summary>An .npy file, which numpy reads and writes in place without anything else; see <c>numpy.lib.format</c>.</summary>
    Npy,

    /// <summary>The layout of Python's SharedArray package, built with numpy 1 or 2: the elements first, the description last. It keeps the
    /// element type's kind and size, but not the fields of a structure or the unit of a date. It has at most 27 dimensions.</summary>
    PythonSharedArray,

    /// <summary>Bytes without a description. The caller of <see cref="SharedArray.AttachRaw"/> gave their element type and shape.</summary>
    Raw,
}
