using PosixShm.Native;

namespace PosixShm.Posix;

/// <summary>Flags of a <see cref="MemoryMapping"/>; see <c>mmap(2)</c>.</summary>
[Flags]
public enum MappingOptions
{
    /// <summary>All processes see every store (<c>MAP_SHARED</c>).</summary>
    None = 0,

    /// <summary>A store copies its page, and only this process sees it (<c>MAP_PRIVATE</c>).</summary>
    Private = (int)Interop.MapFlags.MAP_PRIVATE,

    /// <summary>The kernel promises no memory to the copies of a private mapping (<c>MAP_NORESERVE</c>), which may then be larger than the
    /// memory.</summary>
    NoReserve = (int)Interop.MapFlags.MAP_NORESERVE,

    /// <summary>Every page is mapped now, so that later accesses cause no page faults (<c>MAP_POPULATE</c>). The kernel ignores failures;
    /// <see cref="MemoryAdvice.PopulateRead"/> and <see cref="MemoryAdvice.PopulateWrite"/> report them.</summary>
    Populate = (int)Interop.MapFlags.MAP_POPULATE,
}
