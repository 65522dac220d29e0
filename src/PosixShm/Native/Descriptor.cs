using System.Runtime.InteropServices.Marshalling;

namespace PosixShm.Native;

/// <summary>Owns one descriptor; disposing it calls <c>close(2)</c>.</summary>
/// <remarks>It is not a SafeHandle. Its owner disposes it on every path, and counts its users where several threads use it
/// (<c>Segment</c>). A finalizer could unmap or close a resource that a span or a lock still needs. So no call pays for either.</remarks>
[NativeMarshalling(typeof(DescriptorMarshaller))]
internal sealed class Descriptor(nint fd, bool isLocked = false) : IDisposable
{
    private const nint None = -1;

    private nint _fd = fd;

    public static Descriptor Invalid => new(None);

    public bool IsInvalid => _fd == None;

    /// <summary>Gets the number.</summary>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public nint Number
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsInvalid, this);
            return _fd;
        }
    }

    /// <summary>Gets or sets whether byte locks are held through it. They are released before it is closed.</summary>
    public bool IsLocked { get; set; } = isLocked;

    public void Dispose()
    {
        if (!IsInvalid)
        {
            _ = Interop.Close(_fd, IsLocked ? 1 : 0);
            _fd = None;
        }
    }
}

/// <summary>Converts descriptors to the numbers of the shim, and back.</summary>
[CustomMarshaller(typeof(Descriptor), MarshalMode.ManagedToUnmanagedIn, typeof(DescriptorMarshaller))]
[CustomMarshaller(typeof(Descriptor), MarshalMode.ManagedToUnmanagedOut, typeof(DescriptorMarshaller))]
internal static class DescriptorMarshaller
{
    public static nint ConvertToUnmanaged(Descriptor managed) => managed.Number;

    public static Descriptor ConvertToManaged(nint unmanaged) => new(unmanaged);
}
