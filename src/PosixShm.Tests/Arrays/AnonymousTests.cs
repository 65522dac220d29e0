using System.Globalization;

namespace PosixShm.Tests;

/// <summary>Arrays that have no name and leave nothing.</summary>
internal sealed class AnonymousTests : NamedTest
{
    [Test]
    public void Another_process_attaches_by_the_reference()
    {
        using SharedArray<int> array = SharedArray.CreateAnonymous<int>(2, 3);
        array[1, 2] = 42;
        Assert.That(array.Name, Does.Match($"^/proc/{Environment.ProcessId}/fd/[0-9]+$"));
        Assert.That(array.IsCurrent, Is.True);
        Assert.That(SharedArray.Describe(array.Name).Shape, Is.EqualTo(new long[] { 2, 3 }));

        ChildProcess.Run(Answer, array.Name);
        Assert.That(array[0], Is.EqualTo(43));

        string seen = Python.Run("a = np.load(sys.argv[1], mmap_mode='r+'); print(a.tolist()); a[0, 1] = 44", array.Name);
        Assert.That(seen, Is.EqualTo("[[43, 0, 0], [0, 0, 42]]"));
        Assert.That(array[1], Is.EqualTo(44));

        static int Answer(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            array[0] = array[1, 2] + 1;
            return 0;
        }
    }

    [Test]
    public void Started_process_inherits_an_anonymous_array()
    {
        using SharedArray<int> array = SharedArray.CreateAnonymous<int>(3);
        using (ChildProcess stranger = ChildProcess.Start(Answer, $"/proc/self/fd/{Path.GetFileName(array.Name)}"))
        {
            Assert.That(stranger.WaitForExit(), Is.Not.Zero, "the child inherits no descriptor by default");
        }

        string inherited = array.MakeInheritable();
        Assert.That(array.MakeInheritable(), Is.EqualTo(inherited));
        ChildProcess.Run(Answer, inherited);
        Assert.That(array[2], Is.EqualTo(5));

        static int Answer(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            array[2] = 5;
            return 0;
        }
    }

    [Test]
    public void An_inherited_descriptor_is_not_handed_on_and_closes_with_its_arrays()
    {
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.From([1, 2, 3]));
        using ChildProcess child = ChildProcess.Start(Use, array.MakeInheritable());
        child.WaitForSuccess();

        static int Use(string[] args)
        {
            string number = Path.GetFileName(args[0]);
            Assert.That(Grandchild(number), Is.EqualTo("inherited"), "until it is attached");
            Assert.That(() => SharedArray.Attach<double>(args[0]), Throws.InstanceOf<InvalidDataException>());
            Assert.That(File.Exists(args[0]), Is.True, "a failed attachment closes nothing");

            SharedArray<int> first = SharedArray.Attach<int>(args[0]);
            Assert.That(Grandchild(number), Is.EqualTo("closed"));
            SharedArray<int> second = SharedArray.Attach<int>($"/proc/{Environment.ProcessId}/fd/{number}");
            first.Dispose();
            first.Dispose();
            Assert.That(second[2], Is.EqualTo(3));
            Assert.That(SharedArray.Describe(args[0]).Shape, Is.EqualTo(new long[] { 3 }), "the second attachment still has it");
            second.Dispose();
            Assert.That(File.Exists(args[0]), Is.False);
            Assert.That(OwnProcess.CountDescriptors("/dev/shm/"), Is.Zero);
            return 0;
        }

