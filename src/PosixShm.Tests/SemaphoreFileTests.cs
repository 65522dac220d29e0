using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>The file behind a semaphore may be anybody's, and anything.</summary>
internal sealed class SemaphoreFileTests : NamedTest
{
    private static readonly AttachOptions s_anyOwner = new() { AllowOtherOwners = true };

    private string SemaphorePath => ShmPathOf("sem." + Name);

    [Test]
    public void A_file_that_is_not_a_semaphore_is_refused()
    {
        byte[] good;
        using (NamedSemaphore.Create(Name, 3))
        {
            good = File.ReadAllBytes(SemaphorePath);
        }

        byte[] random = new byte[32];
        new Random(3).NextBytes(random);
        byte[] huge = [.. good];
        huge[3] = 0x80;
        foreach (byte[] content in (byte[][])[[], new byte[31], new byte[32], new byte[33], [.. Enumerable.Repeat((byte)0xFF, 32)], [.. "0123456789abcdef0123456789abcdef"u8], random, huge, [.. good, 0]])
        {
            File.WriteAllBytes(SemaphorePath, content);
            Assert.That(() => NamedSemaphore.Open(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains(Name), Convert.ToHexString(content));
            Assert.That(() => NamedSemaphore.CreateOrOpen(Name, 1), Throws.InstanceOf<InvalidDataException>());
        }

        File.WriteAllBytes(SemaphorePath, good);
        using NamedSemaphore semaphore = NamedSemaphore.Open(Name);
        Assert.That(semaphore.CurrentCount, Is.EqualTo(3));
    }

    [Test]
    public void The_bytes_are_those_of_the_C_library()
    {
        NamedSemaphore.Create(NameOf("ours"), 3).Dispose();
        _ = Python.Run(
            """
            import ctypes
            libc = ctypes.CDLL(None)
            libc.sem_open.restype = ctypes.c_void_p
            assert libc.sem_open(b"/" + sys.argv[1].encode(), 0o100 | 0o200, 0o600, 3)
            """,
            NameOf("theirs"));
        Assert.That(File.ReadAllBytes(ShmPathOf("sem." + NameOf("ours"))), Is.EqualTo(File.ReadAllBytes(ShmPathOf("sem." + NameOf("theirs")))));
    }

    [TestCase(0, TestName = "A_semaphore_that_is_truncated_while_it_is_open_is_an_error_and_not_a_bus_error")]
    [TestCase(32, TestName = "A_semaphore_that_is_overwritten_while_it_is_open_is_an_error_and_does_not_end_the_process")]
    public void A_changed_semaphore(int length)
    {
        ChildProcess.Run(Use, Name, length.ToString(CultureInfo.InvariantCulture));

        static int Use(string[] args)
        {
            using NamedSemaphore semaphore = NamedSemaphore.Create(args[0], 1);
            using (FileStream file = File.OpenWrite("/dev/shm/sem." + args[0]))
            {
                file.Write([.. Enumerable.Repeat((byte)0xFF, 32)]);
                file.SetLength(int.Parse(args[1], CultureInfo.InvariantCulture));
            }

            Assert.That(() => semaphore.CurrentCount, Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => semaphore.TryWait(), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => semaphore.TryWait(TimeSpan.FromMilliseconds(20)), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => semaphore.Release(), Throws.InstanceOf<InvalidDataException>());
            return 0;
        }
    }

    [Test]
    [Category("Root")]
    public void Another_users_semaphore_is_opened_only_if_allowed()
    {
        NamedSemaphore.Create(Name, 2, (UnixFileMode)0b110_110_110).Dispose();
        _ = ChildProcess.Run("chown", "4242", SemaphorePath);
        Assert.That(() => NamedSemaphore.Open(Name), Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("4242").And.Message.Contains("AllowOtherOwners"));
        Assert.That(() => NamedSemaphore.CreateOrOpen(Name), Throws.InstanceOf<UnauthorizedAccessException>());
        using NamedSemaphore semaphore = NamedSemaphore.CreateOrOpen(Name, options: s_anyOwner);
        Assert.That(semaphore.CurrentCount, Is.EqualTo(2));
    }

    [Test]
    public void Leftovers_of_killed_creators_are_told_from_semaphores()
    {
        // As sem_open(3) names them; another test's files do not match.
        string unique = Guid.NewGuid().ToString("N")[..4];
        string empty = $"{unique}e1";
        string linked = $"{unique}l2";
        string whole = $"{unique}w3";
        using NamedSemaphore semaphore = NamedSemaphore.Create(Name, 1);
        try
        {
            File.WriteAllBytes(ShmPathOf("sem." + empty), []);
            Assert.That(Mono.Unix.Native.Syscall.link(SemaphorePath, ShmPathOf("sem." + linked)), Is.Zero);
            NamedSemaphore.Create(whole, 1).Dispose();
            Assert.That(() => NamedSemaphore.Open(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("2 names"));

            PruneOptions mine = new() { Pattern = unique + "*" };
            Assert.That(NamedSemaphore.Prune(mine), Is.EqualTo(new SemaphoreLeftover[] { new(empty, true), new(linked, true), new(whole, false) }));
            Assert.That(NamedSemaphore.List(), Does.Contain(whole));
            Assert.That(NamedSemaphore.Prune(mine with { DryRun = false, MinimumAge = TimeSpan.FromHours(1) }), Is.Empty);

            using (File.OpenRead(ShmPathOf("sem." + empty)))
            {
                Assert.That(NamedSemaphore.Prune(mine with { DryRun = false }).Select(static leftover => leftover.Name), Is.EqualTo(new[] { linked }), "a creator may be at work");
            }

            Assert.That(NamedSemaphore.Prune(mine with { DryRun = false }).Select(static leftover => leftover.Name), Is.EqualTo(new[] { empty }));
            NamedSemaphore.Open(Name).Dispose();
            NamedSemaphore.Delete(whole);
        }
        finally
        {
            foreach (string left in (string[])[empty, linked, whole])
            {
                File.Delete(ShmPathOf("sem." + left));
            }
        }
    }

    [TestCase("open-unnamed", TestName = "A_creator_of_a_semaphore_killed_at_its_begin_leaves_nothing")]
    [TestCase("before-link", TestName = "A_creator_of_a_semaphore_killed_before_the_name_is_given_leaves_nothing")]
    public void A_killed_creator(string step)
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.DieAt, step)], Create, Name);
        Assert.That(child.WaitForExit(), Is.EqualTo(128 + 9));
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.Empty);

        static int Create(string[] args)
        {
            NamedSemaphore.Create(args[0], 1).Dispose();
            return 0;
        }
    }

    [Test]
    [Category("Root")]
    public void Without_a_directory_of_shared_memory_the_message_says_so_and_what_works()
    {
        string script = "mount -t tmpfs none /mnt && cp -a /dev/null /dev/zero /dev/urandom /mnt && mount --bind /mnt /dev && exec \"$@\"";
        ChildProcess.Run("unshare", ["--mount", "bash", "-c", script, "bash", .. ChildProcess.CommandLine(Use, Folder)]);

        static int Use(string[] args)
        {
            Assert.That(() => SharedArray.Create("x", 1), Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("/dev/shm").And.Message.Contains("file://"));
            Assert.That(() => SharedArray.Attach("x"), Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("no directory /dev/shm").And.Message.Contains("file://"));
            Assert.That(() => SharedArray.List(), Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("file://"));
            Assert.That(() => NamedSemaphore.Create("x", 1), Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("/dev/shm").And.Message.Contains("file://"));
            Assert.That(() => NamedSemaphore.CreateOrOpen("x", 1), Throws.InstanceOf<DirectoryNotFoundException>());
            Assert.That(() => NamedSemaphore.Open("x"), Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("no directory /dev/shm"));
            Assert.That(() => NamedSemaphore.Delete("x"), Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("no directory /dev/shm"));
            Assert.That(() => NamedSemaphore.List(), Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("/dev/shm"));
            Assert.That(NamedSemaphore.TryDelete("x"), Is.False);
            SharedArray.Create($"file://{args[0]}/x", 1).Dispose();
            return 0;
        }
    }
}
