using System.Globalization;
using System.Runtime.CompilerServices;
using Mono.Unix.Native;

namespace PosixShm.Cli;

/// <summary>Finds user names. The user's number is used if the user has no name, and on platforms without Mono.Posix.</summary>
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

    // A separate method, so that the caller can catch the exception for a missing assembly.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string? LookUp(long userId) => Syscall.getpwuid((uint)userId)?.pw_name;
}
