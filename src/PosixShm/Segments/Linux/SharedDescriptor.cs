using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using PosixShm.Names;
using PosixShm.Native;

namespace PosixShm.Segments;

/// <summary>A descriptor by which segments are attached as <c>/proc/self/fd/N</c>. It is closed with the last of them.</summary>
/// <remarks>The first attachment of an inherited descriptor becomes its owner, because no other code of the process uses it. A descriptor
/// is inherited if it is not close-on-exec, as all of .NET's are. Descriptors that this process opened for its children are in the list
/// from the start. Standard input, output and error are never owned.</remarks>
internal sealed class SharedDescriptor
{
    private const int StandardError = 2;

    private static readonly Dictionary<nint, SharedDescriptor> s_all = [];
    private static readonly Gate s_gate = new();

    private readonly Descriptor _fd;
    private int _users = 1;

    private SharedDescriptor(Descriptor fd) => _fd = fd;

    /// <summary>Gets the name by which children that inherit the descriptor attach it.</summary>
    public string Path => $"/proc/self/fd/{_fd.Number}";

    /// <summary>Adds a descriptor that this process opened for its children.</summary>
    public static SharedDescriptor OfChildren(Descriptor fd)
    {
        using (s_gate.Enter())
        {
            return s_all[fd.Number] = new SharedDescriptor(fd);
        }
    }

    /// <summary>Adds a user to a descriptor, by its name. Null if it is not this process's, or belongs to the program.</summary>
    [SuppressMessage("Reliability", "CA2000", Justification = "A descriptor that is not added belongs to the program, and stays open.")]
    public static SharedDescriptor? TryUse(SegmentName name)
    {
        if (NumberOf(name) is not nint number)
        {
            return null;
        }

        using (s_gate.Enter())
        {
            if (s_all.TryGetValue(number, out SharedDescriptor? known))
            {
                known._users++;
                return known;
            }

            Descriptor fd = new(number);
            return Interop.IsInheritable(fd) == 1 && Interop.SetInheritable(fd, 0) == 0 ? s_all[number] = new SharedDescriptor(fd) : null;
        }
    }

    /// <summary>Removes a user; the last one closes the descriptor.</summary>
    public void Release()
    {
        using (s_gate.Enter())
        {
            if (--_users == 0)
            {
                _ = s_all.Remove(_fd.Number);
                _fd.Dispose();
            }
        }
    }

    private static nint? NumberOf(SegmentName name)
    {
        string own = string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd");
        bool isOwn = name.Directory == "/proc/self/fd" || name.Directory == own;
        ReadOnlySpan<char> text = name.Path.AsSpan(name.Directory.Length + 1);
        return isOwn && nint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out nint number) && number > StandardError
            ? number
            : null;
    }
}
