using System.Globalization;
using System.Runtime.CompilerServices;
using Mono.Unix.Native;

namespace PosixShm.Cli;

/// <summary>User names. Mono.Posix exists for some platforms only, and some users have no name: then it is the number.</summary>
internal static class Owner
{
    private static readonly Dictionary<long, string> s_names = [];

    public static string NameOf(long userId)
    {
        if (!s_names.TryGetValue(userId, out string? name))
        {
            name = Find(userId) ?? userId.ToString(CultureInfo.InvariantCulture);
            s_names.Add(userId, name);
        }

        return name;
    }

    private static string? Find(long userId)
    {
        try
        {
            return LookUp(userId);
        }
        catch (Exception error) when (error is TypeLoadException or TypeInitializationException or BadImageFormatException or IOException)
        {
            return null;
        }
    }

    // Apart, so that a missing assembly is an exception that the caller can catch.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string? LookUp(long userId) => Syscall.getpwuid((uint)userId)?.pw_name;
}
