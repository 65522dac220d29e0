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
        Created = Time(entry.Status.Born);
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

    /// <summary>Gets when the array's file was created, in UTC, by <c>statx(2)</c>; null if the file system does not keep that, as <c>/dev/shm</c> before Linux 5.18.</summary>
    public DateTimeOffset? Created { get; }

    /// <summary>Gets when the file was last written, in UTC. The kernel does not count stores through a mapping of <c>/dev/shm</c>.</summary>
    public DateTimeOffset? Modified { get; }

    /// <summary>Gets whether some process had the array attached through this library when it was looked at.</summary>
    public bool IsInUse { get; }

    /// <summary>Gets since when the array has been there, as far as it is known: its creation, or else the last change of its file.</summary>
    internal DateTimeOffset Since => Created ?? Modified ?? DateTimeOffset.UnixEpoch;

    private static DateTimeOffset? Time(long nanoseconds)
        => nanoseconds <= 0 ? null : DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
}
