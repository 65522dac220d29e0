using System.Diagnostics;

namespace PosixShm.Tests;

/// <summary>New generations under an old name.</summary>
internal sealed class ReplaceTests : NamedTest
{
    [Test]
    public void A_new_generation_takes_the_name_and_the_old_one_knows_it()
    {
        using SharedArray<int> old = SharedArray.Create<int>(Name, new SharedArrayOptions { Mode = (UnixFileMode)0b110_100_000 }, 3);
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
        SharedArray.CreateFrom(Name, 1, 2, 3).Dispose();
        using (SharedArray<int> longer = SharedArray.Resize<int>(Name, 2, 3))
        {
            Assert.That(longer.ToArray(), Is.EqualTo(new[] { 1, 2, 3, 0, 0, 0 }));
        }

        using SharedArray<int> shorter = SharedArray.Resize<int>(Name, 2);
        Assert.That(shorter.ToArray(), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(Python.Run("a = np.array([1, 2, 3]); a.resize((2, 3), refcheck=False); print(a.tolist())"), Is.EqualTo("[[1, 2, 3], [0, 0, 0]]"));
    }

    [Test]
    public void A_resize_whose_old_array_is_lost_meanwhile_publishes_nothing()
    {
        _ = Namespaces.RunWithShm("size=1m", Resize);

        static int Resize(string[] args)
        {
            // Its holes take memory as the copy reads them, and there is too little for both.
            SharedArray.Create<byte>("sparse", new SharedArrayOptions { Preallocate = false }, 4 << 20).Dispose();
            Assert.That(() => SharedArray.Resize<byte>("sparse", 700_000), Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains("sparse"));
            Assert.That(SharedArray.Describe("sparse").Length, Is.EqualTo(4 << 20));
            Assert.That(Directory.GetFileSystemEntries("/dev/shm"), Has.Length.EqualTo(1));
            return 0;
        }
    }

    [Test]
    public void What_cannot_be_replaced_stays_as_it_is()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => SharedArray.Replace<int>(Name, 1), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(() => SharedArray.Resize<int>(Name, 1), Throws.InstanceOf<FileNotFoundException>());
        }

        using SharedArray<int> array = SharedArray.CreateFrom(Name, 1, 2, 3);
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

        // With a /dev/shm of its own: nothing else may be in it.
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
    public void Readers_see_the_old_or_the_new_one_never_neither(string fault)
    {
        SharedArray.CreateFull(Name, 0L, 512).Dispose();
        using ChildProcess writer = ChildProcess.Start([(FailingShim.FailAt, fault)], ReplaceForEver, Name);
        writer.Expect("READY");

        HashSet<long> generations = [];
        for (Stopwatch time = Stopwatch.StartNew(); generations.Count < 50 && time.Elapsed < TimeSpan.FromSeconds(50);)
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
            for (Stopwatch time = Stopwatch.StartNew(); !stop.IsCompleted && time.Elapsed < TimeSpan.FromMinutes(1);)
            {
                long generation;
                using (ReadOnlySharedArray<long> old = SharedArray.AttachReadOnly<long>(args[0]))
                {
                    generation = old[0] + 1;
                }

                // Filled before anybody sees it: a file of its own, moved over the name.
                string next = args[0] + "-next";
                SharedArray.CreateFull(next, generation, 512).Dispose();
                File.Move("/dev/shm/" + next, "/dev/shm/" + args[0], overwrite: true);
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
        SharedArray.CreateFrom(Name, 1, 2, 3).Dispose();
        int killed;
        using (ChildProcess child = ChildProcess.Start([(FailingShim.DieAt, step)], Resize, Name))
        {
            killed = child.Id;
            Assert.That(child.WaitForExit(), Is.EqualTo(128 + 9));
        }

        using SharedArray<int> array = SharedArray.Attach<int>(Name);
        Assert.That(array.Length, Is.EqualTo(step == "after-replace" ? 4 : 3));
        Assert.That(array[2], Is.EqualTo(3));

        // A whole one under a name of its own may be left, as documented.
        foreach (SharedArrayInfo leftover in SharedArray.List().Where(info => info.CreatorProcessId == killed && info.Name.StartsWith(".posixshm-", StringComparison.Ordinal)))
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
}
