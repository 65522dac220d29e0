using System.Globalization;
using System.Text.Json;
using Mono.Unix.Native;

namespace PosixShm.Tests;

internal sealed class CommandListTests : CommandTest
{
    private static readonly string[] s_keys =
    [
        "name", "dtype", "shape", "bytes", "layout", "mode", "uid", "owner", "created", "modified", "in_use", "order", "offset", "strides",
    ];

    [Test]
    public void Json_has_the_promised_keys_in_the_promised_order([Values("list", "info", "show")] string command)
    {
        DateTimeOffset before = DateTimeOffset.UtcNow.AddSeconds(-1);
        SharedArray.Create<float>(Name, 2, 3).Dispose();

        JsonElement array = command == "list" ? Listed(Name) : JsonDocument.Parse(Pshm(command, Name, "--json")).RootElement;
        string[] keys = command switch
        {
            "show" => [.. s_keys, "values"],
            "info" => [.. s_keys, "reader_writer_lock", "locks"],
            _ => s_keys,
        };
        using (Assert.EnterMultipleScope())
        {
            Assert.That(array.EnumerateObject().Select(property => property.Name), Is.EqualTo(keys));
            Assert.That(array.GetProperty("name").GetString(), Is.EqualTo(Name));
            Assert.That(array.GetProperty("dtype").GetString(), Is.EqualTo("<f4"));
            Assert.That(array.GetProperty("shape").GetRawText(), Is.EqualTo("[2,3]"));
            Assert.That(array.GetProperty("bytes").GetInt64(), Is.EqualTo(24));
            Assert.That(array.GetProperty("layout").GetString(), Is.EqualTo("npy"));
            Assert.That(array.GetProperty("mode").GetString(), Is.EqualTo("0600"));
            Assert.That(array.GetProperty("uid").GetInt64(), Is.EqualTo(Syscall.geteuid()));
            Assert.That(array.GetProperty("owner").GetString(), Is.EqualTo(Environment.UserName));
            Assert.That(array.GetProperty("in_use").GetBoolean(), Is.False);
            Assert.That(array.GetProperty("order").GetString(), Is.EqualTo("C"));
            Assert.That(array.GetProperty("offset").GetInt64(), Is.EqualTo(128));
            Assert.That(array.GetProperty("strides").GetRawText(), Is.EqualTo("[12,4]"));
            foreach (string time in (string[])["created", "modified"])
            {
                string text = array.GetProperty(time).GetString()!;
                Assert.That(text, Does.EndWith("Z"));
                Assert.That(
                    DateTimeOffset.Parse(text, CultureInfo.InvariantCulture), Is.InRange(before, DateTimeOffset.UtcNow.AddSeconds(1)));
            }
        }
    }

    [Test]
    public void Python_reads_the_list()
    {
        SharedArray.Create<int>(Name, 5).Dispose();
        string script = """
            "$pshm" list --json | "$1" -c '
            import json, sys
            print(*[(a["dtype"], a["shape"], a["in_use"]) for a in json.load(sys.stdin) if a["name"] == sys.argv[1]])' "$2"
            """;
        Assert.That(Shell(script, Python.Interpreter, Name), Is.EqualTo("('<i4', [5], False)"));
    }

    [Test]
    public void Awk_finds_the_columns()
    {
        SharedArray.Create<double>(Name, 2, 3).Dispose();
        Assert.That(
            Shell("\"$pshm\" list | awk -v name=\"$1\" '$1 == name { print $2, $3, $4, $5, $6, $8 }'", Name),
            Is.EqualTo($"<f8 (2,3) 48 0600 {Environment.UserName} no"));
        Assert.That(
            Shell("\"$pshm\" list | awk 'NR == 1 { $1 = $1; print }'"),
            Is.EqualTo("NAME DTYPE SHAPE BYTES MODE OWNER CREATED IN_USE ORDER"));
    }

