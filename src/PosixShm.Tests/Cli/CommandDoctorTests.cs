using System.Text.Json;

namespace PosixShm.Tests;

/// <summary><c>pshm doctor</c>, on machines that mount namespaces imitate.</summary>
internal sealed class CommandDoctorTests : CommandTest
{
    private const string Logind = "mkdir -p /run/systemd/seats /etc/systemd/logind.conf.d && ";

    [Test]
    public void Every_check_has_a_status_a_value_and_a_meaning()
    {
        Dictionary<string, JsonElement> found = Doctor("true");
        Assert.That(found.Keys, Is.EquivalentTo(
            new[]
            {
                "directory", "size", "free space", "free inodes", "mount", "sharing", "huge pages", "memory limit", "locked memory",
                "descriptors", "mappings", "RemoveIPC", "leftovers",
            }));
        foreach (JsonElement finding in found.Values)
        {
            Assert.That(Status(finding), Is.AnyOf("ok", "attention", "does not apply"));
            Assert.That(finding.GetProperty("value").GetString(), Is.Not.Empty);
            Assert.That(finding.GetProperty("meaning").GetString(), Does.EndWith("."));
            Assert.That(string.IsNullOrEmpty(finding.GetProperty("advice").GetString()), Is.EqualTo(Status(finding) != "attention"));
        }
    }

    [Test]
    public void Small_directory_of_a_container_needs_attention_and_gives_exit_code_1()
    {
        using ChildProcess doctor = ChildProcess.Start(
            Namespaces.WithFileSystem("/dev/shm", "size=64m,nr_inodes=500", [Repository.Command, "doctor"]));
        Assert.That(doctor.WaitForExit(), Is.EqualTo(1), doctor.Errors);
        Assert.That(doctor.Output, Does.Match("size +attention: 64 MiB").And.Contain("--shm-size"));
        Assert.That(doctor.Output, Does.Match("free inodes +attention: 49[0-9]"));
        Assert.That(doctor.Output, Does.Contain("private to this mount namespace").And.Contain("2 of 13 need attention."));
    }

    [Test]
    public void Large_directory_gives_exit_code_0()
    {
        using ChildProcess doctor = ChildProcess.Start(Namespaces.WithMounts(
            "mount -t tmpfs -o size=1g,huge=advise none \"$1\" && mount -t tmpfs none /run", "/dev/shm", [Repository.Command, "doctor"]));
        Assert.That(doctor.WaitForExit(), Is.Zero, doctor.Output);
        Assert.That(
            doctor.Output, Does.Contain("huge=advise").And.Contain("has an effect here").And.EndsWith("Nothing needs attention.\n"));
    }

    [Test]
    public void Missing_directory_needs_attention()
    {
        // /dev without shm, as on AWS Lambda.
        Dictionary<string, JsonElement> found = Findings(Namespaces.WithoutShm([Repository.Command, "doctor", "--json"]));
        Assert.That(Status(found["directory"]), Is.EqualTo("attention"));
        Assert.That(found["directory"].GetProperty("advice").GetString(), Does.Contain("file:///path"));
    }

    [Test]
    public void Directory_of_the_variable_or_the_option_is_the_one_that_is_checked()
    {
        string below = Path.Combine(Folder, "below");
        using ChildProcess doctor = ChildProcess.Start([("POSIXSHM_DIR", below)], Namespaces.WithMounts(
            $"mount -t tmpfs -o size=32m none \"$1\" && mkdir -m 0777 '{below}' && mount -t tmpfs none /run && mkdir -p /run/systemd/seats",
            Folder,
            [Repository.Command, "doctor"]));
        Assert.That(doctor.WaitForExit(), Is.EqualTo(1), doctor.Errors);
        Assert.That(doctor.Output, Does.Match($"directory +attention: {below}\n").And.Contain($"chmod +t {below}"));
        Assert.That(doctor.Output, Does.Match("size +attention: 32 MiB").And.Contain($"remount,size=2g {Folder}\n"));
        Assert.That(doctor.Output, Does.Match($"RemoveIPC +does not apply: arrays are in {below}"));

        using ChildProcess option = ChildProcess.Start([("POSIXSHM_DIR", "/nonexistent")], [Repository.Command, "doctor", "--dir", Folder]);
        _ = option.WaitForExit();
        Assert.That(option.Output, Does.Match($"directory +ok: {Folder}\n"));

        using ChildProcess missing = ChildProcess.Start([("POSIXSHM_DIR", "/nonexistent")], [Repository.Command, "doctor"]);
        Assert.That(missing.WaitForExit(), Is.EqualTo(1), missing.Errors);
        Assert.That(missing.Output, Does.Match("directory +attention: there is no directory '/nonexistent'").And.Contain("POSIXSHM_DIR"));
    }

