using PosixShm.Arrays;
using PosixShm.Names;
using PosixShm.Segments;

namespace PosixShm;

/// <content>Attachment.</content>
public abstract partial class SharedArray
{
    private static readonly AttachOptions s_cautious = new();

    /// <summary>Attaches an array of <see cref="double"/> that some process created.</summary>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static SharedArray<double> Attach(string name, AttachOptions? options = null) => Attach<double>(name, options);

    /// <summary>Attaches an array that some process created: the same memory, without a copy, to read and to write.</summary>
    /// <typeparam name="T">The element type it was created with.</typeparam>
    /// <param name="name">The name it was created with.</param>
    /// <param name="options">What is acceptable.</param>
    /// <returns>The array. Disposing it detaches.</returns>
    /// <exception cref="ArgumentException">The name is not one.</exception>
    /// <exception cref="FileNotFoundException">There is no array of that name.</exception>
    /// <exception cref="InvalidDataException">The name is no array, a damaged one, or one of another element type. Nothing was mapped.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write it, or it belongs to another user.</exception>
    /// <exception cref="IOException">A limit of the process or the system was reached.</exception>
    public static SharedArray<T> Attach<T>(string name, AttachOptions? options = null)
        where T : unmanaged
        => new(AttachedArray.Attach(
            SegmentName.Parse(name, nameof(name)), ElementTypes.Of<T>(), SegmentAccess.ReadWrite, (options ?? s_cautious).AllowOtherOwners));

    /// <summary>Attaches an array whose element type is not known before.</summary>
    /// <param name="name">The name it was created with.</param>
    /// <param name="options">What is acceptable.</param>
    /// <returns>The array: a <see cref="SharedArray{T}"/> of the type that it has. Disposing it detaches.</returns>
    /// <exception cref="NotSupportedException">No C# type stands for its element type.</exception>
    /// <inheritdoc cref="Attach{T}(string, AttachOptions)"/>
    public static SharedArray Open(string name, AttachOptions? options = null)
    {
        AttachedArray array = AttachedArray.Attach(
            SegmentName.Parse(name, nameof(name)), expected: null, SegmentAccess.ReadWrite, (options ?? s_cautious).AllowOtherOwners);

        if (ElementTypes.Find(array.Header.Type) is IManagedType type)
        {
            return type.Wrap(array);
        }

        using (array.Segment)
        {
            throw new NotSupportedException($"'{name}' holds {array.Header.Type} elements, for which there is no C# type.");
        }
    }
}
