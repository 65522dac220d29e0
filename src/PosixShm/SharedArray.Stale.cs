using System.IO.Enumeration;
using PosixShm.Arrays;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm;

/// <content>Stale arrays.</content>
public static partial class SharedArray
{
    /// <summary>Lists stale arrays: the arrays in <c>/dev/shm</c> that no live process has attached. Nothing is deleted.</summary>
    /// <param name="options">The names and the age of the arrays; all arrays if null.</param>
    /// <returns>The stale arrays, sorted by name.</returns>
    /// <remarks>The kernel reports whether an array is in use. Every attachment through this library holds a file lock, which the kernel
    /// releases when the process ends, in any PID namespace. Mappings of other programs are searched in <c>/proc/*/maps</c>, which shows
    /// the processes of this PID namespace and, unless this user is root, of this user.</remarks>
    /// <exception cref="DirectoryNotFoundException"><c>/dev/shm</c> does not exist.</exception>
    /// <exception cref="IOException">A file could not be read for another reason than permissions.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read <c>/dev/shm</c>.</exception>
    public static IReadOnlyList<SharedArrayInfo> FindStale(StaleOptions? options = null)
    {
        Lazy<MappedFiles> mapped = new(MappedFiles.Read);
        return Stale(options, entry => !mapped.Value.Contains(entry.Status.Device, entry.Status.Inode));
    }

    /// <summary>Deletes stale arrays: the arrays in <c>/dev/shm</c> that no live process has attached. The library never does this by
    /// itself.</summary>
    /// <returns>The arrays that were deleted, sorted by name.</returns>
    /// <remarks><para>An array is not deleted if another open file or mapping of it exists, in any program and namespace. The kernel
    /// reports that (<c>F_SETLEASE</c> in <c>fcntl(2)</c>) to the array's owner, and to root outside of user namespaces. The file system
    /// must support leases. Otherwise, mappings are searched as <see cref="FindStale"/> does.</para>
    /// <para>A process that attaches the array at the same time keeps it, or its attachment fails. Arrays that this user may not delete,
    /// and arrays that are deleted during the call, are skipped.</para></remarks>
    /// <inheritdoc cref="FindStale"/>
    public static IReadOnlyList<SharedArrayInfo> DeleteStale(StaleOptions? options = null)
    {
        Lazy<MappedFiles> mapped = new(MappedFiles.Read);
        return Stale(options, entry => TryDeleteStale(entry, mapped));
    }

    // The filter is expensive, so it runs last and only for candidates.
    private static SharedArrayInfo[] Stale(StaleOptions? options, Func<CatalogEntry, bool> filter)
    {
        StaleOptions wanted = options ?? new StaleOptions();
        DateTimeOffset now = DateTimeOffset.UtcNow;
        List<CatalogEntry> candidates = ArrayCatalog.Scan<CatalogEntry>(SegmentName.SharedMemory, (entry, found) =>
        {
            if (!entry.IsInUse
                && FileSystemName.MatchesSimpleExpression(wanted.Pattern, entry.Name.Value, ignoreCase: false)
                && now - new SharedArrayInfo(entry).Since >= wanted.MinimumAge)
            {
                found.Add(entry);
            }
        });
        return
        [
            .. candidates
                .Where(filter)
                .Select(static entry => new SharedArrayInfo(entry))
                .OrderBy(static array => array.Name, StringComparer.Ordinal),
        ];
    }

    private static bool TryDeleteStale(CatalogEntry entry, Lazy<MappedFiles> mapped)
    {
        try
        {
            return SegmentDirectory.TryRemoveUnused(entry.Name, entry.Status, mapped, default);
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
