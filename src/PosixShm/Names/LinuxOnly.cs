namespace PosixShm.Names;

/// <summary>Says at run time that nothing of this works elsewhere, before anything else fails in a way that does not say so.</summary>
internal static class LinuxOnly
{
    public static void Check()
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("PosixShm is for Linux: elsewhere nothing of it has been tested.");
        }
    }
}
