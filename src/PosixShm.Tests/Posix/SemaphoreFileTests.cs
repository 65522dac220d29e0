using System.Globalization;
using PosixShm.Posix;

namespace PosixShm.Tests;

/// <summary>The file behind a semaphore may have any content and belong to any user.</summary>
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
        byte[][] contents =
        [
            [], new byte[31], new byte[32], new byte[33], [.. Enumerable.Repeat((byte)0xFF, 32)], [.. "0123456789abcdef0123456789abcdef"u8],
            random, huge, [.. good, 0],
        ];
        foreach (byte[] content in contents)
        {
            File.WriteAllBytes(SemaphorePath, content);
            Assert.That(
                () => NamedSemaphore.Attach(Name),
                Throws.InstanceOf<InvalidDataException>().With.Message.Contains(Name),
                Convert.ToHexString(content));
            Assert.That(() => NamedSemaphore.CreateOrAttach(Name, 1), Throws.InstanceOf<InvalidDataException>());
        }

        File.WriteAllBytes(SemaphorePath, good);
        using NamedSemaphore semaphore = NamedSemaphore.Attach(Name);
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
        Assert.That(
            File.ReadAllBytes(ShmPathOf("sem." + NameOf("ours"))), Is.EqualTo(File.ReadAllBytes(ShmPathOf("sem." + NameOf("theirs")))));
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
    [NeedsRoot("gives a file to another user")]
    public void Semaphore_of_another_user_is_opened_only_if_allowed()
    {
        NamedSemaphore.Create(Name, 2, (UnixFileMode)0b110_110_110).Dispose();
        _ = ChildProcess.Run("chown", "4242", SemaphorePath);
        Assert.That(
            () => NamedSemaphore.Attach(Name),
            Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("4242").And.Message.Contains("AllowOtherOwners"));
        Assert.That(() => NamedSemaphore.CreateOrAttach(Name), Throws.InstanceOf<UnauthorizedAccessException>());
        using NamedSemaphore semaphore = NamedSemaphore.CreateOrAttach(Name, options: s_anyOwner);
        Assert.That(semaphore.CurrentCount, Is.EqualTo(2));
    }

    [Test]
    public void Leftovers_of_killed_creators_are_distinguished_from_semaphores()
    {
        // The names are those of sem_open(3), and no other test's files match them.
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
            Assert.That(() => NamedSemaphore.Attach(Name), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("2 names"));

            StaleOptions mine = new() { Pattern = unique + "*" };
            Assert.That(
                NamedSemaphore.FindStale(mine),
                Is.EqualTo(new StaleSemaphore[] { new(empty, true), new(linked, true), new(whole, false) }));
            Assert.That(NamedSemaphore.List(), Does.Contain(whole));
            Assert.That(NamedSemaphore.DeleteStale(mine with { MinimumAge = TimeSpan.FromHours(1) }), Is.Empty);

            using (File.OpenRead(ShmPathOf("sem." + empty)))
            {
                Assert.That(
                    NamedSemaphore.DeleteStale(mine).Select(static leftover => leftover.Name),
                    Is.EqualTo(new[] { linked }),
                    "a creator may be at work");
            }

            Assert.That(NamedSemaphore.DeleteStale(mine).Select(static leftover => leftover.Name), Is.EqualTo(new[] { empty }));
            NamedSemaphore.Attach(Name).Dispose();
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

    [Test]
    public void A_creator_killed_after_sem_open_leaves_a_semaphore_that_works()
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.DieAt, "sem-created")], Create, Name);
        Assert.That(child.WaitForExit(), Is.EqualTo(128 + 9));
        using NamedSemaphore semaphore = NamedSemaphore.Attach(Name);
        Assert.That(semaphore.CurrentCount, Is.EqualTo(3));
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.EqualTo(new[] { SemaphorePath }));
    }

    [Test]
    public void A_creator_killed_inside_sem_open_leaves_a_file_that_is_listed_as_possible()
    {
        // The kernel kills the process at link(2), by which sem_open names its temporary file.
        string source = Path.Combine(Folder, "nolink.c");
        File.WriteAllText(source, """
            #include <linux/filter.h>
            #include <linux/seccomp.h>
            #include <stddef.h>
            #include <sys/prctl.h>
            #include <sys/syscall.h>
            #include <unistd.h>
            int main(int argc, char** argv)
            {
                struct sock_filter filter[] = {
                    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            #ifdef __NR_link
                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_link, 1, 0),
            #endif
                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_linkat, 0, 1),
                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
                };
                struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };
                prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
                if (argc < 2 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
                {
                    return 1;
                }

                execvp(argv[1], argv + 1);
                return 2;
            }
            """);
        string program = Path.Combine(Folder, "nolink");
        _ = ChildProcess.Run("cc", "-o", program, source);
        _ = Namespaces.RunWithShm("size=1m", Kill, [program, .. ChildProcess.CommandLine(Create, Name)]);

        static int Kill(string[] args)
        {
            using ChildProcess child = ChildProcess.Start(args);
            Assert.That(child.WaitForExit(), Is.EqualTo(128 + 31));
            Assert.That(NamedSemaphore.Exists(args[^1]), Is.False);
            StaleSemaphore left = NamedSemaphore.FindStale().Single();
            Assert.That(left.IsCertain, Is.False);
            Assert.That(NamedSemaphore.DeleteStale(), Is.Empty);
            NamedSemaphore.Delete(left.Name);
            Assert.That(Directory.GetFiles("/dev/shm"), Is.Empty);
            return 0;
        }
    }

    private static int Create(string[] args)
    {
        NamedSemaphore.Create(args[0], 3).Dispose();
        return 0;
    }

    [Test]
    public void Two_attachments_of_a_semaphore_share_a_page_and_one_stays_guarded_after_the_other_closes()
    {
        ChildProcess.Run(Use, Name);

        static int Use(string[] args)
        {
            string path = "/dev/shm/sem." + args[0];
            NamedSemaphore first = NamedSemaphore.Create(args[0], 1);
            byte[] good = File.ReadAllBytes(path);
            string inode;
            using (NamedSemaphore second = NamedSemaphore.Attach(args[0]))
            {
                first.Dispose();
                first.Dispose();
                second.Release();
                Assert.That(second.CurrentCount, Is.EqualTo(2));
                Assert.That(Mono.Unix.Native.Syscall.stat(path, out Mono.Unix.Native.Stat status), Is.Zero);
                inode = $" {status.st_ino} ";
                Assert.That(OwnProcess.CountMappings(inode), Is.EqualTo(1));
                using FileStream file = File.OpenWrite(path);
                file.SetLength(0);
                Assert.That(() => second.CurrentCount, Throws.InstanceOf<InvalidDataException>());

                // The file is complete again, but the C library keeps the lost page mapped for as long as the semaphore is open.
                file.Write(good);
                file.Flush();
                Assert.That(() => NamedSemaphore.Attach(args[0]), Throws.InstanceOf<InvalidDataException>());
            }

            using NamedSemaphore again = NamedSemaphore.Attach(args[0]);
            Assert.That(again.CurrentCount, Is.EqualTo(1));
            again.Dispose();
            Assert.That(OwnProcess.CountMappings(inode), Is.Zero);
            Assert.That(OwnProcess.CountDescriptors(path), Is.Zero);
            return 0;
        }
    }

    [Test]
    public void A_name_that_is_exchanged_while_it_is_opened_is_never_the_unchecked_file()
    {
        NamedSemaphore.Create(Name, 7).Dispose();
        NamedSemaphore.Create(NameOf("other"), 9).Dispose();

        // Open refuses the other file because of its second name.
        string other = ShmPathOf("sem." + NameOf("other"));
        Assert.That(Mono.Unix.Native.Syscall.link(other, ShmPathOf("sem." + NameOf("second"))), Is.Zero);

        // The other file gets the name between the check and sem_open.
        string source = Path.Combine(Folder, "exchange.c");
        File.WriteAllText(source, """
            #define _GNU_SOURCE
            #include <dlfcn.h>
            #include <semaphore.h>
            #include <stdio.h>
            #include <stdlib.h>
            sem_t* sem_open(const char* name, int flags, ...)
            {
                sem_t* (*real)(const char*, int, ...) = (sem_t* (*)(const char*, int, ...))dlsym(RTLD_NEXT, "sem_open");
                rename(getenv("EXCHANGE_FROM"), getenv("EXCHANGE_TO"));
                return real(name, flags);
            }
            """);
        string library = Path.Combine(Folder, "exchange.so");
        _ = ChildProcess.Run("cc", "-shared", "-fPIC", "-w", "-o", library, source);
        using ChildProcess child = ChildProcess.Start(
            [("LD_PRELOAD", library), ("EXCHANGE_FROM", other), ("EXCHANGE_TO", SemaphorePath)], Open, Name);
        child.WaitForSuccess();
        Assert.That(other, Does.Not.Exist, "exchanged");

        static int Open(string[] args)
        {
            Assert.That(() => NamedSemaphore.Attach(args[0]), Throws.InstanceOf<InvalidDataException>().With.Message.Contains("2 names"));
            return 0;
        }
    }

    [Test]
    public void A_file_size_limit_is_an_error_and_leaves_nothing()
    {
        using ChildProcess child = ChildProcess.Start([("DOTNET_EnableWriteXorExecute", "0")], Limited, Name);
        child.WaitForSuccess();
        Assert.That(Directory.GetFiles("/dev/shm", $"*{Name}*"), Is.Empty);

        static int Limited(string[] args)
        {
            // The runtime needs larger files when it starts.
            _ = ChildProcess.Run("prlimit", [$"--pid={Environment.ProcessId}", "--fsize=0"]);
            Assert.That(() => NamedSemaphore.Create(args[0], 1), Throws.InstanceOf<IOException>().With.Message.Contains("RLIMIT_FSIZE"));
            return 0;
        }
    }

    [Test]
    public void Message_reports_a_missing_dev_shm_and_the_alternatives()
    {
        _ = ChildProcess.Run(Namespaces.WithoutShm(ChildProcess.CommandLine(Use, Folder)));

        static int Use(string[] args)
        {
            Assert.That(
                () => SharedArray.Create("x", 1),
                Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("/dev/shm").And.Message.Contains("file://"));
            Assert.That(
                () => SharedArray.Attach("x"),
                Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("no directory /dev/shm").And.Message.Contains("file://"));
            Assert.That(() => SharedArray.List(), Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("file://"));
            Assert.That(
                () => NamedSemaphore.Create("x", 1),
                Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("/dev/shm").And.Message.Contains("file://"));
            Assert.That(() => NamedSemaphore.CreateOrAttach("x", 1), Throws.InstanceOf<DirectoryNotFoundException>());
            Assert.That(
                () => NamedSemaphore.Attach("x"),
                Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("no directory /dev/shm"));
            Assert.That(
                () => NamedSemaphore.Delete("x"),
                Throws.InstanceOf<FileNotFoundException>().With.Message.Contains("no directory /dev/shm"));
            Assert.That(() => NamedSemaphore.List(), Throws.InstanceOf<DirectoryNotFoundException>().With.Message.Contains("/dev/shm"));
            Assert.That(NamedSemaphore.TryDelete("x"), Is.False);
            SharedArray.Create($"file://{args[0]}/x", 1).Dispose();
            return 0;
        }
    }
}
