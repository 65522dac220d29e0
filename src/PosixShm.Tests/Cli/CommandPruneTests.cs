using System.Text.Json;

namespace PosixShm.Tests;

internal sealed class CommandPruneTests : CommandTest
{
    [Test]
    public void Prune_lists_leftovers_and_deletes_them_only_on_request()
    {
        SharedArray.Create(NameOf("left"), 1).Dispose();
        using SharedArray<double> used = SharedArray.Create(NameOf("used"), 1);

        Assert.That(Pshm("prune", $"*{Name}*"), Does.Contain(NameOf("left")).And.Not.Contain(NameOf("used")));
        Assert.That(ShmPathOf(NameOf("left")), Does.Exist);

        using JsonDocument deleted = JsonDocument.Parse(Pshm("prune", $"*{Name}*", "--delete", "--json"));
        Assert.That(
            deleted.RootElement.EnumerateArray().Select(array => array.GetProperty("name").GetString()),
            Is.EqualTo(new[] { NameOf("left") }));
        Assert.That(ShmPathOf(NameOf("left")), Does.Not.Exist);
        Assert.That(ShmPathOf(NameOf("used")), Does.Exist);
        Assert.That(Pshm("prune", $"*{Name}*"), Is.Empty);
    }

    [Test]
    public void Prune_leaves_the_young_alone()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(Pshm("prune", Name, "--older-than", "2h", "--delete"), Is.Empty);
        Assert.That(ShmPath, Does.Exist);
        Assert.That(Pshm("prune", Name, "--older-than", "0s", "--delete"), Does.Contain(Name));
        Assert.That(ShmPath, Does.Not.Exist);
    }

    [TestCase("2")]
    [TestCase("h")]
    [TestCase("-1h")]
    [TestCase("2y")]
    public void Invalid_age_is_wrong_use(string age)
        => Assert.That(Fail(2, "prune", "--older-than", age), Does.Contain("age").Or.Contain(age));

    [Test]
    public void Create_takes_a_layout()
    {
        Assert.That(Pshm("create", Name, "3", "--layout", "sharedarray", "--fill", "2"), Is.Empty);
        Assert.That(SharedArray.Describe(Name).Layout, Is.EqualTo(ArrayLayout.PythonSharedArray));
        Assert.That(Pshm("show", Name), Does.Contain("[2. 2. 2.]"));
        Assert.That(Fail(2, "create", NameOf("x"), "3", "--layout", "other"), Does.Contain("npy or sharedarray"));
    }

    [Test]
    public void Names_of_files_are_taken_everywhere()
    {
        string name = $"file://{Folder}/a b.npy";
        Assert.That(Pshm("create", name, "2", "--dtype", "int16", "--fill", "7"), Is.Empty);
        Assert.That(Pshm("show", name), Does.Contain("[7 7]"));
        Assert.That(Pshm("info", name), Does.Contain(name));
        Assert.That(Pshm("delete", name), Is.Empty);
        Assert.That(Directory.GetFiles(Folder), Is.Empty);
    }
}
