namespace PosixShm.Format;

/// <summary>numpy's names for scalar dtypes, beside the notation of a kind and a size: <c>float64</c>, <c>double</c>, and the letters of C's types (<c>d</c>).</summary>
internal static class TypeNames
{
    /// <summary>Gives the notation for a name, or null if there is no such name. A byte order cannot precede a name.</summary>
    public static string? OfName(ReadOnlySpan<char> name) => name switch
    {
        "bool" or "bool_" or "bool8" => "b1",
        "int8" or "byte" => "i1",
        "int16" or "short" => "i2",
        "int32" or "intc" => "i4",
        "int64" or "int" or "int_" or "int0" or "intp" or "long" or "longlong" => "i8",
        "uint8" or "ubyte" => "u1",
        "uint16" or "ushort" => "u2",
        "uint32" or "uintc" => "u4",
        "uint64" or "uint" or "uint0" or "uintp" or "ulong" or "ulonglong" => "u8",
        "float16" or "half" => "f2",
        "float32" or "single" => "f4",
        "float64" or "float" or "float_" or "double" => "f8",
        "float128" or "longdouble" or "longfloat" => "f16",
        "complex64" or "csingle" or "singlecomplex" => "c8",
        "complex128" or "complex" or "complex_" or "cdouble" or "cfloat" => "c16",
        "complex256" or "clongdouble" or "clongfloat" or "longcomplex" => "c32",
        "bytes" or "bytes_" or "bytes0" or "string_" => "S0",
        "str" or "str_" or "str0" or "unicode" or "unicode_" => "U0",
        "void" or "void0" => "V0",
        _ => null,
    };

    /// <summary>Gives the notation for a letter, which may follow a byte order.</summary>
    public static string? OfLetter(char letter) => letter switch
    {
        '?' => "b1",
        'b' => "i1",
        'h' => "i2",
        'i' => "i4",
        'l' or 'q' or 'p' => "i8",
        'B' => "u1",
        'H' => "u2",
        'I' => "u4",
        'L' or 'Q' or 'P' => "u8",
        'e' => "f2",
        'f' => "f4",
        'd' => "f8",
        'g' => "f16",
        'F' => "c8",
        'D' => "c16",
        'G' => "c32",
        'S' or 'a' => "S0",
        'c' => "S1",
        'U' => "U0",
        'V' => "V0",
        'M' => "M8",
        'm' => "m8",
        _ => null,
    };
}
