namespace PosixShm.Tests;

internal sealed class CommandCompactTests : CommandTest
{
    [Test]
    public void Compact_reports_the_bytes_in_huge_pages_of_each_array()
    {
        SharedArray.Create<byte>(Name, 100).Dispose();
        using SharedArray<byte> large = SharedArray.Create<byte>(NameOf("large"), 5 << 20);
        Assert.That(
            Pshm("compact", Name, NameOf("large")),
            Is.EqualTo(
                $"{Name}: 0 of 228 bytes in huge pages\n{NameOf("large")}: {large.Compact():N0} of 5,243,008 bytes in huge pages\n"));
    }

    [Test]
    public void Compact_tries_all_names_and_reports_each_failure()
    {
        SharedArray.Create<byte>(Name, 100).Dispose();
        using ChildProcess command = ChildProcess.Start(Repository.Command, "compact", NameOf("none"), Name);
        Assert.That(command.WaitForExit(), Is.EqualTo(1));
        Assert.That(command.Errors, Does.StartWith("pshm: ").And.Contain(NameOf("none")));
        Assert.That(command.Output, Does.StartWith($"{Name}: 0 of 228"));
    }
}