    [Test]
    public void A_list_goes_through_a_pipe_that_closes_early()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(Shell("\"$pshm\" list | head -n 1 | cut -c 1-4"), Is.EqualTo("NAME"));
    }

    [Test]
    public void A_terminal_gets_a_table()
    {
        SharedArray.Create(Name, 7).Dispose();
        string screen = Python.Run(
            """
            import pty, os
            pid, terminal = pty.fork()
            if pid == 0:
                os.environ['TERM'] = 'xterm-256color'
                os.environ['COLUMNS'] = '250'
                import fcntl, struct, termios
                fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 50, 250, 0, 0))
                os.execv(sys.argv[1], ['pshm', 'list'])
            screen = b''
            try:
                while chunk := os.read(terminal, 65536):
                    screen += chunk
            except OSError:
                pass
            print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
            sys.stdout.buffer.write(screen)
            """,
            Repository.Command);
        Assert.That(screen, Does.StartWith("0\n").And.Contain(Name).And.Contain("(7,)").And.Match("[│|]"));
    }

    [Test]
    public void Array_is_in_use_while_another_process_has_it_attached()
    {
        static int Hold(string[] args)
        {
            using SharedArray<double> array = SharedArray.Attach(args[0]);
            Console.WriteLine("HELD");
            _ = Console.ReadLine();
            return 0;
        }

        _ = Pshm("create", Name, "3");
        using ChildProcess holder = ChildProcess.Start(Hold, Name);
        holder.Expect("HELD");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Listed(Name).GetProperty("in_use").GetBoolean(), Is.True);
            Assert.That(Shell("\"$pshm\" list | awk -v name=\"$1\" '$1 == name { print $8 }'", Name), Is.EqualTo("yes"));
            Assert.That(Pshm("info", Name), Does.Contain("\nin_use: true\n"));
        }

        holder.WaitForSuccess();
        Assert.That(Listed(Name).GetProperty("in_use").GetBoolean(), Is.False);
    }

    [Test]
    public void A_name_is_any_text()
    {
        string name = NameOf("größe 数 😀 \"x\" [b]<&'");
        _ = Pshm("create", name, "2");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Listed(name).GetProperty("name").GetString(), Is.EqualTo(name));
            Assert.That(Pshm("list", "--json"), Does.Contain("größe 数"));
            Assert.That(Shell("LC_ALL=C \"$pshm\" list | grep -cF \"$1\"", name), Is.EqualTo("1"));
            Assert.That(Pshm("info", name), Does.StartWith($"name: {name}\n"));
        }

        _ = Pshm("delete", name);
        Assert.That(ShmPathOf(name), Does.Not.Exist);
    }

    [TestCase(10)]
    [TestCase(100_000)]
    public void Owner_is_the_name_in_an_entry_of_any_length(int length)
    {
        SharedArray.Create(Name, 1).Dispose();
        string users = Path.Combine(Folder, "passwd");

        // In the namespace, this user is root.
        File.WriteAllText(users, $"posixshm-owner:x:0:0:{new string('x', length)}:/:/bin/sh\n");
        string info = ChildProcess.Run(Namespaces.WithMounts("mount --bind \"$1\" /etc/passwd", users, [Repository.Command, "info", Name]));
        Assert.That(info, Does.Contain("\nowner: posixshm-owner\n"));
    }

    [Test]
    [NeedsRoot("gives a file to another user")]
    public void An_owner_without_a_name_is_a_number()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(Syscall.chown(ShmPath, 54321, 54321), Is.Zero);
        Assert.That(Listed(Name).GetProperty("owner").GetString(), Is.EqualTo("54321"));
    }

    [Test]
    public void A_foreign_file_is_listed_too_and_other_files_are_not()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.zeros((2, 2), [('x', '<f8'), ('n', '<i4')]))", ShmPath);
        File.WriteAllText(ShmPathOf(NameOf("text")), "not an array");
        Assert.That(Listed(Name).GetProperty("dtype").GetString(), Does.Contain("'x'"));
        Assert.That(Shell("\"$pshm\" list | awk -v name=\"$1\" '$1 == name { print $3 }'", Name), Is.EqualTo("(2,2)"));
        Assert.That(Pshm("list"), Does.Not.Contain(NameOf("text")));
    }

    [Test]
    public void Bytes_of_a_file_cannot_control_the_terminal()
    {
        _ = Python.Run(
            """
            def make(name, descr):
                text = "{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,), }"
                data = text.encode() + b"\n"
                open(f"{sys.argv[1]}-{name}", "wb").write(b"\x93NUMPY\x03\x00" + len(data).to_bytes(4, "little") + data + bytes(64))
            make("unit", "'<M8[\x1b[31m\u202e\x9b\n]'")
            make("field", "[('\x1b[31m\u202e', '<M8[\x1b]0;x\x07]')]")
            make("text", "'<U1'")
            """,
            ShmPath);
        using (FileStream file = File.OpenWrite(ShmPathOf(NameOf("text"))))
        {
            file.Position = file.Length - 64;
            file.Write([0x1B, 0, 0, 0]);
        }

        string all = Pshm("list") + Pshm("list", "--json");
        foreach (string name in (string[])[NameOf("unit"), NameOf("field"), NameOf("text")])
        {
            string[][] commands =
            [
                ["info", name], ["info", "--json", name], ["show", name], ["show", "--json", name], ["create", name], ["unlock", name],
            ];
            foreach (string[] command in commands)
            {
                using ChildProcess child = ChildProcess.Start(Repository.Command, command);
                _ = child.WaitForExit();
                all += child.Output + child.Errors;
            }
        }

        Assert.That(all.Where(static c => (char.IsControl(c) && c != '\n') || c == '\u202e'), Is.Empty);
    }

    [Test]
    public void One_long_element_type_does_not_widen_every_row()
    {
        _ = Python.Run(
            "np.lib.format.write_array(open(sys.argv[1], 'wb'), np.zeros(1, [(f'f{i}', '<f8') for i in range(3000)]), version=(1, 0))\n"
                + "for i in range(100): np.save(open(f'{sys.argv[1]}-{i}', 'wb'), np.zeros(1))",
            ShmPath);
        string list = Pshm("list");
        Assert.That(list, Does.Contain(NameOf("99")));
        Assert.That(
            list.Split('\n').Where(line => line.StartsWith(Name, StringComparison.Ordinal)).Select(line => line.Length),
            Is.All.LessThan(1000));
        Assert.That(list, Does.Match($"{Name} .*\\.\\.\\. "));
        Assert.That(Listed(Name).GetProperty("dtype").GetString(), Does.EndWith("('f2999', '<f8')]"));
    }

    private static JsonElement Listed(string name) => JsonDocument.Parse(Pshm("list", "--json")).RootElement
        .EnumerateArray().Single(array => array.GetProperty("name").GetString() == name);
}
