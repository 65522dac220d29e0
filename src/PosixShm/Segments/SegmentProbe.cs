using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Looks at segments without mapping them: their status, first and last bytes, and whether they are in use.</summary>
internal sealed unsafe class SegmentProbe : IDisposable
{
    // Before every file: not asked for.
    private const long NoByte = -1;

    private readonly Interop.Probe* _probe = (Interop.Probe*)NativeMemory.Alloc((nuint)sizeof(Interop.Probe));

    public ref readonly Interop.Status Status => ref _probe->Status;

    /// <summary>Gets whether some process has the segment attached.</summary>
    public bool IsInUse => _probe->Locked != 0;

    /// <summary>Gets the first bytes: the whole file, if it is short.</summary>
    public ReadOnlySpan<byte> Head => ((ReadOnlySpan<byte>)_probe->Head)[.._probe->HeadLength];

    /// <summary>Gets the last bytes: the whole file, if it is short.</summary>
    public ReadOnlySpan<byte> Tail => ((ReadOnlySpan<byte>)_probe->Tail)[.._probe->TailLength];

    /// <summary>Looks at one segment.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="asksUse">Whether <see cref="IsInUse"/> is of interest.</param>
    public void Look(SegmentName name, bool asksUse = true)
    {
        if (Interop.ProbePath(0, name.Path, name.Kind == SegmentKind.Descriptor ? 1 : 0, asksUse ? SegmentFile.InUseByte : NoByte, _probe) < 0)
        {
            throw SegmentError.Last(name, "read");
        }
    }

    /// <summary>Looks at a file of a folder; false if it cannot be opened: another user's, or gone since the folder was read.</summary>
    /// <exception cref="IOException">Nothing can be opened: a limit was reached.</exception>
    public bool TryLook(SegmentName folder, SafeDirectoryHandle directory, byte* file)
        => Interop.ProbeEntry(directory, file, 0, SegmentFile.InUseByte, _probe) == 0
            || (Interop.LastError is Interop.Error.EMFILE or Interop.Error.ENFILE or Interop.Error.ENOMEM
                ? throw SegmentError.Last(folder, SegmentError.List)
                : false);

    public void Dispose() => NativeMemory.Free(_probe);
}
