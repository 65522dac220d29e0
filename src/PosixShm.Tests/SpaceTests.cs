namespace PosixShm.Tests;

/// <summary>Lack of space is an exception at creation.</summary>
[TestFixture]
internal sealed class SpaceTests : NamedTest
{
    [Test]
    public void What_can_never_fit_is_refused_before_any_memory_is_taken()
    {
        const int NoSpaceLeft = 28;

        Assert.That(
            () => SharedArray.Create<byte>(Name, 1L << 50),
            Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(NoSpaceLeft).And.Message.Contains("1,125,899,906,850,816 bytes asked"));
        Assert.That(File.Exists(ShmPath), Is.False);
    }
}
