namespace PosixShm.Tests;

/// <summary>Several other processes of a test, which get the same lines and are disposed together.</summary>
internal sealed class ChildProcessGroup : IDisposable
{
    private readonly List<ChildProcess> _children = [];

    public IEnumerable<int> Ids => _children.Select(static child => child.Id);

    /// <summary>Starts a static local function in a number of processes.</summary>
    public void Start(int count, Func<string[], int> method, params string[] args)
    {
        for (int i = 0; i < count; i++)
        {
            _children.Add(ChildProcess.Start(method, args));
        }
    }

    /// <summary>Waits for a line of exactly this text from each process.</summary>
    public void Expect(string line) => _children.ForEach(child => child.Expect(line));

    /// <summary>Sends a line to each process.</summary>
    public void Send(string line) => _children.ForEach(child => child.Send(line));

    /// <summary>Waits for the next line of each process.</summary>
    public string[] ReadLines() => [.. _children.Select(static child => child.ReadLine()!)];

    /// <summary>Waits for the good end of each process.</summary>
    public void WaitForSuccess() => _children.ForEach(static child => child.WaitForSuccess());

    public void Dispose() => _children.ForEach(static child => child.Dispose());
}
