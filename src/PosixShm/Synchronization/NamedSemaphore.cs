using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Synchronization;

/// <summary>A counting semaphore that processes share by name, also with programs in C (<c>sem_open(3)</c>) and Python (posix_ipc).</summary>
/// <remarks>
/// A name is <c>x</c> or <c>/x</c>, which are one semaphore, kept by the C library in <c>/dev/shm/sem.x</c>. It outlives its processes until somebody deletes it.
/// A process that dies between waiting and releasing takes its count with it: nothing gives it back. For mutual exclusion that survives that, use an array's lock.
/// glibc and musl lay a semaphore out differently: processes with different C libraries cannot share one. See <c>sem_overview(7)</c>.
/// </remarks>
public sealed class NamedSemaphore : IDisposable
{
    private const int MaxCreateOrOpenRounds = 1000;

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly SafeSemaphoreHandle _handle;
    private readonly SemaphoreName _name;

    private NamedSemaphore(SemaphoreName name, SafeSemaphoreHandle handle)
    {
        _name = name;
        _handle = handle;
    }

    /// <summary>Gets the name, without a slash.</summary>
    public string Name => _name.Value;

    /// <summary>Gets how many waits would succeed at this moment.</summary>
    /// <exception cref="ObjectDisposedException">The semaphore is closed.</exception>
    public int CurrentCount => Check(Interop.SemGetValue(_handle), "read");

    /// <summary>Creates a semaphore that other processes can open by name.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="initialCount">How many waits succeed before the first release.</param>
    /// <param name="mode">Who may open it: exactly these bits, whatever the umask. To use it, a user needs both read and write.</param>
    /// <returns>The semaphore, open.</returns>
    /// <exception cref="ArgumentException">The name is not one, or the count is negative.</exception>
    /// <exception cref="IOException">The name is taken, or there is no space.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not create files in <c>/dev/shm</c>.</exception>
    public static NamedSemaphore Create(string name, int initialCount = 0, UnixFileMode mode = OwnerOnly)
    {
        SemaphoreName parsed = SemaphoreName.Parse(name, nameof(name));
        ArgumentOutOfRangeException.ThrowIfNegative(initialCount);
        SafeSemaphoreHandle handle = Interop.SemOpen(parsed.PosixName, create: 1, (uint)mode, (uint)initialCount);
        NamedSemaphore semaphore = Opened(parsed, handle, "create");

        try
        {
            // sem_open takes the umask off.
            using SafeFileHandle file = Interop.Open(parsed.Path, Interop.OpenFlags.O_RDWR);
            _ = semaphore.Check(file.IsInvalid ? -1 : Interop.FChMod(file, (uint)mode), "create");
            return semaphore;
        }
        catch
        {
            semaphore.Dispose();
            _ = Interop.SemUnlink(parsed.PosixName);
            throw;
        }
    }

    /// <summary>Opens a semaphore that some process created.</summary>
    /// <param name="name">The name it was created with.</param>
    /// <returns>The semaphore.</returns>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    /// <exception cref="FileNotFoundException">There is no semaphore of that name.</exception>
    /// <exception cref="InvalidDataException">The file behind the name is no semaphore.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not open it.</exception>
    public static NamedSemaphore Open(string name)
    {
        SemaphoreName parsed = SemaphoreName.Parse(name, nameof(name));
        CheckFile(parsed);
        return Opened(parsed, Interop.SemOpen(parsed.PosixName, create: 0, 0, 0), "open");
    }

    /// <summary>Creates a semaphore, or opens the one that is there: exactly one of several callers at once creates it.</summary>
    /// <param name="name">The name, unique on this machine.</param>
    /// <param name="initialCount">How many waits succeed before the first release, if it is created.</param>
    /// <param name="mode">Who may open it, if it is created.</param>
    /// <returns>The semaphore, open.</returns>
    /// <exception cref="InvalidDataException">The file behind the name is no semaphore.</exception>
    /// <inheritdoc cref="Create"/>
    public static NamedSemaphore CreateOrOpen(string name, int initialCount = 0, UnixFileMode mode = OwnerOnly)
    {
        for (int round = 0; round < MaxCreateOrOpenRounds; round++)
        {
            try
            {
                return Exists(name) ? Open(name) : Create(name, initialCount, mode);
            }
            catch (FileNotFoundException)
            {
                // Deleted since it was seen.
            }
            catch (IOException) when (Exists(name))
            {
                // Created since it was looked for.
            }
        }

        throw new IOException($"The semaphore '{name}' was created and deleted by others {MaxCreateOrOpenRounds} times while it should be opened.");
    }

    /// <summary>Tells whether there is a semaphore of that name.</summary>
    /// <param name="name">The name.</param>
    /// <returns>Whether there is.</returns>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    public static bool Exists(string name) => File.Exists(SemaphoreName.Parse(name, nameof(name)).Path);

