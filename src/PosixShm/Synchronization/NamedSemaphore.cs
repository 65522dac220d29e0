using System.IO.Enumeration;
using PosixShm.Names;
using PosixShm.Native;
using PosixShm.Segments;

namespace PosixShm.Synchronization;

/// <summary>A counting semaphore that processes share by name, also with C (<c>sem_open(3)</c>) and Python (posix_ipc).</summary>
/// <remarks>The names <c>x</c> and <c>/x</c> mean one semaphore, which is in <c>/dev/shm/sem.x</c>. The C library's name for it is
/// <c>/x</c> with glibc, and <c>/sem.x</c> with musl. <c>POSIXSHM_DIR</c> does not apply. A semaphore outlives its processes and exists
/// until it is deleted. If a process dies between waiting and releasing, the count stays lower by one. For mutual exclusion that survives a
/// death, use an array's lock. The layouts of glibc and musl differ, so processes with different C libraries cannot share a semaphore.
/// See <c>sem_overview(7)</c>.</remarks>
public sealed partial class NamedSemaphore : IDisposable
{
    private const int MaxCreateOrAttachRounds = 1000;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static readonly AttachOptions s_cautious = new();

    private readonly SafeSemaphoreHandle _handle;
    private readonly SegmentName _name;

    private NamedSemaphore(SegmentName name, SafeSemaphoreHandle handle)
    {
        _name = name;
        _handle = handle;
    }

    /// <summary>Gets the name, without a slash.</summary>
    public string Name => _name.Value;

    /// <summary>Gets the number of waits that would succeed at this moment.</summary>
    /// <exception cref="ObjectDisposedException">The semaphore is closed.</exception>
    public int CurrentCount => Check(Interop.SemGetValue(_handle), "read");

    /// <summary>Creates a semaphore that other processes can open by name.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="initialCount">The number of waits that succeed before the first release.</param>
    /// <param name="mode">The permission bits, exactly: the umask does not apply. A user of the semaphore needs read and write.</param>
    /// <returns>The semaphore, open.</returns>
    /// <exception cref="ArgumentException">The name is not valid, or the count is negative.</exception>
    /// <exception cref="IOException">The name exists, or there is no space.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not create files in <c>/dev/shm</c>.</exception>
    public static NamedSemaphore Create(string name, int initialCount = 0, UnixFileMode mode = OwnerOnly)
    {
        SegmentName parsed = SemaphoreName.Parse(name, nameof(name));
        ArgumentOutOfRangeException.ThrowIfNegative(initialCount);
        return new NamedSemaphore(parsed, SemaphoreFile.Create(parsed, (uint)initialCount, mode));
    }

    /// <summary>Attaches a semaphore that a process created.</summary>
    /// <param name="name">The name with which it was created.</param>
    /// <param name="options">The files that are accepted.</param>
    /// <returns>The semaphore.</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="FileNotFoundException">The semaphore does not exist.</exception>
    /// <exception cref="InvalidDataException">The file behind the name is not a semaphore of this C library.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not open it, or it belongs to another user.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static NamedSemaphore Attach(string name, AttachOptions? options = null)
    {
        SegmentName parsed = SemaphoreName.Parse(name, nameof(name));
        return new NamedSemaphore(parsed, SemaphoreFile.Open(parsed, (options ?? s_cautious).ToAttachPolicy()));
    }

    /// <summary>Creates a semaphore, or attaches the one that exists. If several callers do so at once, exactly one creates it.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="initialCount">The number of waits that succeed before the first release, if it is created.</param>
    /// <param name="mode">The permission bits, exactly, if it is created.</param>
    /// <param name="options">The files that are accepted, if it exists.</param>
    /// <returns>The semaphore, open.</returns>
    /// <exception cref="InvalidDataException">The file behind the name is not a semaphore of this C library.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not create or open it, or it belongs to another user.</exception>
    /// <inheritdoc cref="Create"/>
    public static NamedSemaphore CreateOrAttach(
        string name, int initialCount = 0, UnixFileMode mode = OwnerOnly, AttachOptions? options = null)
    {
        for (int round = 0; round < MaxCreateOrAttachRounds; round++)
        {
            try
            {
                return Exists(name) ? Attach(name, options) : Create(name, initialCount, mode);
            }
            catch (FileNotFoundException)
            {
                // The semaphore was deleted after the check.
            }
            catch (IOException) when (Exists(name))
            {
                // The semaphore was created after the check.
            }
        }

        throw new IOException(
            $"Cannot attach the semaphore '{name}': other processes created and deleted it {MaxCreateOrAttachRounds} times.");
    }

