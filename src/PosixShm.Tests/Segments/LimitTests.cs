using System.Globalization;

namespace PosixShm.Tests;

/// <summary>Exceeded limits of a process are exceptions that name the limit. Each limit is set in a separate process.</summary>
internal sealed class LimitTests : NamedTest
{
    private const long Large = 1 << 30;

    [Test]
    public void Lack_of_address_space_leaves_arrays_uncreated_unattached_and_undeleted()
    {
        // Sparse: it takes address space, and no memory.
        SharedArray.Create(Name, ArrayContent.Zeros<byte>(Large), new SharedArrayOptions { Preallocate = false }).Dispose();
        ChildProcess.Run(RunOut, Name, NameOf("new"));
        Assert.That(SharedArray.Exists(Name), Is.True);
        Assert.That(SharedArray.Exists(NameOf("new")), Is.False);

        static int RunOut(string[] args)
        {
            SetLimit("as", (OwnProcess.Kilobytes("VmSize") << 10) + (Large / 2));
            for (int i = 0; i < 3; i++)
            {
                Assert.That(
                    () => SharedArray.Attach<byte>(args[0]),
                    Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(12).And.Message.Contains("RLIMIT_AS"));
                Assert.That(
                    () => SharedArray.Create(args[1], ArrayContent.Zeros<byte>(Large), new SharedArrayOptions { Preallocate = false }),
                    Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(12).And.Message.Contains("RLIMIT_AS"));
            }

            // A small array still has room.
            using SharedArray<byte> small = SharedArray.CreateAnonymous<byte>(10);
            return small[9];
        }
    }

    [Test]
    public void Lack_of_descriptors_is_an_error_with_the_limit_and_disposal_frees_descriptors()
    {
        SharedArray.Create(Name, 10).Dispose();
        ChildProcess.Run(RunOut, Name);

        static int RunOut(string[] args)
        {
            SetLimit("nofile", 200);
            List<SharedArray<double>> arrays = [];
            IOException error = Assert.Throws<IOException>(() =>
            {
                while (true)
                {
                    arrays.Add(SharedArray.Attach(args[0]));
                }
            })!;
            Assert.That(error.HResult, Is.EqualTo(24));
            Assert.That(error.Message, Does.Contain("RLIMIT_NOFILE").And.Contain("Dispose").And.Contain(args[0]));

            arrays[0].Dispose();
            SharedArray.Attach(args[0]).Dispose();
            return 0;
        }
    }

    [TestCase("allocate:4*1")]
    [TestCase("allocate:4*100")]
    public void A_reservation_that_signals_interrupt_is_made_all_the_same(string fault)
    {
        using ChildProcess child = ChildProcess.Start([(FailingShim.FailAt, fault)], Create, Name);
        child.WaitForSuccess();
        Assert.That(new FileInfo(ShmPath).Length, Is.EqualTo(SharedArray.Describe(Name).ByteLength + 128));

        static int Create(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], 1 << 20);
            return array[array.Length - 1];
        }
    }

    [Test]
    public void A_started_program_gets_no_descriptor_and_so_no_lock_that_outlives_us()
    {
        using SharedArray<double> array = SharedArray.Create(Name, 1);
        array.Lock.Enter();
        using ChildProcess program = ChildProcess.Start("cat");
        IEnumerable<string?> links = Directory.GetFiles($"/proc/{program.Id}/fd").Select(link => new FileInfo(link).LinkTarget);
        Assert.That(links.Where(link => link?.StartsWith("/dev/shm", StringComparison.Ordinal) == true), Is.Empty);
        array.Lock.Exit();
    }

    private static void SetLimit(string limit, long value)
        => _ = ChildProcess.Run(
            "prlimit",
            string.Create(CultureInfo.InvariantCulture, $"--pid={Environment.ProcessId}"),
            string.Create(CultureInfo.InvariantCulture, $"--{limit}={value}"));
}
