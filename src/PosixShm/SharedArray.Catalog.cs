using System.IO.Enumeration;
using PosixShm.Arrays;
using PosixShm.Names;

namespace PosixShm;

/// <content>Names: existence, description, listing, deletion.</content>
public static partial class SharedArray
{
    /// <summary>Tells whether there is an array of that name. The answer may be old by the time it is read: to act on it, use
    /// <see cref="CreateOrAttach{T}(string, long[])"/> or <see cref="TryDelete"/>.</summary>
    /// <param name="name">The name.</param>
    /// <returns><see langword="false"/> also if the name is that of a file that is not an array, or of a damaged array.</returns>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    /// <exception cref="UnauthorizedAccessException">There is a file that this user may not read.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static bool Exists(string name) => ArrayCatalog.Exists(SegmentName.Parse(name, nameof(name)));

    /// <summary>Describes an array without attaching it.</summary>
    /// <param name="name">The name.</param>
    /// <returns>What its header and the kernel say of it.</returns>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The file of that name is not an array, or is a damaged one.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read it.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static SharedArrayInfo Describe(string name) => new(ArrayCatalog.Describe(SegmentName.Parse(name, nameof(name))));

    /// <summary>Lists the arrays that this user may read, in <c>/dev/shm</c> or in the files of a directory. Other files, damaged arrays,
    /// headers of more than 64 KiB, symbolic links, and files that are deleted meanwhile are skipped.</summary>
    /// <param name="pattern">The names: <c>*</c> stands for any text and <c>?</c> for any letter. In a directory, it applies to the file's
    /// name.</param>
    /// <param name="directory">The path of the directory, absolute or relative; null for that of shared memory.</param>
    /// <returns>The arrays, by name. In a directory, each name begins with <c>file://</c>, as
    /// <see cref="Attach{T}(string, AttachOptions)"/> takes it.</returns>
    /// <remarks>It marks nothing, and waits at most 100 ms for files that other processes are just deleting.</remarks>
    /// <exception cref="ArgumentException">The directory is not a path.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory, or <c>/dev/shm</c>, does not exist.</exception>
    /// <exception cref="IOException">The path is not a directory, or a file could not be read, for another reason than this user's
    /// permissions.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read the directory.</exception>
    public static IReadOnlyList<SharedArrayInfo> List(string pattern = "*", string? directory = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        SegmentName folder = directory is null ? SegmentName.SharedMemory : SegmentName.ParseFolder(directory, nameof(directory));
        List<SharedArrayInfo> arrays = ArrayCatalog.Scan<SharedArrayInfo>(folder, static (entry, found) => found.Add(new SharedArrayInfo(entry)));
        if (pattern != "*")
        {
            _ = arrays.RemoveAll(array => !FileSystemName.MatchesSimpleExpression(pattern, Path.GetFileName(array.Name.AsSpan()), ignoreCase: false));
        }

        arrays.Sort(static (left, right) => left.Name.AsSpan().SequenceCompareTo(right.Name)); // ordinal, and many letters at a time
        return arrays;
    }

    /// <summary>Deletes an array's name; see <c>shm_unlink(3)</c>. Processes that have it attached keep it until they detach; then its
    /// memory is free.</summary>
    /// <param name="name">The name. A damaged array can be deleted too, but no file that is not an array.</param>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The file of that name is not an array.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read or delete it.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static void Delete(string name) => ArrayCatalog.Delete(SegmentName.Parse(name, nameof(name)));

    /// <summary>Deletes an array's name, if there is one.</summary>
    /// <param name="name">The name.</param>
    /// <returns><see langword="false"/> if there was none.</returns>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    /// <exception cref="InvalidDataException">The file of that name is not an array.</exception>
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
