namespace PosixShm.Benchmarks.Measuring;

/// <summary>The space that arrays use in the file system.</summary>
/// <param name="What">The arrays.</param>
/// <param name="Bytes">The bytes that they use.</param>
/// <param name="AtMost">The maximum number of bytes.</param>
internal sealed record Space(string What, long Bytes, long AtMost)
{
    public bool IsMet => Bytes <= AtMost;
}
