using System.CommandLine;
using System.Text.Json;

namespace PosixShm.Cli.Doctor;

/// <summary><c>pshm doctor [--json]</c>: checks the machine for causes of failures and of lost arrays.</summary>
internal static class DoctorCommand
{
    public static Command Define()
    {
        Option<bool> json = CommandTree.JsonOption();
        Command command = new(
            "doctor", "Check the machine for causes of failures and of lost arrays. The exit code is 1 if a check needs attention.")
        {
            json,
        };
        command.SetAction(parsed => Run(parsed.GetValue(json)));
        return command;
    }

    private static int Run(bool json)
    {
        Finding[] findings = [.. DirectoryChecks.All(), .. LimitChecks.All(), RemoveIpcCheck.Run(), LeftoverCheck.Run()];
        if (json)
        {
            Json.Write(document => WriteJson(document.Writer, findings));
        }
        else
        {
            using TextWriter output = Output.OpenText();
            WriteText(output, findings);
        }

        return Array.Exists(findings, static finding => finding.Status == Status.Attention) ? ExitCode.Failed : ExitCode.Done;
    }

    private static void WriteText(TextWriter output, Finding[] findings)
    {
        int width = findings.Max(static finding => finding.Name.Length);
        foreach (Finding finding in findings)
        {
            output.WriteLine($"{finding.Name.PadRight(width)}  {finding.StatusText}: {Printable.Of(finding.Value)}");
            output.WriteLine($"{new string(' ', width)}  {finding.Meaning}");
            if (finding.Status == Status.Attention)
            {
                output.WriteLine($"{new string(' ', width)}  -> {Printable.Of(finding.Advice)}");
            }
        }

        int count = findings.Count(static finding => finding.Status == Status.Attention);
        output.WriteLine();
        output.WriteLine(count == 0 ? "Nothing needs attention." : $"{count} of {findings.Length} need attention.");
    }

    private static void WriteJson(Utf8JsonWriter writer, Finding[] findings)
    {
        writer.WriteStartArray();
        foreach (Finding finding in findings)
        {
            writer.WriteStartObject();
            writer.WriteString("name", finding.Name);
            writer.WriteString("status", finding.StatusText);
            writer.WriteString("value", finding.Value);
            writer.WriteString("meaning", finding.Meaning);
            writer.WriteString("advice", finding.Status == Status.Attention ? finding.Advice : null);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
