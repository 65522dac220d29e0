using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;
using PosixShm.Names;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Posix;

/// <summary>A range of a shared memory object, or of another file, in this process's memory; see <c>mmap(2)</c>.</summary>
/// <remarks><para>The mapping has a descriptor of its own, so the object or handle that it came from may be closed. After <see
/// cref="Dispose"/> every use of the memory throws <see cref="ObjectDisposedException"/>, but a span that was taken before points to
/// unmapped memory. <see cref="Pin"/> keeps the memory mapped. There is no finalizer: a mapping that is not disposed stays until the
/// process ends.</para>
/// <para>Memory is lost if another process truncates the file, or if a sparse file finds no space for a page. Then accesses through a span
/// read zeros, and the next call throws <see cref="SharedMemoryLostException"/>. Members may be called by several threads.</para></remarks>
public sealed unsafe class MemoryMapping : IDisposable
{
    private const MappingOptions AllOptions = MappingOptions.Private | MappingOptions.NoReserve | MappingOptions.Populate;

    private readonly Segment _segment;

    [SuppressMessage("Usage", "CA2213", Justification = "Its disposal does nothing: the mapping owns the memory.")]
    private readonly MappingMemory _memory;

    private int _isDisposed;

    private MemoryMapping(Segment segment, FileAccess access)
    {
        _segment = segment;
        _memory = new MappingMemory(this);
        Access = access;
    }

    /// <summary>Gets the name of the object, or the path of the mapping's descriptor.</summary>
    public string Name => _segment.Name.Value;

    /// <summary>Gets the length in bytes.</summary>
    public long Length => _segment.Extent.End;

    /// <summary>Gets the offset of the first byte in the file.</summary>
    public long Offset => _segment.Offset;

    /// <summary>Gets the access to the memory as a whole; <see cref="Protect"/> changes it.</summary>
    public FileAccess Access { get; private set; }

