namespace PosixShm.Benchmarks.Measuring;

/// <summary>What something takes of the file system.</summary>
/// <param name="What">What takes it.</param>
/// <param name="Bytes">So much it takes.</param>
/// <param name="AtMost">So much it may take.</param>
internal sealed record Space(string What, long Bytes, long AtMost)
{
    public bool IsMet => Bytes <= AtMost;
}
