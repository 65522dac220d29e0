using System.IO.Enumeration;
using PosixShm.Arrays;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm;

/// <content>Leftovers.</content>
public abstract partial class SharedArray
{
    /// <summary>Deletes arrays of <c>/dev/shm</c> that no live process has attached; or, unless told otherwise, only lists them. Nothing does this by itself.</summary>
    /// <param name="options">Which ones, and whether to delete them.</param>
    /// <returns>The arrays that were deleted, or would be.</returns>
    /// <remarks>
    /// <para>
    /// Whether an array is attached is asked of the kernel: every attachment through this library holds a lock that goes with its process, in whatever PID namespace, and programs that only map the file
    /// are found in <c>/proc/*/maps</c>. Those of other users are seen there only by root, and those of other PID namespaces not at all. An array that a process is about to attach may be deleted under it:
    /// then the attachment fails, or keeps the deleted array.
    /// </para>
    /// <para>An array that this user may not delete, or that vanishes meanwhile, is passed over.</para>
    /// </remarks>
    public static IReadOnlyList<SharedArrayInfo> Prune(PruneOptions? options = null)
    {
        PruneOptions wanted = options ?? new PruneOptions();
        DateTimeOffset youngest = DateTimeOffset.UtcNow - wanted.MinimumAge;
        List<CatalogEntry> candidates = ArrayCatalog.Scan<CatalogEntry>(SegmentName.SharedMemory, (entry, found) =>
        {
            if (!entry.IsInUse
                && FileSystemName.MatchesSimpleExpression(wanted.Pattern, entry.Name.Value, ignoreCase: false)
                && new SharedArrayInfo(entry).Created is DateTimeOffset created && created <= youngest)
            {
                found.Add(entry);
            }
        });

        // Last, and only if there is something to look for: it reads much.
        MappedFiles mapped = candidates.Count > 0 ? MappedFiles.Look() : MappedFiles.None;
        return
        [
            .. candidates
                .Where(entry => !mapped.Contains(entry.Status.Device, entry.Status.Inode) && (wanted.DryRun || SegmentFolder.TryRemoveUnused(entry.Name, entry.Status)))
                .Select(static entry => new SharedArrayInfo(entry))
                .OrderBy(static array => array.Name, StringComparer.Ordinal),
        ];
    }
}
