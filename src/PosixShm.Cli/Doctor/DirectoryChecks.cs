using System.Globalization;
using System.Runtime.CompilerServices;
using Mono.Unix.Native;

namespace PosixShm.Cli.Doctor;

/// <summary>The directory of shared memory: its size, its mount, and who else sees it.</summary>
internal static class DirectoryChecks
{
    private const string Directory = "/dev/shm";
    private const long DockerSize = 64 << 20;
    private const long FewFiles = 1000;

    public static IEnumerable<Finding> All()
    {
        if (!System.IO.Directory.Exists(Directory))
        {
            return
            [
                Finding.Of(
                    "directory", true, $"there is no {Directory}", "Arrays by name and semaphores need it.",
                    "mount a tmpfs there (container: --ipc=private), or use arrays in files: file:///path"),
            ];
        }

        return [Size(), Space(), Files(), Options(), Sharing(), HugePages()];
    }

    private static Finding Size()
    {
        long size = new DriveInfo(Directory).TotalSize;
        return Finding.Of(
            "size", size <= DockerSize, MachineFiles.Bytes(size),
            $"All arrays of all programs that use {Directory} fit into this together. 64 MiB is Docker's default.",
            "container: --shm-size=2g, Kubernetes: an emptyDir of medium Memory; else: mount -o remount,size=2g /dev/shm");
    }

    private static Finding Space()
    {
        DriveInfo drive = new(Directory);
        return Finding.Of(
            "free space", drive.AvailableFreeSpace < drive.TotalSize / 10, $"{MachineFiles.Bytes(drive.AvailableFreeSpace)} of {MachineFiles.Bytes(drive.TotalSize)}",
            "An array that does not fit is refused when it is created.", "delete leftovers: pshm prune --delete");
    }

    private static Finding Files()
    {
        long? free = FreeFiles();
        return Finding.Of(
            "free inodes", free < FewFiles, free?.ToString("N0", CultureInfo.InvariantCulture) ?? "not known",
            "Each array and each semaphore takes one.", "delete leftovers, or: mount -o remount,nr_inodes=100k /dev/shm");
    }

    private static Finding Options()
    {
        string[]? mount = MachineFiles.Mount("self", Directory);
        int dash = mount is null ? -1 : Array.IndexOf(mount, "-");
        string type = mount is not null && dash >= 0 ? mount[dash + 1] : "no mount of its own";
        bool isReadOnly = mount?[5].Split(',').Contains("ro") ?? false;
        return Finding.Of(
            "mount", isReadOnly || type != "tmpfs", $"{type} {mount?[5]}".TrimEnd(),
            "On a tmpfs, arrays are memory. Elsewhere they are files of a disk, and slower.",
            isReadOnly ? "mount -o remount,rw /dev/shm" : "mount -t tmpfs tmpfs /dev/shm");
    }

    private static Finding Sharing()
    {
        const string Meaning = "Processes share arrays only if they see the same mount.";
        string? own = MachineFiles.Mount("self", Directory)?[2];
        string? first = MachineFiles.Mount("1", Directory)?[2];
        bool isContainer = File.Exists("/.dockerenv") || File.Exists("/run/.containerenv") || Environment.GetEnvironmentVariable("container") is not null;
        string value = own is not null && first is not null && own != first ? "private to this mount namespace: process 1 has another one"
            : isContainer ? "this container's"
            : "the machine's";
        return new Finding("sharing", Status.Ok, value, isContainer ? $"{Meaning} Containers share it with --ipc=host, --ipc=container:NAME, or a volume." : Meaning, string.Empty);
    }

    private static Finding HugePages()
    {
        string[]? mount = MachineFiles.Mount("self", Directory);
        string option = mount?[^1].Split(',').FirstOrDefault(static option => option.StartsWith("huge=", StringComparison.Ordinal)) ?? "huge=never";
        return new Finding(
            "huge pages", Status.Ok, option,
            option == "huge=never" ? "SharedArrayOptions.HugePages has no effect here. mount -o remount,huge=advise /dev/shm would change that." : "SharedArrayOptions.HugePages has an effect here.",
            string.Empty);
    }

    private static long? FreeFiles()
    {
        try
        {
            return LookUp();
        }
        catch (Exception error) when (error is TypeLoadException or TypeInitializationException or BadImageFormatException or IOException)
        {
            return null;
        }
    }

    // Apart, so that a missing assembly is an exception that the caller can catch.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long? LookUp() => Syscall.statvfs(Directory, out Statvfs status) == 0 ? (long)status.f_favail : null;
}
