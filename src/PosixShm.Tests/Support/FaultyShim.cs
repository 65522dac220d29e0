using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>
/// The build of the shim whose n-th operation fails as a test chooses. Only for child processes, whose main function loads it.
/// </summary>
internal static partial class FaultyShim
{
    /// <summary>The environment variable that makes a child process load it.</summary>
    public const string Variable = "POSIXSHM_FAULTS";

    private const string Library = "posixshm-faults";

    /// <summary>From now on, the n-th operation of this thread fails, and all later ones too if it lasts. None fails for 0.</summary>
    public static void Arm(long n, int errno, bool lasts) => ArmFaults(n, errno, lasts ? 1 : 0);

    /// <summary>Ends that. Returns the number of operations.</summary>
    public static long Disarm() => DisarmFaults();

    /// <summary>Returns whether an operation failed since the faults were armed.</summary>
    public static bool HasFailed(string operation) => HasFailedSince(operation) != 0;

    public static void LoadIfAsked()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not null)
        {
            nint library = NativeLibrary.Load(Path.Combine(Repository.NativeOutput, "faults", "libposixshm.so"));
            NativeLibrary.SetDllImportResolver(typeof(SharedArray).Assembly, (name, _, _) => name == "libposixshm" ? library : 0);
            NativeLibrary.SetDllImportResolver(typeof(FaultyShim).Assembly, (name, _, _) => name == Library ? library : 0);
        }
    }

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [LibraryImport(Library, EntryPoint = "PosixShm_ArmFaults")]
    private static partial void ArmFaults(long n, int error, int lasts);

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [LibraryImport(Library, EntryPoint = "PosixShm_DisarmFaults")]
    private static partial long DisarmFaults();

    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    [LibraryImport(Library, EntryPoint = "PosixShm_HasFailed", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int HasFailedSince(string operation);
}
