namespace PosixShm.Tests;

/// <summary>Files that numpy saved, attached where they are.</summary>
internal sealed class ForeignNpyTests : NamedTest
{
    private string File1 => Path.Combine(Folder, "foreign.npy");

    [TestCase("(1, 0)")]
    [TestCase("(2, 0)")]
    [TestCase("(3, 0)")]
    public void Every_version_is_attached_read_and_written_in_place(string version)
    {
        _ = Python.Run(
            "np.lib.format.write_array(open(sys.argv[1], 'wb'), np.arange(6.).reshape(2, 3), version=eval(sys.argv[2]))", File1, version);
        using (SharedArray<double> array = SharedArray.Attach("file://" + File1))
        {
            Assert.That(array.ToArray(), Is.EqualTo(new[] { 0.0, 1, 2, 3, 4, 5 }));
            array[1, 2] = 50;
            Assert.That(SharedArray.Describe("file://" + File1).IsInUse, Is.True);
        }

        Assert.That(Python.Run("print(np.load(sys.argv[1]).tolist())", File1), Is.EqualTo("[[0.0, 1.0, 2.0], [3.0, 4.0, 50.0]]"));
    }

    [TestCase("np.float64(2.5)", "()", "2.5")]
    [TestCase("np.zeros((0, 3))", "(0, 3)", "[]")]
    [TestCase("np.asfortranarray(np.arange(3.))", "(3,)", "[0. 1. 2.]")]
    public void Arrays_without_dimensions_or_elements_and_of_either_order_are_attached(string expression, string shape, string text)
    {
        _ = Python.Run("np.save(sys.argv[1], eval(sys.argv[2]))", File1, expression);
        using ReadOnlySharedArray<double> array = SharedArray.AttachReadOnly<double>("file://" + File1);
        Assert.That(Elements.ShapeText.Of(array.Shape.AsSpan()), Is.EqualTo(shape));
        Assert.That(array.ToString(), Is.EqualTo(text));
    }

    [TestCase("np.zeros(3, dtype='>f8')", "astype('<f8')")]
    [TestCase("np.zeros(3, dtype='<f4')", "holds <f4 elements, not <f8")]
    [TestCase("np.array([None])", "Python objects")]
    public void Arrays_that_cannot_be_used_in_place_are_refused_with_the_conversion(string expression, string advice)
    {
        _ = Python.Run("np.save(sys.argv[1], eval(sys.argv[2]))", File1, expression);
        Assert.That(() => SharedArray.Attach("file://" + File1), Throws.InstanceOf<InvalidDataException>().With.Message.Contains(advice));
    }

    [Test]
    public void No_truncation_of_a_real_file_is_attached()
    {
        _ = Python.Run("np.save(sys.argv[1], np.arange(6.))", File1);
        byte[] whole = File.ReadAllBytes(File1);
        for (int size = 0; size < whole.Length; size++)
        {
            File.WriteAllBytes(File1, whole[..size]);
            Assert.That(() => SharedArray.Attach("file://" + File1), Throws.InstanceOf<InvalidDataException>(), $"{size} bytes");
        }

        // A file may be longer than its header requires.
        File.WriteAllBytes(File1, [.. whole, 1, 2, 3]);
        using SharedArray<double> array = SharedArray.Attach("file://" + File1);
        Assert.That(array[5], Is.EqualTo(5));
    }
}
