using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace PosixShm.Native;

/// <summary>Finds the shim if the runtime does not: if an interpreter loaded the assembly from memory or from a lone copy.</summary>
internal static class ShimResolver
{
    // The runtime resolves each function of the shim separately. A second search would overwrite the error number of the first call.
    private static nint s_shim;

    // The event comes after the runtime's own search. An initializer of the module costs no check in any call.
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "It must run before the first call of the shim.")]
    internal static void Register()
    {
        if (AssemblyLoadContext.GetLoadContext(typeof(ShimResolver).Assembly) is AssemblyLoadContext context)
        {
            context.ResolvingUnmanagedDll += static (assembly, name)
                => assembly == typeof(ShimResolver).Assembly && name == Interop.Libraries.PosixShm ? Find() : 0;
        }
    }

    // Microsoft's runtime for musl is of "linux-musl-x64", and that of Alpine Linux itself of "alpine.3.22-x64", for example.
    private static bool IsMusl
        => RuntimeInformation.RuntimeIdentifier is string platform
            && (platform.Contains("musl", StringComparison.Ordinal) || platform.StartsWith("alpine", StringComparison.Ordinal));

    private static nint Find()
    {
        if (s_shim != 0)
        {
            return s_shim;
        }

        string architecture = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        string inPackage = Path.Combine("runtimes", $"{(IsMusl ? "linux-musl" : "linux")}-{architecture}", "native");
        string packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        string version = typeof(ShimResolver).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        string?[] directories =
        [
            Environment.GetEnvironmentVariable("POSIXSHM_NATIVE"),
            AppContext.BaseDirectory,
            Path.Combine(AppContext.BaseDirectory, inPackage),
            Path.Combine(packages, "posixshm", version, inPackage),
        ];
        foreach (string? directory in directories)
        {
            if (Path.IsPathFullyQualified(directory ?? string.Empty)
                && NativeLibrary.TryLoad(Path.Combine(directory!, $"{Interop.Libraries.PosixShm}.so"), out nint shim))
            {
                return s_shim = shim;
            }
        }

        return 0;
    }
}
