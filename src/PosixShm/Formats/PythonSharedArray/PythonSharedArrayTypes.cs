using PosixShm.Elements;

namespace PosixShm.Formats;

/// <summary>numpy's type numbers, by which Python's SharedArray package stores an element type. Byte order, field names and units of time
/// are lost.</summary>
internal static class PythonSharedArrayTypes
{
    private const int Object = 17;
    private const int Bytes = 18;
    private const int UnicodeText = 19;
    private const int Void = 20;
    private const int VariableString = 2056;

    // Numbers 9 and 10 are C's long long. If a type has two numbers, this library writes the first.
    private static readonly (int Number, ScalarType Type)[] s_fixed =
    [
        (0, ScalarType.Native(ScalarType.Boolean, 1)),
        (1, ScalarType.Native(ScalarType.SignedInteger, 1)),
        (2, ScalarType.Native(ScalarType.UnsignedInteger, 1)),
        (3, ScalarType.Native(ScalarType.SignedInteger, 2)),
        (4, ScalarType.Native(ScalarType.UnsignedInteger, 2)),
        (5, ScalarType.Native(ScalarType.SignedInteger, 4)),
        (6, ScalarType.Native(ScalarType.UnsignedInteger, 4)),
        (7, ScalarType.Native(ScalarType.SignedInteger, 8)),
        (8, ScalarType.Native(ScalarType.UnsignedInteger, 8)),
        (9, ScalarType.Native(ScalarType.SignedInteger, 8)),
        (10, ScalarType.Native(ScalarType.UnsignedInteger, 8)),
        (11, ScalarType.Native(ScalarType.FloatingPoint, 4)),
        (12, ScalarType.Native(ScalarType.FloatingPoint, 8)),
        (13, ScalarType.Native(ScalarType.FloatingPoint, 16)),
        (14, ScalarType.Native(ScalarType.Complex, 8)),
        (15, ScalarType.Native(ScalarType.Complex, 16)),
        (16, ScalarType.Native(ScalarType.Complex, 32)),
        (21, ScalarType.Native(ScalarType.DateTime, 8)),
        (22, ScalarType.Native(ScalarType.TimeSpan, 8)),
        (23, ScalarType.Native(ScalarType.FloatingPoint, 2)),
    ];

    // Types whose size is the array's own.
    private static readonly (int Number, char Kind)[] s_sized =
        [(Bytes, ScalarType.Bytes), (UnicodeText, ScalarType.UnicodeText), (Void, ScalarType.Void)];

    /// <summary>Returns the type of a number and an element's size; null and the reason if there is no such type.</summary>
    public static ScalarType? TryRead(int number, int itemSize, out string problem)
    {
        ScalarType? known = Array.Find(s_fixed, row => row.Number == number).Type;
        char kind = Array.Find(s_sized, row => row.Number == number).Kind;
        bool isOfSize = known is not null ? itemSize == known.Size : itemSize > 0 && (kind != ScalarType.UnicodeText || itemSize % 4 == 0);
        problem = number switch
        {
            Object => "its elements are Python objects, which are pointers into their own process",
            VariableString => "its elements are strings of any length (StringDType), which are pointers into their own process",
            _ when known is null && kind == default => $"its type number {number} is not known",
            _ when !isOfSize => $"elements of its type number {number} do not have {itemSize} bytes",
            _ => string.Empty,
        };
        return problem.Length > 0 ? null : known ?? ScalarType.Native(kind, itemSize);
    }

    /// <summary>Returns the part of a type that the package stores: a structure becomes bytes, and a date loses its unit. Null if no number
    /// fits.</summary>
    public static ScalarType? Stored(DType type) => type switch
    {
        ScalarType { IsNativeOrder: true, Size: > 0 } scalar when Array.Exists(s_sized, row => row.Kind == scalar.Kind) => scalar,
        ScalarType { IsNativeOrder: true } scalar
            => Array.Find(s_fixed, row => row.Type.Kind == scalar.Kind && row.Type.Size == scalar.Size).Type,
        StructType or SubarrayType when type.Size > 0 => ScalarType.Native(ScalarType.Void, type.Size),
        _ => null,
    };

    /// <summary>Returns the number of a type that <see cref="Stored"/> returned.</summary>
    public static int NumberOf(ScalarType stored)
        => Array.Find(s_sized, row => row.Kind == stored.Kind) is (int number and > 0, _)
            ? number
            : s_fixed.First(row => row.Type == stored).Number;
}
