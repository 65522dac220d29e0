using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using PosixShm.Native;

namespace PosixShm.Tests;

/// <summary>Compares the C# declarations with native/posixshm.h and the built library.</summary>
internal sealed partial class AbiTests : NamedTest
{
    private static readonly string s_library = Path.Combine(AppContext.BaseDirectory, "libposixshm.so");

    [Test]
    public void The_C_compiler_agrees_with_every_constant()
    {
        Type[] enums = [.. typeof(Interop).GetNestedTypes(BindingFlags.NonPublic).Where(type => type.IsEnum)];
        Assert.That(enums, Has.Length.GreaterThanOrEqualTo(5));

        Compile(
            from type in enums
            from name in Enum.GetNames(type)
            let value = Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture)
            select $"_Static_assert(PAL_{name} == {value}, \"{name}\");");
    }

    [Test]
    public void The_C_compiler_agrees_with_the_layout_of_every_struct()
        => Compile(
        [
            .. Layout<Interop.Status>("PosixShmStatus"),
            .. Layout<Interop.Probe>("PosixShmProbe"),
            .. Layout<Interop.Futex>("PosixShmFutex"),
            $"_Static_assert(PAL_MOST_FUTEXES == {Interop.MostFutexes}, \"futexes\");",
            $"_Static_assert(PAL_PROBE_HEAD == {Interop.ProbeHead}, \"head\");",
            $"_Static_assert(PAL_NO_BYTE == {Interop.NoByte} && PAL_NO_STATUS == {Interop.NoStatus}, \"byte\");",
            $"_Static_assert(PAL_NAME_SIZE == {Interop.NameSize}, \"name\");",
        ]);

    [Test]
    public void Every_entry_point_is_exported()
    {
        nint handle = NativeLibrary.Load(s_library);

        // The generated stubs carry the DllImportAttribute that names the entry point.
        string[] entryPoints =
        [
            .. from method in typeof(Interop).GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
               let import = method.GetCustomAttribute<DllImportAttribute>()
               where import is not null
               select import.EntryPoint,
        ];

        Assert.That(entryPoints, Has.Length.GreaterThan(20));
        Assert.That(entryPoints.Where(name => !NativeLibrary.TryGetExport(handle, name, out _)), Is.Empty);
    }

    [Test]
    public void Nothing_is_exported_but_what_the_header_declares()
    {
        IEnumerable<string> declared = Declaration().Matches(File.ReadAllText(Path.Combine(Repository.Root, "native", "posixshm.h")))
            .Select(match => match.Groups[1].Value);
        IEnumerable<string> exported = ChildProcess.Run("objdump", "-T", s_library).Split('\n')
            .Where(line => line.Contains(".text", StringComparison.Ordinal))
            .Select(line => line.Split(' ')[^1]);

        Assert.That(exported, Is.EquivalentTo(declared));
    }

    [Test]
    public void The_shim_runs_on_glibc_2_28()
    {
        Version[] versions =
        [
            .. GlibcVersion().Matches(ChildProcess.Run("objdump", "-T", s_library)).Select(match => Version.Parse(match.Groups[1].Value)),
        ];

        Assert.That(versions, Is.Not.Empty);
        Assert.That(versions.Max(), Is.LessThanOrEqualTo(new Version(2, 28)));
    }

    private static IEnumerable<string> Layout<T>(string name)
        where T : unmanaged
        => typeof(T).GetFields().Select(
                field => $"_Static_assert(offsetof({name}, {Snake(field.Name)}) == {Marshal.OffsetOf<T>(field.Name)}, \"{field.Name}\");")
            .Append($"_Static_assert(sizeof({name}) == {Unsafe.SizeOf<T>()}, \"size\");");

    private static string Snake(string name)
        => string.Concat(CapitalInside().Replace(name, "_$0").Select(char.ToLowerInvariant));

    private void Compile(IEnumerable<string> lines)
    {
        string source = Path.Combine(Folder, "asserts.c");
        File.WriteAllLines(source, lines.Prepend("#include <stddef.h>").Prepend("#include \"posixshm.h\""));
        _ = ChildProcess.Run("cc", "-std=c11", "-fsyntax-only", "-I", Path.Combine(Repository.Root, "native"), source);
    }

    [GeneratedRegex(@"^POSIXSHM_EXPORT [\w ]+?\*? ?(PosixShm_\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"GLIBC_([\d.]+)")]
    private static partial Regex GlibcVersion();

    [GeneratedRegex("(?<!^)[A-Z]")]
    private static partial Regex CapitalInside();
}
