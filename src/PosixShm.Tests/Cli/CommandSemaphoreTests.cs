using PosixShm.Posix;

namespace PosixShm.Tests;

/// <summary>The command's semaphores.</summary>
internal sealed class CommandSemaphoreTests : CommandTest
{
    [Test]
    public void Counts_go_up_and_down()
    {
        Assert.That(Pshm("semaphore", "create", Name, "2"), Is.Empty);
        using NamedSemaphore semaphore = NamedSemaphore.Attach(Name);
        Assert.That(semaphore.CurrentCount, Is.EqualTo(2));
        Assert.That(Pshm("semaphore", "post", "/" + Name), Is.Empty);
        Assert.That(Pshm("semaphore", "post", Name, "--count", "3"), Is.Empty);
        Assert.That(semaphore.CurrentCount, Is.EqualTo(6));
        Assert.That(Pshm("semaphore", "wait", Name), Is.Empty);
        Assert.That(Pshm("semaphore", "wait", Name, "--timeout", "0"), Is.Empty);
        Assert.That(semaphore.CurrentCount, Is.EqualTo(4));
    }

    [Test]
    public void Count_begins_at_zero_and_a_wait_that_times_out_is_exit_code_one()
    {
        _ = Pshm("semaphore", "create", Name);
        Assert.That(Fail(1, "semaphore", "wait", Name, "--timeout", "0"), Does.Contain($"'{Name}'"));
        Assert.That(Fail(1, "semaphore", "wait", Name, "--timeout", "0.1"), Does.Contain("0.1 seconds"));
    }

    [Test]
    public void A_post_ends_a_wait()
    {
        _ = Pshm("semaphore", "create", Name);
        using ChildProcess waiter = ChildProcess.Start(Repository.Command, "semaphore", "wait", Name, "--timeout", "30");
        _ = Pshm("semaphore", "post", Name);
        waiter.WaitForSuccess();
    }

    [Test]
    public void The_list_is_for_awk_and_for_Python()
    {
        Assert.That(Pshm("semaphore", "list"), Does.Not.Contain(Name));
        _ = Pshm("semaphore", "create", NameOf("größe"), "7");
        File.WriteAllBytes(ShmPathOf("sem." + NameOf("none")), [1]);
        Assert.That(
            Shell("\"$pshm\" semaphore list | awk -v name=\"$1\" 'NR == 1 { print $1, $2 } index($1, name) == 1 { print $2 }'", Name),
            Is.EqualTo("NAME COUNT\n7\n-"));

        string script = """
            "$pshm" semaphore list --json | "$1" -c '
            import json, sys
            mine = [s for s in json.load(sys.stdin) if s["name"].startswith(sys.argv[1])]
            print(*[(s["name"][len(sys.argv[1]):], s["count"], len(s)) for s in mine])' "$2"
            """;
        Assert.That(Shell(script, Python.Interpreter, Name), Is.EqualTo("('-größe', 7, 3) ('-none', None, 3)"));
    }

    [Test]
    public void Leftovers_of_killed_creators_are_marked_and_pruned_on_request()
    {
        string left = Guid.NewGuid().ToString("N")[..6];
        File.WriteAllBytes(ShmPathOf("sem." + left), []);
        try
        {
            Assert.That(
                Shell("\"$pshm\" semaphore list | awk -v name=\"$1\" '$1 == name { print $2, $3 }'", left), Is.EqualTo("- certain"));
            Assert.That(Pshm("semaphore", "prune", left, "--json"), Does.Contain("\"leftover\":\"certain\""));
            Assert.That(Pshm("semaphore", "prune", left, "--delete"), Does.Contain(left));
            Assert.That(ShmPathOf("sem." + left), Does.Not.Exist);
        }
        finally
        {
            File.Delete(ShmPathOf("sem." + left));
        }
    }

    [Test]
    public void Delete_tries_all_semaphores()
    {
        _ = Pshm("semaphore", "create", NameOf("a"));
        _ = Pshm("semaphore", "create", NameOf("b"));
        Assert.That(Fail(1, "semaphore", "delete", NameOf("a"), NameOf("x"), NameOf("b")), Does.Contain($"'{NameOf("x")}'"));
        Assert.That((NamedSemaphore.Exists(NameOf("a")), NamedSemaphore.Exists(NameOf("b"))), Is.EqualTo((false, false)));
    }

    [Test]
    public void Failures_report_a_reason()
    {
        _ = Pshm("semaphore", "create", Name, "1");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Fail(1, "semaphore", "create", Name), Does.Contain("already"));
            Assert.That(Fail(2, "semaphore", "post", Name, "--count", "few"), Does.Contain("'few'").And.Not.Contain("System."));
            Assert.That(Fail(2, "semaphore", "wait", Name, "--timeout", "soon"), Does.Contain("'soon'"));
            Assert.That(Fail(1, "semaphore", "post", NameOf("x")), Does.Contain("no semaphore"));
            Assert.That(Fail(1, "semaphore", "wait", NameOf("x")), Does.Contain("no semaphore"));
            Assert.That(Fail(1, "semaphore", "post", Name, "--count", "2147483647"), Does.Contain("more than"));
        }
    }
}
