using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;

namespace PosixShm;

/// <summary>A complex number of two <see cref="float"/>, numpy's <c>complex64</c>, to store. Compute with <see cref="Complex"/>.</summary>
/// <param name="Real">The real part.</param>
/// <param name="Imaginary">The imaginary part.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct Complex64(float Real, float Imaginary)
{
    /// <summary>Widens to double precision, exactly.</summary>
    /// <param name="value">The number.</param>
    public static implicit operator Complex(Complex64 value) => value.ToComplex();

    /// <inheritdoc cref="FromComplex"/>
    public static explicit operator Complex64(Complex value) => FromComplex(value);

    /// <summary>Rounds to single precision.</summary>
    /// <param name="value">The number.</param>
    /// <returns>The nearest number of two <see cref="float"/>.</returns>
    public static Complex64 FromComplex(Complex value) => new((float)value.Real, (float)value.Imaginary);

    /// <summary>Widens to double precision, exactly.</summary>
    /// <returns>The same number.</returns>
    public Complex ToComplex() => new(Real, Imaginary);

    /// <summary>Formats the number as <see cref="Complex"/> does.</summary>
    /// <returns>The real and the imaginary part in angle brackets.</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"<{Real}; {Imaginary}>");
}
