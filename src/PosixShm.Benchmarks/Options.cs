using PosixShm.Benchmarks.Measuring;

namespace PosixShm.Benchmarks;

/// <summary>The options of the command line.</summary>
internal sealed record Options(Tools Tools, bool IsShort, string? Json, string? Docs, string? Only)
{
    public const string Usage = """
        usage: ./build.sh bench [--short] [--json FILE] [--docs DIRECTORY] [--only TEXT]
            --short        three minutes: shorter rounds, no large arrays, and a wide interval is only reported
            --json FILE    also writes all results to a file
            --docs DIRECTORY
                           also writes BENCHMARKS.md's tables and its plot
            --only TEXT    measures only the rows whose method name contains the text, as in AccessRows.Copy
        """;

    public static bool TryParse(string[] arguments, out Options options)
    {
        Tools tools = new(
            Variable("BENCH_TWIN"), Variable("BENCH_BOOST"), Variable("PYTHON"), Variable("BENCH_PEERS"), Variable("BENCH_COMMAND"));
        options = new Options(tools, IsShort: false, null, null, null);

        Queue<string> words = new(arguments);
        while (words.TryDequeue(out string? word))
        {
            string? value = null;
            if (word != "--short" && !words.TryDequeue(out value))
            {
                return false;
            }

            switch (word)
            {
                case "--short":
                    options = options with { IsShort = true };
                    break;
                case "--json":
                    options = options with { Json = value };
                    break;
                case "--docs":
                    options = options with { Docs = value };
                    break;
                case "--only":
                    options = options with { Only = value };
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    // ./build.sh bench sets the variables.
    private static string Variable(string name)
        => Environment.GetEnvironmentVariable(name)
            ?? throw new InvalidOperationException($"{name} is not set: start the benchmarks with ./build.sh bench.");
}
