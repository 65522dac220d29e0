using Microsoft.Win32.SafeHandles;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Posix;

/// <summary>A POSIX shared memory object: bytes without a meaning that processes share by name; see <c>shm_overview(7)</c>. A C program
/// opens the same object with <c>shm_open("/name", ...)</c>.</summary>
/// <remarks>The names <c>x</c> and <c>/x</c> mean one object, the file <c>/dev/shm/x</c>. <c>POSIXSHM_DIR</c> does not apply. The object
/// outlives its processes and exists until it is deleted. An open object has a descriptor and no memory: <see cref="Map"/> maps it. A
/// <see cref="SharedArray{T}"/> is such an object whose bytes describe their element type and shape, and has locks.</remarks>
public sealed class SharedMemoryObject : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly AttachOptions s_cautious = new();

    private readonly SegmentName _name;
    private readonly SafeFileHandle _handle;

    private SharedMemoryObject(SegmentName name, SegmentFile file, FileAccess access)
    {
        _name = name;
        _handle = file.ReleaseToHandle();
        Access = access;
    }

    /// <summary>Gets the name, without a slash.</summary>
    public string Name => _name.Value;

    /// <summary>Gets the access for which the object is open: to read, or to read and write.</summary>
    public FileAccess Access { get; }

    /// <summary>Gets the descriptor, for <see cref="RandomAccess"/> and for other libraries. It is close-on-exec, and the object owns it:
    /// <see cref="Dispose"/> closes it.</summary>
    /// <exception cref="ObjectDisposedException">The object is closed.</exception>
    public SafeFileHandle Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(_handle.IsClosed, this);
            return _handle;
        }
    }

    /// <summary>Gets the size in bytes, which other processes may change; see <c>fstat(2)</c>.</summary>
    /// <exception cref="ObjectDisposedException">The object is closed.</exception>
    public long Size
    {
        get
        {
            using BorrowedFile file = new(Handle, _name);
            return file.File.GetStatus().Size;
        }
    }

    /// <summary>Creates an object of zeros, if the name is free, and opens it to read and write; see <c>O_EXCL</c> in <c>shm_open(3)</c>.
    /// Other processes see it with its size and mode, or not at all.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="size">The size in bytes.</param>
    /// <param name="mode">The permission bits, exactly: the umask does not apply.</param>
    /// <param name="preallocate">Whether to reserve the space, so that a lack of it is an error here (<c>fallocate(2)</c>). Otherwise, an
    /// access to a page for which there is no space loses the memory of its mapping (<c>ftruncate(2)</c>).</param>
    /// <returns>The object, open.</returns>
    /// <remarks>If a sandbox refuses files without a name (<c>O_TMPFILE</c>), <c>shm_open</c> creates the object. Then other processes may
    /// see it without its size for a moment.</remarks>
    /// <exception cref="ArgumentException">The name is not valid, the size is negative, or the mode has other bits than 0777.</exception>
    /// <exception cref="IOException">The name exists, there is no space, or a limit of the process or the system was reached.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not create files in <c>/dev/shm</c>.</exception>
    public static SharedMemoryObject Create(string name, long size, UnixFileMode mode = OwnerOnly, bool preallocate = true)
    {
        SegmentName parsed = ObjectName.Parse(name, nameof(name));
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)mode, 0x1FFU, nameof(mode));
        using SegmentFile file = ObjectFile.Create(parsed, size, mode, preallocate);
        return new SharedMemoryObject(parsed, file, FileAccess.ReadWrite);
    }

    /// <summary>Opens an object that a process created; see <c>shm_open(3)</c>.</summary>
    /// <param name="name">The name with which it was created.</param>
    /// <param name="access">The access: to read, or to read and write.</param>
    /// <param name="options">The files that are accepted.</param>
    /// <returns>The object.</returns>
    /// <exception cref="ArgumentException">The name is not valid, or the access is to write only.</exception>
    /// <exception cref="FileNotFoundException">The object does not exist.</exception>
    /// <exception cref="InvalidDataException">The file of that name is not a regular one, or has another name too.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not open it, or it belongs to another user.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static SharedMemoryObject Open(string name, FileAccess access = FileAccess.ReadWrite, AttachOptions? options = null)
    {
        SegmentName parsed = ObjectName.Parse(name, nameof(name));
        if (access is not (FileAccess.Read or FileAccess.ReadWrite))
        {
            throw new ArgumentOutOfRangeException(nameof(access), access, "Shared memory is opened to read, or to read and write.");
        }

        SegmentAccess wanted = access == FileAccess.Read ? SegmentAccess.ReadOnly : SegmentAccess.ReadWrite;
        using SegmentFile file = SegmentFile.Open(parsed, wanted, (options ?? s_cautious).ToAttachPolicy(), out _);
        return new SharedMemoryObject(parsed, file, access);
    }

    /// <summary>Checks whether an object exists.</summary>
    /// <param name="name">The name.</param>
    /// <returns>Whether it exists.</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public static bool Exists(string name) => SegmentDirectory.Has(ObjectName.Parse(name, nameof(name)));

    /// <summary>Deletes a name; see <c>shm_unlink(3)</c>. Processes that have the object open or mapped keep it, and its memory is freed
    /// with the last of them.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="FileNotFoundException">The object does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not delete it.</exception>
    /// <exception cref="IOException">The system reported another error.</exception>
    public static void Delete(string name) => SegmentDirectory.Remove(ObjectName.Parse(name, nameof(name)));

    /// <summary>Deletes a name, if it exists.</summary>
    /// <param name="name">The name.</param>
    /// <returns><see langword="false"/> if the name did not exist.</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not delete it.</exception>
    /// <exception cref="IOException">The system reported another error.</exception>
    public static bool TryDelete(string name)
    {
        try
        {
            Delete(name);
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Sets the size, also of an object that processes have mapped; see <c>ftruncate(2)</c>. New bytes are zeros. A mapping keeps
    /// its length, so new bytes need a new mapping, and a mapping of removed bytes loses its memory.</summary>
    /// <param name="size">The size in bytes.</param>
    /// <param name="preallocate">Whether to reserve the space of new bytes, as in <see cref="Create"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    /// <exception cref="IOException">There is no space, and the size is as it was.</exception>
    /// <exception cref="UnauthorizedAccessException">The object is open to read only.</exception>
    /// <exception cref="ObjectDisposedException">The object is closed.</exception>
    public void Resize(long size, bool preallocate = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        using BorrowedFile file = new(Handle, _name);
        if (Access == FileAccess.Read)
        {
            throw new UnauthorizedAccessException($"Cannot resize '{Name}': it is open to read only. Open it to read and write.");
        }

        file.File.Resize(size, preallocate);
    }

    /// <summary>Maps the object, or a range of it; see <c>mmap(2)</c>. The mapping is disposed on its own, before or after the
    /// object.</summary>
    /// <param name="offset">The offset of the range, a multiple of <see cref="Environment.SystemPageSize"/>.</param>
    /// <param name="length">The length of the range in bytes, up to the object's end unless given.</param>
    /// <param name="access">The access to the memory: to read, or to read and write. That of the object unless given.</param>
    /// <param name="options">The flags.</param>
    /// <returns>The mapping.</returns>
    /// <exception cref="ArgumentException">The range is empty, not within the object, or not at a page; or an access or flag is not
    /// valid.</exception>
    /// <exception cref="UnauthorizedAccessException">A shared mapping was to be written, and the object is open to read only.</exception>
    /// <exception cref="IOException">There is no memory or address space, or no descriptor.</exception>
    /// <exception cref="ObjectDisposedException">The object is closed.</exception>
    public MemoryMapping Map(
        long offset = 0, long? length = null, FileAccess? access = null, MappingOptions options = MappingOptions.None)
    {
        using BorrowedFile file = new(Handle, _name);
        return MemoryMapping.Create(file.File, offset, length, access ?? Access, options);
    }

    /// <summary>Closes the object in this process. The name, the memory and all mappings stay.</summary>
    public void Dispose() => _handle.Dispose();
}
