using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace PosixShm.Synchronization;

/// <summary>The full barrier between a store to shared memory and a later load.</summary>
internal static class FullBarrier
{
    /// <summary>Completes the barrier of the <see cref="Interlocked"/> operation that was just made.</summary>
    /// <remarks>On x64 these operations are full barriers. On arm64 (<c>ldaddal</c>, <c>casal</c>) they acquire and release, and a later
    /// load may pass them.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AfterInterlocked()
    {
        if (!X86Base.IsSupported)
        {
            Interlocked.MemoryBarrier();
        }
    }
}
