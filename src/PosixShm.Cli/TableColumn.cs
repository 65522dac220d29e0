using System.Globalization;

namespace PosixShm.Cli;

/// <summary>One column of a list of arrays.</summary>
internal sealed record TableColumn(string Title, Func<SharedArrayInfo, string> Cell, bool IsNumber = false)
{
    // Every row is as wide as the widest one, so long types are cut.
    private const int LongestType = 80;

    // Cells have no spaces, so that awk can split the columns; only names may have some.
    public static IReadOnlyList<TableColumn> All { get; } =
    [
        new("NAME", static array => Printable.Of(array.Name)),
        new("DTYPE", static array => Short(Printable.Of(WithoutSpaces(array.DType)))),
        new("SHAPE", static array => WithoutSpaces(ArrayFacts.Shape(array))),
        new("BYTES", static array => array.ByteLength.ToString(CultureInfo.InvariantCulture), IsNumber: true),
        new("MODE", ArrayFacts.Mode),
        new("OWNER", static array => Owner.NameOf(array.UserId)),
        new("CREATED", static array => Second(array.Created) ?? "-"),
        new("IN_USE", static array => array.IsInUse ? "yes" : "no"),
        new("ORDER", ArrayFacts.Order),
    ];

    private static string Short(string type) => type.Length <= LongestType ? type : $"{type.AsSpan(0, LongestType)}...";

    private static string? Second(DateTimeOffset? time)
        => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string WithoutSpaces(string text) => text.Replace(" ", string.Empty, StringComparison.Ordinal);
}
