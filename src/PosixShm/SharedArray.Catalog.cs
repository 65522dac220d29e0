using System.IO.Enumeration;
using PosixShm.Arrays;
using PosixShm.Names;

namespace PosixShm;

/// <content>Names: existence, description, listing, deletion.</content>
public static partial class SharedArray
{
    /// <summary>Returns whether an array exists. Another process may create or delete it at the same time: use
    /// <see cref="CreateOrAttach{T}(string, long[])"/> or <see cref="TryDelete"/> to act on the result.</summary>
    /// <param name="name">The name of the array.</param>
    /// <returns><see langword="true"/> if the array exists; <see langword="false"/> also for a damaged array, and for a file that is not an
    /// array.</returns>
    /// <exception cref="ArgumentException">The name is invalid.</exception>
    /// <exception cref="UnauthorizedAccessException">The file exists, and this user may not read it.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached, or the system reported another error.</exception>
    public static bool Exists(string name) => ArrayCatalog.Exists(SegmentName.Parse(name, nameof(name)));

    /// <summary>Describes an array without attaching it.</summary>
    /// <returns>The description, from the array's header and the status of its file.</returns>
    /// <exception cref="FileNotFoundException">The array does not exist.</exception>
    /// <exception cref="InvalidDataException">The file is not an array, or is damaged.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read the array.</exception>
    /// <inheritdoc cref="Exists"/>
    public static SharedArrayInfo Describe(string name) => new(ArrayCatalog.Describe(SegmentName.Parse(name, nameof(name))));

    /// <summary>Lists the arrays that this user may read, in <c>/dev/shm</c> or in another directory. Other files, damaged arrays, headers
    /// of more than 64 KiB, symbolic links, and files that are deleted during the call are skipped.</summary>
    /// <param name="pattern">The pattern of the names: <c>*</c> matches any text, and <c>?</c> any character. In a directory, it applies to
    /// the file's name.</param>
    /// <param name="directory">The path of the directory, absolute or relative; null for the directory of shared memory.</param>
    /// <returns>The arrays, sorted by name. In a directory, each name begins with <c>file://</c>, as
    /// <see cref="Attach{T}(string, AttachOptions)"/> accepts it.</returns>
    /// <remarks>The call changes nothing, and waits at most 100 ms for files that other processes are deleting.</remarks>
    /// <exception cref="ArgumentException">The directory is not a valid path.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory, or <c>/dev/shm</c>, does not exist.</exception>
    /// <exception cref="IOException">The path is not a directory, or a file could not be read for another reason than
    /// permissions.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read the directory.</exception>
    public static IReadOnlyList<SharedArrayInfo> List(string pattern = "*", string? directory = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        SegmentName target = directory is null ? SegmentName.SharedMemory : SegmentName.ParseDirectory(directory, nameof(directory));
        List<SharedArrayInfo> arrays = ArrayCatalog.Scan<SharedArrayInfo>(
            target, static (entry, found) => found.Add(new SharedArrayInfo(entry)));
        if (pattern != "*")
        {
            _ = arrays.RemoveAll(array => !IsMatch(Path.GetFileName(array.Name.AsSpan())));
        }

        // Ordinal order. The comparison of spans is vectorized.
        arrays.Sort(static (left, right) => left.Name.AsSpan().SequenceCompareTo(right.Name));
        return arrays;

        bool IsMatch(ReadOnlySpan<char> name) => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false);
    }

    /// <summary>Deletes an array's name; see <c>shm_unlink(3)</c>. Processes that have the array attached keep it, and the kernel frees its
    /// memory when the last one detaches it.</summary>
    /// <param name="name">The name of the array, which may be damaged or incomplete. Other files are not deleted.</param>
    /// <exception cref="FileNotFoundException">The array does not exist.</exception>
    /// <inheritdoc cref="TryDelete"/>
    public static void Delete(string name) => ArrayCatalog.Delete(SegmentName.Parse(name, nameof(name)));

    /// <summary>Deletes an array's name, if it exists.</summary>
    /// <returns><see langword="true"/> if this call deleted the name; <see langword="false"/> if it does not exist.</returns>
    /// <exception cref="InvalidDataException">The file is not an array.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read or delete the array.</exception>
    /// <inheritdoc cref="Exists"/>
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
