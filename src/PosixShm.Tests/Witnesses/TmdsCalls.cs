using System.Numerics;
using System.Runtime.CompilerServices;
using System.Text;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace PosixShm.Tests;

/// <summary>The package Tmds.LibC, which has locks of open file descriptions.</summary>
internal sealed unsafe class TmdsCalls : PackageCalls
{
    public override int Open(string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0'))
        {
            return Checked(open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0));
        }
    }

    public override long SizeOf(int file)
    {
        stat status;
        _ = Checked(fstat(file, &status));
        return status.st_size;
    }

    public override long Read(int file, Span<byte> bytes, long offset)
    {
        fixed (byte* to = bytes)
        {
            return Checked((long)pread(file, to, bytes.Length, offset));
        }
    }

    public override void Reserve(int file, long offset, long length) => Checked(fallocate(file, 0, offset, length));

    public override bool TryLockByte(int file, long offset, bool isExclusive)
    {
        flock wanted = new()
        {
            l_type = (short)(isExclusive ? F_WRLCK : F_RDLCK),
            l_whence = (short)SEEK_SET,
            l_start = offset,
            l_len = 1,
        };
        int result = fcntl(file, F_OFD_SETLK, &wanted);
        return result == 0 || (errno == EAGAIN ? false : Checked(result) == 0);
    }

    public override byte* Map(int file, long length)
    {
        void* address = mmap(null, (size_t)(ulong)length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        _ = Checked(address == MAP_FAILED ? -1 : 0);
        return (byte*)address;
    }

    private static T Checked<T>(T result, [CallerMemberName] string call = "")
        where T : struct, INumber<T>
        => Check(result, call, errno);
}
