using System.Text;

namespace PosixShm.Cli;

/// <summary>Standard output and standard error, in UTF-8 for every locale. <see cref="Console.Out"/> would first read the terminal's
/// database.</summary>
internal static class Output
{
    public static bool IsTerminal => !Console.IsOutputRedirected;

    public static Stream Open() => Console.OpenStandardOutput();

    public static TextWriter OpenText() => new StreamWriter(Open(), Utf8);

    public static TextWriter OpenErrors() => new StreamWriter(Console.OpenStandardError(), Utf8);

    private static UTF8Encoding Utf8 => new(encoderShouldEmitUTF8Identifier: false);
}
