namespace PosixShm.Segments;

/// <summary>Limits the retries of a call while another process has a lease or a lock on a file, which it has for a moment only.</summary>
internal struct Patience(int milliseconds)
{
    // The end of the time; 0 before the first wait, because nearly all calls need no wait.
    private long _end;

    /// <summary>Gets the limit of a call on one array, which then fails.</summary>
    public static Patience ForOne => new(5000);

    /// <summary>Gets the limit of a listing, or of a check whether a file is open, which then skips the file.</summary>
    public static Patience ForMany => new(100);

    /// <summary>Sleeps a moment. False if the time is over.</summary>
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
