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

    /// <summary>Returns a further name that only this test has.</summary>
    protected string NameOf(string suffix) => $"{_own}-{suffix}";

    /// <summary>Waits until the first lock of the array has a waiter.</summary>
    protected void WaitUntilLockHasWaiter()
        => Assert.That(() => LockWords.Read(ShmPath), Is.Negative.After(60_000, 5), "the lock has no waiter");

    /// <summary>Truncates the file of an array in another process.</summary>
    protected static void Truncate(string name, long size) => _ = ChildProcess.Run("truncate", "-s", $"{size}", ShmPathOf(name));

    protected static string ShmPathOf(string name) => $"/dev/shm/{name}";
}
