namespace PosixShm.Native;

/// <summary>Owns one mapping of a file. Disposing it calls <c>munmap(2)</c>. It has no finalizer; see <see cref="Descriptor"/>.</summary>
internal sealed unsafe class Mapping : IDisposable
{
    // The lost word of mappings without a guard: always 0.
    private static readonly int* s_neverLost = (int*)System.Runtime.InteropServices.NativeMemory.AllocZeroed(sizeof(int));

    /// <summary>Gets whether mappings are guarded: the guard was not switched off, and its handler is installed.</summary>
    public static bool IsGuarded { get; } =
        !(AppContext.TryGetSwitch("PosixShm.DisableFaultGuard", out bool isDisabled) && isDisabled) && Interop.InstallGuard() == 0;

    private readonly ulong _length;
    private readonly int* _lost;
    private nint _address;

    private Mapping(nint address, ulong length, int* lost)
    {
        _address = address;
        _length = length;
        _lost = lost;
    }

    /// <summary>Gets the address of the first byte. It is 0 after <see cref="Dispose"/>.</summary>
    public nint Address => _address;

    /// <summary>Gets the word that becomes 1 when pages of the mapping were lost and replaced by zeros.</summary>
    public int* Lost => _lost;

    private int* LostOrNull => _lost == s_neverLost ? null : _lost;

    /// <summary>Maps a range of a file. Null on failure; the error is the last one of the thread.</summary>
    public static Mapping? TryMap(Descriptor fd, long length, Interop.MapFlags flags, long offset = 0)
    {
        // The guard's record needs memory. Without a record, a lost page ends the process, as it does without the guard.
        int* lost = s_neverLost;
        nint address = Interop.MMap((ulong)length, flags, fd, offset, IsGuarded ? &lost : null);
        return address == 0 ? null : new Mapping(address, (ulong)length, lost);
    }

    /// <summary>Marks the mapping as lost, after a check that found it without a fault.</summary>
    public void MarkLost()
    {
        if (_lost != s_neverLost)
        {
            Volatile.Write(ref *_lost, 1);
        }
    }

    /// <summary>Sets the access to a range. Returns 0, or -1; the error is the last one of the thread.</summary>
    public int Protect(long start, long length, Interop.MapFlags flags)
        => Interop.MProtect(_address + (nint)start, (ulong)length, flags, LostOrNull);

    public void Dispose()
    {
        if (_address != 0)
        {
            _ = Interop.MUnmap(_address, _length, LostOrNull);
            _address = 0;
        }
    }
}
