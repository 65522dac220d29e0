namespace PosixShm.Segments;

/// <summary>Files of <c>proc(5)</c> and of control groups, which may vanish at any time.</summary>
internal static class ProcFile
{
    /// <summary>Returns the lines of a file; none if it does not exist, or if this user may not read it.</summary>
    public static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
