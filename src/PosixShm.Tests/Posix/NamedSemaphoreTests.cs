using PosixShm.Posix;

namespace PosixShm.Tests;

/// <summary>Counting semaphores, shared with C and Python.</summary>
internal sealed class NamedSemaphoreTests : NamedTest
{
    private string SemaphorePath => ShmPathOf("sem." + Name);

    [Test]
    public void A_count_goes_down_and_up()
    {
        using NamedSemaphore semaphore = NamedSemaphore.Create(Name, 2);
        using NamedSemaphore same = NamedSemaphore.Attach("/" + Name);
        Assert.That((same.Name, same.CurrentCount), Is.EqualTo((Name, 2)));
        semaphore.Wait();
        Assert.That(same.TryWait(), Is.True);
        Assert.That((same.TryWait(), same.TryWait(TimeSpan.FromMilliseconds(70)), same.CurrentCount), Is.EqualTo((false, false, 0)));
        same.Release(3);
        Assert.That(semaphore.CurrentCount, Is.EqualTo(3));
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.That(() => semaphore.Wait(cancelled.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void A_wait_is_ended_by_its_token()
    {
        using NamedSemaphore semaphore = NamedSemaphore.Create(Name);
        using CancellationTokenSource source = new(70);
        Assert.That(() => semaphore.Wait(source.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void A_release_in_another_process_ends_the_wait()
    {
        using NamedSemaphore semaphore = NamedSemaphore.Create(Name);
        using ChildProcess child = ChildProcess.Start(Release, Name);
        Assert.That(semaphore.TryWait(TimeSpan.FromSeconds(30)), Is.True);
        child.WaitForSuccess();

        static int Release(string[] args)
        {
            using NamedSemaphore semaphore = NamedSemaphore.Attach(args[0]);
            semaphore.Release();
            return 0;
        }
    }

    [Test]
    public async Task Asynchronous_waiters_get_one_release_each()
    {
        TimeSpan limit = TimeSpan.FromMinutes(1);
        using NamedSemaphore semaphore = NamedSemaphore.Create(Name, 1);
        Assert.That(semaphore.WaitAsync().AsTask().IsCompletedSuccessfully, Is.True);
        Task[] waits = [.. Enumerable.Range(0, 100).Select(_ => semaphore.WaitAsync().AsTask())];
        Assert.That(waits.Count(static wait => wait.IsCompleted), Is.Zero);
        using ChildProcess child = ChildProcess.Start(Release, Name);
        child.WaitForSuccess();
        await Task.WhenAll(waits).WaitAsync(limit);
        Assert.That(semaphore.CurrentCount, Is.Zero);

        using CancellationTokenSource source = new();
        Task cancelled = semaphore.WaitAsync(source.Token).AsTask();
        await source.CancelAsync();
        await Assert.ThatAsync(() => cancelled.WaitAsync(limit), Throws.InstanceOf<OperationCanceledException>());
        semaphore.Release();
        Assert.That(semaphore.TryWait(), Is.True, "the cancelled wait took nothing");

        Task closed = semaphore.WaitAsync().AsTask();
        semaphore.Dispose();
        await Assert.ThatAsync(() => closed.WaitAsync(limit), Throws.InstanceOf<ObjectDisposedException>());
        await Assert.ThatAsync(() => semaphore.WaitAsync().AsTask(), Throws.InstanceOf<ObjectDisposedException>());

        static int Release(string[] args)
        {
            using NamedSemaphore semaphore = NamedSemaphore.Attach(args[0]);
            semaphore.Release(100);
            return 0;
        }
    }

    [Test]
    public void Wait_ends_without_sem_clockwait()
    {
        using NamedSemaphore semaphore = NamedSemaphore.Create(Name, 1);
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, "clockwait:38")], Wait, Name);
        child.Expect("ONE");
        semaphore.Release();
        child.Expect("TWO");
        child.WaitForSuccess();

        static int Wait(string[] args)
        {
            using NamedSemaphore semaphore = NamedSemaphore.Attach(args[0]);
            semaphore.Wait();
            Console.WriteLine("ONE");
            semaphore.Wait();
            Console.WriteLine("TWO");
            return semaphore.TryWait(TimeSpan.FromMilliseconds(50)) ? 1 : 0;
        }
    }

    [Test]
    public void C_and_Python_share_the_count_of_a_semaphore()
    {
        string source = Path.Combine(Folder, "peer.c");
        File.WriteAllText(source, """
            #include <fcntl.h>
            #include <semaphore.h>
            #include <stdio.h>
            int main(int argc, char** argv)
            {
                sem_t* semaphore = sem_open(argv[argc - 1], 0);
                int value;
                sem_wait(semaphore);
                sem_post(semaphore);
                sem_post(semaphore);
                sem_getvalue(semaphore, &value);
                printf("%d", value);
                return 0;
            }
            """);
        string program = Path.Combine(Folder, "peer");
        _ = ChildProcess.Run("cc", "-o", program, source, "-pthread");

        using NamedSemaphore semaphore = NamedSemaphore.Create(Name, 5);
        Assert.That(ChildProcess.Run(program, "/" + Name), Is.EqualTo("6"));
        Assert.That(semaphore.CurrentCount, Is.EqualTo(6));

        _ = Python.Run(
            """
            import ctypes
            libc = ctypes.CDLL(None)
            libc.sem_open.restype = ctypes.c_void_p
            semaphore = ctypes.c_void_p(libc.sem_open(b"/" + sys.argv[1].encode(), 0))
            assert libc.sem_wait(semaphore) == 0 and libc.sem_wait(semaphore) == 0
            """, Name);
        Assert.That(semaphore.CurrentCount, Is.EqualTo(4));
    }

    [Test]
    public void A_killed_process_takes_its_count_with_it()
    {
        using NamedSemaphore semaphore = NamedSemaphore.Create(Name, 1);
        using ChildProcess child = ChildProcess.Start(Hold, Name);
        child.Expect("HELD");
        child.Kill();
        Assert.That(semaphore.TryWait(TimeSpan.FromMilliseconds(200)), Is.False, "as documented");

        static int Hold(string[] args)
        {
            using NamedSemaphore semaphore = NamedSemaphore.Attach(args[0]);
            semaphore.Wait();
            Console.WriteLine("HELD");
            _ = Console.ReadLine();
            return 0;
        }
    }

    [Test]
    public void A_creation_that_fails_leaves_nothing()
    {
        ChildProcess.Run("env", [$"{FailingShim.FailAt}=chmod:1", .. ChildProcess.CommandLine(Create, Name)]);
        Assert.That(SemaphorePath, Does.Not.Exist);

        static int Create(string[] args)
        {
            Assert.That(() => NamedSemaphore.Create(args[0], 1), Throws.InstanceOf<UnauthorizedAccessException>());
            return 0;
        }
    }

    [Test]
    public void Each_error_has_its_own_exception()
    {
        using NamedSemaphore semaphore = NamedSemaphore.Create(Name);
        File.WriteAllBytes(ShmPathOf("sem." + NameOf("short")), [1, 2, 3]);
        _ = File.CreateSymbolicLink(ShmPathOf("sem." + NameOf("link")), SemaphorePath);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                () => NamedSemaphore.Create(Name),
                Throws.InstanceOf<IOException>().With.Message.Contains("already").And.Property("HResult").EqualTo(17));
            Assert.That(
                () => NamedSemaphore.Attach(NameOf("none")),
                Throws.InstanceOf<FileNotFoundException>().With.Message.Contains(NameOf("none")));
            Assert.That(() => NamedSemaphore.Delete(NameOf("none")), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(NamedSemaphore.TryDelete(NameOf("none")), Is.False);
            Assert.That(() => NamedSemaphore.Attach(NameOf("short")), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => NamedSemaphore.Attach(NameOf("link")), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => NamedSemaphore.Create(NameOf("x"), -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => NamedSemaphore.Create("a/b"), Throws.ArgumentException.With.Message.Contains("semaphore"));
            Assert.That(() => NamedSemaphore.Create(new string('x', 252)), Throws.ArgumentException.With.Message.Contains("251"));
            Assert.That(() => semaphore.Release(0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        }

        semaphore.Release();
        Assert.That(() => semaphore.Release(int.MaxValue), Throws.InstanceOf<SemaphoreFullException>());
        Assert.That(semaphore.CurrentCount, Is.EqualTo(1));
        semaphore.Dispose();
        Assert.That(() => semaphore.CurrentCount, Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void The_longest_name_works()
    {
        string longest = Name + new string('x', 251 - Name.Length);
        using NamedSemaphore semaphore = NamedSemaphore.Create(longest, 1);
        Assert.That(File.Exists("/dev/shm/sem." + longest), Is.True);
    }

    [Test]
    [NeedsRoot("is two users")]
    public void A_mode_is_exact_and_another_user_is_refused()
    {
        using NamedSemaphore secret = NamedSemaphore.Create(NameOf("secret"));
        using NamedSemaphore open = NamedSemaphore.Create(NameOf("open"), 1, (UnixFileMode)0b110_110_110);
        Assert.That(File.GetUnixFileMode(ShmPathOf("sem." + NameOf("open"))), Is.EqualTo((UnixFileMode)0b110_110_110));
        Assert.That(File.GetUnixFileMode(ShmPathOf("sem." + NameOf("secret"))), Is.EqualTo((UnixFileMode)0b110_000_000));
        OtherUser.Run(Use, Name);
        Assert.That(open.CurrentCount, Is.Zero);

        static int Use(string[] args)
        {
            Assert.That(() => NamedSemaphore.Attach(args[0] + "-secret"), Throws.InstanceOf<UnauthorizedAccessException>());
            using NamedSemaphore semaphore = NamedSemaphore.Attach(args[0] + "-open");
            return semaphore.TryWait() ? 0 : 1;
        }
    }

    [Test]
    public void Semaphores_are_listed_and_arrays_are_not()
    {
        using NamedSemaphore semaphore = NamedSemaphore.CreateOrAttach(Name, 3);
        using NamedSemaphore again = NamedSemaphore.CreateOrAttach(Name, 7);
        SharedArray.Create(NameOf("array"), 1).Dispose();
        Assert.That(again.CurrentCount, Is.EqualTo(3));
        Assert.That(NamedSemaphore.List().Where(name => name.Contains(Name, StringComparison.Ordinal)), Is.EqualTo(new[] { Name }));
        Assert.That(
            SharedArray.List().Where(info => info.Name.Contains(Name, StringComparison.Ordinal)).Select(info => info.Name),
            Is.EqualTo(new[] { NameOf("array") }));
        NamedSemaphore.Delete(Name);
        Assert.That(NamedSemaphore.Exists(Name), Is.False);
        semaphore.Release();
        Assert.That(again.CurrentCount, Is.EqualTo(4), "open semaphores remain usable");
    }
}
