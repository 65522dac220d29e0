namespace PosixShm.Tests;

/// <summary>Arrays made from others.</summary>
internal sealed class MakingTests : NamedTest
{
    [Test]
    public void Arrays_are_made_from_elements_spans_and_managed_arrays()
    {
        using SharedArray<int> listed = SharedArray.Create(NameOf("a"), ArrayContent.From([1, 2, 3]));
        using SharedArray<double> spanned = SharedArray.Create(NameOf("b"), ArrayContent.From<double>([1.5, 2.5]));
        float[] managed = [1, 2, 3, 4];
        using SharedArray<float> copied = SharedArray.Create(NameOf("c"), ArrayContent.From(managed));
        using SharedArray<float> shaped = SharedArray.Create(
            NameOf("d"), ArrayContent.From(managed, 2, 2), new SharedArrayOptions { Mode = UnixFileMode.UserRead });
        using SharedArray<byte> none = SharedArray.Create(NameOf("e"), ArrayContent.From<byte>([]));
        managed[0] = 100;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(listed.ToArray(), Is.EqualTo(new[] { 1, 2, 3 }));
            Assert.That(spanned.ToArray(), Is.EqualTo(new[] { 1.5, 2.5 }));
            Assert.That((copied[0], shaped[1, 1], shaped.Rank), Is.EqualTo((1f, 4f, 2)));
            Assert.That(SharedArray.Describe(NameOf("d")).Mode, Is.EqualTo(UnixFileMode.UserRead));
            Assert.That(none.Length, Is.Zero);
        }
    }

    [Test]
    public void Arrays_are_made_from_rectangular_arrays()
    {
        using SharedArray<int> two = SharedArray.Create(NameOf("2"), ArrayContent.From(new[,] { { 1, 2, 3 }, { 4, 5, 6 } }));
        using SharedArray<short> three = SharedArray.Create(
            NameOf("3"), ArrayContent.From(new short[2, 1, 2] { { { 1, 2 } }, { { 3, 4 } } }));
        const string Script = "print(np.load(sys.argv[1]).tolist(), np.load(sys.argv[2]).tolist())";
        Assert.That(
            Python.Run(Script, ShmPathOf(NameOf("2")), ShmPathOf(NameOf("3"))),
            Is.EqualTo("[[1, 2, 3], [4, 5, 6]] [[[1, 2]], [[3, 4]]]"));
    }

    [Test]
    public void Filled_and_zero_arrays_have_the_given_shape()
    {
        using SharedArray<double> full = SharedArray.Create(NameOf("full"), ArrayContent.Filled(2.5, 2, 3));
        using SharedArray<double> like = SharedArray.Create(NameOf("like"), ArrayContent.Zeros<double>([.. full.Shape]));
        Assert.That(full, Is.All.EqualTo(2.5));
        Assert.That(like.Shape, Is.EqualTo(full.Shape));
        Assert.That(like, Is.All.Zero);
        Assert.That(
            () => SharedArray.Create(NameOf("bad"), ArrayContent.Filled(2.5, -1)), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(
            () => SharedArray.Create(NameOf("bad"), ArrayContent.From(new double[5], 2, 3)),
            Throws.ArgumentException.With.Message.Contains("5 elements"));
        Assert.That(File.Exists(ShmPathOf(NameOf("bad"))), Is.False);
    }

    [Test]
    public void A_copy_has_the_elements_and_shape_but_not_the_memory()
    {
        using SharedArray<int> original = SharedArray.Create(Name, ArrayContent.From(new[,] { { 1, 2, 3 }, { 4, 5, 6 } }));
        using SharedArray<int> copy = SharedArray.Create(NameOf("copy"), ArrayContent.CopyOf(original));
        original[0] = -1;
        Assert.That(copy.Shape, Is.EqualTo(original.Shape));
        Assert.That(copy, Is.EqualTo(new[] { 1, 2, 3, 4, 5, 6 }));
        Assert.That(
            () => SharedArray.Create(NameOf("copy"), ArrayContent.CopyOf(original)),
            Throws.InstanceOf<IOException>().With.Message.Contains("taken"));

        using SharedArray<double> empty = SharedArray.Create(NameOf("empty"), 0, 3);
        using SharedArray<double> alsoEmpty = SharedArray.Create(NameOf("also"), ArrayContent.CopyOf(empty));
        Assert.That(alsoEmpty.Shape, Is.EqualTo(empty.Shape));

        original.Dispose();
        Assert.That(() => SharedArray.Create(NameOf("gone"), ArrayContent.CopyOf(original)), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(ShmPathOf(NameOf("gone")), Does.Not.Exist);
    }

    [Test]
    public void Array_is_visible_only_with_its_elements()
    {
        using ChildProcess reader = ChildProcess.Start(ReadUntilThere, Name);
        reader.Expect("READY");
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.Filled(7, 4 << 20));
        reader.WaitForSuccess();

        static int ReadUntilThere(string[] args)
        {
            Console.WriteLine("READY");
            long end = Environment.TickCount64 + 30_000;
            while (Environment.TickCount64 < end)
            {
                try
                {
                    using ReadOnlySharedArray<int> array = SharedArray.AttachReadOnly<int>(args[0]);
                    return array.Span.ContainsAnyExcept(7) ? 1 : 0;
                }
                catch (FileNotFoundException)
                {
                    // The array does not exist yet.
                }
            }

            return 2;
        }
    }

    [Test]
    public void Populating_maps_every_page_and_huge_pages_are_only_a_hint()
    {
        ChildProcess.Run(CreatePopulated, Name);

        static int CreatePopulated(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create(
                args[0], ArrayContent.Zeros<byte>(1 << 20), new SharedArrayOptions { Populate = true, HugePages = true });
            string[] maps = File.ReadAllLines("/proc/self/smaps");
            string inode = ChildProcess.Run("stat", "-c", "%i", ShmPathOf(args[0])).Trim();
            int start = Array.FindIndex(maps, line => line.Contains($" {inode} ", StringComparison.Ordinal));
            string resident = maps[start..].First(line => line.StartsWith("Rss:", StringComparison.Ordinal));
            Assert.That(resident, Does.Match($" {((1 << 20) + 4096) / 1024} kB"));
            return 0;
        }
    }
}
