using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mono.Unix.Native;

namespace PosixShm.Tests;

/// <summary>The package Mono.Posix, which has locks of processes only.</summary>
internal sealed unsafe class MonoCalls : PackageCalls
{
    public override int Open(string path)
        => Checked(Syscall.open(path, OpenFlags.O_RDWR | OpenFlags.O_CLOEXEC | OpenFlags.O_NOFOLLOW));

    public override long SizeOf(int file)
    {
        _ = Checked(Syscall.fstat(file, out Stat status));
        return status.st_size;
    }

    public override long Read(int file, Span<byte> bytes, long offset)
    {
        fixed (byte* to = bytes)
        {
            return Checked(Syscall.pread(file, to, (ulong)bytes.Length, offset));
        }
    }

    // posix_fallocate(3) returns the error.
    public override void Reserve(int file, long offset, long length)
        => _ = Checked(-Syscall.posix_fallocate(file, offset, (ulong)length));

    public override bool TryLockByte(int file, long offset, bool isExclusive)
    {
        Flock wanted = new()
        {
            l_type = isExclusive ? LockType.F_WRLCK : LockType.F_RDLCK,
            l_whence = SeekFlags.SEEK_SET,
            l_start = offset,
            l_len = 1,
        };
        int result = Syscall.fcntl(file, FcntlCommand.F_SETLK, ref wanted);
        bool isTaken = result < 0 && Stdlib.GetLastError() is Errno.EAGAIN or Errno.EACCES;
        return !isTaken && Checked(result) == 0;
    }

    public override byte* Map(int file, long length)
    {
        nint address = Syscall.mmap(0, (ulong)length, MmapProts.PROT_READ | MmapProts.PROT_WRITE, MmapFlags.MAP_SHARED, file, 0);
        _ = Checked(address == Syscall.MAP_FAILED ? -1 : 0);
        return (byte*)address;
    }

    private static T Checked<T>(T result, [CallerMemberName] string call = "")
        where T : struct, INumber<T>
        => Check(result, call, Marshal.GetLastPInvokeError());
}
