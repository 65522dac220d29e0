namespace PosixShm;

/// <content>The mapping: its place in memory and on disk.</content>
public abstract unsafe partial class UntypedSharedArray
{
    /// <summary>Gets the address of the first element, for code that takes a pointer.</summary>
    /// <value>It must not be used after <see cref="Dispose"/>. Of an array without elements, it must not be used at all.</value>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public nint Address => (nint)Data;

    /// <summary>
    /// Writes the elements to the array's file and waits for the disk; see <c>msync(2)</c>. Other processes see every store at once without
    /// it: it is for an array in a file (<c>file://</c>) that is to survive a crash of the machine. An array in <c>/dev/shm</c> never does,
    /// and for a private copy there is nothing to write.
    /// </summary>
    /// <param name="flushToDisk"> Also waits until the file itself and its name are on disk, by <c>fsync(2)</c> of both the file and its
    /// folder. Needed once after an array was created or replaced: without it, the elements may be on disk and the file have no name after
    /// the crash.
    /// </param>
    /// <exception cref="SharedMemoryLostException">The array's memory is gone, and with it what was stored.</exception>
    /// <exception cref="IOException">The disk failed, or is full (an array with <see cref="SharedArrayOptions.Preallocate"/>
    /// off).</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read the folder, whose names are to be on disk.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void Flush(bool flushToDisk = false)
    {
        using Use use = new(this);

        // What was stored in lost pages is in no file, and the kernel finds nothing wrong with that.
        use.Segment.Flush(flushToDisk);
        if (use.Segment.IsLost || use.Segment.IsTruncated())
        {
            throw SharedMemoryLostException.Of(Name);
        }
    }

    /// <summary>
    /// Brings the whole segment into memory and keeps it there: no later access waits for a page fault, and nothing is swapped out; see
    /// <c>mlock(2)</c>. It ends with <see cref="UnlockFromMemory"/>, however often it was called, or when the array is detached. Of a
    /// private copy, it copies every page.
    /// </summary>
    /// <exception cref="IOException">It is more than RLIMIT_MEMLOCK allows, and the message says how much that is; or there is not so much
    /// memory.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void LockInMemory()
    {
        using Use use = new(this);
        use.Segment.LockInMemory();
    }

    /// <summary>Lets the kernel swap the segment out again; see <c>munlock(2)</c>. Does nothing to one that is not locked.</summary>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public void UnlockFromMemory()
    {
        using Use use = new(this);
        use.Segment.UnlockFromMemory();
    }

    /// <summary>
    /// Moves the pages of the array into huge pages (2 MiB), whatever the mount's options: the first sum over a new attachment then takes about a
    /// third of the time. See <c>MADV_COLLAPSE</c> in <c>madvise(2)</c>. A new array of 2 MiB or more has huge pages already, unless
    /// <see cref="SharedArrayOptions.Preallocate"/> is off or another program created it. Other processes may read and write meanwhile.
    /// </summary>
    /// <returns>
    /// The bytes that are in huge pages now, those that were before included. The end of the array that does not fill 2 MiB stays in small
    /// pages. So do ranges without any allocated page (of a sparse array), and ranges for which the kernel has no huge page. The result is 0
    /// before Linux 6.1, on a disk, and for less than 2 MiB.
    /// </returns>
    /// <remarks>
    /// Missing pages of a range of which others exist are allocated, so a sparse array may take more memory afterwards. If the file system or
    /// the control group does not have that memory, the range stays as it was. Each range needs 2 MiB of free memory while it is copied.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public long Compact()
    {
        using Use use = new(this);
        return use.Segment.Compact();
    }

    /// <summary>Gives programs that this process starts from now on a descriptor of the array, until the array is disposed.</summary>
    /// <returns>The name by which they attach it: tell it them. As <c>/proc/self/fd/N</c> it is good in those programs only, and also after
    /// this process has ended.</returns>
    /// <exception cref="UnauthorizedAccessException">The array is attached to read only, and this user may not write it.</exception>
    /// <exception cref="IOException">A limit of the process was reached.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public string MakeInheritable()
    {
        using Use use = new(this);
        return use.Segment.MakeInheritable();
    }
}
