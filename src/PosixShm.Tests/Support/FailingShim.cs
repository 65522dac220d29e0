using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>
/// The build of the shim that dies (POSIXSHM_FAILPOINT=step) or fails (POSIXSHM_FAULT=step:errno) at a chosen step.
/// Only for child processes.
/// </summary>
internal static class FailingShim
{
    public const string DieAt = "POSIXSHM_FAILPOINT";
    public const string FailAt = "POSIXSHM_FAULT";

    /// <summary>Loads it instead of the real one, if this process was started with one of the variables set.</summary>
    public static void LoadIfAsked()
    {
        if (Environment.GetEnvironmentVariable(DieAt) is null && Environment.GetEnvironmentVariable(FailAt) is null)
        {
            return;
        }

        nint library = NativeLibrary.Load(Path.Combine(Repository.NativeOutput, "failpoints", "libposixshm.so"));
        NativeLibrary.SetDllImportResolver(typeof(SharedArray).Assembly, (name, _, _) => name == "libposixshm" ? library : 0);
    }
}
