namespace PosixShm.Benchmarks.Measuring;

/// <summary>What every row needs: the stage, and the processes that compete on it.</summary>
internal sealed class Contest(Tools tools, bool isShort) : IDisposable
{
    public Tools Tools => tools;

    public bool IsShort => isShort;

    public Worker Twin { get; } = Worker.Twin(tools);

    public Worker Python { get; } = Worker.Python(tools);

    /// <summary>Gets the stage of the gated rows.</summary>
    public Stage Stage { get; } = isShort
        ? new Stage(rounds: 17, batch: TimeSpan.FromMilliseconds(12), warmUp: TimeSpan.FromMilliseconds(200))
        : new Stage(rounds: 31, batch: TimeSpan.FromMilliseconds(40), warmUp: TimeSpan.FromMilliseconds(500));

    /// <summary>Gets the stage of the rows that only show how the time grows.</summary>
    public Stage Growth { get; } = isShort
        ? new Stage(rounds: 3, batch: TimeSpan.FromMilliseconds(8), warmUp: TimeSpan.FromMilliseconds(80))
        : new Stage(rounds: 9, batch: TimeSpan.FromMilliseconds(20), warmUp: TimeSpan.FromMilliseconds(100));

    public void Dispose()
    {
        Twin.Dispose();
        Python.Dispose();
    }
}
