namespace PosixShm.Tests;

/// <summary>Arrays look as numpy prints them.</summary>
internal sealed class ArrayTextTests : NamedTest
{
    [TestCase("np.arange(3)")]
    [TestCase("np.arange(12).reshape(3, 4) - 5")]
    [TestCase("np.arange(24).reshape(2, 3, 4)")]
    [TestCase("np.arange(120).reshape(2, 3, 4, 5)")]
    [TestCase("np.array(7)")]
    [TestCase("np.zeros((0,), dtype=int)")]
    [TestCase("np.zeros((2, 0), dtype=int)")]
    [TestCase("np.arange(1001)")]
    [TestCase("np.arange(2000).reshape(40, 50)")]
    [TestCase("np.arange(3000).reshape(3, 10, 100)")]
    [TestCase("np.array([1.5, 2.25, -3.125])")]
    [TestCase("np.array([1., 2., np.nan, np.inf, -np.inf])")]
    public void Like_numpy(string expression)
    {
        string expected = Python.Run("a = eval(sys.argv[2]); np.save(open(sys.argv[1], 'xb'), a); print(a)", ShmPath, expression);
        using SharedArray array = SharedArray.OpenReadOnly(Name);
        Assert.That(Squeeze(array.ToString()), Is.EqualTo(Squeeze(expected)));
    }

    [Test]
    public void Columns_are_aligned()
    {
        using SharedArray<int> array = SharedArray.CreateFrom<int>(Name, new[,] { { 1, -20 }, { 300, 4 } });
        Assert.That(array.ToString(), Is.EqualTo("[[  1 -20]\n [300   4]]"));
    }

    [Test]
    public void A_detached_array_still_has_a_text()
    {
        SharedArray<int> array = SharedArray.Create<int>(Name, 2);
        array.Dispose();
        Assert.That(array.ToString(), Is.EqualTo($"{Name}: <i4 (2,), detached"));
    }

    // numpy pads columns by its own rules for fractions; the rest is the same.
    private static string Squeeze(string text) => string.Join('\n', text.Split('\n').Select(line => string.Join(' ', line.Replace("[", "[ ", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries))));
}
