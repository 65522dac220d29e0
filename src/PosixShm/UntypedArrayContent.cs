using PosixShm.Arrays;
using PosixShm.Elements;

namespace PosixShm;

/// <summary>The element type, the shape and the elements of a new array whose element type is known only at run time.
/// <see cref="ArrayContent"/> creates it.</summary>
public sealed class UntypedArrayContent
{
    private readonly DType? _type;
    private readonly long[] _shape = [];
    private readonly ArrayFiller? _fill;
    private readonly Func<DType?, NpyInput>? _open;

    /// <summary>Creates content that a filler writes; zeros without a filler.</summary>
    internal UntypedArrayContent(DType type, long[] shape, ArrayFiller? fill)
    {
        ArgumentNullException.ThrowIfNull(shape);
        (_type, _shape, _fill) = (type, shape, fill);
    }

    /// <summary>Creates content from an .npy file.</summary>
    internal UntypedArrayContent(Func<DType?, NpyInput> open) => _open = open;

    /// <summary>Creates an array with this content.</summary>
    internal AttachedArray Make(Func<ArrayRequest, AttachedArray> make, string name, SharedArrayOptions? options, AttachOptions? existing)
    {
        using NpyInput? input = _open?.Invoke(null);
        return make(input is null
            ? new ArrayRequest(name, _type!, _shape, _fill, options, existing)
            : new ArrayRequest(name, input.Type, input.Shape, input.Fill, options, existing));
    }
}
