namespace PosixShm.Cli.Doctor;

/// <summary>Checks the memory of arrays that no live process has attached.</summary>
internal static class LeftoverCheck
{
    public static Finding Run()
    {
        if (!ArrayDirectory.Path.StartsWith('/') || !Directory.Exists(ArrayDirectory.Path))
        {
            return Finding.None("leftovers", "no directory", "No array can remain.");
        }

        IReadOnlyList<SharedArrayInfo> leftovers = SharedArray.FindStale();
        long bytes = leftovers.Sum(static array => array.ByteLength);
        return Finding.Of(
            "leftovers", bytes > new DriveInfo(ArrayDirectory.Path).TotalSize / 4,
            $"{leftovers.Count} arrays with {MachineFiles.Bytes(bytes)}",
            "No live process has them attached. They use memory until they are deleted, or the machine restarts.",
            "list them: pshm prune; delete them: pshm prune --delete");
    }
}
