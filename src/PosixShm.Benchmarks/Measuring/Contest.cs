namespace PosixShm.Benchmarks.Measuring;

/// <summary>The stages of the rows, and the processes that compete on them.</summary>
internal sealed class Contest(Tools tools, bool isShort) : IDisposable
{
    public Tools Tools => tools;

    public bool IsShort => isShort;

    public Worker Twin { get; } = Worker.Of(tools.Twin);

    public Worker Python { get; } = Worker.Of(tools.Python, tools.Peers);

    /// <summary>Gets the stage of the rows in which one process works at a time.</summary>
    public Stage Stage { get; } = NewStage(isShort, 40, 12);

    /// <summary>Gets the stage of the rows in which a round takes a second: a wide interval is only reported.</summary>
    public Stage Large { get; } = new(TimeSpan.FromMilliseconds(40), TimeSpan.FromMilliseconds(500), Stage.Rounds, mayBeWide: true);

    /// <summary>Gets the stage of the rows that only show how the time grows.</summary>
    public Stage Growth { get; } = NewStage(isShort, 20, 4);

    /// <summary>Gets the stage of the rows in which processes compete: for several slices of the scheduler.</summary>
    public Stage Competition { get; } = NewStage(isShort, 100, 20);

    /// <summary>Gets the stage of the rows in which processes sleep: for hundreds of wake-ups in each round.</summary>
    public Stage Sleep { get; } = NewStage(isShort, 200, 60);

    public void Dispose()
    {
        Twin.Dispose();
        Python.Dispose();
    }

    private static Stage NewStage(bool isShort, int milliseconds, int shortMilliseconds) => isShort
        ? new Stage(TimeSpan.FromMilliseconds(shortMilliseconds), TimeSpan.FromMilliseconds(200), 2 * Stage.Rounds, mayBeWide: true)
        : new Stage(TimeSpan.FromMilliseconds(milliseconds), TimeSpan.FromMilliseconds(500), 8 * Stage.Rounds, mayBeWide: false);
}
