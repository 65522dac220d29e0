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
    /// The kernel tells whether an array is in use. Every attachment through this library holds a lock, which ends with its process, in any PID
    /// namespace. Before an array is deleted, the kernel also tells whether another open file or mapping of it exists, in any program and
    /// namespace (<c>F_SETLEASE</c> in <c>fcntl(2)</c>). It does so for the array's owner, for root outside of user namespaces, and on file systems
    /// with leases. Otherwise, and for a list without deletion, mappings are searched in <c>/proc/*/maps</c>. That shows the processes of this PID
    /// namespace and, to others than root, of this user.
    /// </para>
    /// <para>
    /// A process that attaches the array meanwhile gets it, or finds that there is none. An array that this user may not delete, or that vanishes
    /// meanwhile, is skipped.
    /// </para>
    /// </remarks>
    /// <exception cref="DirectoryNotFoundException">There is no <c>/dev/shm</c>.</exception>
    /// <exception cref="IOException">A file could not be read, for another reason than this user's permissions.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read <c>/dev/shm</c>.</exception>
    public static IReadOnlyList<SharedArrayInfo> Prune(PruneOptions? options = null)
    {
        PruneOptions wanted = options ?? new PruneOptions();
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

        // Last, and only if it is needed: it reads much.
        Lazy<MappedFiles> mapped = new(MappedFiles.Look);
        return
        [
            .. candidates
                .Where(entry => wanted.DryRun ? !mapped.Value.Contains(entry.Status.Device, entry.Status.Inode) : TryPrune(entry, mapped))
                .Select(static entry => new SharedArrayInfo(entry))
                .OrderBy(static array => array.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>
    /// Detaches the array, as <see cref="Dispose"/> does, and deletes its name if nothing else uses it: no other process, and no other attachment
    /// or lease of this one.
    /// </summary>
    /// <returns>
    /// Whether this call deleted the name. Of several processes that all end their use in this way, at the same time or not, exactly one gets
    /// <see langword="true"/>.
    /// </returns>
    /// <remarks>
    /// Uses are those that <see cref="Prune"/> respects. A use that begins meanwhile keeps the array, or finds that there is none. A name that is
    /// another array's by now is not deleted. An array without a name has none to delete. Nothing does this by itself: a process that is killed
    /// leaves the array, for others or for <see cref="Prune"/>.
    /// </remarks>
    /// <exception cref="UnauthorizedAccessException">Nothing else uses the array, and this user may not delete it. It is detached.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached already.</exception>
    public bool DisposeAndDeleteIfUnused()
    {
        ThrowIfDetached();
        Segment segment = Segment;
        Native.Interop.Status status = segment.Status;
        Dispose();
        return segment.Name.Kind != SegmentKind.Descriptor
            && SegmentFolder.TryRemoveUnused(segment.Name, status, new Lazy<MappedFiles>(MappedFiles.Look), Patience.ForMany);
    }

    private static bool TryPrune(CatalogEntry entry, Lazy<MappedFiles> mapped)
    {
        try
        {
            return SegmentFolder.TryRemoveUnused(entry.Name, entry.Status, mapped, default);
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
