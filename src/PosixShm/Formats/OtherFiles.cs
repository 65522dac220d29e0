namespace PosixShm.Formats;

/// <summary>Files of other formats in which Python programs keep arrays, recognised by their first bytes.</summary>
internal static class OtherFiles
{
    private const string SaveEach = "np.load it in Python, and save each array with np.save under a name of its own";

    /// <summary>Returns the kind of a file and advice, as a clause; null for an unknown file.</summary>
    public static string? Find(ReadOnlySpan<byte> head, long fileSize) => head switch
    {
        [(byte)'P', (byte)'K', 3 or 5, 4 or 6, ..] => $"it is a zip archive, as np.savez writes (.npz): {SaveEach}",
        [0x1F, 0x8B, ..] => Compressed("gzip", "gunzip"),
        [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', ..] => Compressed("bzip2", "bunzip2"),
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => Compressed("xz", "unxz"),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Compressed("zstd", "unzstd"),
        [0x80, >= 2 and <= 5, ..] or [(byte)'c', (byte)'n', (byte)'u', (byte)'m', (byte)'p', (byte)'y', ..]
            => "it is a Python pickle: if its source is trusted, load it in Python with np.load(file, allow_pickle=True), "
                + "and save the array with np.save",
        [0x89, (byte)'H', (byte)'D', (byte)'F', ..] => "it is an HDF5 file: read the array in Python with h5py, and save it with np.save",
        [] => "it is empty",
        _ when NpyHeader.IsCutInMagic(head) && head.Length == fileSize => NpyHeader.Cut,
        _ => null,
    };

    private static string Compressed(string format, string program)
        => $"it is a file compressed with {format}: decompress it with {program}, "
            + "or np.load it through Python's module, and save the array with np.save";
}
