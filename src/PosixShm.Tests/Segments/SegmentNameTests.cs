using System.Text;
using FsCheck;
using FsCheck.Fluent;
using PosixShm.Names;

namespace PosixShm.Tests;

internal sealed class SegmentNameTests : NamedTest
{
    [TestCase("test1")]
    [TestCase("/test1")]
    [TestCase("shm://test1")]
    [TestCase("shm:///test1")]
    public void Four_spellings_are_one_array(string name)
    {
        SegmentName parsed = SegmentName.Parse(name, nameof(name));
        Assert.That((parsed.Value, parsed.Path), Is.EqualTo(("test1", "/dev/shm/test1")));
    }

    [TestCase("file:///tmp/a b.npy", "/tmp/a b.npy")]
    [TestCase("file:///tmp/x/../ü.npy", "/tmp/ü.npy")]
    public void A_file_is_named_by_its_path(string name, string path)
    {
        SegmentName parsed = SegmentName.Parse(name, nameof(name));
        Assert.That((parsed.Value, parsed.Path), Is.EqualTo(("file://" + path, path)));
    }

    [Test]
    public void Relative_file_is_in_the_current_directory()
        => Assert.That(SegmentName.Parse("file://a.npy", "name").Path, Is.EqualTo(Path.GetFullPath("a.npy")));

    [TestCase("", "empty")]
    [TestCase("/", "empty")]
    [TestCase("shm://", "empty")]
    [TestCase(".", "directory")]
    [TestCase("..", "directory")]
    [TestCase("/..", "directory")]
    [TestCase("a/b", "slash")]
    [TestCase("//a", "slash")]
    [TestCase("a/", "slash")]
    [TestCase("a\0b", "control")]
    [TestCase("a\nb", "control")]
    [TestCase("a\u007Fb", "control")]
    [TestCase("a\u0085b", "control")]
    [TestCase("sem.x", "semaphores")]
    [TestCase("/sem.x", "semaphores")]
    [TestCase("http://x", "scheme 'http'")]
    [TestCase("file://", "path of a file")]
    [TestCase("file:///", "path of a file")]
    [TestCase("file:///tmp/", "path of a file")]
    [TestCase("file:///tmp/a\nb", "control")]
    public void A_bad_name_is_refused_with_the_reason(string name, string reason)
        => Assert.That(
            () => SharedArray.Create(name, 1),
            Throws.InstanceOf<ArgumentException>().With.Message.Contains(reason).And.Property("ParamName").EqualTo("name"));

    [Test]
    public void A_lone_surrogate_is_refused()
        => Assert.That(() => SharedArray.Exists("a\uD800b"), Throws.InstanceOf<ArgumentException>().With.Message.Contains("surrogates"));

    [Test]
    public void Null_is_refused() => Assert.That(() => SharedArray.Attach(null!), Throws.ArgumentNullException);

    [Test]
    public void The_longest_name_is_255_bytes_and_the_kernel_agrees()
    {
        string longest = Name + new string('ü', (255 - Name.Length) / 2);
        longest += new string('x', 255 - Encoding.UTF8.GetByteCount(longest));

        using SharedArray<double> array = SharedArray.Create(longest, 1);
        Assert.That(File.Exists(ShmPathOf(longest)), Is.True);
        Assert.That(() => SharedArray.Create(longest + "x", 1), Throws.InstanceOf<ArgumentException>().With.Message.Contains("255 bytes"));
    }

    [TestCase("with space")]
    [TestCase("Grüße")]
    [TestCase("数组")]
    [TestCase("🙂")]
    [TestCase("-rf")]
    [TestCase("a\\b'c\"d$e")]
    [TestCase("\uFFFD")]
    public void A_name_may_hold_what_a_file_name_may(string part)
    {
        string name = part + Name;
        using SharedArray<double> array = SharedArray.Create(name, 1);
        Assert.That(File.Exists(ShmPathOf(name)), Is.True);
        Assert.That(SharedArray.List().Select(info => info.Name), Does.Contain(name));
        SharedArray.Delete(name);
        Assert.That(File.Exists(ShmPathOf(name)), Is.False);
    }

    [Test]
    public void Composed_and_decomposed_letters_are_two_names()
    {
        using SharedArray<double> composed = SharedArray.Create(NameOf("\u00E9"), 1);
        using SharedArray<double> decomposed = SharedArray.Create(NameOf("e\u0301"), 1);
        Assert.That(SharedArray.Exists(NameOf("\u00E9")) && SharedArray.Exists(NameOf("e\u0301")), Is.True);
    }

    [Test]
    public void Parsed_name_is_always_one_file_directly_in_the_directory()
        => Prop.ForAll<string>(static text =>
        {
            try
            {
                string path = SegmentName.Parse(text ?? string.Empty, "name").Path;
                return text!.StartsWith("file://", StringComparison.Ordinal)
                    || (Path.GetDirectoryName(path) == "/dev/shm"
                        && Path.GetFullPath(path) == path
                        && Encoding.UTF8.GetByteCount(path) <= 255 + 9);
            }
            catch (ArgumentException)
            {
                return true;
            }
        }).QuickCheckThrowOnFailure();
}
