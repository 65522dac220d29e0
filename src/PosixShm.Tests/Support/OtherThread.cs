namespace PosixShm.Tests;

/// <summary>Runs a part of a test on another thread.</summary>
internal static class OtherThread
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    /// <summary>Runs an action on a new thread, which ends before this returns. An exception there fails the test.</summary>
    public static void Run(Action action)
    {
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                action();
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                failure = error;
            }
        });
        thread.Start();
        Assert.That(thread.Join(s_limit), Is.True);
        Assert.That(failure, Is.Null);
    }
}
