using System.Diagnostics;

namespace PosixShm.Tests;

/// <summary>The library's threads of this process, by the kernel's list.</summary>
internal static class WaitingThreads
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(1);

    /// <summary>Counts the waiting threads, which have no end as long as waits need them.</summary>
    public static int Count() => Count("PosixShm: waits");

    /// <summary>Counts all threads of the library.</summary>
    public static int CountAll() => Count("PosixShm: ");

    /// <summary>Waits until no thread of the library waits any more.</summary>
    public static void ExpectNone() => Assert.That(SpinWait.SpinUntil(static () => Count() == 0, s_limit), Is.True, "a thread stays");

    /// <summary>Returns the processor time of this process in an idle time.</summary>
    public static TimeSpan TimeOfIdleSeconds(int seconds)
    {
        using Process self = Process.GetCurrentProcess();
        TimeSpan before = self.TotalProcessorTime;
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        self.Refresh();
        return self.TotalProcessorTime - before;
    }

    private static int Count(string name)
        => OwnProcess.OfThreads("comm").Count(thread => thread.Text.StartsWith(name, StringComparison.Ordinal));
}
