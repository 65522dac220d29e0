using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>Rules that the C sources of the shim keep.</summary>
internal sealed partial class ShimSourceTests
{
    private static string Source { get; } = string.Join('\n', Directory.GetFiles(Path.Combine(Repository.Root, "native"), "*.c").Select(File.ReadAllText));

    [Test]
    public void Nothing_is_created_without_O_EXCL()
    {
        string[] creations = [.. Source.Split('\n').Where(line => WordCreate().IsMatch(line))];
        Assert.That(creations, Is.Not.Empty);
        Assert.That(creations, Is.All.Contains("O_EXCL"));
        Assert.That(Source, Does.Not.Contain("shm_open").And.Not.Contain("creat("));
    }

    [Test]
    public void No_wait_is_by_a_clock_that_can_be_set()
        => Assert.That(Source, Does.Contain("FUTEX_WAIT, expected").And.Not.Contain("FUTEX_CLOCK_REALTIME").And.Not.Contain("CLOCK_REALTIME").And.Not.Contain("sem_timedwait"));

    [Test]
    public void No_lock_of_the_C_library_lies_in_shared_memory()
    {
        Assert.That(Source, Does.Not.Contain("pthread_mutex"));

        // Named semaphores are the C library's own, in files of their own.
        Assert.That(Directory.GetFiles(Path.Combine(Repository.Root, "native"), "*.c").Where(static file => File.ReadAllText(file).Contains("sem_init", StringComparison.Ordinal))
            .Select(Path.GetFileName), Is.EqualTo(new[] { "posixshm_semaphore.c" }));
    }

    [GeneratedRegex(@"(?<!PAL_)\bO_CREAT\b")]
    private static partial Regex WordCreate();
}
