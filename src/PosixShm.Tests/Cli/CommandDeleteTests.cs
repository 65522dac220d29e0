namespace PosixShm.Tests;

internal sealed class CommandDeleteTests : CommandTest
{
    [Test]
    public void Delete_removes_the_name_and_prints_nothing()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(Pshm("delete", Name), Is.Empty);
        Assert.That(ShmPath, Does.Not.Exist);
    }

    [Test]
    public void Delete_leaves_attachments_intact()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 1);
        _ = Pshm("delete", Name);
        array[0] = 3;
        Assert.That(array[0], Is.EqualTo(3));
    }

    [Test]
    public void Delete_takes_several_names_in_each_of_their_forms()
    {
        string[] names = [Name, NameOf("b"), NameOf("c")];
        Array.ForEach(names, name => SharedArray.Create(name, 1).Dispose());
        Assert.That(Pshm("delete", Name, "/" + NameOf("b"), "shm://" + NameOf("c")), Is.Empty);
        Assert.That(names.Select(ShmPathOf).Where(File.Exists), Is.Empty);
    }

    [Test]
    public void Delete_tries_all_names_and_reports_each_failure()
    {
        SharedArray.Create(Name, 1).Dispose();
        File.WriteAllText(ShmPathOf(NameOf("text")), "not an array");

        using ChildProcess command = ChildProcess.Start(Repository.Command, "delete", NameOf("none"), NameOf("text"), Name);
        int exitCode = command.WaitForExit();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(exitCode, Is.EqualTo(1));
            Assert.That(command.Errors.Split('\n'), Has.Length.EqualTo(2).And.All.StartsWith("pshm: "));
            Assert.That(command.Errors, Does.Contain(NameOf("none")).And.Contain(NameOf("text")));
            Assert.That(ShmPath, Does.Not.Exist);
            Assert.That(ShmPathOf(NameOf("text")), Does.Exist);
        }
    }

    [Test]
    public void Invalid_name_is_wrong_use_and_the_other_names_are_deleted()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(Fail(2, "delete", "a/b", Name), Does.Contain("'a/b'"));
        Assert.That(ShmPath, Does.Not.Exist);
    }

    [Test]
    public void A_mistyped_option_deletes_nothing()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(Fail(2, "delete", "--force", Name), Does.Contain("'--force'"));
        Assert.That(ShmPath, Does.Exist);
    }

    [Test]
    public void A_damaged_array_can_be_deleted()
    {
        SharedArray.Create(Name, 1000).Dispose();
        using (FileStream file = File.OpenWrite(ShmPath))
        {
            file.SetLength(5000);
        }

        _ = Pshm("delete", Name);
        Assert.That(ShmPath, Does.Not.Exist);
    }
}
