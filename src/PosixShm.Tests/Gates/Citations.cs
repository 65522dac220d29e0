using System.Reflection;
using System.Text.RegularExpressions;

namespace PosixShm.Tests.Gates;

/// <summary>The tests that a page cites, as <c>Class.Method</c>. A case with a name of its own is cited by that name.</summary>
internal static partial class Citations
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static;

    private static readonly Lazy<ILookup<string, Type>> s_classes = new(
        static () => typeof(Citations).Assembly.GetTypes().ToLookup(type => type.Name));

    /// <summary>Returns the citations of a text, without repetitions.</summary>
    public static string[] In(string text) => [.. Citation().Matches(text).Select(match => match.Groups[1].Value).Distinct()];

    /// <summary>Returns the names of tests, which are sentences, that a text gives without their class.</summary>
    public static string[] WithoutClass(string text) => [.. BareSentence().Matches(text).Select(match => match.Groups[1].Value)];

    /// <summary>Returns the reason why a citation is not one of a test, or null.</summary>
    public static string? ProblemOf(string citation)
    {
        (string className, string name) = Split(citation);
        IEnumerable<MethodInfo> all = s_classes.Value[className].SelectMany(type => type.GetMethods(Declared));
        MethodInfo[] methods = [.. all.Where(method => IsNamed(method, name))];
        return (methods.Any(IsTest), methods.Length > 0, s_classes.Value.Contains(className)) switch
        {
            (true, _, _) => null,
            (_, true, _) => $"{citation}: the method has no test attribute",
            (_, _, true) => $"{citation}: the class has no such method",
            _ => $"{citation}: no such class",
        };
    }

    /// <summary>Returns whether a citation is one of a test of the first tier.</summary>
    public static bool IsFirstTier(string citation)
    {
        (string className, string name) = Split(citation);
        return s_classes.Value[className].Any(type => type.GetMethods(Declared).Any(method => IsNamed(method, name) && IsTest(method)
            && !Categories(type, method, name).Contains("More")));
    }

    private static (string ClassName, string Name) Split(string citation) => citation.Split('.') is [string type, string name]
        ? (type, name)
        : throw new ArgumentException($"'{citation}' is not of the form Class.Method.", nameof(citation));

    private static bool IsTest(MethodInfo method)
        => method.GetCustomAttributes().Any(attribute => attribute is TestAttribute or TestCaseAttribute or TestCaseSourceAttribute);

    private static bool IsNamed(MethodInfo method, string name) => method.Name == name || CasesOf(method, name).Any();

    private static IEnumerable<TestCaseAttribute> CasesOf(MethodInfo method, string name)
        => method.GetCustomAttributes<TestCaseAttribute>().Where(attribute => attribute.TestName == name);

    // A method is of the first tier if one of its cases is.
    private static IEnumerable<string> Categories(Type type, MethodInfo method, string name)
    {
        IEnumerable<string> whole = type.GetCustomAttributes<CategoryAttribute>().Concat(method.GetCustomAttributes<CategoryAttribute>())
            .Select(category => category.Name);
        IEnumerable<string?> cases = method.Name == name
            ? [.. method.GetCustomAttributes<TestCaseAttribute>().Select(single => single.Category), .. SourcesOf(method)]
            : CasesOf(method, name).Select(single => single.Category);
        return cases.Any() && cases.All(category => category == "More") ? whole.Append("More") : whole;
    }

    private static IEnumerable<string?> SourcesOf(MethodInfo method)
        => method.GetCustomAttributes<TestCaseSourceAttribute>().Select(source => source.Category);

    [GeneratedRegex(@"`([A-Z]\w*Tests\.[A-Z]\w+)`")]
    private static partial Regex Citation();

    // A sentence has at least three words.
    [GeneratedRegex(@"`([A-Z]\w*_\w+_\w+)`")]
    private static partial Regex BareSentence();
}
