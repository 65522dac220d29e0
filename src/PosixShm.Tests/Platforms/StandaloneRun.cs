using NUnit;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;
using PosixShm.Tests.Gates;

namespace PosixShm.Tests;

/// <summary>
/// Runs tests of the first tier, without the gates, in this process, which <c>dotnet test</c> cannot start on a platform without an SDK.
/// <c>./build.sh test-platforms</c> runs it.
/// </summary>
internal static class StandaloneRun
{
    /// <summary>
    /// Runs the tests that a file has no record of, one after another, and appends a record of each. So a second run continues after the
    /// test that ended the process, which is the one that has begun and not finished. The exit code is 0 whether or not tests failed.
    /// </summary>
    /// <param name="args">The path of the records, which exists, and the names of classes; all classes if none is named.</param>
    public static int Run(string[] args)
    {
        NUnitTestAssemblyRunner runner = new(new DefaultTestAssemblyBuilder());
        ITest all = runner.Load(
            typeof(StandaloneRun).Assembly, new Dictionary<string, object> { [FrameworkPackageSettings.NumberOfTestWorkers] = 0 });
        if (all.RunState != RunState.Runnable)
        {
            Console.Error.WriteLine(all.Properties.Get(PropertyNames.SkipReason));
            return 1;
        }

        string[] unknown = [.. args[1..].Where(static name => !IsClass(name))];
        if (unknown.Length > 0)
        {
            Console.Error.WriteLine($"There are no test classes {string.Join(", ", unknown)}.");
            return 1;
        }

        HashSet<string> known = [.. TestRecord.Read(args[0]).Select(static record => record.Test)];
        using StreamWriter records = new(args[0], append: true);
        _ = runner.Run(new Recorder(records), new Selection(known, [.. args[1..]]));
        return 0;
    }

    private static bool IsClass(string name) => typeof(StandaloneRun).Assembly.GetTypes().Any(type => type.Name == name);

    private static bool IsSecondTier(ITest? test) => test is not null
        && (test.Properties[PropertyNames.Category].Contains("More") || IsSecondTier(test.Parent));

    // Gates read the sources, and so have one result on all platforms.
    private static bool IsGate(ITest test) => test.TypeInfo?.Type.Namespace == typeof(Citations).Namespace;

    private sealed class Selection(HashSet<string> known, HashSet<string> classes) : TestFilter
    {
        public override bool Match(ITest test) => !test.IsSuite && !known.Contains(test.FullName) && !IsSecondTier(test) && !IsGate(test)
            && (classes.Count == 0 || classes.Contains(test.TypeInfo?.Type.Name ?? ""));

        public override TNode AddToXml(TNode parentNode, bool recursive) => parentNode.AddElement("filter");
    }

    private sealed class Recorder(TextWriter records) : ITestListener
    {
        public void TestStarted(ITest test)
        {
            if (!test.IsSuite)
            {
                Write(new TestRecord(TestOutcome.Started, test.FullName, ""));
            }
        }

        public void TestFinished(ITestResult result)
        {
            if (!result.Test.IsSuite)
            {
                Write(new TestRecord(OutcomeOf(result), result.FullName, result.Message ?? ""));
            }
        }

        public void TestOutput(TestOutput output)
        {
        }

        public void SendMessage(TestMessage message)
        {
        }

        private static TestOutcome OutcomeOf(ITestResult result) => result.ResultState.Status switch
        {
            TestStatus.Passed => TestOutcome.Passed,
            TestStatus.Skipped => TestOutcome.Skipped,
            _ => TestOutcome.Failed,
        };

        private void Write(TestRecord record)
        {
            records.WriteLine(record);
            records.Flush();
        }
    }
}