    /// <summary>Checks whether a semaphore exists.</summary>
    /// <param name="name">The name.</param>
    /// <returns>Whether it exists.</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    public static bool Exists(string name) => File.Exists(SemaphoreName.Parse(name, nameof(name)).Path);

    /// <summary>Lists the names of all semaphores, those of <see cref="FindStale"/> included.</summary>
    /// <returns>The names, in order.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no <c>/dev/shm</c>.</exception>
    public static IReadOnlyList<string> List() => [.. Files().Select(static name => name.Value).Order(StringComparer.Ordinal)];

    /// <summary>Lists files that processes killed in <c>sem_open(3)</c> may have left: <c>sem.</c> and six letters or digits.</summary>
    /// <param name="options">The files to list; all of them unless given. Their age counts from their last change.</param>
    /// <returns>The files, by name.</returns>
    /// <remarks>Only a file that is empty, or has a second name, is certainly stale. Others may be semaphores of that name.</remarks>
    /// <exception cref="DirectoryNotFoundException">There is no <c>/dev/shm</c>.</exception>
    public static IReadOnlyList<StaleSemaphore> FindStale(StaleOptions? options = null) => Stale(options, static (_, _) => true);

    /// <summary>Deletes the files that are certainly stale: those of <see cref="FindStale"/> that are empty or have two names.</summary>
    /// <param name="options">The files to check; all of them unless given. Their age counts from their last change.</param>
    /// <returns>The files that were deleted, by name.</returns>
    /// <remarks>A complete file is deleted only by <see cref="Delete"/>.</remarks>
    /// <inheritdoc cref="FindStale"/>
    public static IReadOnlyList<StaleSemaphore> DeleteStale(StaleOptions? options = null)
    {
        Lazy<MappedFiles> mapped = new(MappedFiles.Read);
        return Stale(options, (name, status) => IsCertain(status) && TryDelete(name, status, mapped));
    }

    private static List<StaleSemaphore> Stale(StaleOptions? options, Func<SegmentName, Interop.Status, bool> filter)
    {
        StaleOptions wanted = options ?? new StaleOptions();
        DateTimeOffset now = DateTimeOffset.UtcNow;
        List<StaleSemaphore> leftovers = [];
        foreach (SegmentName name in Files())
        {
            if (SemaphoreName.IsTemporary(name)
                && FileSystemName.MatchesSimpleExpression(wanted.Pattern, name.Value, ignoreCase: false)
                && Interop.Stat(name.Path, follow: 0, out Interop.Status status) == 0
                && now - DateTimeOffset.UnixEpoch.AddTicks(status.Modified / TimeSpan.NanosecondsPerTick) >= wanted.MinimumAge
                && filter(name, status))
            {
                leftovers.Add(new StaleSemaphore(name.Value, IsCertain(status)));
            }
        }

        leftovers.Sort(static (left, right) => string.CompareOrdinal(left.Name, right.Name));
        return leftovers;
    }

    /// <summary>Deletes a name; see <c>sem_unlink(3)</c>. Processes that have the semaphore open keep it.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="FileNotFoundException">The semaphore does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not delete it.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static void Delete(string name) => SemaphoreFile.Remove(SemaphoreName.Parse(name, nameof(name)));

    /// <summary>Deletes a name, if it exists.</summary>
    /// <param name="name">The name.</param>
    /// <returns><see langword="false"/> if the name did not exist.</returns>
    /// <exception cref="ArgumentException">The name is not valid.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not delete it.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
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