    /// <summary>Lists the names of all semaphores.</summary>
    /// <returns>The names, in order.</returns>
    public static IReadOnlyList<string> List()
    {
        LinuxOnly.Check();
        return [.. Directory.EnumerateFiles(SegmentName.SharedMemoryFolder)
            .Select(static file => SemaphoreName.FromFile(Path.GetFileName(file)))
            .OfType<string>()
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>Deletes a name; see <c>sem_unlink(3)</c>. Processes that have the semaphore open keep it.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    /// <exception cref="FileNotFoundException">There is no semaphore of that name.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not delete it.</exception>
    public static void Delete(string name)
    {
        SemaphoreName parsed = SemaphoreName.Parse(name, nameof(name));
        if (Interop.SemUnlink(parsed.PosixName) < 0)
        {
            throw LastError(parsed, "delete");
        }
    }

    /// <summary>Deletes a name, if there is one.</summary>
    /// <param name="name">The name.</param>
    /// <returns><see langword="false"/> if there was none.</returns>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not delete it.</exception>
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

    /// <summary>Waits until the count is above zero, and lowers it by one, but waits not longer than a time, by the monotonic clock.</summary>
    /// <param name="timeout">How long; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</param>
    /// <param name="cancellation">Ends the wait; noticed within 50 ms.</param>
    /// <returns><see langword="false"/> if the time ran out.</returns>
    /// <remarks>On a C library without <c>sem_clockwait(3)</c> (musl, glibc before 2.30) a waiter looks every few milliseconds instead of being woken.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative, or longer than <see cref="int.MaxValue"/> milliseconds.</exception>
    /// <exception cref="OperationCanceledException">The wait was ended.</exception>
    /// <exception cref="ThreadInterruptedException">The thread was interrupted; noticed within 50 ms.</exception>
    /// <exception cref="ObjectDisposedException">The semaphore is closed.</exception>
    public bool TryWait(TimeSpan timeout, CancellationToken cancellation = default)
    {
        WaitTime time = new(Milliseconds.Of(timeout, nameof(timeout)), cancellation);
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
    /// <param name="count">By how much.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is less than one.</exception>
    /// <exception cref="SemaphoreFullException">The count would be more than <see cref="int.MaxValue"/>.</exception>
    /// <exception cref="ObjectDisposedException">The semaphore is closed.</exception>
    public void Release(int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (count > int.MaxValue - CurrentCount)
        {
            throw new SemaphoreFullException($"The count of the semaphore '{Name}' would be more than {int.MaxValue}.");
        }

        for (int i = 0; i < count; i++)
        {
            _ = Check(Interop.SemPost(_handle), "release");
        }
    }

    /// <summary>Closes the semaphore in this process. The name and the count stay.</summary>
    public void Dispose() => _handle.Dispose();

    // The C library maps a semaphore's size of the file, whatever its size is: a shorter one would be a bus error at the first use.
    private static void CheckFile(SemaphoreName name)
    {
        if (Interop.Stat(name.Path, follow: 0, out Interop.Status status) < 0)
        {
            throw LastError(name, "open");
        }

        if (status.Type != Interop.FileType.TYPE_REGULAR || status.Size < Interop.GetSemaphoreSize())
        {
            throw new InvalidDataException($"'{name.Path}' is not a semaphore of this C library.");
        }
    }

    private static NamedSemaphore Opened(SemaphoreName name, SafeSemaphoreHandle handle, string action)
    {
        if (handle.IsInvalid)
        {
            Exception error = LastError(name, action);
            handle.Dispose();
            throw error;
        }

        return new NamedSemaphore(name, handle);
    }

    private static Exception LastError(SemaphoreName name, string action)
    {
        int errno = Marshal.GetLastPInvokeError();
        Exception exception = Interop.ConvertErrno(errno) switch
        {
            Interop.Error.ENOENT => new FileNotFoundException($"There is no semaphore named '{name}'.", name.Value),
            Interop.Error.EEXIST => new IOException($"There is a semaphore named '{name}' already: open it, delete it first, or choose another name."),
            Interop.Error.EACCES or Interop.Error.EPERM => new UnauthorizedAccessException($"Cannot {action} the semaphore '{name}': its permissions do not allow it."),
            Interop.Error.EOVERFLOW => new SemaphoreFullException($"The count of the semaphore '{name}' would be more than {int.MaxValue}."),
            _ => new IOException($"Cannot {action} the semaphore '{name}': {Marshal.GetPInvokeErrorMessage(errno)}."),
        };

        exception.HResult = errno;
        return exception;
    }

    private int Check(int result, string action) => result >= 0 ? result : throw LastError(_name, action);
}
