#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj
#:package Mono.Posix.NETStandard@1.0.0
#:package Tmds.LibC@0.5.0
#:property AllowUnsafeBlocks=true

// Hands the descriptor and the address of a shared memory object to two other packages, Mono.Posix and Tmds.LibC, for calls that
// this library does not have, and maps a descriptor that one of them opened. Both run on glibc only. Checks itself.
//
//     ./partners.cs

using System.Text;
using Microsoft.Win32.SafeHandles;
using Mono.Unix;
using Mono.Unix.Native;
using PosixShm.Posix;
using Tmds.Linux;

const int PageSize = 4096;

string name = $"partners-{Environment.ProcessId}";

try
{
    using SharedMemoryObject made = SharedMemoryObject.Create(name, 4 * PageSize);
    using MemoryMapping mapping = made.Map();

    // The handle stays open during the calls of the others.
    bool isAdded = false;
    made.Handle.DangerousAddRef(ref isAdded);
    try
    {
        int descriptor = (int)made.Handle.DangerousGetHandle();
        UseMonoPosix(descriptor, mapping);
        UseTmdsLibC(descriptor, mapping);
    }
    finally
    {
        made.Handle.DangerousRelease();
    }

    Check("the handle is still this library's", made.Size == 4 * PageSize);
    MapTheirs();
    return 0;
}
catch (Exception error)
{
    Console.Error.WriteLine($"FAILED: {error.Message}");
    return 1;
}
finally
{
    _ = SharedMemoryObject.TryDelete(name);
}

// A stream over the descriptor, which Mono.Posix does not own, and the status of the file.
static void UseMonoPosix(int descriptor, MemoryMapping mapping)
{
    "from here"u8.CopyTo(mapping.Span);
    using UnixStream stream = new(descriptor, ownsHandle: false);
    byte[] text = new byte[9];
    stream.ReadAtOffset(text, 0, text.Length, 0);
    Check("Mono.Posix reads what was stored in the memory", Encoding.UTF8.GetString(text) == "from here");

    stream.WriteAtOffset("from Mono"u8.ToArray(), 0, 9, PageSize);
    Check("the memory has what Mono.Posix wrote", mapping.AsReadOnlySpan(PageSize, 9).SequenceEqual("from Mono"u8));
    Check("Mono.Posix sees the mode", Syscall.fstat(descriptor, out Stat status) == 0 && (status.st_mode & FilePermissions.ALLPERMS)
        == (FilePermissions.S_IRUSR | FilePermissions.S_IWUSR));
}

// The pointer for mincore(2), and the descriptor for statx(2).
static unsafe void UseTmdsLibC(int descriptor, MemoryMapping mapping)
{
    byte[] isPresent = new byte[4];
    fixed (byte* pages = isPresent)
    {
        Check("Tmds.LibC takes the address", LibC.mincore((void*)mapping.Address, (size_t)(ulong)mapping.Length, pages) == 0);
    }

    Check("the pages that were written are in memory", (isPresent[0] & isPresent[1] & 1) == 1);
    Tmds.Linux.statx status;
    byte empty = 0;
    int result = LibC.statx(descriptor, &empty, LibC.AT_EMPTY_PATH, LibC.STATX_SIZE, &status);
    Check("Tmds.LibC sees the size", result == 0 && (long)status.stx_size == mapping.Length);
}

// Another package's descriptor, of memory without a name, becomes a mapping of this library.
static unsafe void MapTheirs()
{
    int descriptor;
    fixed (byte* label = "partners\0"u8)
    {
        descriptor = LibC.memfd_create(label, LibC.MFD_CLOEXEC);
    }

    using SafeFileHandle handle = new(descriptor, ownsHandle: true);
    Check("Tmds.LibC made memory", !handle.IsInvalid && LibC.ftruncate(descriptor, PageSize) == 0);
    using MemoryMapping mapping = MemoryMapping.Create(handle);
    mapping.Span[0] = 7;
    byte read;
    Check("Tmds.LibC reads what was stored through the mapping", (long)LibC.pread(descriptor, &read, 1, 0) == 1 && read == 7);
}

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
