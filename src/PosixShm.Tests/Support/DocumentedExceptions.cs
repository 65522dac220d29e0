using System.Xml.Linq;

namespace PosixShm.Tests;

/// <summary>The exceptions that the XML documentation of the library names.</summary>
internal static class DocumentedExceptions
{
    private static readonly Dictionary<string, XElement> s_members = XDocument
        .Load(Path.ChangeExtension(typeof(SharedArray).Assembly.Location, ".xml"))
        .Descendants("member")
        .ToDictionary(member => (string)member.Attribute("name")!);

    /// <summary>Returns the exceptions of all overloads of a method, <c>PosixShm.SharedArray.Create</c>, or of a generic type's,
    /// <c>PosixShm.SharedArray`1.Publish</c>.</summary>
    public static IReadOnlyList<Type> Of(string method)
    {
        List<Type> types = [.. s_members
            .Where(member => member.Key[2..].Split('(')[0].Split("``")[0] == method)
            .SelectMany(member => Of(member.Value, depth: 0))
            .Distinct()];
        Assert.That(types, Is.Not.Empty, method);
        return types;
    }

    private static IEnumerable<Type> Of(XElement member, int depth)
    {
        Assert.That(depth, Is.LessThan(5), "documentation that inherits from itself");
        IEnumerable<Type> own = member.Elements("exception").Select(exception => TypeOf((string)exception.Attribute("cref")!));
        IEnumerable<Type> inherited = member.Descendants("inheritdoc")
            .Select(inherit => (string?)inherit.Attribute("cref"))
            .OfType<string>()
            .SelectMany(cref => Of(s_members[cref], depth + 1));
        return own.Concat(inherited);
    }

    private static Type TypeOf(string cref)
        => typeof(SharedArray).Assembly.GetType(cref[2..]) ?? Type.GetType(cref[2..]) ?? throw new AssertionException(cref);
}
