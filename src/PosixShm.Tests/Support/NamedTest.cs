namespace PosixShm.Tests;

/// <summary>A test with a unique name, whose files are deleted at the end even if the test fails.</summary>
internal abstract class NamedTest
{
    private static string Prefix { get; } = $"posixshm-test-{Environment.ProcessId}-";

    private readonly string _own = $"{Prefix}{Guid.NewGuid():N}";
    private string? _folder;

    /// <summary>Gets an array's name that only this test has.</summary>
    protected string Name => _own;

    /// <summary>Gets the file of <see cref="Name"/>.</summary>
    protected string ShmPath => ShmPathOf(_own);

    /// <summary>Gets a directory on disk that only this test uses.</summary>
    protected string Folder => _folder ??= Directory.CreateTempSubdirectory("posixshm-test-").FullName;

    [TearDown]
    public void RemoveWhatIsLeft()
    {
        foreach (string file in Directory.EnumerateFiles("/dev/shm", $"*{_own}*"))
        {
            File.Delete(file);
        }

        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>Gives a further name that only this test has.</summary>
    protected string NameOf(string suffix) => $"{_own}-{suffix}";

    /// <summary>The offset of the first lock word of an array whose header and elements fit into one page: the control page is the second.</summary>
    protected const int LockWord = 4096 + 2112;

    /// <summary>Waits until the lock of an array as small as that has a waiter: the sign bit of its word.</summary>
    protected void WaitUntilLockHasWaiter()
        => Assert.That(
            () => BitConverter.ToInt32(File.ReadAllBytes(ShmPath), LockWord), Is.Negative.After(60_000, 5), "the lock has no waiter");

    protected static string ShmPathOf(string name) => $"/dev/shm/{name}";
}
