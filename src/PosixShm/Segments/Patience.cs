namespace PosixShm.Segments;

/// <summary>Bounds how long a call retries while another process has a file for itself, which it should for a moment only.</summary>
internal readonly struct Patience(int milliseconds)
{
    private readonly long _end = Environment.TickCount64 + milliseconds;

    /// <summary>Gets the patience of a call on one array: then it fails.</summary>
    public static Patience ForOne => new(5000);

    /// <summary>Gets the patience of a listing, and of a check whether a file is open: then they go on without.</summary>
    public static Patience ForMany => new(100);

    /// <summary>Sleeps a moment; false if the time is over.</summary>
    public bool TryWait()
    {
        if (Environment.TickCount64 >= _end)
        {
            return false;
        }

        Thread.Sleep(1);
        return true;
    }
}
