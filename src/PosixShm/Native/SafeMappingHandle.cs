using Microsoft.Win32.SafeHandles;

namespace PosixShm.Native;

/// <summary>Owns one mapping of a file; releasing it calls <c>munmap(2)</c>.</summary>
internal sealed unsafe class SafeMappingHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    // Read where the guard is off: never lost.
    private static readonly int* s_neverLost = (int*)System.Runtime.InteropServices.NativeMemory.AllocZeroed(sizeof(int));

    /// <summary>Gets whether mappings are guarded: the guard was not switched off, and its handler is installed.</summary>
    public static bool IsGuarded { get; } =
        !(AppContext.TryGetSwitch("PosixShm.DisableFaultGuard", out bool isDisabled) && isDisabled) && Interop.InstallGuard() == 0;

    private ulong _length;
    private int* _lost = s_neverLost;

    public SafeMappingHandle()
        : base(ownsHandle: true)
    {
    }

    /// <summary>Gets the word that becomes 1 when pages of the mapping were lost, and zeros put in their place.</summary>
    public int* Lost => _lost;

    /// <summary>Maps a range of a file. The handle is invalid on failure, and the error is the thread's last.</summary>
    public static SafeMappingHandle Map(SafeFileHandle fd, long length, Interop.MapFlags flags, long offset = 0)
    {
        SafeMappingHandle mapping = Interop.MMap((ulong)length, flags, fd, offset);
        mapping._length = (ulong)length;
        if (!mapping.IsInvalid && IsGuarded)
        {
            // Without a record of it, which needs memory, a lost page ends the process as it would without the guard.
            int* lost = Interop.Guard(mapping.handle, (ulong)length, flags, fd, (ulong)offset);
            mapping._lost = lost is null ? s_neverLost : lost;
        }

        return mapping;
    }

    /// <summary>Marks the mapping as lost, after a check that found it so without a fault.</summary>
    public void MarkLost()
    {
        if (_lost != s_neverLost)
        {
            Volatile.Write(ref *_lost, 1);
        }
    }

    protected override bool ReleaseHandle()
    {
        if (_lost != s_neverLost)
        {
            Interop.Unguard(_lost);
        }

        return Interop.MUnmap(handle, _length) == 0;
    }
}
