using System.Diagnostics;

namespace PosixShm;

/// <summary>The view of an array in a debugger: copies of its first elements, so that a watched value reads no others.</summary>
internal sealed class SharedArrayDebugView<T>(UntypedSharedArray array)
    where T : unmanaged
{
    private const int MaxItems = 1000;

    [DebuggerBrowsable(DebuggerBrowsableState.RootHidden)]
    public object[] Items { get; } = [.. Enumerable.Range(0, (int)Math.Min(array.Length, MaxItems)).Select(index => array.GetValue(index))];
}
