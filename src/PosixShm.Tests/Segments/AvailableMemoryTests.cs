using PosixShm.Segments;

namespace PosixShm.Tests;

/// <summary>The memory that is left, by files as the kernel writes them, below a directory of the test.</summary>
internal sealed class AvailableMemoryTests : NamedTest
{
    private const long Machine = 10_240_000;
    private const string Version2 = "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n";
    private const string Version1 = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n";

    [Test]
    public void Machine_s_memory_counts_where_no_control_group_limits_it()
    {
        Write("proc/meminfo", "MemTotal:       24684096 kB\nMemAvailable:       9000 kB\nSwapFree:             1000 kB\n");
        Assert.That(AvailableMemory.Read(Folder), Is.EqualTo(Machine));
        Control(Version2, "0::/\n");
        Assert.That(AvailableMemory.Read(Folder), Is.EqualTo(Machine), "the top group has no files");
        Group("sys/fs/cgroup", "max", 5, 0);
        Assert.That(AvailableMemory.Read(Folder), Is.EqualTo(Machine));
    }

    [Test]
    public void Available_memory_is_unknown_if_no_file_can_be_read()
    {
        Assert.That(AvailableMemory.Read(Folder), Is.Null);
        Write("proc/meminfo", string.Empty);
        Assert.That(AvailableMemory.Read(Folder), Is.Null);
    }

    [TestCase("/", "/", "sys/fs/cgroup")]
    [TestCase("/", "/a/b", "sys/fs/cgroup/a/b")]
    [TestCase("/", "/a/b", "sys/fs/cgroup/a")]
    [TestCase("/docker/1", "/docker/1/a", "sys/fs/cgroup/a")]
    [TestCase("/docker/1", "/", "sys/fs/cgroup")]
    [TestCase("/", "/../other", "sys/fs/cgroup")]
    public void Limit_of_every_group_on_the_way_to_the_top_counts(string top, string group, string limited)
    {
        Control(Version2.Replace(" / ", $" {top} ", StringComparison.Ordinal), $"0::{group}\n");
        Group("sys/fs/cgroup/a/b", "max", 7, 0);
        Group("sys/fs/cgroup/other", "1", 1, 0);
        Group(limited, "1000000", 400_000, 0);
        Assert.That(AvailableMemory.Read(Folder), Is.EqualTo(600_000));
        Group(limited, "1000000", 1_400_000, 0);
        Assert.That(AvailableMemory.Read(Folder), Is.Zero);
    }

    [Test]
    public void Pages_of_files_that_can_be_dropped_are_free()
    {
        Control(Version2, "0::/a\n");
        Group("sys/fs/cgroup/a", "1000000", 990_000, 700_000);
        Assert.That(AvailableMemory.Read(Folder), Is.EqualTo(710_000));
    }

    [Test]
    public void Version_1_counts_too()
    {
        Control(
            Version1 + Version2.Replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified", StringComparison.Ordinal),
            "4:cpu,memory:/a\n3:cpuset:/b\n0::/\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1\n");
        Write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1000000\n");
        Write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", "900000\n");
        Write("sys/fs/cgroup/memory/a/memory.stat", "active_file 1\ntotal_inactive_file 20000\ntotal_active_file 30000\n");
        Assert.That(AvailableMemory.Read(Folder), Is.EqualTo(150_000));
    }

    [Test]
    public void Array_larger_than_the_memory_is_refused_with_both_sizes()
    {
        // An anonymous array has no directory whose size would be checked first.
        Assert.That(AvailableMemory.Read(), Is.Positive);
        Assert.That(
            () => SharedArray.CreateAnonymous<byte>(1L << 50),
            Throws.InstanceOf<IOException>()
                .With.Message.Contains("1,125,899,906,850,816 bytes requested").And.Message.Contains("available"));
    }

    // A tmpfs is memory wherever it is mounted, as an emptyDir of a container is.
    [TestCase("/dev/shm", "limited")]
    [TestCase("/mnt", "file:///mnt/limited")]
    public void Array_that_a_control_group_has_no_room_for_is_refused(string mount, string name)
    {
        Control(Version2, "0::/a\n");
        Group("sys/fs/cgroup/a", $"{150 << 20}", 50 << 20, 0);
        string imitate = $"mount -t tmpfs -o size=1g none \"$1\" && mount --bind {Folder}/sys/fs/cgroup /sys/fs/cgroup"
            + $" && mount --bind {Folder}/proc/self/cgroup /proc/$$/cgroup && mount --bind {Folder}/proc/self/mountinfo /proc/$$/mountinfo";
        using ChildProcess child = ChildProcess.Start(Namespaces.WithMounts(imitate, mount, ChildProcess.CommandLine(Refuse, name)));
        child.WaitForSuccess();
        string output = child.Output;
        Assert.That(output, Does.Contain("314,572,928 bytes requested").And.Contain("control group"));

        static int Refuse(string[] args)
        {
            try
            {
                SharedArray.Create<byte>(args[0], 300 << 20).Dispose();
                return 1;
            }
            catch (IOException error) when (error.HResult == 28)
            {
                Console.WriteLine(error.Message);
                return 0;
            }
        }
    }

    private void Control(string mounts, string groups)
    {
        Write("proc/self/mountinfo", mounts);
        Write("proc/self/cgroup", groups);
    }

    private void Group(string group, string limit, long usage, long files)
    {
        Write($"{group}/memory.max", $"{limit}\n");
        Write($"{group}/memory.current", $"{usage}\n");
        Write($"{group}/memory.stat", $"anon 5\ninactive_file {files / 2}\nactive_file {files - (files / 2)}\n");
    }

    private void Write(string path, string text)
    {
        string full = Path.Combine(Folder, path);
        _ = Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
