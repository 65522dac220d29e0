namespace PosixShm.Tests;

/// <summary>A program in C that a test brings along: it knows the C library alone.</summary>
internal static class CProgram
{
    /// <summary>Compiles a program into a directory, and returns its path. Old C libraries have <c>shm_open(3)</c> in librt.</summary>
    public static string Compile(string folder, string name, string source)
    {
        string program = Path.Combine(folder, name);
        File.WriteAllText(program + ".c", source);
        _ = ChildProcess.Run("cc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, program + ".c", "-lrt");
        return program;
    }
}
