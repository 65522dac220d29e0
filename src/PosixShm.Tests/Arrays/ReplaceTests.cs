using System.Diagnostics;

namespace PosixShm.Tests;

/// <summary>New generations under an old name.</summary>
internal sealed class ReplaceTests : NamedTest
{
    [Test]
    public void New_generation_gets_the_name_and_the_old_one_reports_its_replacement()
    {
        using SharedArray<int> old = SharedArray.Create(
            Name, ArrayContent.Zeros<int>(3), new SharedArrayOptions { Mode = (UnixFileMode)0b110_100_000 });
        old.Fill(1);
        Assert.That(old.IsCurrent, Is.True);

        using SharedArray<double> young = SharedArray.Replace<double>(Name, 2, 2);
        using SharedArray<double> attached = SharedArray.Attach<double>(Name);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((old.IsCurrent, young.IsCurrent, attached.IsCurrent), Is.EqualTo((false, true, true)));
            Assert.That(old, Is.All.EqualTo(1));
            Assert.That(young, Is.All.Zero);
            Assert.That(SharedArray.Describe(Name).Mode, Is.EqualTo((UnixFileMode)0b110_100_000));
        }

        SharedArray.Delete(Name);
        Assert.That(young.IsCurrent, Is.False);
    }

    [Test]
    public void A_resized_array_keeps_what_fits()
    {
        SharedArray.Create(Name, ArrayContent.From([1, 2, 3])).Dispose();
        using (SharedArray<int> longer = SharedArray.Resize<int>(Name, 2, 3))
        {
            Assert.That(longer.ToArray(), Is.EqualTo(new[] { 1, 2, 3, 0, 0, 0 }));
        }

        using SharedArray<int> shorter = SharedArray.Resize<int>(Name, 2);
        Assert.That(shorter.ToArray(), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(
            Python.Run("a = np.array([1, 2, 3]); a.resize((2, 3), refcheck=False); print(a.tolist())"),
            Is.EqualTo("[[1, 2, 3], [0, 0, 0]]"));
    }

    [Test]
    public void A_resize_whose_old_array_is_lost_meanwhile_publishes_nothing()
    {
        _ = Namespaces.RunWithShm("size=1m", Resize);

        static int Resize(string[] args)
        {
            // Reading its holes allocates memory, and there is too little for both arrays.
            SharedArray.Create("sparse", ArrayContent.Zeros<byte>(4 << 20), new SharedArrayOptions { Preallocate = false }).Dispose();
            Assert.That(
                () => SharedArray.Resize<byte>("sparse", 700_000),
                Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains("sparse"));
            Assert.That(SharedArray.Describe("sparse").Length, Is.EqualTo(4 << 20));
            Assert.That(Directory.GetFileSystemEntries("/dev/shm"), Has.Length.EqualTo(1));
            return 0;
        }
    }

    [Test]
    public void Refused_replacement_leaves_the_array_as_it_was()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => SharedArray.Replace<int>(Name, 1), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(() => SharedArray.Resize<int>(Name, 1), Throws.InstanceOf<FileNotFoundException>());
        }

        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.From([1, 2, 3]));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => SharedArray.Resize<long>(Name, 1), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => SharedArray.Replace<int>(Name, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => SharedArray.Replace<byte>(Name, 1L << 50), Throws.InstanceOf<IOException>());
            Assert.That(array.IsCurrent, Is.True);
        }

        _ = Namespaces.RunWithShm("size=10m", ReplaceWithTooMuch);

        File.WriteAllText(ShmPathOf(NameOf("text")), "no array");
        Assert.That(() => SharedArray.Replace<int>(NameOf("text"), 1), Throws.InstanceOf<InvalidDataException>());
        Assert.That(File.ReadAllText(ShmPathOf(NameOf("text"))), Is.EqualTo("no array"));

        // The test counts all files, so it has a separate /dev/shm.
        static int ReplaceWithTooMuch(string[] args)
        {
            SharedArray.Create<int>("array", 3).Dispose();
            Assert.That(() => SharedArray.Replace<byte>("array", 20 << 20), Throws.InstanceOf<IOException>());
            Assert.That(() => SharedArray.Replace<byte>("array", 1L << 50), Throws.InstanceOf<IOException>());
            Assert.That(Directory.GetFiles("/dev/shm"), Has.Length.EqualTo(1));
            return 0;
        }
    }

    [TestCase("")]
    [TestCase("open-unnamed:95")]
    public void Readers_always_see_the_old_or_the_new_array(string fault)
    {
        SharedArray.Create(Name, ArrayContent.Filled(0L, 512)).Dispose();
        using ChildProcess writer = ChildProcess.Start([(FailingShim.FailAt, fault)], ReplaceForEver, Name);
        writer.Expect("READY");

        HashSet<long> generations = [];
        for (Stopwatch time = Stopwatch.StartNew(); generations.Count < 50 && time.Elapsed < TimeSpan.FromMinutes(5);)
        {
            using ReadOnlySharedArray<long> array = SharedArray.AttachReadOnly<long>(Name);
            _ = generations.Add(array[0]);
            Assert.That(array.Span.ContainsAnyExcept(array[0]), Is.False, "whole");
        }

        Assert.That(generations, Has.Count.GreaterThanOrEqualTo(50));
        writer.Send("STOP");
        writer.WaitForSuccess();

        static int ReplaceForEver(string[] args)
        {
            Task<string?> stop = Task.Run(Console.ReadLine);
            Console.WriteLine("READY");
            while (!stop.IsCompleted)
            {
                long generation;
                using (ReadOnlySharedArray<long> old = SharedArray.AttachReadOnly<long>(args[0]))
                {
                    generation = old[0] + 1;
                }

                // Another process sees only a filled array: a second file is filled and renamed over the name.
                string next = args[0] + "-next";
                SharedArray.Create(next, ArrayContent.Filled(generation, 512)).Dispose();
                File.Move(ShmPathOf(next), ShmPathOf(args[0]), overwrite: true);
                SharedArray.Resize<long>(args[0], 512).Dispose();
            }

            return 0;
        }
    }

    [TestCase("before-replace")]
    [TestCase("after-replace")]
    [TestCase("map")]
    public void A_replacer_killed_at_any_step_leaves_the_old_or_the_new_array(string step)
    {
        SharedArray.Create(Name, ArrayContent.From([1, 2, 3])).Dispose();
        using (ChildProcess child = ChildProcess.Start([(FailingShim.DieAt, step)], Resize, Name))
        {
            Assert.That(child.WaitForExit(), Is.EqualTo(128 + 9));
        }

        using SharedArray<int> array = SharedArray.Attach<int>(Name);
        Assert.That(array.Length, Is.EqualTo(step == "after-replace" ? 4 : 3));
        Assert.That(array[2], Is.EqualTo(3));

        // A complete array with a temporary name may be left, as documented.
        IEnumerable<SharedArrayInfo> leftovers = SharedArray.List()
            .Where(info => info.Name.StartsWith(Name + ".posixshm-", StringComparison.Ordinal));
        foreach (SharedArrayInfo leftover in leftovers)
        {
            Assert.That(step, Is.EqualTo("before-replace"));
            SharedArray.Delete(leftover.Name);
        }

        static int Resize(string[] args)
        {
            SharedArray.Resize<int>(args[0], 4).Dispose();
            return 0;
        }
    }

    [TestCase("")]
    [TestCase("open-unnamed:95")]
    public void A_new_generation_is_open_to_the_same_users_as_the_old_one(string fault)
    {
        // Mode 0640, of which the group's bits are the mask of a list that gives user 4242 read access, and the group nothing.
        SharedArray.Create<int>(Name, 3).Dispose();
        SharedArray.Create(
            NameOf("plain"), ArrayContent.Zeros<int>(3), new SharedArrayOptions { Mode = (UnixFileMode)0b110_100_000 }).Dispose();
        _ = Python.Run(
            """
            import os, struct
            entries = [(1, 6, -1), (2, 4, 4242), (4, 0, -1), (16, 4, -1), (32, 0, -1)]
            os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))
            """,
            ShmPath);
        if (Mono.Unix.Native.Syscall.geteuid() == 0)
        {
            _ = ChildProcess.Run("chgrp", "4343", ShmPath, ShmPathOf(NameOf("plain")));
        }

        string[] before = [Permissions(Name), Permissions(NameOf("plain"))];
        Assert.That(before[0], Does.Contain("640"));
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], Renew, Name, NameOf("plain"));
        child.WaitForSuccess();
        Assert.That(new[] { Permissions(Name), Permissions(NameOf("plain")) }, Is.EqualTo(before));

        static int Renew(string[] args)
        {
            foreach (string name in args)
            {
                SharedArray.Resize<int>(name, 5).Dispose();
                SharedArray.Replace<long>(name, 2).Dispose();
            }

            return 0;
        }
    }

    [Test]
    public void Default_access_list_of_the_directory_is_not_applied_to_a_new_generation()
    {
        string name = $"file://{Folder}/a";
        SharedArray.Create<int>(name, 1).Dispose();
        string before = Permissions($"{Folder}/a");
        _ = Python.Run(
            """
            import os, struct
            entries = [(1, 6, -1), (2, 6, 4242), (4, 6, -1), (16, 6, -1), (32, 0, -1)]
            os.setxattr(sys.argv[1], "system.posix_acl_default", struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *e) for e in entries))
            """,
            Folder);
        SharedArray.Replace<int>(name, 2).Dispose();
        Assert.That(Permissions($"{Folder}/a"), Is.EqualTo(before));
    }

    [Test]
    public void An_array_whose_users_would_change_is_not_replaced()
    {
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.From([1, 2, 3]));
        CheckNotReplaced(array, "acl:5");
    }

    [Test]
    [NeedsRoot("gives a file to another group")]
    public void An_array_whose_group_would_change_is_not_replaced()
    {
        using SharedArray<int> array = SharedArray.Create(Name, ArrayContent.From([1, 2, 3]));
        _ = ChildProcess.Run("chgrp", "4343", ShmPath);
        CheckNotReplaced(array, "chown:1");
    }

    private void CheckNotReplaced(SharedArray<int> array, string fault)
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], Renew, Name);
        child.WaitForSuccess();
        Assert.That((array.IsCurrent, Directory.GetFiles("/dev/shm", $"{Name}*").Length), Is.EqualTo((true, 1)));

        static int Renew(string[] args)
        {
            Assert.That(
                () => SharedArray.Replace<int>(args[0], 1),
                Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains(args[0]).And.Message.Contains("group"));
            Assert.That(() => SharedArray.Resize<int>(args[0], 1), Throws.InstanceOf<UnauthorizedAccessException>());
            return 0;
        }
    }

    [Test]
    [NeedsRoot("gives a file to another user")]
    public void Array_of_another_user_is_replaced_only_if_allowed_and_keeps_its_owner()
    {
        SharedArray.Create(Name, ArrayContent.Zeros<int>(3), new SharedArrayOptions { Mode = (UnixFileMode)0b110_110_110 }).Dispose();
        _ = ChildProcess.Run("chown", "4242:4343", ShmPath);
        string before = Permissions(Name);
        Assert.That(
            () => SharedArray.Replace<int>(Name, 1),
            Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("AllowOtherOwners"));
        Assert.That(
            () => SharedArray.Resize<int>(Name, 1),
            Throws.InstanceOf<UnauthorizedAccessException>().With.Message.Contains("AllowOtherOwners"));
        AttachOptions anyOwner = new() { AllowOtherOwners = true };
        using (SharedArray<int> replaced = SharedArray.Replace(Name, ArrayContent.Zeros<int>(4), existing: anyOwner))
        {
            Assert.That((replaced.Length, replaced.IsCurrent, Permissions(Name)), Is.EqualTo((4, true, before)));
        }

        using SharedArray<int> resized = SharedArray.Resize<int>(Name, [2], anyOwner);
        Assert.That((resized.Length, Permissions(Name)), Is.EqualTo((2, before)));
    }

    private static string Permissions(string name)
        => Python.Run(
            """
            import os
            status = os.stat(sys.argv[1])
            name = "system.posix_acl_access"
            acl = os.getxattr(sys.argv[1], name).hex() if name in os.listxattr(sys.argv[1]) else None
            print(oct(status.st_mode), status.st_uid, status.st_gid, acl)
            """,
            name.StartsWith('/') ? name : ShmPathOf(name));
}
