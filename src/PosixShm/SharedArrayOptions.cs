namespace PosixShm;

/// <summary>Options for creating or replacing an array.</summary>
public sealed record SharedArrayOptions
{
    internal const int MaxAlignment = 4096;

    private const UnixFileMode Permissions = (UnixFileMode)0b111_111_111;

    /// <summary>Gets the permission bits of the array's file, which the umask does not reduce: 0600, the owner alone, unless set.</summary>
    /// <value>A user with write permission may also truncate the file while other processes have the array attached: grant it to trusted
    /// users only.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value has bits other than 0777.</exception>
    public UnixFileMode Mode
    {
        get;
        init => field = (value & ~Permissions) == 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "Use the bits of 0777.");
    }
    = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gets the layout of the array in its file: <see cref="ArrayLayout.Npy"/> (unless set) or
    /// <see cref="ArrayLayout.PythonSharedArray"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of these two.</exception>
    public ArrayLayout Layout
    {
        get;
        init => field = Formats.FileFormat.Of(value).Layout;
    }

    /// <summary>Gets whether the space is reserved at creation: <see langword="true"/> unless set.</summary>
    /// <value><see langword="true"/>: creation throws if the space is insufficient, and later stores cannot fail; see <c>fallocate(2)</c>.
    /// In memory, an array of 2 MiB or more gets huge pages if the kernel has free ones (Linux 6.1). Its creation and filling then take
    /// about a tenth of the time; see <c>MADV_COLLAPSE</c> in <c>madvise(2)</c>. <see langword="false"/>: the kernel allocates each page at
    /// its first access, also by a read (a sparse array). If that fails, the page has zeros that no other process sees, and the next call
    /// throws a <see cref="SharedMemoryLostException"/>.</value>
    public bool Preallocate { get; init; } = true;

    /// <summary>Gets whether all pages are mapped at creation: <see langword="false"/> unless set.</summary>
    /// <value>A page fault at the first access of each page (4 KiB) takes about a microsecond. The option moves that time into the
    /// creation, for arrays whose accesses must all take equally long. See <c>MADV_POPULATE_WRITE</c> in <c>madvise(2)</c>; kernels before
    /// 5.14 ignore it.</value>
    public bool Populate { get; init; }

    /// <summary>Gets whether huge pages (2 MiB) are requested even if <see cref="Preallocate"/> alone provides none:
    /// <see langword="false"/> unless set.</summary>
    /// <value>The option has an effect only if <c>/dev/shm</c> is mounted with <c>huge=advise</c>; see <c>MADV_HUGEPAGE</c> in
    /// <c>madvise(2)</c>. The kernel then allocates 2 MiB at each first access to a sparse array. A preallocated array has huge pages on
    /// kernels before 6.1, too, and all its pages are mapped at creation, as by <see cref="Populate"/>.
    /// <see cref="UntypedSharedArray.Compact"/> moves the pages of an existing array.</value>
    public bool HugePages { get; init; }

    /// <summary>Gets the alignment of the first element, in memory and in the file, in bytes: 64, as numpy's, unless set.</summary>
    /// <value>A power of two from 64 to 4,096. With 4,096 the elements begin on a page, which drivers, the registration of memory with a
    /// GPU, and <c>O_DIRECT</c> need. The header is then padded with spaces, which every reader of .npy files skips. The maximum follows
    /// from numpy, which refuses headers of more than 10,000 characters. A new generation keeps an alignment of 4,096, and no other. In
    /// <see cref="ArrayLayout.PythonSharedArray"/> the elements always begin on a page.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a power of two, or out of range.</exception>
    public int Alignment
    {
        get;
        init => field = value is >= Formats.NpyHeader.Alignment and <= MaxAlignment && int.IsPow2(value)
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(value), value, $"The alignment is a power of two from {Formats.NpyHeader.Alignment} to {MaxAlignment}.");
    }
    = Formats.NpyHeader.Alignment;

    /// <summary>Gets the number of locks. Several locks can protect parts of the array separately.</summary>
    /// <value>From 0 to 1,048,576. With 1 (unless set) to 31, the array has 31 locks, in a page of 4,096 bytes that their first use adds to
    /// the file. With more, the array has that number of locks, of 64 bytes each, from its creation. With 0, this attachment has no locks
    /// and no change counter, and another process that attaches the array may add them. The file of an array without a name
    /// (<see cref="SharedArray.CreateAnonymous{T}(long[])"/>) cannot grow, so its locks exist from its creation, or with 0 never.</value>
    /// <exception cref="ArgumentOutOfRangeException">The value is out of range.</exception>
    public int Locks
    {
        get;
        init => field = value is >= 0 and <= Formats.ControlPage.MaxLocks
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"An array has 0 to {Formats.ControlPage.MaxLocks} locks.");
    }
    = 1;

    internal Arrays.PagePolicy PagePolicy => Locks > 0 ? Arrays.PagePolicy.Always : Arrays.PagePolicy.Never;

    internal Segments.SegmentOptions ToSegmentOptions() => new(Mode, Preallocate, HugePages, Populate);
}
