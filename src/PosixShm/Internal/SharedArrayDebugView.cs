using System.Diagnostics;

namespace PosixShm;

/// <summary>What a debugger shows of an array: its first elements, copied, so that watching a value touches nothing else.</summary>
internal sealed class SharedArrayDebugView<T>(UntypedSharedArray array)
    where T : unmanaged
{
    private const int MaxItems = 1000;

    [DebuggerBrowsable(DebuggerBrowsableState.RootHidden)]
    public object[] Items { get; } = [.. Enumerable.Range(0, (int)Math.Min(array.Length, MaxItems)).Select(index => array.GetValue(index))];
}
