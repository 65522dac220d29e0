using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text;

namespace PosixShm.Cli;

/// <summary>Writes <c>pshm(1)</c> from the command tree: <c>pshm "[man]"</c>. The language is that of <c>man(7)</c>.</summary>
internal sealed class ManPage : SynchronousCommandLineAction
{
    private const string Sections =
        """
        .SH ENVIRONMENT
        .TP
        .B POSIXSHM_DIR
        The absolute path of the directory of the arrays, unless \fB\-\-dir\fR is given.
        .SH FILES
        .TP
        .I /dev/shm
        The directory of the arrays unless another one is given, and of all semaphores.
        .SH EXIT STATUS
        .TP
        .B 0
        Done.
        .TP
        .B 1
        Failed, such as for a name that does not exist; or \fBpshm doctor\fR found something that needs attention.
        .TP
        .B 2
        Wrong use: an invalid argument, name, shape, type or value.
        .SH SEE ALSO
        .BR shm_overview (7),
        .BR sem_overview (7)
        """;

    private readonly StringBuilder _page = new();

    /// <summary>Creates the directive, which needs no command behind it.</summary>
    public static Directive Directive() => new("man") { Action = new ManPage() };

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        Command root = parseResult.RootCommandResult.Command;
        string version = typeof(ManPage).Assembly.GetName().Version!.ToString(3);
        Line($".TH PSHM 1 \"\" \"PosixShm {version}\" \"User Commands\"");
        Line(".ad l"); // Long names of options would tear gaps into justified lines.
        Line(".SH NAME");
        Line($"pshm \\- {Text(char.ToLowerInvariant(root.Description![0]) + root.Description[1..].TrimEnd('.'))}");
        Line(".SH SYNOPSIS");
        Line(@"\fBpshm\fR \fICOMMAND\fR [\fIARGUMENT\fR...] [\fIOPTION\fR...]");
        Line(".SH COMMANDS");
        WriteCommands(root, "pshm");
        Line(".SH OPTIONS");
        WriteOptions(root);
        Line(Sections);

        parseResult.InvocationConfiguration.Output.Write(_page.ToString());
        return ExitCode.Done;
    }

    // A group of commands, such as 'semaphore', is a subsection behind the commands beside it.
    private void WriteCommands(Command parent, string path)
    {
        foreach (Command command in parent.Subcommands.Where(static command => command.Subcommands.Count == 0))
        {
            Line(".TP");
            Line(string.Join(
                ' ', (string[])[Bold($"{path} {command.Name}"), .. command.Arguments.Select(Usage), .. command.Options.Select(Usage)]));
            Line(Text(command.Description));
            Line(".RS");
            WriteArguments(command);
            WriteOptions(command);
            Line(".RE");
        }

        foreach (Command group in parent.Subcommands.Where(static command => command.Subcommands.Count > 0))
        {
            Line($".SS {path} {group.Name}");
            Line(Text(group.Description));
            WriteCommands(group, $"{path} {group.Name}");
        }
    }

    private void WriteArguments(Command command)
    {
        foreach (Argument argument in command.Arguments)
        {
            WriteItem(Italic(argument.HelpName!), argument.Description, argument.HasDefaultValue ? argument.GetDefaultValue() : null);
        }
    }

    private void WriteOptions(Command command)
    {
        foreach (Option option in command.Options)
        {
            string names = string.Join(", ", option.Aliases.Prepend(option.Name).Select(Bold));
            WriteItem(names + Value(option), option.Description, IsChosen(option) ? option.GetDefaultValue() : null);
        }
    }

    // An option without a value is absent by default.
    private static bool IsChosen(Option option) => option.HasDefaultValue && option.Arity.MaximumNumberOfValues > 0;

    private void WriteItem(string tag, string? description, object? defaultValue)
    {
        Line(".TP");
        Line(tag);
        Line(Text(defaultValue is null ? description : $"{description} [default: {defaultValue}]"));
    }

    private static string Usage(Argument argument)
    {
        string name = Italic(argument.HelpName!) + (argument.Arity.MaximumNumberOfValues > 1 ? "..." : string.Empty);
        return argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name;
    }

    private static string Usage(Option option) => $"[{Bold(option.Name)}{Value(option)}]";

    private static string Value(Option option) => option.HelpName is null ? string.Empty : $" {Italic(option.HelpName)}";

    private static string Bold(string text) => $"\\fB{Escape(text)}\\fR";

    private static string Italic(string text) => $"\\fI{Escape(text)}\\fR";

    // A line that begins with a point or an apostrophe would be a request.
    private static string Text(string? text) => text is null or [] ? "\\&" : text[0] is '.' or '\'' ? $"\\&{Escape(text)}" : Escape(text);

    private static string Escape(string text) => text
        .Replace("\\", "\\e", StringComparison.Ordinal)
        .Replace("-", "\\-", StringComparison.Ordinal)
        .Replace("'", "\\(aq", StringComparison.Ordinal)
        .Replace("^", "\\(ha", StringComparison.Ordinal)
        .Replace("~", "\\(ti", StringComparison.Ordinal);

    private void Line(string line) => _page.Append(line).Append('\n');
}
