namespace PosixShm;

/// <summary>Says how an array is created.</summary>
public sealed record SharedArrayOptions
{
    internal const int MaxAlignment = 4096;

    private const UnixFileMode Permissions = (UnixFileMode)0b111_111_111;

    /// <summary>Gets who may attach the array: exactly these bits, whatever the umask. 0600, the owner alone, unless set.</summary>
    /// <value>Whoever may write may also truncate the array under everybody who has it attached: give it to those you attachPolicy.</value>
    /// <exception cref="ArgumentOutOfRangeException">There are bits beyond 0777.</exception>
    public UnixFileMode Mode
    {
        get;
        init => field = (value & ~Permissions) == 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "Use the bits of 0777.");
    }
    = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Gets how the array lies in its segment: <see cref="ArrayLayout.Npy"/> (unless set) or <see cref="ArrayLayout.PythonSharedArray"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of these two.</exception>
    public ArrayLayout Layout
    {
        get;
        init => field = Formats.FileFormat.Of(value).Layout;
    }

    /// <summary>Gets whether the space is reserved at creation, as it is unless set.</summary>
    /// <value>
    /// <see langword="true"/>: a lack of space is an exception at creation, never a crash at a later store; see <c>fallocate(2)</c>. In memory,
    /// an array of 2 MiB or more gets huge pages, as far as the kernel has some (Linux 6.1): creating and filling it takes about a tenth of the
    /// time. See <c>MADV_COLLAPSE</c> in <c>madvise(2)</c>.
    /// <see langword="false"/>: pages are taken when they are first touched (a sparse array), also by reading, and a touch that finds no space left
    /// finds zeros that nobody else sees: the next call throws a <see cref="SharedMemoryLostException"/>.
    /// </value>
    public bool Preallocate { get; init; } = true;

    /// <summary>Gets whether all pages are mapped at creation, which is not done unless set.</summary>
    /// <value>
    /// Without it, the first touch of each page (4 KiB) costs about a microsecond more than the second one. With it, that time is spent
    /// at creation instead: worth it for arrays that must answer evenly later. See <c>MADV_POPULATE_WRITE</c> in <c>madvise(2)</c>; kernels before 5.14 ignore it.
    /// </value>
    public bool Populate { get; init; }

    /// <summary>Gets whether huge pages (2 MiB) are requested also where <see cref="Preallocate"/> alone gives none; they are not unless set.</summary>
    /// <value>
    /// A hint that depends on the mount of <c>/dev/shm</c>. With <c>huge=advise</c>, an array without <see cref="Preallocate"/> allocates 2 MiB at
    /// each first touch. A preallocated one then has huge pages on kernels before 6.1, too, and all its pages are mapped at creation, as by
    /// <see cref="Populate"/>. On other mounts the hint has no effect. <see cref="UntypedSharedArray.Compact"/> moves the pages of an existing array. See
    /// <c>MADV_HUGEPAGE</c> in <c>madvise(2)</c>.
    /// </value>
    public bool HugePages { get; init; }

    /// <summary>Gets the power of two of which the first element's address and its offset in the file are multiples: 64, as numpy's, unless set.</summary>
    /// <value>
    /// From 64 to 4,096. With 4,096 the elements begin on a page, as drivers, the registration of memory with a GPU, and <c>O_DIRECT</c> need: the
    /// header has more spaces, which every reader of .npy files skips. More is not possible, since numpy refuses headers of more than 10,000
    /// characters. In <see cref="ArrayLayout.PythonSharedArray"/> the elements always begin on a page.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">It is not a power of two, or out of range.</exception>
    public int Alignment
    {
        get;
        init => field = value is >= Formats.NpyHeader.Alignment and <= MaxAlignment && int.IsPow2(value)
            ? value
            : throw new ArgumentOutOfRangeException(
                nameof(value), value, $"The alignment is a power of two from {Formats.NpyHeader.Alignment} to {MaxAlignment}.");
    }
    = Formats.NpyHeader.Alignment;

    /// <summary>Gets how many locks the array has. More than one are for parts of the array that are locked by themselves.</summary>
    /// <value>
    /// From 0 to 1,048,576. With 1 (unless set) to 31, the array has 31 locks, in a page of 4,096 bytes that their first use adds; with more, so many, which take 64 bytes each from the start.
    /// With 0, the array that this process gets has no locks and no count of changes; another process that attaches it may add them. An array without a name
    /// (<see cref="SharedArray.CreateAnonymous{T}(long[])"/>) cannot grow: it has them from the start, or with 0 never.
    /// </value>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer or more.</exception>
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
