using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>
/// The build of the shim that dies (POSIXSHM_FAILPOINT=step) or fails (POSIXSHM_FAULT=step:errno) at a chosen step.
/// Only for child processes.
/// </summary>
internal static partial class FailingShim
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

    /// <summary>Chooses the step of this process anew. The process must have been started with some step, such as "none".</summary>
    public static void DieNextAt(string step) => Assert.That(setenv(DieAt, step, 1), Is.Zero);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int setenv(string name, string value, int overwrite);
}
