using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using PosixShm.Arrays;
using PosixShm.Elements;

namespace PosixShm;

/// <summary>Describes an array without attaching it. Two descriptions are equal if all their values are equal.</summary>
public sealed record SharedArrayInfo
{
    private readonly CatalogEntry _entry;

    // Properties are computed when they are read, because a listing may have thousands of arrays.
    internal SharedArrayInfo(in CatalogEntry entry) => _entry = entry;

    /// <summary>Gets the name, as <see cref="SharedArray.AttachUntyped(string, SharedArrayAccess, AttachOptions)"/> accepts it.</summary>
    public string Name => _entry.Name.Value;

    /// <summary>Gets the element type as numpy writes it: <c>&lt;f8</c>, <c>|b1</c>, <c>&lt;c16</c>.</summary>
    public string DType => _entry.Header.Type.Description;

    /// <summary>Gets the C# type of the elements, or null if the element type has none.</summary>
    [JsonIgnore] // DType describes the element type in JSON.
    public Type? ElementType => ElementTypes.Find(_entry.Header.Type)?.Type;

    /// <summary>Gets the length of each dimension.</summary>
    public ImmutableArray<long> Shape => _entry.Header.Shape;

    /// <summary>Gets the number of elements.</summary>
    public long Length => _entry.Header.Length;

    /// <summary>Gets the size of the elements in bytes, without the header.</summary>
    public long ByteLength => _entry.Header.DataLength;

    /// <inheritdoc cref="UntypedSharedArray.DataOffset"/>
    public long DataOffset => _entry.Header.DataOffset;

    /// <inheritdoc cref="UntypedSharedArray.ByteStrides"/>
    public ImmutableArray<long> ByteStrides => _entry.Header.ByteStrides;

    /// <inheritdoc cref="UntypedSharedArray.IsFortranOrder"/>
    public bool IsFortranOrder => _entry.Header.IsFortranOrder;

    /// <summary>Gets the layout of the array in its file.</summary>
    public ArrayLayout Layout => _entry.Header.Layout;

    /// <summary>Gets the permission bits.</summary>
    public UnixFileMode Mode => (UnixFileMode)_entry.Status.Permissions;

    /// <summary>Gets the owner's user id.</summary>
    public long UserId => _entry.Status.Owner;

    /// <summary>Gets the time when the array's file was created, in UTC (<c>stx_btime</c> in <c>statx(2)</c>); null if the file system does
    /// not store it, such as <c>/dev/shm</c> before Linux 5.18.</summary>
    public DateTimeOffset? Created => Time(_entry.Status.Born);

    /// <summary>Gets the time when the file was last written, in UTC. Stores into mapped memory of <c>/dev/shm</c> do not change
    /// it.</summary>
    public DateTimeOffset? Modified => Time(_entry.Status.Modified);

    /// <summary>Gets whether a process had the array attached through this library when it was described.</summary>
    public bool IsInUse => _entry.IsInUse;

    /// <summary>Gets the time from which the age of the array counts: its creation if known, otherwise the last change of its
    /// file.</summary>
    internal DateTimeOffset Since => Created ?? Modified ?? DateTimeOffset.UnixEpoch;

    /// <inheritdoc/>
    public bool Equals(SharedArrayInfo? other)
        => other is not null && Name == other.Name && _entry.Header.DescribesSame(other._entry.Header)
            && (Mode, UserId, Created, Modified, IsInUse) == (other.Mode, other.UserId, other.Created, other.Modified, other.IsInUse);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, DType, Length, Modified);

    private bool PrintMembers(StringBuilder builder)
    {
        _ = builder.Append(
            CultureInfo.InvariantCulture,
            $"Name = {Name}, DType = {DType}, Shape = {ShapeText.Of(Shape.AsSpan())}, Layout = {Layout}, Mode = {Mode}, UserId = {UserId}, "
            + $"Created = {Created:o}, Modified = {Modified:o}, IsInUse = {IsInUse}");
        return true;
    }

    private static DateTimeOffset? Time(long nanoseconds)
        => nanoseconds <= 0 ? null : DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / TimeSpan.NanosecondsPerTick);
}
