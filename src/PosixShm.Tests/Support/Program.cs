using System.Reflection;
using System.Runtime.Versioning;

[assembly: SupportedOSPlatform("linux")]
[assembly: Parallelizable(ParallelScope.Fixtures)]
[assembly: FixtureLifeCycle(LifeCycle.InstancePerTestCase)]

namespace PosixShm.Tests;

internal static class Program
{
    /// <summary>Runs one static method of this assembly: the child side of <see cref="ChildProcess"/>.</summary>
    private static int Main(string[] args)
    {
        FailingShim.LoadIfAsked();
        FaultyShim.LoadIfAsked();
        Type type = typeof(Program).Assembly.GetType(args[0], throwOnError: true)!;
        MethodInfo method = type.GetMethod(args[1], BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!;
        return (int)method.Invoke(null, [args[2..]])!;
    }
}
