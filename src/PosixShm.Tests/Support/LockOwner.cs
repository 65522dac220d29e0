namespace PosixShm.Tests;

/// <summary>A process that owns the lock of an array of long until its parent sends a line.</summary>
internal static class LockOwner
{
    /// <summary>Enters the lock, prints HELD, and exits the lock after a line. Argument: the name of the array.</summary>
    public static int Hold(string[] args)
    {
        using SharedArray<long> array = SharedArray.Attach<long>(args[0]);
        using (array.Lock.EnterScope())
        {
            Console.WriteLine("HELD");
            _ = Console.ReadLine();
        }

        return 0;
    }
}
