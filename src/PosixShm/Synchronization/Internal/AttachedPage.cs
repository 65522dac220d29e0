using PosixShm.Arrays;
using PosixShm.Formats;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>The control page of one attachment. All processes share it; a private copy has a second mapping of the page alone.</summary>
internal sealed unsafe class AttachedPage
{
    private readonly PageOnDemand _page;
    private ReferenceCount _users = new();
    private volatile bool _isDetached;
    private SnapshotPassage? _snapshot;

    /// <summary>Finds the page of an attached array. The caller holds a reference to its segment.</summary>
    /// <exception cref="InvalidOperationException">Other bytes are in its place.</exception>
    /// <exception cref="IOException">The page of a private copy cannot be mapped.</exception>
    public AttachedPage(AttachedArray array)
    {
        PagePlace place = array.Page;
        nint view = array.Segment.GetSharedView(place.Offset, place.LocksEnd - place.Offset);
        Segment = array.Segment;
        Address = view;
        _page = new PageOnDemand(array, view);
        Locks = new LockTable(this, view + (nint)(place.FirstLock - place.Offset), place.LockCount);
        _ = TryFind();
    }

    public Segment Segment { get; }

    public SegmentName Name => Segment.Name;

    public nint Address { get; }

    public LockTable Locks { get; }

    /// <summary>Gets the reads of small snapshots by passages, or null before they are prepared.</summary>
    public SnapshotPassage? Snapshot => _snapshot;

    /// <summary>Gets or sets the managed id of the thread that publishes a snapshot by this attachment; 0: none. It is stored only while
    /// the snapshot's word has this attachment's odd value, so one thread at a time stores it.</summary>
    public int Publisher { get; set; }

    /// <summary>Gets whether the array was detached. Then no operation begins.</summary>
    public bool IsDetached => _isDetached;

    /// <summary>Gets whether this attachment may store in the page.</summary>
    public bool IsWritable => Segment.Access == SegmentAccess.ReadWrite;

    /// <inheritdoc cref="PageOnDemand.MayStore"/>
    public bool MayStore => IsWritable && _page.MayStore;

    /// <inheritdoc cref="PageOnDemand.IsFound"/>
    public bool IsFound => _page.IsFound;

    /// <summary>Gets whether the bytes are no longer a control page. A program that saves over the file puts its elements there.</summary>
    public bool IsOverwritten => IsFound && *(ulong*)Address != ControlPage.Word;

    /// <summary>Gets whether memory was lost, or the page was overwritten.</summary>
    public bool IsLost => IsOverwritten || Segment.IsLost;

    /// <inheritdoc cref="PageOnDemand.TryFind"/>
    public bool TryFind() => _page.TryFind();

    /// <inheritdoc cref="PageOnDemand.Make"/>
    public void Make() => _page.Make();

    /// <summary>Returns whether another file has the array's name, as after a replacement. Makes a system call.</summary>
    public bool IsNameOfAnother() => Segment.NamedFile() == NamedFile.Another;

    /// <summary>Returns whether the array's name is another file's or no file's. Makes a system call.</summary>
    public bool IsNameGone() => Segment.NamedFile() != NamedFile.Same;

    /// <summary>Precedes every store, because the page may be another program's bytes by now; docs/FORMAT.md, "Locks", Storing.</summary>
    /// <exception cref="SharedMemoryLostException">The page is lost.</exception>
    public void ThrowIfLost()
    {
        if (IsLost)
        {
            Segment.MarkLost();
            throw SharedMemoryLostException.Of(Name.Value);
        }
    }

    /// <summary>Keeps the page mapped until the end of the scope.</summary>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public Use Using()
    {
        ThrowIfDetached();
        ObjectDisposedException.ThrowIf(!Segment.TryAddReference(), typeof(SharedArray));
        return new Use(Segment);
    }

    public void ThrowIfDetached() => ObjectDisposedException.ThrowIf(_isDetached, typeof(SharedArray));

    /// <summary>Adds another array that uses this attachment's page. Two pages over one open file would take each other's locks for
    /// abandoned, because the kernel does not report the byte locks of an open file to itself. False if the last user has
    /// detached.</summary>
    public bool TryAddUser() => _users.TryAdd();

    /// <summary>Ends one array's use of the page. The last one detaches.</summary>
    public void RemoveUser()
    {
        if (_users.Release())
        {
            _isDetached = true;
            Locks.Close();

            // The exchange is a full barrier: a thread that finds a later object also finds the page detached, and copies nothing.
            if (Interlocked.Exchange(ref _snapshot, null) is not null)
            {
                LockThread.AwaitPassages(Locks.Id);
            }
        }
    }

    /// <summary>Prepares passages for the next reads, after a read with a reference. The first read of an attachment prepares the
    /// array, and the next one of each thread its thread: a process that reads once starts no watch of its threads.</summary>
    public void PreparePassage(AttachedArray array)
    {
        if (_snapshot is not null)
        {
            LockThread.TryWatch();
        }
        else if (SnapshotPassage.TryCreate(this, array) is SnapshotPassage made)
        {
            _ = Interlocked.CompareExchange(ref _snapshot, made, null);
        }
    }

    /// <summary>A reference to the memory of the page.</summary>
    public ref struct Use(Segment segment) : IDisposable
    {
        private Segment? _segment = segment;

        /// <summary>Leaves the reference to an asynchronous wait, which releases it when it completes.</summary>
        public void HandOver() => _segment = null;

        public readonly void Dispose() => _segment?.Release();
    }
}
