using System.Reflection;

namespace PosixShm.Tests;

/// <summary>Makes every change of the public surface a change of a reviewed text file.</summary>
internal sealed class PublicApiTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Test]
    public void The_public_surface_is_the_approved_one()
    {
        IEnumerable<string> lines =
            from type in typeof(SharedArray).Assembly.GetExportedTypes()
            orderby type.FullName
            from line in type.GetMembers(Declared).Select(member => $"    {member}").Order(StringComparer.Ordinal).Prepend($"{type}")
            select line;

        string actual = string.Join('\n', lines) + '\n';
        string approved = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "PublicApi.approved.txt");

        if (Environment.GetEnvironmentVariable("APPROVE") == "1")
        {
            File.WriteAllText(approved, actual);
        }

        Assert.That(actual, Is.EqualTo(File.ReadAllText(approved)), "run the test with APPROVE=1 and review the diff");
    }
}
