using System.Collections.Immutable;
using PosixShm.Arrays;

namespace PosixShm;

/// <summary>
/// An array in shared memory, attached to this process; and the functions that create, attach, list and delete such arrays by name.
/// </summary>
/// <remarks>
/// <para>
/// A name is <c>test1</c>, <c>/test1</c> or <c>shm://test1</c>, which are one array in <c>/dev/shm</c>, or <c>file:///path</c> for an array in a
/// file. Create fails if the name exists, Attach fails if it does not, Dispose detaches and deletes nothing, Delete removes the
/// name and harms nobody attached. An array outlives the process that made it, until somebody deletes it.
/// </para>
/// <para>
/// A segment is a valid .npy file, so Python needs nothing but numpy:
/// <c>np.load("/dev/shm/test1", mmap_mode="r+")</c>. See <c>shm_overview(7)</c> and <c>numpy.lib.format</c>.
/// </para>
/// <para>Functions may be called from any thread. Elements are plain memory: see <see cref="SharedArray{T}"/>.</para>
/// </remarks>
public abstract partial class SharedArray : IDisposable
{
    private Segments.Segment? _segment;

    private protected SharedArray(AttachedArray array)
    {
        _segment = array.Segment;
        Name = array.Segment.Name.Value;
        DType = array.Header.Type.Description;
        Shape = array.Header.Shape;
        Length = array.Header.Length;
        ByteLength = array.Header.DataLength;
    }

    /// <summary>Gets the name in its shortest form: <c>test1</c>, or <c>file:///path</c>.</summary>
    public string Name { get; }

    /// <summary>Gets the element type as numpy writes it: <c>&lt;f8</c>, <c>|b1</c>, <c>&lt;c16</c>.</summary>
    public string DType { get; }

    /// <summary>Gets the C# type of the elements.</summary>
    public abstract Type ElementType { get; }

    /// <summary>Gets the length of each dimension; empty for an array of one element without dimensions.</summary>
    public ImmutableArray<long> Shape { get; }

    /// <summary>Gets the number of dimensions.</summary>
    public int Rank => Shape.Length;

    /// <summary>Gets the number of elements: the product of <see cref="Shape"/>.</summary>
    public long Length { get; }

    /// <summary>Gets the bytes that the elements take.</summary>
    public long ByteLength { get; }

    /// <summary>Gets one element, for code that does not know the type.</summary>
    /// <param name="index">The element's place in C order, from 0.</param>
    /// <returns>The element.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public abstract object GetValue(long index);

    /// <summary>Sets one element, for code that does not know the type.</summary>
    /// <param name="value">The value, of exactly <see cref="ElementType"/>.</param>
    /// <param name="index">The element's place in C order, from 0.</param>
    /// <exception cref="InvalidCastException">The value is of another type.</exception>
    /// <exception cref="IndexOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ObjectDisposedException">The array is detached.</exception>
    public abstract void SetValue(object value, long index);

    /// <summary>
    /// Detaches the array from this process; see <c>munmap(2)</c>. The name and the elements stay. Whoever uses a span of this
    /// array afterwards, or on another thread meanwhile, uses memory that is gone: nothing can catch that.
    /// </summary>
    public void Dispose()
    {
        Segments.Segment? segment = Interlocked.Exchange(ref _segment, null);
        if (segment is not null)
        {
            Detach();
            segment.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the name, type and shape, as in <c>test1: &lt;f8 (10,)</c>.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => $"{Name}: {DType} {Format.ShapeText.Of(Shape.AsSpan())}";

    // Makes the indexers find nothing, before the memory goes.
    private protected abstract void Detach();
}
