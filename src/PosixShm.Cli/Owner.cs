using System.Globalization;
using System.Text;
using PosixShm.Native;

namespace PosixShm.Cli;

/// <summary>Finds user names. A user without a name has the user's number instead.</summary>
internal static class Owner
{
    private const int FewBytes = 1 << 10;
    private const int MostBytes = 1 << 20;

    private static readonly Dictionary<long, string> s_names = [];

    public static string NameOf(long userId)
    {
        if (!s_names.TryGetValue(userId, out string? name))
        {
            name = Find((uint)userId) ?? userId.ToString(CultureInfo.InvariantCulture);
            s_names.Add(userId, name);
        }

        return name;
    }

    // The size of an entry is unknown before: it has texts of any length besides the name.
    private static string? Find(uint userId)
    {
        int length;
        byte[] buffer = [];
        do
        {
            buffer = new byte[Math.Max(FewBytes, buffer.Length * 2)];
            length = Interop.GetUserName(userId, buffer, buffer.Length);
        }
        while (length < 0 && Interop.LastError == Interop.Error.ERANGE && buffer.Length < MostBytes);

        return length > 0 ? Encoding.UTF8.GetString(buffer, 0, length) : null;
    }
}
