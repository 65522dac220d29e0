namespace PosixShm.Names;

/// <summary>The names of shared memory objects.</summary>
internal static class ObjectName
{
    /// <summary>Reads <c>name</c> or <c>/name</c>.</summary>
    public static SegmentName Parse(string name, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(name, parameterName);
        LinuxOnly.Check();
        string value = name.StartsWith('/') ? name[1..] : name;
        return SegmentName.FindProblem(value) is string reason
            ? throw SegmentName.Refuse(name, reason, parameterName, "a shared memory object")
            : SegmentName.OfObject(value);
    }
}
