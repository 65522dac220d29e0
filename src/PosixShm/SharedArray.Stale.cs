using System.IO.Enumeration;
using PosixShm.Arrays;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm;

/// <content>Stale arrays.</content>
public static partial class SharedArray
{
    /// <summary>Lists stale arrays: those of <c>/dev/shm</c> that no live process has attached. Nothing is deleted.</summary>
    /// <param name="options">The arrays that count; every one unless given.</param>
    /// <returns>The stale arrays, by name.</returns>
    /// <remarks>
    /// The kernel tells whether an array is in use. Every attachment through this library holds a lock, which ends with its process, in any
    /// PID namespace. Mappings by other programs are searched in <c>/proc/*/maps</c>. That shows the processes of this PID namespace and,
    /// to others than root, of this user.
    /// </remarks>
    /// <exception cref="DirectoryNotFoundException">There is no <c>/dev/shm</c>.</exception>
    /// <exception cref="IOException">A file could not be read, for another reason than this user's permissions.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read <c>/dev/shm</c>.</exception>
    public static IReadOnlyList<SharedArrayInfo> FindStale(StaleOptions? options = null)
    {
        Lazy<MappedFiles> mapped = new(MappedFiles.Read);
        return Stale(options, entry => !mapped.Value.Contains(entry.Status.Device, entry.Status.Inode));
    }

    /// <summary>Deletes stale arrays: those of <c>/dev/shm</c> that no live process has attached. The library never does this by
    /// itself.</summary>
    /// <param name="options">The arrays that count; every one unless given.</param>
    /// <returns>The arrays that were deleted, by name.</returns>
    /// <remarks>
    /// <para>
    /// Before an array is deleted, the kernel also tells whether another open file or mapping of it exists, in any program and namespace
    /// (<c>F_SETLEASE</c> in <c>fcntl(2)</c>). It does so for the array's owner, for root outside of user namespaces, and on file systems
    /// with leases. Otherwise, mappings are searched as <see cref="FindStale"/> does.
    /// </para>
    /// <para>
    /// A process that attaches the array meanwhile gets it, or finds that there is none. An array that this user may not delete, or that is
    /// deleted meanwhile, is skipped.
    /// </para>
    /// </remarks>
    /// <inheritdoc cref="FindStale"/>
    public static IReadOnlyList<SharedArrayInfo> DeleteStale(StaleOptions? options = null)
    {
        Lazy<MappedFiles> mapped = new(MappedFiles.Read);
        return Stale(options, entry => TryDeleteStale(entry, mapped));
    }

    // The filter runs last, and only for candidates: it reads much.
    private static SharedArrayInfo[] Stale(StaleOptions? options, Func<CatalogEntry, bool> filter)
    {
        StaleOptions wanted = options ?? new StaleOptions();
        DateTimeOffset youngest = DateTimeOffset.UtcNow - wanted.MinimumAge;
        List<CatalogEntry> candidates = ArrayCatalog.Scan<CatalogEntry>(SegmentName.SharedMemory, (entry, found) =>
        {
            if (!entry.IsInUse
                && FileSystemName.MatchesSimpleExpression(wanted.Pattern, entry.Name.Value, ignoreCase: false)
                && new SharedArrayInfo(entry).Since <= youngest)
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
