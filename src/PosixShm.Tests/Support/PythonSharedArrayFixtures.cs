using System.Text.Json;

namespace PosixShm.Tests;

/// <summary>Arrays of Python's SharedArray package, in builds with numpy 1 and with numpy 2, and their contents.</summary>
internal static class PythonSharedArrayFixtures
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Fixtures", "SharedArray");

    public static IEnumerable<SharedArrayFixture> All { get; } = [.. Read("manifest-numpy1.json"), .. Read("manifest-numpy2.json")];

    /// <summary>Returns the same array as the build with numpy 1 and as the one with numpy 2 wrote it.</summary>
    public static (byte[] Numpy1, byte[] Numpy2) Both(string array)
        => (Bytes($"numpy1_{array}.sharedarray"), Bytes($"numpy2_{array}.sharedarray"));

    private static byte[] Bytes(string file) => File.ReadAllBytes(Path.Combine(s_folder, file));

    private static IEnumerable<SharedArrayFixture> Read(string manifest)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(s_folder, manifest)));
        foreach (JsonElement entry in document.RootElement.EnumerateArray())
        {
            yield return new SharedArrayFixture(
                Path.Combine(s_folder, entry.GetProperty("file").GetString()!),
                entry.GetProperty("dtype").GetString()!,
                [.. entry.GetProperty("shape").EnumerateArray().Select(static dimension => dimension.GetInt64())],
                [.. entry.GetProperty("values").EnumerateArray().Select(Value)]);
        }
    }

    // A complex number is a pair.
    private static (double Real, double Imaginary) Value(JsonElement value)
        => value.ValueKind == JsonValueKind.Array ? (value[0].GetDouble(), value[1].GetDouble()) : (value.GetDouble(), 0);
}

internal sealed record SharedArrayFixture(string File, string DType, long[] Shape, (double Real, double Imaginary)[] Values)
{
    public override string ToString() => Path.GetFileNameWithoutExtension(File);
}
