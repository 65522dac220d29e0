using PosixShm.Segments;

namespace PosixShm.Tests;

internal sealed class AvailableMemoryTests : NamedTest
{
    private const string Machine = "MemTotal:       24684096 kB\nMemAvailable:       1000 kB\nSwapFree:             24 kB\n";

    [TestCase(Machine, null, null, 1024L << 10)]
    [TestCase(Machine, "max\n", "5\n", 1024L << 10)]
    [TestCase(Machine, "1000000\n", "400000\n", 600_000L)]
    [TestCase(Machine, "1000000\n", "1400000\n", 0L)]
    [TestCase("", "1000000\n", "400000\n", 600_000L)]
    [TestCase("", null, null, null)]
    public void The_lesser_of_machine_and_control_group_counts(string machine, string? limit, string? taken, long? expected)
    {
        string path = Path.Combine(Folder, "meminfo");
        File.WriteAllText(path, machine);
        Write("memory.max", limit);
        Write("memory.current", taken);
        Assert.That(AvailableMemory.Read(path, Folder), Is.EqualTo(expected));

        void Write(string name, string? text)
        {
            if (text is not null)
            {
                File.WriteAllText(Path.Combine(Folder, name), text);
            }
        }
    }

    [Test]
    public void What_is_more_than_the_memory_is_refused_with_both_figures()
    {
        // An anonymous array has no folder whose size would be asked first.
        Assert.That(AvailableMemory.Read(), Is.Positive);
        Assert.That(
            () => SharedArray.CreateAnonymous<byte>(1L << 50),
            Throws.InstanceOf<IOException>().With.Message.Contains("1,125,899,906,850,816 bytes asked").And.Message.Contains("available"));
    }
}
