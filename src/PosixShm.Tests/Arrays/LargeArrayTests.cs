using System.Numerics.Tensors;

namespace PosixShm.Tests;

/// <summary>More elements than an <see cref="int"/> counts.</summary>
internal sealed class LargeArrayTests : NamedTest
{
    // Reading allocates the pages, too, so the test needs 3 GiB of memory.
    [Test]
    [Category("More")]
    public void Three_gibibytes_are_summed_as_one_tensor()
    {
        const long Length = 3L << 30;
        using SharedArray<byte> array = SharedArray.Create(
            Name, ArrayContent.Zeros<byte>(Length), new SharedArrayOptions { Preallocate = false });
        foreach (long index in (long[])[0, int.MaxValue, 1L << 31, (1L << 31) + 1, Length - 1])
        {
            array[index] = 7;
        }

        ReadOnlyTensorSpan<byte> tensor = array.AsReadOnlyTensorSpan();
        Assert.That((long)tensor.FlattenedLength, Is.EqualTo(Length));
        Assert.That(Tensor.Sum(tensor), Is.EqualTo(5 * 7));
        Assert.That(Python.Run("print(int(np.load(sys.argv[1], mmap_mode='r').sum()))", ShmPath), Is.EqualTo("35"));
    }
}