        static string Grandchild(string number)
            => ChildProcess.Run("sh", "-c", $"[ -e /proc/self/fd/{number} ] && echo inherited || echo closed").Trim();
    }

    [Test]
    public void Descriptor_of_this_process_stays_open_when_the_array_attached_by_it_is_disposed()
    {
        using SharedArray<int> array = SharedArray.CreateAnonymous<int>(3);
        string forChildren = array.MakeInheritable();
        SharedArray.Attach<int>(forChildren).Dispose();
        SharedArray.Attach<int>(array.Name).Dispose();
        SharedArray.Attach<int>($"/proc/self/fd/{Path.GetFileName(array.Name)}").Dispose();
        Assert.That(File.Exists(forChildren) && File.Exists(array.Name), Is.True);
        ChildProcess.Run(Attach, forChildren);

        SharedArray<int> other = SharedArray.Attach<int>(forChildren);
        array.Dispose();
        other[0] = 1;
        other.Dispose();
        Assert.That(File.Exists(forChildren), Is.False);

        static int Attach(string[] args)
        {
            using SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            return array[0];
        }
    }

    [Test]
    public void Standard_input_is_attached_and_stays_open()
    {
        SharedArray.Create(Name, ArrayContent.From([1, 2, 3])).Dispose();
        _ = ChildProcess.Run("sh", ["-c", $"exec \"$@\" <{ShmPath}", "sh", .. ChildProcess.CommandLine(Attach)]);

        static int Attach(string[] args)
        {
            using (SharedArray.AttachReadOnly<int>("/proc/self/fd/0"))
            {
            }

            return File.Exists("/proc/self/fd/0") ? args.Length : 1;
        }
    }

    [Test]
    public void Kernel_frees_an_anonymous_array_with_its_last_user()
    {
        using ChildProcess maker = ChildProcess.Start(Make);
        string name = maker.ReadLine()!;
        SharedArray<byte> array = SharedArray.Attach<byte>(name);
        long shared = SharedMemoryOfTheSystem();
        maker.Kill();

        // The creator has exited. Its memory and the content remain.
        Assert.That(array[(64 << 20) - 1], Is.EqualTo(7));
        Assert.That(() => SharedArray.Attach<byte>(name), Throws.InstanceOf<FileNotFoundException>());
        array.Dispose();

        Assert.That(() => SharedMemoryOfTheSystem(), Is.LessThan(shared - (32 << 10)).After(10_000, 50));

        static int Make(string[] args)
        {
            using SharedArray<byte> array = SharedArray.CreateAnonymous<byte>(64 << 20);
            array.Fill(7);
            Console.WriteLine(array.Name);
            _ = Console.ReadLine();
            return args.Length;
        }

        // In kB; proc(5). Concurrent tests use less than the 64 MiB of this test.
        static long SharedMemoryOfTheSystem()
            => long.Parse(
                File.ReadLines("/proc/meminfo").Single(line => line.StartsWith("Shmem:", StringComparison.Ordinal))
                    .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
                CultureInfo.InvariantCulture);
    }

    [Test]
    public void Anonymous_array_can_be_neither_truncated_nor_extended()
    {
        using SharedArray<int> array = SharedArray.CreateAnonymous<int>(10);
        string answer = Python.Run(
            """
            import os
            for size in (0, 1 << 20):
                try:
                    os.truncate(sys.argv[1], size)
                    print("done")
                except OSError as e:
                    print(e.errno)
            """, array.Name);
        Assert.That(answer, Is.EqualTo("1\n1"));
    }

    [Test]
    public void Anonymous_array_is_accessible_to_its_user_alone()
        => Assert.That(ModeOfAnonymous(), Is.EqualTo("600"));

    [Test]
    public void Anonymous_array_has_no_name_to_create_or_replace()
    {
        using SharedArray<int> array = SharedArray.CreateAnonymous<int>(10);
        Assert.That(() => SharedArray.Create<int>(array.Name, 1), Throws.ArgumentException.With.Message.Contains("descriptor"));
        Assert.That(() => SharedArray.Replace<int>(array.Name, 1), Throws.ArgumentException.With.Message.Contains("descriptor"));
        Assert.That(() => SharedArray.CreateAnonymous<int>(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Failures_report_a_reason_and_leave_nothing()
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, "memfd:24")], Make);
        Assert.That(child.WaitForExit(), Is.EqualTo(2));
        Assert.That(child.Output, Does.Contain("an anonymous array").And.Contain("RLIMIT_NOFILE"));

        static int Make(string[] args)
        {
            try
            {
                using SharedArray<int> array = SharedArray.CreateAnonymous<int>(10);
                return args.Length;
            }
            catch (IOException error)
            {
                Console.WriteLine(error.Message);
                return 2;
            }
        }
    }

    private static string ModeOfAnonymous()
    {
        using SharedArray<int> array = SharedArray.CreateAnonymous<int>(10);
        return ChildProcess.Run("stat", "-L", "-c", "%a", array.Name).Trim();
    }
}
