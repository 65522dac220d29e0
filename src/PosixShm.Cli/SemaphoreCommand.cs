using System.CommandLine;
using System.CommandLine.Completions;
using System.Globalization;
using PosixShm.Posix;

namespace PosixShm.Cli;

/// <summary><c>pshm semaphore list|create|post|wait|delete|prune</c>.</summary>
internal static class SemaphoreCommand
{
    // The user names the semaphore, and the library checks the file.
    private static readonly AttachOptions s_anyOwner = new() { AllowOtherOwners = true };

    public static Command Define() => new(
        "semaphore",
        "Named semaphores, shared with C (sem_open) and Python (posix_ipc). They are in /dev/shm, also with --dir and POSIXSHM_DIR.")
    {
        DefineList(),
        DefineCreate(),
        DefinePost(),
        DefineWait(),
        DefineDelete(),
        PruneCommand.DefineForSemaphores(),
    };

    private static Command DefineList()
    {
        Option<bool> json = CommandTree.JsonOption();
        Command command = new("list", "List all semaphores and their counts.") { json };
        command.SetAction(parsed => List(parsed.GetValue(json)));
        return command;
    }

    private static Command DefineCreate()
    {
        Argument<string> name = new("name") { HelpName = "NAME", Description = "The new semaphore's name." };
        Argument<int> count = new("count")
        {
            HelpName = "COUNT",
            Description = "The number of waits that succeed before the first post.",
            DefaultValueFactory = static _ => 0,
            CustomParser = CommandTree.ParseInteger,
        };
        Command command = new("create", "Create a semaphore, which exists until it is deleted.") { name, count };
        command.SetAction(parsed => Create(parsed.GetRequiredValue(name), parsed.GetValue(count)));
        return command;
    }

    private static Command DefinePost()
    {
        Argument<string> name = NameArgument();
        Option<int> count = new("--count")
        {
            HelpName = "N",
            Description = "The number to add.",
            DefaultValueFactory = static _ => 1,
            CustomParser = CommandTree.ParseInteger,
        };
        Command command = new("post", "Increase a semaphore's count.") { name, count };
        command.SetAction(parsed => Post(parsed.GetRequiredValue(name), parsed.GetValue(count)));
        return command;
    }

    private static Command DefineWait()
    {
        Argument<string> name = NameArgument();
        Option<string?> timeout = new("--timeout") { HelpName = "SECONDS", Description = "The longest wait; unlimited unless given." };
        Command command = new(
            "wait", "Wait until a semaphore's count is above zero, and decrement it. The exit code is 1 after a time-out.")
        {
            name, timeout,
        };
        command.SetAction(parsed => Wait(parsed.GetRequiredValue(name), parsed.GetValue(timeout)));
        return command;
    }

    private static Command DefineDelete()
    {
        Argument<string[]> names = new("names")
        {
            HelpName = "NAME",
            Description = "The semaphores' names.",
            Arity = ArgumentArity.OneOrMore,
        };
        Complete(names);
        Command command = new("delete", "Delete semaphores. Processes that have one open keep it.") { names };
        command.SetAction(parsed => parsed.GetRequiredValue(names).Max(static name => Failures.Guard(() => Delete(name))));
        return command;
    }

    private static Argument<string> NameArgument()
    {
        Argument<string> argument = new("name") { HelpName = "NAME", Description = "The semaphore's name." };
        Complete(argument);
        return argument;
    }

    private static void Complete(Argument argument)
        => argument.CompletionSources.Add(static _ => NamedSemaphore.List().Select(static name => new CompletionItem(name)));

    private static int List(bool json)
    {
        Dictionary<string, string> leftovers = NamedSemaphore.FindStale()
            .ToDictionary(static leftover => leftover.Name, static leftover => Word(leftover.IsCertain));
        Write([.. NamedSemaphore.List().Select(name => new Fact(name, CountOf(name), leftovers.GetValueOrDefault(name, "no")))], json);
        return ExitCode.Done;
    }

    /// <summary>Prints leftovers as a list of semaphores.</summary>
    public static void Write(IReadOnlyList<StaleSemaphore> leftovers, bool json)
        => Write([.. leftovers.Select(static leftover => new Fact(leftover.Name, CountOf(leftover.Name), Word(leftover.IsCertain)))], json);

    private static string Word(bool isCertain) => isCertain ? "certain" : "possible";

    private static void Write(List<Fact> semaphores, bool json)
    {
        if (json)
        {
            Json.Write(document => WriteJson(document, semaphores));
        }
        else if (semaphores.Count > 0)
        {
            WriteText(semaphores);
        }
    }

    private static void WriteText(List<Fact> semaphores)
    {
        using TextWriter output = Output.OpenText();
        int width = semaphores.Max(static semaphore => Math.Max(Printable.Of(semaphore.Name).Length, "NAME".Length));
        output.WriteLine($"{"NAME".PadRight(width)}  {"COUNT",-10}  LEFTOVER");
        foreach (Fact semaphore in semaphores)
        {
            string count = semaphore.Count?.ToString(CultureInfo.InvariantCulture) ?? "-";
            output.WriteLine($"{Printable.Of(semaphore.Name).PadRight(width)}  {count,-10}  {semaphore.Leftover}");
        }
    }

    private static void WriteJson(Json json, List<Fact> semaphores)
    {
        json.Writer.WriteStartArray();
        foreach (Fact semaphore in semaphores)
        {
            json.Writer.WriteStartObject();
            json.Writer.WriteString("name", semaphore.Name);
            json.WriteNumberOrNull("count", semaphore.Count);
            json.Writer.WriteString("leftover", semaphore.Leftover);
            json.Writer.WriteEndObject();
            json.FlushIfLarge();
        }

        json.Writer.WriteEndArray();
    }

    // Returns null if the count cannot be read, because sem_open needs write permission.
    private static int? CountOf(string name)
    {
        try
        {
            using NamedSemaphore semaphore = NamedSemaphore.Attach(name, s_anyOwner);
            return semaphore.CurrentCount;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            return null;
        }
    }

    private static int Create(string name, int count)
    {
        if (count < 0)
        {
            throw Failures.WrongUse($"A count cannot be negative: {count}.");
        }

        NamedSemaphore.Create(name, count).Dispose();
        return ExitCode.Done;
    }

    private static int Post(string name, int count)
    {
        if (count < 1)
        {
            throw Failures.WrongUse($"A count is increased by one or more, not by {count}.");
        }

        using NamedSemaphore semaphore = NamedSemaphore.Attach(name, s_anyOwner);
        semaphore.Release(count);
        return ExitCode.Done;
    }

    private static int Wait(string name, string? seconds)
    {
        TimeSpan timeout = seconds is null ? Timeout.InfiniteTimeSpan : ParseSeconds(seconds);
        using NamedSemaphore semaphore = NamedSemaphore.Attach(name, s_anyOwner);
        return semaphore.TryWait(timeout)
            ? ExitCode.Done
            : throw new TimeoutException($"The count of the semaphore '{semaphore.Name}' was zero for {seconds} seconds.");
    }

    private static TimeSpan ParseSeconds(string text)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds)
            && seconds is >= 0 and <= int.MaxValue / 1000
            ? TimeSpan.FromSeconds(seconds)
            : throw Failures.WrongUse($"'{text}' is not a time-out: use 0 to {int.MaxValue / 1000} seconds.");

    private static int Delete(string name)
    {
        NamedSemaphore.Delete(name);
        return ExitCode.Done;
    }

    private readonly record struct Fact(string Name, int? Count, string Leftover);
}
