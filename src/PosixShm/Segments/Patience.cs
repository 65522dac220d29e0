namespace PosixShm.Segments;

/// <summary>Bounds how long a call retries while another process has a file for itself, which it should for a moment only.</summary>
internal struct Patience(int milliseconds)
{
    // When it ends; 0 before the first wait, as nearly every call needs none.
    private long _end;

    /// <summary>Gets the patience of a call on one array: then it fails.</summary>
    public static Patience ForOne => new(5000);

    /// <summary>Gets the patience of a listing, and of a check whether a file is open: then they go on without.</summary>
    public static Patience ForMany => new(100);

    /// <summary>Sleeps a moment; false if the time is over.</summary>
    public bool TryWait()
    {
        long now = Environment.TickCount64;
        _end = _end == 0 ? now + milliseconds : _end;
        if (now >= _end)
        {
            return false;
        }

        Thread.Sleep(1);
        return true;
    }
}
