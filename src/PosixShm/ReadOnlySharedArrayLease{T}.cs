using System.Numerics.Tensors;
using PosixShm.Format;
using PosixShm.Segments;

namespace PosixShm;

/// <inheritdoc cref="SharedArrayLease{T}"/>
public ref struct ReadOnlySharedArrayLease<T> : IDisposable
    where T : unmanaged
{
    private SharedArrayLease<T> _lease;

    internal ReadOnlySharedArrayLease(Segment segment, ArrayHeader header) => _lease = new SharedArrayLease<T>(segment, header);

    /// <inheritdoc cref="SharedArrayLease{T}.Span"/>
    public readonly ReadOnlySpan<T> Span => _lease.Span;

    /// <inheritdoc cref="SharedArrayLease{T}.this[long]"/>
    public readonly ref readonly T this[long index] => ref _lease[index];

    /// <inheritdoc cref="SharedArrayLease{T}.AsTensorSpan"/>
    public readonly ReadOnlyTensorSpan<T> AsReadOnlyTensorSpan() => _lease.AsTensorSpan();

    /// <inheritdoc cref="SharedArrayLease{T}.Dispose"/>
    public void Dispose() => _lease.Dispose();
}
