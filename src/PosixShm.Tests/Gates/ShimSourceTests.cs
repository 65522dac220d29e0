using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>Rules that the C sources of the shim keep.</summary>
internal sealed partial class ShimSourceTests
{
    private static string Source { get; } = string.Join(
        '\n', Directory.GetFiles(Path.Combine(Repository.Root, "native"), "*.c").Select(File.ReadAllText));

    [Test]
    public void Nothing_is_created_without_O_EXCL()
    {
        string[] creations = [.. Source.Split('\n').Where(line => WordCreate().IsMatch(line))];
        Assert.That(creations, Has.Length.GreaterThanOrEqualTo(2));
        Assert.That(creations, Is.All.Contains("O_EXCL"));
        Assert.That(Source, Does.Not.Contain("creat("));

        // The flags of shm_open are those of open.
        IEnumerable<string> opens = Source.Split('\n').Where(static line => line.Contains(" shm_open(", StringComparison.Ordinal));
        Assert.That(opens, Is.Not.Empty.And.All.Contains("open_flags(flags)"));
    }

    [Test]
    public void No_wait_is_by_a_clock_that_can_be_set()
        => Assert.That(
            Source,
            Does.Contain("FUTEX_WAIT, expected").And.Not.Contain("FUTEX_CLOCK_REALTIME").And.Not.Contain("CLOCK_REALTIME").And.Not.Contain(
                "sem_timedwait"));

    [Test]
    public void No_lock_of_the_C_library_lies_in_shared_memory()
    {
        Assert.That(Source, Does.Not.Contain("pthread_mutex"));

        // The one semaphore that the shim makes is a private one, for comparison. Named ones are sem_open's.
        string[] made =
        [
            .. Source.Split('\n')
                .Where(static line => line.Contains("sem_init(", StringComparison.Ordinal))
                .Where(static line => !line.Contains("OLD_VERSION", StringComparison.Ordinal)),
        ];
        Assert.That(made, Has.Length.EqualTo(1));
        Assert.That(made[0], Does.Contain("sem_init(&fresh,"));
        Assert.That(Source, Does.Contain("sem_open(").And.Contain("sem_close(").And.Contain("sem_unlink("));
    }

    [GeneratedRegex(@"(?<!PAL_)\bO_CREAT\b")]
    private static partial Regex WordCreate();
}
