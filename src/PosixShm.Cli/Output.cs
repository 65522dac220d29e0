using System.Text;

namespace PosixShm.Cli;

/// <summary>Where results go. Names are UTF-8 whatever the locale, and <see cref="Console.Out"/> would first look up the terminal.</summary>
internal static class Output
{
    public static bool IsTerminal => !Console.IsOutputRedirected;

    public static Stream Open() => Console.OpenStandardOutput();

    public static TextWriter OpenText() => new StreamWriter(Open(), Utf8);

    public static TextWriter OpenErrors() => new StreamWriter(Console.OpenStandardError(), Utf8);

    private static UTF8Encoding Utf8 => new(encoderShouldEmitUTF8Identifier: false);
}