    /// <summary>Gets the address of the first byte, for native code and other libraries. It must not be used after
    /// <see cref="Dispose"/>.</summary>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public nint Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
            ThrowIfLost();
            return _segment.Address;
        }
    }

    /// <summary>Gets the memory as a span. It must not be used after <see cref="Dispose"/>.</summary>
    /// <exception cref="InvalidOperationException">The memory may not be written (use <see cref="ReadOnlySpan"/>), or is longer than a
    /// span (use <see cref="AsSpan"/>).</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public Span<byte> Span
    {
        get
        {
            CheckAccess(FileAccess.ReadWrite);
            return WholeSpan();
        }
    }

    /// <summary>Gets the memory as a span that cannot be written. It must not be used after <see cref="Dispose"/>.</summary>
    /// <exception cref="InvalidOperationException">The memory may not be read, or is longer than a span (use
    /// <see cref="AsReadOnlySpan"/>).</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public ReadOnlySpan<byte> ReadOnlySpan
    {
        get
        {
            CheckAccess(FileAccess.Read);
            return WholeSpan();
        }
    }

    /// <summary>Gets the memory for asynchronous calls. Every use of it after <see cref="Dispose"/> throws, except of a span taken
    /// before.</summary>
    /// <inheritdoc cref="Span"/>
    public Memory<byte> Memory
    {
        get
        {
            CheckAccess(FileAccess.ReadWrite);
            return _memory.Memory;
        }
    }

    /// <summary>Gets the memory for asynchronous calls that do not write. Every use of it after <see cref="Dispose"/> throws, except of a
    /// span taken before.</summary>
    /// <inheritdoc cref="ReadOnlySpan"/>
    public ReadOnlyMemory<byte> ReadOnlyMemory
    {
        get
        {
            CheckAccess(FileAccess.Read);
            return _memory.Memory;
        }
    }

    /// <summary>Maps a range of any regular file, such as a <c>memfd_create(2)</c> that another library made; see <c>mmap(2)</c>.</summary>
    /// <param name="file">The file. It may be closed afterwards.</param>
    /// <param name="offset">The offset of the range, a multiple of <see cref="Environment.SystemPageSize"/>.</param>
    /// <param name="length">The length of the range in bytes, up to the file's end unless given.</param>
    /// <param name="access">The access to the memory: to read, or to read and write.</param>
    /// <param name="options">The flags.</param>
    /// <returns>The mapping.</returns>
    /// <exception cref="ArgumentException">The range is empty, not within the file, or not at a page; or a handle, access or flag is not
    /// valid.</exception>
    /// <exception cref="InvalidDataException">The file is not a regular file, or its file system cannot map it.</exception>
    /// <exception cref="UnauthorizedAccessException">The handle does not permit the access.</exception>
    /// <exception cref="IOException">There is no memory or address space, or no descriptor.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    public static MemoryMapping Create(
        SafeFileHandle file, long offset = 0, long? length = null, FileAccess access = FileAccess.ReadWrite,
        MappingOptions options = MappingOptions.None)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file is { IsInvalid: true, IsClosed: false })
        {
            throw new ArgumentException("The handle has no descriptor: check that the file was opened.", nameof(file));
        }

        LinuxOnly.Check();
        using BorrowedFile borrowed = new(file);
        return Create(borrowed.File, offset, length, access, options);
    }

    internal static MemoryMapping Create(SegmentFile file, long offset, long? length, FileAccess access, MappingOptions options)
    {
        if (access is not (FileAccess.Read or FileAccess.ReadWrite))
        {
            throw new ArgumentOutOfRangeException(nameof(access), access, "Memory is mapped to read, or to read and write.");
        }

        if ((options & ~AllOptions) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(options), options, $"The flags of a mapping are {AllOptions}.");
        }

        Interop.Status status = file.GetStatus();
        if (status.Type != Interop.FileType.TYPE_REGULAR)
        {
            throw new InvalidDataException($"'{file.Name}' is not a regular file.");
        }

        long bytes = CheckRange(offset, length, status.Size);
        ArgumentOutOfRangeException.ThrowIfZero(bytes, nameof(length));
        SegmentFile own = file.Duplicate();
        try
        {
            Interop.MapFlags flags = ToFlags(access) | (Interop.MapFlags)options;
            return new MemoryMapping(Segment.Map(own, offset, bytes, flags), access);
        }
        catch
        {
            own.Dispose();
            throw;
        }
    }

    /// <summary>Gets a part of the memory as a span. It must not be used after <see cref="Dispose"/>.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="length">The number of bytes.</param>
    /// <returns>The span.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The part is not within the mapping.</exception>
    /// <exception cref="InvalidOperationException">The memory may not be written: use <see cref="AsReadOnlySpan"/>.</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public Span<byte> AsSpan(long start, int length)
    {
        CheckAccess(FileAccess.ReadWrite);
        return Part(start, length);
    }

    /// <summary>Gets a part of the memory as a span that cannot be written. It must not be used after <see cref="Dispose"/>.</summary>
    /// <exception cref="InvalidOperationException">The memory may not be read.</exception>
    /// <inheritdoc cref="AsSpan"/>
    public ReadOnlySpan<byte> AsReadOnlySpan(long start, int length)
    {
        CheckAccess(FileAccess.Read);
        return Part(start, length);
    }

    /// <summary>Keeps the memory mapped until the handle is disposed, even if the mapping is disposed before.</summary>
    /// <param name="start">The byte to which the handle points, up to the end of the mapping.</param>
    /// <returns>The address, and the reference. Its copies end with it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The byte is negative, or beyond the end of the mapping.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public MemoryHandle Pin(long start = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length);
        SegmentToken token = new(AcquireSegment());
        _ = token.Begin();
        return new MemoryHandle((byte*)token.Segment.Address + start, pinnable: token);
    }

    /// <summary>Copies bytes out of the memory. The memory stays mapped meanwhile, and lost memory is reported at once.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="destination">The place of the bytes, which is filled.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not within the mapping.</exception>
    /// <exception cref="InvalidOperationException">The memory may not be read.</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void Read(long start, Span<byte> destination)
    {
        CheckAccess(FileAccess.Read);
        using Use use = new(this);
        fixed (byte* to = destination)
        {
            ThrowIfLost(Interop.Copy(to, use.Part(start, destination.Length), (ulong)destination.Length));
        }
    }

    /// <summary>Copies bytes into the memory. The memory stays mapped meanwhile, and lost memory is reported at once.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="source">The bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not within the mapping.</exception>
    /// <exception cref="InvalidOperationException">The memory may not be written.</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void Write(long start, ReadOnlySpan<byte> source)
    {
        CheckAccess(FileAccess.ReadWrite);
        using Use use = new(this);
        fixed (byte* from = source)
        {
            ThrowIfLost(Interop.Copy(use.Part(start, source.Length), from, (ulong)source.Length));
        }
    }

    /// <summary>Sets the access to the mapping, or to whole pages of it; see <c>mprotect(2)</c>. A forbidden access ends the
    /// process.</summary>
    /// <param name="access">The access: to read, to read and write, or 0 for none (<c>PROT_NONE</c>).</param>
    /// <param name="offset">The first byte, a multiple of <see cref="Environment.SystemPageSize"/>.</param>
    /// <param name="length">The number of bytes, up to the end unless given. It is rounded up to whole pages.</param>
    /// <remarks><see cref="Access"/> changes only if all pages of the mapping are set. Spans are checked by it, not page by page.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The range or the access is not valid.</exception>
    /// <exception cref="UnauthorizedAccessException">A shared mapping was to be written, and its file is open to read only.</exception>
    /// <exception cref="IOException">There is no memory, or there are too many mappings.</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void Protect(FileAccess access, long offset = 0, long? length = null)
    {
        if (access is not (0 or FileAccess.Read or FileAccess.ReadWrite))
        {
            throw new ArgumentOutOfRangeException(nameof(access), access, "Memory is read, read and written, or neither.");
        }

        long bytes = CheckRange(offset, length, Length);
        using Use use = new(this);
        use.Segment.Protect(offset, bytes, ToFlags(access));
        Access = offset == 0 && CountPages(bytes) == CountPages(Length) ? access : Access;
    }

    /// <summary>Advises the kernel on the use of the mapping, or of whole pages of it; see <c>madvise(2)</c>.</summary>
    /// <param name="advice">The advice.</param>
    /// <param name="offset">The first byte, a multiple of <see cref="Environment.SystemPageSize"/>.</param>
    /// <param name="length">The number of bytes, up to the end unless given. It is rounded up to whole pages.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range or the advice is not valid.</exception>
    /// <exception cref="UnauthorizedAccessException">The system does not permit the advice.</exception>
    /// <exception cref="IOException">The kernel does not have the advice, or has no memory for it.</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void Advise(MemoryAdvice advice, long offset = 0, long? length = null)
    {
        if (!Enum.IsDefined(advice))
        {
            throw new ArgumentOutOfRangeException(nameof(advice), advice, "There is no such advice.");
        }

        long bytes = CheckRange(offset, length, Length);
        using Use use = new(this);
        use.Segment.Advise(offset, bytes, (Interop.MemoryAdvice)advice);
    }

    /// <summary>Reads the mapping, or whole pages of it, into memory and keeps it there; see <c>mlock(2)</c>. Calls do not nest: one
    /// <see cref="UnlockFromMemory"/>, or the disposal, ends it.</summary>
    /// <param name="offset">The first byte, a multiple of <see cref="Environment.SystemPageSize"/>.</param>
    /// <param name="length">The number of bytes, up to the end unless given. It is rounded up to whole pages.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not valid.</exception>
    /// <exception cref="IOException">The range exceeds RLIMIT_MEMLOCK, which the message reports, or the system has not enough
    /// memory.</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void LockInMemory(long offset = 0, long? length = null)
    {
        long bytes = CheckRange(offset, length, Length);
        using Use use = new(this);
        use.Segment.LockInMemory(offset, bytes);
    }

    /// <summary>Allows the kernel to swap the mapping, or whole pages of it, out again; see <c>munlock(2)</c>.</summary>
    /// <param name="offset">The first byte, a multiple of <see cref="Environment.SystemPageSize"/>.</param>
    /// <param name="length">The number of bytes, up to the end unless given. It is rounded up to whole pages.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not valid.</exception>
    /// <exception cref="IOException">The system reported an error.</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void UnlockFromMemory(long offset = 0, long? length = null)
    {
        long bytes = CheckRange(offset, length, Length);
        using Use use = new(this);
        use.Segment.UnlockFromMemory(offset, bytes);
    }

    /// <summary>Writes the mapping, or whole pages of it, to the file and waits for the disk; see <c>msync(2)</c>. Other processes see
    /// every store at once without it, and it has no effect in <c>/dev/shm</c>.</summary>
    /// <param name="offset">The first byte, a multiple of <see cref="Environment.SystemPageSize"/>.</param>
    /// <param name="length">The number of bytes, up to the end unless given. It is rounded up to whole pages.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not valid.</exception>
    /// <exception cref="IOException">The disk failed, or is full.</exception>
    /// <exception cref="SharedMemoryLostException">Memory was lost, with the stores into it.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public void Flush(long offset = 0, long? length = null)
    {
        long bytes = CheckRange(offset, length, Length);
        using Use use = new(this);
        use.Segment.Flush(offset, bytes);
        ThrowIfLost();
    }

    /// <summary>Unmaps the memory, unless a pin keeps it; see <c>munmap(2)</c>. A second call does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _segment.Release();
        }
    }

    internal Span<byte> WholeSpan()
        => Length <= int.MaxValue
            ? new Span<byte>((byte*)Address, (int)Length)
            : throw new InvalidOperationException(
                $"The mapping of '{Name}' has {Length} bytes, and a span at most {int.MaxValue}: use AsSpan or AsReadOnlySpan.");

    private static Interop.MapFlags ToFlags(FileAccess access) => access switch
    {
        FileAccess.Read => Interop.MapFlags.MAP_READ,
        FileAccess.ReadWrite => Interop.MapFlags.MAP_READ | Interop.MapFlags.MAP_WRITE,
        _ => 0,
    };

    private static long CountPages(long bytes) => (bytes + Environment.SystemPageSize - 1) / Environment.SystemPageSize;

    // Returns the length of a range. A null length is the rest.
    private static long CheckRange(long offset, long? length, long size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, size);
        if (offset % Environment.SystemPageSize != 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(offset), offset, $"An offset is a multiple of the page size, which is {Environment.SystemPageSize} bytes.");
        }

        long bytes = length ?? (size - offset);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes, nameof(length));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, size - offset, nameof(length));
        return bytes;
    }

    private static void ThrowIfLost(int* lost)
    {
        if (lost is not null)
        {
            throw SharedMemoryLostException.Of(lost);
        }
    }

    private void ThrowIfLost()
    {
        if (_segment.IsLost)
        {
            throw SharedMemoryLostException.Of(Name);
        }
    }

    private void CheckAccess(FileAccess wanted)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        if ((Access & wanted) != wanted)
        {
            throw new InvalidOperationException(
                wanted == FileAccess.Read
                    ? $"The mapping of '{Name}' may not be read: set the access with Protect."
                    : $"The mapping of '{Name}' may not be written: use the read-only members, or set the access with Protect.");
        }
    }

    private Span<byte> Part(long start, int length)
    {
        CheckPart(start, length);
        return new Span<byte>((byte*)Address + start, length);
    }

    private void CheckPart(long start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, Length);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - start);
    }

    /// <summary>Adds a reference to the segment, which the caller must release.</summary>
    private Segment AcquireSegment()
    {
        ObjectDisposedException.ThrowIf(!_segment.TryAddReference(), this);
        if (Volatile.Read(ref _isDisposed) != 0)
        {
            // A pin keeps the segment.
            _segment.Release();
            ObjectDisposedException.ThrowIf(true, this);
        }

        return _segment;
    }

    // The use of the memory by one call. The memory stays mapped until the call ends, even if another thread disposes the mapping.
    private readonly ref struct Use : IDisposable
    {
        private readonly MemoryMapping _mapping;

        public Use(MemoryMapping mapping)
        {
            _mapping = mapping;
            Segment = mapping.AcquireSegment();
            if (Segment.IsLost)
            {
                Segment.Release();
                throw SharedMemoryLostException.Of(mapping.Name);
            }
        }

        public Segment Segment { get; }

        public byte* Part(long start, int length)
        {
            _mapping.CheckPart(start, length);
            return (byte*)Segment.Address + start;
        }

        public void Dispose() => Segment.Release();
    }
}