    [TestCase("", "1000", "attention", TestName = "RemoveIPC_is_on_unless_configured_otherwise")]
    [TestCase("printf '[Login]\\nRemoveIPC=no\\n' > /etc/systemd/logind.conf", "1000", "ok", TestName = "RemoveIPC_is_off_in_logind_conf")]
    [TestCase(
        "printf '[Login]\\nRemoveIPC=no\\n' > /etc/systemd/logind.conf; "
            + "printf '[Login]\\nRemoveIPC=yes\\n' > /etc/systemd/logind.conf.d/9.conf",
        "1000",
        "attention",
        TestName = "RemoveIPC_is_on_by_a_drop_in")]
    [TestCase("printf '[Other]\\nRemoveIPC=no\\n#RemoveIPC=no\\n' > /etc/systemd/logind.conf", "1000", "attention",
        TestName = "RemoveIPC_is_read_in_its_section_only")]
    [TestCase("mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/$(getent passwd 1000 | cut -d: -f1)", "1000", "ok",
        TestName = "RemoveIPC_spares_users_that_linger")]
    [TestCase("", "999", "ok", TestName = "RemoveIPC_spares_system_users")]
    [TestCase("printf 'SYS_UID_MAX\\t\\t 1500\\n' > /etc/login.defs", "1000", "ok",
        TestName = "RemoveIPC_spares_system_users_of_login_defs")]
    [TestCase("rmdir /run/systemd/seats", "1000", "does not apply", TestName = "RemoveIPC_does_not_apply_without_logind")]
    public void RemoveIpc(string setup, string user, string expected)
    {
        // Mounts the command where every user may read it, and imitates a machine with logind and two users.
        string command = File.ResolveLinkTarget(Repository.Command, returnFinalTarget: true)!.FullName;
        string machine = $"mount --bind '{Path.GetDirectoryName(command)}' /mnt && mount -t tmpfs none /run && mount -t tmpfs none /var"
            + " && cp /etc/nsswitch.conf /run/ && mount -t tmpfs none /etc && cp /run/nsswitch.conf /etc/"
            + " && printf 'somebody:x:1000:1000::/:/bin/sh\\nservice:x:999:999::/:/bin/sh\\n' > /etc/passwd && "
            + Logind + $"{{ {(setup.Length > 0 ? setup : "true")}; }} && cd /";
        Dictionary<string, JsonElement> found = Findings(
            Namespaces.WithMounts(machine, "/dev/shm", ["unshare", "--user", $"--map-user={user}", "/mnt/pshm", "doctor", "--json"]));
        Assert.That(Status(found["RemoveIPC"]), Is.EqualTo(expected), found["RemoveIPC"].ToString());
        if (expected == "attention")
        {
            Assert.That(
                found["RemoveIPC"].GetProperty("advice").GetString(), Does.Contain("enable-linger somebody").And.Contain("RemoveIPC=no"));
        }
    }

    private static string? Status(JsonElement finding) => finding.GetProperty("status").GetString();

    private static Dictionary<string, JsonElement> Doctor(string setup)
        => Findings(Namespaces.WithMounts(setup, "/dev/shm", [Repository.Command, "doctor", "--json"]));

    private static Dictionary<string, JsonElement> Findings(IReadOnlyList<string> command)
    {
        using ChildProcess doctor = ChildProcess.Start(command);
        Assert.That(doctor.WaitForExit(), Is.AnyOf(0, 1), doctor.Errors);
        using JsonDocument document = JsonDocument.Parse(doctor.Output);
        return document.RootElement.EnumerateArray().ToDictionary(
            finding => finding.GetProperty("name").GetString()!, finding => finding.Clone());
    }
}
