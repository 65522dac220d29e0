using System.Globalization;

namespace PosixShm.Segments;

/// <summary>The files that processes have mapped, from <c>/proc/PID/maps</c> (<c>proc(5)</c>). They include those of programs that do not
/// mark a segment as in use, such as Python with numpy. The processes are those of this PID namespace and those below it, of this user, or
/// of all if this is root.</summary>
internal sealed class MappedFiles
{
    private readonly HashSet<(ulong Device, ulong Inode)> _files = [];

    private MappedFiles()
    {
    }

    public static MappedFiles Read()
    {
        MappedFiles mapped = new();
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(static path => char.IsAsciiDigit(path["/proc/".Length])))
        {
            Array.ForEach(ProcFile.Lines($"{process}/maps"), mapped.Add);
        }

        return mapped;
    }

    public bool Contains(ulong device, ulong inode) => _files.Contains((device, inode));

    // As in "7f12a000-7f12c000 rw-s 00000000 00:19 4711   /dev/shm/test1".
    private void Add(string line)
    {
        string[] fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length >= 5
            && fields[3].Split(':') is [string major, string minor]
            && ulong.Parse(fields[4], CultureInfo.InvariantCulture) is ulong inode and > 0)
        {
            _ = _files.Add((Device(Hex(major), Hex(minor)), inode));
        }

        static ulong Hex(string text) => ulong.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }

    // makedev(3).
    private static ulong Device(ulong major, ulong minor)
        => ((major & 0xFFF) << 8) | (minor & 0xFF) | ((minor & ~0xFFul) << 12) | ((major & ~0xFFFul) << 32);
}
