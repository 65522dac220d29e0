using System.Text.RegularExpressions;

namespace PosixShm.Tests;

/// <summary>The facts of a program or library that decide where it can be loaded, as <c>readelf</c> reports them.</summary>
internal sealed partial class ElfFile
{
    private readonly string _header;
    private readonly string _dynamic;
    private readonly string _versions;
    private readonly string[] _symbols;

    public ElfFile(string path)
    {
        _header = ChildProcess.Run("readelf", "--wide", "--file-header", path);
        _dynamic = ChildProcess.Run("readelf", "--wide", "--dynamic", path);
        _versions = ChildProcess.Run("readelf", "--wide", "--version-info", path);
        _symbols = ChildProcess.Run("readelf", "--wide", "--dyn-syms", path).Split('\n');
        Sections = [.. Section().Matches(ChildProcess.Run("readelf", "--wide", "--sections", path)).Select(First)];
    }

    /// <summary>Gets the processor, for example <c>AArch64</c>.</summary>
    public string Machine => First(MachineLine().Match(_header));

    /// <summary>Gets the libraries that must be loaded with it (DT_NEEDED).</summary>
    public IEnumerable<string> Needed => NeededLine().Matches(_dynamic).Select(First);

    /// <summary>Gets the versions of glibc in which the symbols that it uses appeared.</summary>
    public IEnumerable<Version> GlibcVersions => GlibcVersion().Matches(_versions).Select(First).Select(Version.Parse);

    /// <summary>Gets the symbols that it offers to others.</summary>
    public IEnumerable<string> Exports => Symbols(isDefined: true);

    /// <summary>Gets the symbols that others must have, each with its version if it has one: <c>sem_open@GLIBC_2.2.5</c>.</summary>
    public IEnumerable<string> Imports => Symbols(isDefined: false);

    /// <summary>Gets the names of the sections.</summary>
    public IReadOnlyList<string> Sections { get; }

    // A line is: number, value, size, type, binding, visibility, section, name, and the number of the version.
    private IEnumerable<string> Symbols(bool isDefined) => _symbols
        .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(fields => fields.Length >= 8 && fields[4] is "GLOBAL" or "WEAK" && fields[6] != "UND" == isDefined)
        .Select(static fields => fields[7]);

    private static string First(Match match) => match.Groups[1].Value;

    [GeneratedRegex(@"^ +Machine: +(.+)$", RegexOptions.Multiline)]
    private static partial Regex MachineLine();

    [GeneratedRegex(@"\(NEEDED\) +Shared library: \[(.+)\]")]
    private static partial Regex NeededLine();

    [GeneratedRegex(@"Name: GLIBC_([\d.]+)")]
    private static partial Regex GlibcVersion();

    [GeneratedRegex(@"^ +\[ *\d+\] (\S+)", RegexOptions.Multiline)]
    private static partial Regex Section();
}
