namespace PosixShm.Tests;

/// <summary>Counts the mappings, descriptors and files of a process by the kernel's tables.</summary>
internal sealed class LeakTests : NamedTest
{
    [Test]
    public void Ten_thousand_rounds_leave_no_mapping_no_descriptor_and_no_file()
    {
        ChildProcess.Run(Rounds, Name);
        Assert.That(File.Exists(ShmPath), Is.False);

        static int Rounds(string[] args)
        {
            Round(args[0]);
            int descriptors = OwnProcess.CountDescriptors();

            for (int i = 0; i < 10_000; i++)
            {
                Round(args[0]);
            }

            Assert.That(OwnProcess.CountMappings(args[0]), Is.Zero);
            Assert.That(OwnProcess.CountDescriptors(), Is.EqualTo(descriptors));
            return 0;
        }

        static void Round(string name)
        {
            using SharedArray<int> created = SharedArray.Create<int>(name, 100);
            using SharedArray<int> attached = SharedArray.Attach<int>(name);
            attached[0] = 1;
            SharedArray.Delete(name);
        }
    }

    [Test]
    public void Failed_calls_leave_no_mapping_no_descriptor_and_no_file()
    {
        ChildProcess.Run(Rounds, Name);
        Assert.That(File.Exists(ShmPath), Is.False);

        static int Rounds(string[] args)
        {
            string name = args[0];
            using SharedArray<int> array = SharedArray.Create<int>(name, 100);
            Fail(name);
            (int descriptors, int mappings) = (OwnProcess.CountDescriptors(), OwnProcess.CountMappings("/dev/shm"));

            for (int i = 0; i < 100; i++)
            {
                Fail(name);
            }

            Assert.That((OwnProcess.CountDescriptors(), OwnProcess.CountMappings("/dev/shm")), Is.EqualTo((descriptors, mappings)));
            SharedArray.Delete(name);
            return 0;
        }

        static void Fail(string name)
        {
            Assert.That(() => SharedArray.Create<int>(name, 100), Throws.InstanceOf<IOException>());
            Assert.That(() => SharedArray.Attach<long>(name), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => SharedArray.Attach<int>(name + "-none"), Throws.InstanceOf<FileNotFoundException>());
            Assert.That(() => SharedArray.CreateOrAttach<int>(name, 7), Throws.InstanceOf<InvalidDataException>());
            Assert.That(() => SharedArray.Create<int>(name + "-huge", long.MaxValue / 8), Throws.InstanceOf<IOException>());
            Assert.That(() => SharedArray.Describe("/dev"), Throws.InstanceOf<FileNotFoundException>());
        }
    }

    [Test]
    public void An_array_that_is_never_disposed_keeps_its_memory_and_its_descriptor()
    {
        using SharedArray<int> made = SharedArray.Create<int>(Name, 100);
        made.Dispose();
        ChildProcess.Run(Forget, Name);

        static int Forget(string[] args)
        {
            Span<int> span = Attach(args[0]);
            for (int i = 0; i < 5; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            span[99] = 42;
            Assert.That(OwnProcess.CountMappings(args[0]), Is.EqualTo(1));
            Assert.That(SharedArray.Describe(args[0]).IsInUse, Is.True);
            return 0;
        }

        // A separate method, so that no local keeps the array alive.
        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static Span<int> Attach(string name) => SharedArray.Attach<int>(name).Span;
    }
}
