namespace PosixShm.Elements;

/// <summary>numpy's names for scalar dtypes: <c>float64</c>, <c>double</c>, and the letters of C's types (<c>d</c>).</summary>
internal static class TypeNames
{
    /// <summary>Returns the notation for a name or a letter; null for any other text.</summary>
    public static string? Notation(ReadOnlySpan<char> name) => name switch
    {
        "?" or "bool" or "bool_" or "bool8" => "b1",
        "b" or "int8" or "byte" => "i1",
        "h" or "int16" or "short" => "i2",
        "i" or "int32" or "intc" => "i4",
        "l" or "q" or "p" or "int64" or "int" or "int_" or "int0" or "intp" or "long" or "longlong" => "i8",
        "B" or "uint8" or "ubyte" => "u1",
        "H" or "uint16" or "ushort" => "u2",
        "I" or "uint32" or "uintc" => "u4",
        "L" or "Q" or "P" or "uint64" or "uint" or "uint0" or "uintp" or "ulong" or "ulonglong" => "u8",
        "e" or "float16" or "half" => "f2",
        "f" or "float32" or "single" => "f4",
        "d" or "float64" or "float" or "float_" or "double" => "f8",
        "g" or "float128" or "longdouble" or "longfloat" => "f16",
        "F" or "complex64" or "csingle" or "singlecomplex" => "c8",
        "D" or "complex128" or "complex" or "complex_" or "cdouble" or "cfloat" => "c16",
        "G" or "complex256" or "clongdouble" or "clongfloat" or "longcomplex" => "c32",
        "S" or "a" or "bytes" or "bytes_" or "bytes0" or "string_" => "S0",
        "c" => "S1",
        "U" or "str" or "str_" or "str0" or "unicode" or "unicode_" => "U0",
        "V" or "void" or "void0" => "V0",
        "M" => "M8",
        "m" => "m8",
        _ => null,
    };
}
