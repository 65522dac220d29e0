using PosixShm.Arrays;
using PosixShm.Names;

namespace PosixShm;

/// <content>Names: existence, description, listing, deletion.</content>
public abstract partial class SharedArray
{
    /// <summary>Tells whether there is an array of that name. The answer may be old by the time it is read: to act on it, use
    /// <see cref="CreateOrAttach{T}(string, long[])"/> or <see cref="TryDelete"/>.</summary>
    /// <param name="name">The name.</param>
    /// <returns><see langword="false"/> also if the name is taken by something that is no array, or by a damaged one.</returns>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    /// <exception cref="UnauthorizedAccessException">There is a file that this user may not read.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static bool Exists(string name) => ArrayCatalog.Exists(SegmentName.Parse(name, nameof(name)));

    /// <summary>Describes an array without attaching it.</summary>
    /// <param name="name">The name.</param>
    /// <returns>What its header and the kernel say of it.</returns>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The name is no array, or a damaged one.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static SharedArrayInfo Describe(string name) => new(ArrayCatalog.Describe(SegmentName.Parse(name, nameof(name))));

    /// <summary>Lists the arrays in <c>/dev/shm</c> that this user may read. Semaphores, other programs' files, damaged arrays, headers of more
    /// than 64 KiB and files that vanish meanwhile are skipped.</summary>
    /// <returns>The arrays, by name.</returns>
    /// <remarks>It marks nothing, and waits at most 100 ms for files that other processes are just deleting.</remarks>
    /// <exception cref="DirectoryNotFoundException">There is no <c>/dev/shm</c>.</exception>
    /// <exception cref="IOException">A file could not be read, for another reason than this user's permissions.</exception>
    public static IReadOnlyList<SharedArrayInfo> List() => List(SegmentName.SharedMemory);

    /// <summary>Lists the arrays in files of a folder that this user may read. Other files, damaged arrays, folders, symbolic links and what vanishes meanwhile are passed over.</summary>
    /// <param name="folder">The folder's path, absolute or relative.</param>
    /// <returns>The arrays, by name: each name begins with <c>file://</c>, as <see cref="Attach{T}(string, AttachOptions)"/> takes it.</returns>
    /// <exception cref="ArgumentException">It is no path.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="IOException">It is not a directory, or a file could not be read, for another reason than this user's permissions.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read the folder.</exception>
    public static IReadOnlyList<SharedArrayInfo> List(string folder) => List(SegmentName.ParseFolder(folder, nameof(folder)));

    private static List<SharedArrayInfo> List(SegmentName folder)
    {
        List<SharedArrayInfo> arrays = ArrayCatalog.Scan<SharedArrayInfo>(folder, static (entry, found) => found.Add(new SharedArrayInfo(entry)));
        arrays.Sort(static (left, right) => left.Name.AsSpan().SequenceCompareTo(right.Name)); // ordinal, and many letters at a time
        return arrays;
    }

    /// <summary>Deletes an array's name; see <c>shm_unlink(3)</c>. Processes that have it attached keep it until they detach; then its memory is free.</summary>
    /// <param name="name">The name. A damaged array can be deleted too, but nothing that is no array.</param>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The name is no array.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read or delete it.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static void Delete(string name) => ArrayCatalog.Delete(SegmentName.Parse(name, nameof(name)));

    /// <summary>Deletes an array's name, if there is one.</summary>
    /// <param name="name">The name.</param>
    /// <returns><see langword="false"/> if there was none.</returns>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    /// <exception cref="InvalidDataException">The name is no array.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read or delete it.</exception>
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
}
