using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>Puts threads on one processor: then one is interrupted at any of its steps, while the other makes all of its own.</summary>
internal static partial class OneProcessor
{
    /// <summary>Keeps the calling thread, and all threads that it starts from now on, on the processor that it is on.</summary>
    public static void Stay()
    {
        byte[] set = new byte[1024];
        int processor = sched_getcpu();
        set[processor / 8] = (byte)(1 << (processor % 8));
        Assert.That(sched_setaffinity(0, (nuint)set.Length, set), Is.Zero);
    }

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int sched_getcpu();

    [LibraryImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int sched_setaffinity(int thread, nuint size, byte[] set);
}
