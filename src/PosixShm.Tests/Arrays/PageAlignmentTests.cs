using PosixShm.Elements;
using PosixShm.Formats;

namespace PosixShm.Tests;

/// <summary>Where the elements begin in the file, and so in memory.</summary>
internal sealed class PageAlignmentTests : NamedTest
{
    [TestCase(64)]
    [TestCase(512)]
    [TestCase(4096)]
    public void Elements_begin_at_a_multiple_of_the_alignment(int alignment)
    {
        using SharedArray<double> array = SharedArray.Create(Name, ArrayContent.Zeros<double>(3, 5), new SharedArrayOptions { Alignment = alignment });
        array.Span.Fill(2);
        array.Lock.Enter();
        array.Lock.Exit();
        using ReadOnlySharedArray<double> reader = SharedArray.AttachReadOnly<double>(Name);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((array.Address % alignment, reader.Address % alignment), Is.EqualTo(((nint)0, (nint)0)));
            Assert.That(reader.Shape, Is.EqualTo((long[])[3, 5]));
            Assert.That(reader.Span.ContainsAnyExcept(2), Is.False);
            Assert.That(SharedArray.List().Single(info => info.Name == Name).Shape, Is.EqualTo((long[])[3, 5]));
            Assert.That(
                Python.Run("a = np.load(sys.argv[1], mmap_mode='r'); print(a.offset, a.shape, a.dtype, a.sum())", ShmPath),
                Is.EqualTo($"{Math.Max(alignment, 128)} (3, 5) float64 30.0"));
        }
    }

    [Test]
    public void A_header_is_padded_to_the_next_multiple_as_numpy_pads_it()
    {
        ScalarType number = ScalarType.TryParse("<f8")!;
        StructType wide = new([new Field(new string('x', 5000), number, 0)], 8);
        Assert.That(NpyHeader.Write(number, [3], 4096), Has.Length.EqualTo(4096));
        Assert.That(NpyHeader.Write(wide, [3], 4096), Has.Length.EqualTo(8192));
    }

    [TestCase(ArrayLayout.PythonSharedArray)]
    [TestCase(ArrayLayout.Npy)]
    public void Anonymous_arrays_and_both_layouts_have_it(ArrayLayout layout)
    {
        SharedArrayOptions options = new() { Alignment = 4096, Layout = layout };
        using SharedArray<int> named = SharedArray.Create(Name, ArrayContent.Zeros<int>(7), options);
        using SharedArray<int> anonymous = SharedArray.CreateAnonymous(ArrayContent.Zeros<int>(7), options);
        Assert.That((named.Address % 4096, anonymous.Address % 4096), Is.EqualTo(((nint)0, (nint)0)));
    }

    [TestCase(4096)]
    [TestCase(64)]
    public void Replacement_keeps_whether_elements_begin_on_a_page(int alignment)
    {
        SharedArray.Create(Name, ArrayContent.Zeros<int>(7), new SharedArrayOptions { Alignment = alignment }).Dispose();
        using SharedArray<int> replacement = SharedArray.Replace<int>(Name, 9);
        Assert.That(Python.Run("print(np.load(sys.argv[1], mmap_mode='r').offset)", ShmPath), Is.EqualTo($"{Math.Max(alignment, 128)}"));
    }

    [TestCase(0)]
    [TestCase(32)]
    [TestCase(96)]
    [TestCase(8192)]
    [TestCase(-64)]
    public void Other_alignments_are_refused(int alignment)
        => Assert.That(() => new SharedArrayOptions { Alignment = alignment }, Throws.InstanceOf<ArgumentOutOfRangeException>());
}