    /// <summary>Waits until the count is above zero, and lowers it by one.</summary>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted; noticed within 50 ms.</exception>
    /// <exception cref="ObjectDisposedException">The semaphore is closed.</exception>
    public void Wait(CancellationToken cancellation = default) => _ = TryWait(Timeout.InfiniteTimeSpan, cancellation);

    /// <summary>Lowers the count by one, if it is above zero.</summary>
    /// <returns>Whether it was.</returns>
    /// <exception cref="ObjectDisposedException">The semaphore is closed.</exception>
    public bool TryWait() => TryWait(TimeSpan.Zero);

    /// <summary>Waits until the count is above zero, up to a time limit by the monotonic clock, and lowers it by one.</summary>
    /// <param name="timeout">The time limit; <see cref="Timeout.InfiniteTimeSpan"/> for none.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns><see langword="false"/> if the time ran out.</returns>
    /// <remarks>Without <c>sem_clockwait(3)</c> (musl, glibc before 2.30), a waiter polls every few milliseconds.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or over <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted; noticed within 50 ms.</exception>
    /// <exception cref="ObjectDisposedException">The semaphore is closed.</exception>
    public bool TryWait(TimeSpan timeout, CancellationToken cancellation = default)
    {
        WaitTime time = new(TimeLimit.InMilliseconds(timeout, nameof(timeout)), cancellation);
        while (true)
        {
            _ = time.IsCheckDue();
            bool isOver = time.IsOver;
            if (Interop.SemWait(_handle, isOver ? 0 : time.NextSleep) == 0)
            {
                return true;
            }

            switch (Interop.LastError)
            {
                case Interop.Error.EAGAIN or Interop.Error.ETIMEDOUT when isOver:
                    return false;
                case Interop.Error.EAGAIN or Interop.Error.ETIMEDOUT:
                    break;
                case Interop.Error.ENOSYS when Interop.SemWait(_handle, 0) == 0:
                    return true;
                case Interop.Error.ENOSYS:
                    Thread.Sleep(Math.Min(time.NextSleep, 2));
                    break;
                default:
                    throw LastError(_name, "wait for");
            }
        }
    }

    /// <summary>Raises the count.</summary>
    /// <param name="count">The number to add.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is less than one.</exception>
    /// <exception cref="SemaphoreFullException">The count would be more than <see cref="int.MaxValue"/>.</exception>
    /// <exception cref="ObjectDisposedException">The semaphore is closed.</exception>
    public void Release(int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (count > int.MaxValue - CurrentCount)
        {
            throw Full(_name);
        }

        for (int i = 0; i < count; i++)
        {
            _ = Check(Interop.SemPost(_handle), "release");
        }
    }

    /// <summary>Closes the semaphore in this process. The name and the count stay.</summary>
    public void Dispose() => _handle.Dispose();

    // All regular files that have the name of a semaphore, readable or not.
    private static IEnumerable<SegmentName> Files()
    {
        LinuxOnly.Check();
        return SegmentDirectory.Names(SegmentName.OfSemaphore(string.Empty)).Select(SemaphoreName.FromFile).OfType<SegmentName>();
    }

    private static bool IsCertain(Interop.Status status) => status.Size == 0 || status.Links > 1;

    // The kernel reports that a creator has an empty file open. A creator no longer needs the second name of a complete file.
    private static bool TryDelete(SegmentName name, Interop.Status status, Lazy<MappedFiles> mapped)
    {
        try
        {
            if (status.Size == 0)
            {
                return SegmentDirectory.TryRemoveUnused(name, status, mapped, default);
            }

            SemaphoreFile.Remove(name);
            return true;
        }
        catch (Exception error) when (error is FileNotFoundException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static Exception LastError(SegmentName name, string action)
        => Interop.LastError switch
        {
            Interop.Error.EINVAL => SemaphoreFile.Changed(name),
            Interop.Error.EOVERFLOW => Full(name),
            _ => SegmentError.Last(name, action),
        };

    private static SemaphoreFullException Full(SegmentName name)
        => new($"The count of the semaphore '{name}' would be more than {int.MaxValue}.");

    private int Check(int result, string action) => result >= 0 ? result : throw LastError(_name, action);
}
