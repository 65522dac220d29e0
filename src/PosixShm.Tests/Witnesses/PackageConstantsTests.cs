using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Mono.Unix.Native;
using PosixShm.Native;

namespace PosixShm.Tests;

/// <summary>Compares the constants of Tmds.LibC and Mono.Posix with those of the shim, whose values the C compiler knows.</summary>
internal sealed partial class PackageConstantsTests : NamedTest
{
    private static Dictionary<string, long> Tmds { get; } = typeof(Tmds.Linux.LibC)
        .GetProperties(BindingFlags.Public | BindingFlags.Static)
        .Where(static property => Constant().IsMatch(property.Name))
        .Select(static property => (property.Name, Value: ToNumber(property.GetValue(null)!)))
        .Where(static constant => constant.Value is not null)
        .ToDictionary(static constant => constant.Name, static constant => constant.Value!.Value);

    // Its enums have values of their own, which NativeConvert makes the platform's.
    private static Dictionary<string, long> Mono { get; } = typeof(Syscall).Assembly.GetExportedTypes()
        .Where(static type => type.IsEnum && type.Namespace == typeof(Syscall).Namespace)
        .SelectMany(static type => Enum.GetNames(type).Select(name => (Type: type, Name: name)))
        .Where(static constant => Constant().IsMatch(constant.Name))
        .Select(static constant => (constant.Name, Value: ToPlatform(constant.Type, constant.Name)))
        .Where(static constant => constant.Value is not null)
        .DistinctBy(static constant => constant.Name)
        .ToDictionary(static constant => constant.Name, static constant => constant.Value!.Value);

    private static string[] ShimSources { get; } = Directory.GetFiles(Path.Combine(Repository.Root, "native"), "*.c");

    // The constants of the C library and the kernel that the shim uses.
    private static string[] Used { get; } =
    [
        .. ShimSources.SelectMany(static file => Constant().Matches(File.ReadAllText(file)))
            .Select(static match => match.Value)
            .Distinct(),
    ];

    [Test]
    public void Both_packages_agree_with_each_other()
    {
        string[] common = [.. Tmds.Keys.Intersect(Mono.Keys)];
        TestContext.Out.WriteLine($"{common.Length} constants: {string.Join(' ', common)}");
        Assert.That(common, Has.Length.GreaterThan(150));
        Assert.That(common.Where(static name => Tmds[name] != Mono[name]), Is.Empty);
    }

    [Test]
    public void Both_packages_agree_with_every_constant_that_the_shim_uses()
    {
        (string Name, long Value)[] compared =
        [
            .. Tmds.Concat(Mono)
                .Where(static constant => Used.Contains(constant.Key))
                .Select(static constant => (constant.Key, constant.Value)),
        ];
        string[] names = [.. compared.Select(static constant => constant.Name).Distinct()];
        TestContext.Out.WriteLine($"{names.Length} constants: {string.Join(' ', names)}");
        Assert.That(names, Is.SupersetOf(
            ["O_RDWR", "O_CREAT", "O_EXCL", "O_CLOEXEC", "PROT_READ", "MAP_SHARED", "MAP_POPULATE", "F_OFD_SETLK", "EAGAIN"]));

        string source = Path.Combine(Folder, "asserts.c");
        File.WriteAllLines(
            source,
            [
                "#define _GNU_SOURCE", "#include <errno.h>", "#include <fcntl.h>", "#include <signal.h>", "#include <stdio.h>",
                "#include <sys/mman.h>", "#include <sys/stat.h>", "#include <unistd.h>",
                .. compared.Select(static constant => string.Create(
                    CultureInfo.InvariantCulture, $"_Static_assert({constant.Name} == {constant.Value}, \"{constant.Name}\");")),
            ]);
        _ = ChildProcess.Run("cc", "-std=c11", "-D_FILE_OFFSET_BITS=64", "-fsyntax-only", source);
    }

    [Test]
    public void Both_packages_agree_with_every_error_number_of_the_binding()
    {
        foreach (string name in Enum.GetNames<Interop.Error>().Where(static name => name is not ("SUCCESS" or "ENONSTANDARD")))
        {
            Interop.Error error = Enum.Parse<Interop.Error>(name);
            Assert.That(Interop.ConvertErrno((int)Tmds[name]), Is.EqualTo(error), $"Tmds.LibC: {name}");
            Assert.That(Interop.ConvertErrno((int)Mono[name]), Is.EqualTo(error), $"Mono.Posix: {name}");
        }
    }

    // Null for constants that this platform does not have.
    private static long? ToPlatform(Type type, string name)
    {
        MethodInfo? convert = typeof(NativeConvert).GetMethod($"From{type.Name}", [type]);
        try
        {
            return convert is null ? null : ToNumber(convert.Invoke(null, [Enum.Parse(type, name)])!);
        }
        catch (TargetInvocationException error) when (error.InnerException is ArgumentException)
        {
            return null;
        }
    }

    // Tmds.LibC has types of its own for some numbers, such as mode_t, whose text is the number.
    private static long? ToNumber(object value)
        => long.TryParse(Convert.ToString(value, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture, out long number)
            ? number
            : null;

    [GeneratedRegex(@"\b(?:(?:AT|F|FD|MADV|MAP|MFD|MLOCK|MS|O|PROT|S|SEEK|STATX)_[A-Z]\w*|E[A-Z]{2,}|SIG[A-Z]+|E2BIG)\b")]
    private static partial Regex Constant();
}
