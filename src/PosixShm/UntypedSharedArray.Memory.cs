namespace PosixShm;

/// <content>The mapping: its address, its pages, and its file on disk.</content>
public abstract unsafe partial class UntypedSharedArray
{
    /// <summary>Gets the address of the first element, for native code.</summary>
    /// <value>The address must not be used after <see cref="Dispose"/>, and not if the array has no elements.</value>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public nint Address => (nint)Data;

    /// <summary>Writes the elements to the array's file and waits for the disk; see <c>msync(2)</c>. The call makes an array in a file
    /// (<c>file://</c>) survive a crash of the machine. Other processes see every store at once without it, and it has no effect on a
    /// private copy or an array in <c>/dev/shm</c>.</summary>
    /// <param name="flushToDisk">Whether to wait until the file itself and its name are on disk, too, by <c>fsync(2)</c> of the file and of
    /// its directory. That is needed once after an array was created or replaced. Otherwise, the file may have no name after the
    /// crash.</param>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost, with the stores into it.</exception>
    /// <exception cref="IOException">The disk failed, or is full (only if <see cref="SharedArrayOptions.Preallocate"/> was
    /// <see langword="false"/>).</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read the directory, which <c>fsync(2)</c> needs.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void Flush(bool flushToDisk = false)
    {
        using Use use = new(this);

        // Stores into lost pages are in no file, and msync reports no error for them.
        use.Segment.Flush(flushToDisk);
        if (use.Segment.IsLost || use.Segment.IsTruncated())
        {
            throw SharedMemoryLostException.Of(Name);
        }
    }

    /// <summary>Reads the whole segment into memory and keeps it there: later accesses cause no page faults, and no page is swapped out;
    /// see <c>mlock(2)</c>. Calls do not nest: one <see cref="UnlockFromMemory"/>, or the disposal of the array, ends it. In a private
    /// copy, every page is copied.</summary>
    /// <exception cref="IOException">The segment exceeds RLIMIT_MEMLOCK, which the message reports, or the system has not enough
    /// memory.</exception>
    /// <exception cref="SharedMemoryLostException">The array's memory is lost.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void LockInMemory()
    {
        using Use use = new(this);
        use.Segment.LockInMemory();
    }

    /// <summary>Allows the kernel to swap the segment out again; see <c>munlock(2)</c>. A segment that is not locked is not
    /// changed.</summary>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public void UnlockFromMemory()
    {
        using Use use = new(this);
        use.Segment.UnlockFromMemory();
    }

    /// <summary>Moves the array into huge pages (2 MiB), which every mount supports: the first sum over a new attachment then takes about a
    /// third of the time. See <c>MADV_COLLAPSE</c> in <c>madvise(2)</c>. An array of 2 MiB or more that this library created with
    /// <see cref="SharedArrayOptions.Preallocate"/> already has huge pages. Other processes may read and write at the same time.</summary>
    /// <returns>The number of bytes in huge pages after the call. Small pages remain at the end of the array, in ranges without any
    /// allocated page, and in ranges for which the kernel has no huge page. The result is 0 before Linux 6.1, on a disk, and for less than
    /// 2 MiB.</returns>
    /// <remarks>In a range with some allocated pages, the missing pages are allocated, so a sparse array may use more memory afterwards. If
    /// the file system or the control group does not have that memory, the range stays in small pages. Each range needs 2 MiB of free
    /// memory while it is copied.</remarks>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public long Compact()
    {
        using Use use = new(this);
        return use.Segment.Compact();
    }

    /// <summary>Makes a descriptor of the array that child processes inherit, until the array is disposed.</summary>
    /// <returns>The name by which a child process attaches the array, <c>/proc/self/fd/N</c>. It is valid only in child processes that
    /// start after the call, and remains valid there after this process has exited.</returns>
    /// <exception cref="UnauthorizedAccessException">The array is attached read-only, and this user may not write it.</exception>
    /// <exception cref="IOException">A limit of the process was reached.</exception>
    /// <exception cref="ObjectDisposedException">The array is disposed.</exception>
    public string MakeInheritable()
    {
        using Use use = new(this);
        return use.Segment.MakeInheritable();
    }
}
