using System.Diagnostics.CodeAnalysis;
using System.Numerics.Tensors;
using PosixShm.Formats;
using PosixShm.Segments;

namespace PosixShm;

/// <inheritdoc cref="SharedArrayLease{T}"/>
public readonly ref struct ReadOnlySharedArrayLease<T> : IDisposable
    where T : unmanaged
{
    [SuppressMessage("Usage", "CA2213", Justification = "Dispose disposes it. The rule does not follow the field of a struct.")]
    private readonly SharedArrayLease<T> _lease;

    internal ReadOnlySharedArrayLease(SegmentToken token, ArrayHeader header) => _lease = new SharedArrayLease<T>(token, header);

    /// <inheritdoc cref="SharedArrayLease{T}.Span"/>
    public ReadOnlySpan<T> Span => _lease.Span;

    /// <inheritdoc cref="SharedArrayLease{T}.this[long]"/>
    public ref readonly T this[long index] => ref _lease[index];

    /// <inheritdoc cref="SharedArrayLease{T}.AsTensorSpan"/>
    public ReadOnlyTensorSpan<T> AsReadOnlyTensorSpan() => _lease.AsTensorSpan();

    /// <inheritdoc cref="SharedArrayLease{T}.Dispose"/>
    public void Dispose() => _lease.Dispose();
}
