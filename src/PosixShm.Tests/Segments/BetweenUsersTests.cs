using System.Diagnostics;
using System.Globalization;
using PosixShm.Posix;
using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>
/// Users of one machine who cannot trust each other: a user who reads an array or plants files beside it cannot harm its users.
/// </summary>
internal sealed class BetweenUsersTests : NamedTest
{
    private const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode Everybody = Readable | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    // Locks a range of bytes with an open file description lock and waits. Arguments: the path, the kind, the first byte after 2^62, how
    // many; further paths.
    private const string LockBytes =
        """
        import fcntl, os, struct
        kind = getattr(fcntl, sys.argv[2])
        held = []
        for path in [sys.argv[1]] + sys.argv[5:]:
            fd = os.open(path, os.O_RDONLY if kind == fcntl.F_RDLCK else os.O_RDWR)
            for i in range(int(sys.argv[4])):
                fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", kind, os.SEEK_SET, (1 << 62) + int(sys.argv[3]) + i, 1, 0))
            held.append(fd)
        print("LOCKED", flush=True)
        sys.stdin.readline()
        """;

    [Test]
    public void Read_locks_on_the_slots_keep_no_dead_owner_alive()
    {
        using SharedArray<long> array = SharedArray.Create(Name, ArrayContent.Zeros<long>(1), new SharedArrayOptions { Mode = Readable });
        using ChildProcess owner = ChildProcess.Start(LockOwner.Hold, Name);
        owner.Expect("HELD");
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Held), "by a write lock");
        owner.Kill();
        using ChildProcess reader = Python.Start(LockBytes, ShmPath, "F_RDLCK", "1", "448");
        reader.Expect("LOCKED");
        Assert.That(array.Lock.State, Is.EqualTo(SharedLockState.Abandoned));
    }

    [Test]
    public void Read_locks_on_all_slots_refuse_new_owners_with_a_message_and_not_those_that_have_a_slot()
    {
        using SharedArray<long> array = SharedArray.Create(Name, ArrayContent.Zeros<long>(1), new SharedArrayOptions { Mode = Readable });
        array.Lock.Enter();
        array.Lock.Exit();
        using ChildProcess reader = Python.Start(
            """
            import fcntl, os, struct
            fd = os.open(sys.argv[1], os.O_RDONLY)
            for i in range(448):
                try:
                    fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, (1 << 62) + 1 + i, 1, 0))
                except BlockingIOError:
                    pass
            print("LOCKED", flush=True)
            sys.stdin.readline()
            """,
            ShmPath);
        reader.Expect("LOCKED");
        array.Lock.Enter();
        array.Lock.Exit();
        using SharedArray<long> late = SharedArray.Attach<long>(Name);
        Assert.That(() => late.Lock.Enter(), Throws.InstanceOf<IOException>().With.Message.Contains("read"));
        reader.WaitForSuccess();
        late.Lock.Enter();
        late.Lock.Exit();
    }

    [Test]
    public void A_listing_waits_for_no_lock_and_marks_nothing()
    {
        // Their headers are longer than a page, and a listing reads them separately.
        const int Files = 200;
        _ = Python.Run(
            "t = [(f'Measurement_of_sensor_{i:04}', '<f8') for i in range(300)]\n"
                + "for i in range(int(sys.argv[2])): np.save(open(f'{sys.argv[1]}-{i}', 'wb'), np.zeros(1, t))",
            ShmPath, Files.ToString(CultureInfo.InvariantCulture));
        string[] paths = [.. Enumerable.Range(0, Files).Select(i => $"{ShmPath}-{i}")];
        using ChildProcess locker = Python.Start(LockBytes, [paths[0], "F_WRLCK", "0", "1", .. paths[1..]]);
        locker.Expect("LOCKED");

        // Each header would cost 50 ms or more if it were parsed. The limit is twenty times the expected time of all.
        Stopwatch time = Stopwatch.StartNew();
        SharedArrayInfo[] mine = [.. SharedArray.List().Where(info => info.Name.StartsWith(Name, StringComparison.Ordinal))];
        Assert.That(time.Elapsed, Is.LessThan(TimeSpan.FromSeconds(8)));
        Assert.That(mine, Has.Length.EqualTo(Files).And.All.Property("IsInUse").True);
        Assert.That(SharedArray.Describe(mine[0].Name).IsInUse, Is.True);
        locker.WaitForSuccess();
        Assert.That(SharedArray.Describe(mine[0].Name).IsInUse, Is.False);
    }

    [Test]
    public void A_very_long_header_costs_a_listing_nothing_and_is_read_when_it_is_named()
    {
        // 0.9 MB of fields.
        _ = Python.Run(
            """
            fields = ", ".join(f"('f{i}', '<f8')" for i in range(50000))
            text = "{'descr': [" + fields + "], 'fortran_order': False, 'shape': (0,), }"
            text += " " * (-(len(text) + 13) % 64) + "\n"
            head = b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little")
            for i in range(10): open(f"{sys.argv[1]}-{i}", "wb").write(head + text.encode())
            """,
            ShmPath);
        long before = GC.GetTotalAllocatedBytes(precise: true);
        IReadOnlyList<SharedArrayInfo> all = SharedArray.List();
        Assert.That(GC.GetTotalAllocatedBytes(precise: true) - before, Is.LessThan(64 << 20), "10 such arrays took 3 GiB");
        Assert.That(all.Any(info => info.Name.StartsWith(Name, StringComparison.Ordinal)), Is.False);
        Assert.That(SharedArray.Describe(NameOf("3")).DType, Has.Length.GreaterThan(900_000));
    }

    [Test]
    public void An_attachment_that_cannot_be_marked_as_in_use_is_refused()
    {
        SharedArray.Create(Name, 1).Dispose();
        using ChildProcess locker = Python.Start(LockBytes, ShmPath, "F_WRLCK", "0", "1");
        locker.Expect("LOCKED");
        Assert.That(() => SharedArray.Attach(Name), Throws.InstanceOf<IOException>().With.Message.Contains("lslocks"));
        locker.WaitForSuccess();
        SharedArray.Attach(Name).Dispose();
    }

    [Test]
    [NeedsRoot("is two users")]
    public void Users_without_an_id_in_this_namespace_are_not_mistaken_for_this_one()
    {
        // A user namespace without a map has neither of the two users: both are 65534 there.
        foreach ((string suffix, string owner) in ((string, string)[])[("mine", "4242"), ("theirs", "4243")])
        {
            SharedArray.Create(NameOf(suffix), ArrayContent.Zeros<int>(1), new SharedArrayOptions { Mode = Everybody }).Dispose();
            NamedSemaphore.Create(NameOf(suffix), 1, Everybody).Dispose();
            _ = ChildProcess.Run("chown", owner, ShmPathOf(NameOf(suffix)), ShmPathOf("sem." + NameOf(suffix)));
        }

        _ = ChildProcess.Run(OtherUser.Command(4242, ["unshare", "--user", .. ChildProcess.CommandLine(Use, Name)]));

        static int Use(string[] args)
        {
            SharedArray.Attach<int>(args[0] + "-mine").Dispose();
            NamedSemaphore.Attach(args[0] + "-mine").Dispose();
            SharedMemoryObject.Open(args[0] + "-mine").Dispose();
            Assert.That(
                () => SharedArray.Attach<int>(args[0] + "-theirs"),
                Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("65534"));
            Assert.That(
                () => NamedSemaphore.Attach(args[0] + "-theirs"),
                Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("65534"));
            Assert.That(
                () => SharedMemoryObject.Open(args[0] + "-theirs"),
                Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("65534"));
            AttachOptions any = new() { AllowOtherOwners = true };
            SharedMemoryObject.Open(args[0] + "-theirs", options: any).Dispose();
            SharedArray.Attach<int>(args[0] + "-theirs", any).Dispose();
            NamedSemaphore.Attach(args[0] + "-theirs", any).Dispose();
            return 0;
        }
    }

    [Test]
    public void The_process_that_holds_a_lock_is_found_by_device_and_inode()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 1);
        array.Lock.Enter();
        Assert.That(array.Lock.FindOwnerProcess(), Is.EqualTo(Environment.ProcessId));
    }

    [Test]
    public void Equal_inodes_of_two_mounts_are_distinguished()
    {
        // The first file of each new tmpfs has the same inode. One process takes a slot of one file, another process the same slot of the
        // other.
        const string Mounts = "mount -t tmpfs none \"$1\" && mkdir /dev/shm/other && mount -t tmpfs none /dev/shm/other";
        _ = ChildProcess.Run(Namespaces.WithMounts(Mounts, "/dev/shm", ChildProcess.CommandLine(Use)));

        static int Use(string[] args)
        {
            Assert.That(ChildProcess.Run("mount", "-t", "tmpfs", "none", "/mnt"), Is.Empty);
            using SharedArray<int> one = SharedArray.Create<int>("file:///mnt/a", 1);
            using SharedArray<int> two = SharedArray.Create<int>("file:///dev/shm/other/a", 1);
            Assert.That(
                ChildProcess.Run("stat", "-c", "%i", "/mnt/a"), Is.EqualTo(ChildProcess.Run("stat", "-c", "%i", "/dev/shm/other/a")));
            one.Lock.Enter();
            int slot = one.Lock.OwnerSlot;

            // Another process takes the same slot of the other file. The first process in /proc must not be mistaken for its owner.
            using ChildProcess other = Python.Start(
                LockBytes, "/dev/shm/other/a", "F_WRLCK", slot.ToString(CultureInfo.InvariantCulture), "1");
            other.Expect("LOCKED");
            File.WriteAllBytes("/mnt/word", File.ReadAllBytes("/mnt/a"));
            two.Lock.Enter();
            Assert.That(
                (one.Lock.FindOwnerProcess(), two.Lock.FindOwnerProcess()), Is.EqualTo((Environment.ProcessId, Environment.ProcessId)));
            return other.Id > 0 ? 0 : 1;
        }
    }
}
