using System.Collections.Immutable;
using PosixShm.Arrays;
using PosixShm.Format;

namespace PosixShm;

/// <summary>Describes an array without attaching it.</summary>
public sealed record SharedArrayInfo
{
    internal SharedArrayInfo(CatalogEntry entry)
    {
        Name = entry.Name.Value;
        DType = entry.Header.Type.Description;
        ElementType = ElementTypes.Find(entry.Header.Type)?.Type;
        Shape = entry.Header.Shape;
        Length = entry.Header.Length;
        ByteLength = entry.Header.DataLength;
        Layout = entry.Header.Format == HeaderFormat.SharedArray ? "sharedarray" : "npy";
        Mode = (UnixFileMode)entry.Status.Permissions;
        UserId = entry.Status.Owner;
        Created = entry.Header.Control is ControlPage control ? Time(control.Created) : Time(entry.Status.Born);
        CreatorProcessId = entry.Header.Control?.CreatorProcessId;
        Modified = Time(entry.Status.Modified);
        IsInUse = entry.IsInUse;
    }

    /// <summary>Gets the name, as <see cref="SharedArray.Open"/> takes it.</summary>
    public string Name { get; }

    /// <summary>Gets the element type as numpy writes it: <c>&lt;f8</c>, <c>|b1</c>, <c>&lt;c16</c>.</summary>
    public string DType { get; }

    /// <summary>Gets the C# type of the elements, or null if there is none.</summary>
    public Type? ElementType { get; }

    /// <summary>Gets the length of each dimension.</summary>
    public ImmutableArray<long> Shape { get; }

    /// <summary>Gets the number of elements.</summary>
    public long Length { get; }

    /// <summary>Gets the bytes that the elements take; the segment also holds its header.</summary>
    public long ByteLength { get; }

    /// <summary>Gets how the array lies in its segment: <c>npy</c> or <c>sharedarray</c>; see <see cref="ArrayLayout"/>.</summary>
    public string Layout { get; }

    /// <summary>Gets the permission bits.</summary>
    public UnixFileMode Mode { get; }

    /// <summary>Gets the owner's user id.</summary>
    public long UserId { get; }

    /// <summary>Gets when the array was created, in UTC; for one that another program made, when its file was, or null if that is not known.</summary>
    public DateTimeOffset? Created { get; }

    /// <summary>Gets the id of the process that created the array, in its own PID namespace, or null for one that another program made. That process may be long gone, and its id another's.</summary>
    public int? CreatorProcessId { get; }

    /// <summary>Gets when the file was last written, in UTC. The kernel does not count stores through a mapping of <c>/dev/shm</c>.</summary>
    public DateTimeOffset? Modified { get; }

    /// <summary>Gets whether some process had the array attached through this library when it was looked at.</summary>
    public bool IsInUse { get; }

    private static DateTimeOffset? Time(long nanoseconds)
        => nanoseconds <= 0 ? null : DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
}
