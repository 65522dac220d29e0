using System.Runtime.InteropServices;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>Looks at segments without mapping them: their status, first and last bytes, and whether they are in use.</summary>
internal sealed unsafe class SegmentProbe : IDisposable
{
    private readonly Interop.Probe* _probe = (Interop.Probe*)NativeMemory.Alloc((nuint)sizeof(Interop.Probe));

    public ref readonly Interop.Status Status => ref _probe->Status;

    /// <summary>Gets whether some process has the segment attached.</summary>
    public bool IsInUse => _probe->Locked != 0;

    /// <summary>Gets the first bytes: the whole file, if it is short.</summary>
    public ReadOnlySpan<byte> Head => ((ReadOnlySpan<byte>)_probe->Head)[.._probe->HeadLength];

    /// <summary>Gets the last bytes: the whole file, if it is short.</summary>
    public ReadOnlySpan<byte> Tail => ((ReadOnlySpan<byte>)_probe->Tail)[.._probe->TailLength];

    /// <summary>Looks at one segment.</summary>
    public void Look(SegmentName name)
    {
        if (Interop.ProbePath(0, name.Path, name.Kind == SegmentKind.Descriptor ? 1 : 0, SegmentFile.InUseByte, _probe) < 0)
        {
            throw SegmentError.Last(name, "read");
        }
    }

    /// <summary>
    /// Looks at all that a folder holds. Files that cannot be opened (another user's, or gone since the folder was read)
    /// or that no array can be are passed over.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <param name="visit">Called for each, with this probe holding what was found and the name's bytes.</param>
    public void LookAtAll(SegmentName folder, SegmentVisitor visit)
    {
        using SafeDirectoryHandle directory = Interop.OpenDirectory(folder.Path);
        if (directory.IsInvalid)
        {
            throw SegmentError.Last(folder, SegmentError.List);
        }

        while (true)
        {
            switch (Interop.ReadDirectory(directory, out byte* name))
            {
                case 0:
                    return;
                case < 0:
                    throw SegmentError.Last(folder, SegmentError.List);
                default:
                    if (Interop.ProbeEntry(directory, name, 0, SegmentFile.InUseByte, _probe) == 0)
                    {
                        visit(this, MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name));
                    }

                    break;
            }
        }
    }

    public void Dispose() => NativeMemory.Free(_probe);
}

/// <summary>Receives what a scan found; the bytes are those of the file's name.</summary>
internal delegate void SegmentVisitor(SegmentProbe probe, ReadOnlySpan<byte> file);
