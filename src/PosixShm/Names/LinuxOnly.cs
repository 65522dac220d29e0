namespace PosixShm.Names;

/// <summary>Reports an unsupported system at run time, before another failure hides the reason.</summary>
internal static class LinuxOnly
{
    public static void Check()
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("PosixShm requires Linux: it has not been tested on other systems.");
        }
    }
}
