namespace PosixShm.Formats;

/// <summary>The unit of the formats: 4,096 bytes, even if the machine's own pages are larger.</summary>
internal static class Pages
{
    public const int Size = 4096;

    public static long RoundUp(long bytes) => checked(bytes + (Size - 1)) & ~(long)(Size - 1);
}
