
namespace PosixShm.Tests;

/// <summary>Lost memory costs little, and no call reports success on it. Each test runs in a separate process.</summary>
internal sealed class LostMemoryTests : NamedTest
{
    private const long GiB = 1L << 30;

    private static readonly SharedArrayOptions s_sparse = new() { Preallocate = false };

    private struct Pair
    {
        public long First;
        public long Second;
    }

    private static readonly Dictionary<string, Func<string, UntypedSharedArray>> s_untyped = new()
    {
        ["U"] = name => SharedArray.Create(name, ArrayContent.Filled("U8", "12345678", 10_000)),
        ["S"] = name => SharedArray.Create(name, ArrayContent.Filled("S8", "12345678", 10_000)),
        ["M8"] = name => SharedArray.Create(name, ArrayContent.Filled("M8[s]", 1L, 10_000)),
        ["struct"] = name =>
        {
            SharedArray.Create(name, ArrayContent.Filled(new Pair { First = 1, Second = 2 }, 10_000)).Dispose();
            return SharedArray.AttachUntyped(name);
        },
    };

    private static IEnumerable<string> Untyped => s_untyped.Keys;

    [Test]
    public void Random_reads_of_a_truncated_array_need_few_mappings()
    {
        ChildProcess.Run(Read, Name);

        static int Read(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create(args[0], ArrayContent.Zeros<byte>(GiB), s_sparse);
            Truncate(args[0], 1 << 20);
            int before = OwnProcess.CountMappings(string.Empty);
            Random random = new(1);
            long sum = 0;
            for (int i = 0; i < 40_000; i++)
            {
                sum += array[random.NextInt64(GiB)];
            }

            Assert.That(sum, Is.Zero);
            Assert.That(OwnProcess.CountMappings(string.Empty), Is.LessThan(before + 20));
            Assert.That(array.ToArray, Throws.InstanceOf<SharedMemoryLostException>());

            // Loses a second page further down. The remaining pages of the file are still shared.
            Truncate(args[0], 8192);
            Assert.That(array[100_000], Is.Zero);
            array[0] = 7;
            Assert.That(OwnProcess.CountMappings(string.Empty), Is.LessThan(before + 20));
            Assert.That(ReadByte(args[0], 128), Is.EqualTo(7));
            return 0;
        }
    }

    [Test]
    public void One_column_of_a_truncated_matrix_is_read()
    {
        ChildProcess.Run(Read, Name);

        static int Read(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create(args[0], ArrayContent.Zeros<byte>(257 << 7, 8192), s_sparse);
            Truncate(args[0], 0);
            long sum = 0;
            for (int row = 0; row < array.Shape[0]; row++)
            {
                sum += array[row, 0];
            }

            Assert.That(sum, Is.Zero);
            Assert.That(() => array.Span.Length, Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    [Test]
    public void Bulk_operations_on_a_sparse_array_stop_at_the_first_lost_page()
    {
        RunInFullFolder(Work);

        static int Work(string[] args)
        {
            const long Length = 3 * GiB;
            using SharedArray<byte> array = SharedArray.Create("sparse", ArrayContent.Zeros<byte>(Length), s_sparse);
            Assert.That(() => array.Fill(1), Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains("sparse"));
            SharedArray.Delete("sparse");
            array.Dispose();

            Assert.That(() => SharedArray.Create("full", ArrayContent.Filled("u1", (byte)1, Length), s_sparse), ThrowsNoSpace());
            Assert.That(() => SharedArray.Create("full", ArrayContent.Filled("S16", "x", Length / 16), s_sparse), ThrowsNoSpace());

            using SharedArray<byte> copied = SharedArray.Create("copied", ArrayContent.Zeros<byte>(Length), s_sparse);
            using SharedArray<byte> source = SharedArray.CreateAnonymous<byte>(256 << 20);
            Assert.That(() => copied.CopyFrom(source.Span), Throws.InstanceOf<SharedMemoryLostException>().With.Message.Contains("copied"));
            Assert.That(OwnProcess.Kilobytes("RssAnon"), Is.LessThan(200 << 10), "kB");
            return args.Length;
        }
    }

    [Test]
    public void Scattered_touches_of_a_full_file_system_need_few_mappings_and_leave_the_control_page_shared()
    {
        RunInFullFolder(Touch);

        static int Touch(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create("sparse", ArrayContent.Zeros<byte>(GiB), s_sparse);
            array.Lock.EnterScope().Dispose();
            int before = OwnProcess.CountMappings(string.Empty);
            Random random = new(1);
            for (int i = 0; i < 100_000; i++)
            {
                array[random.NextInt64(GiB)] = 1;
            }

            Assert.That(OwnProcess.CountMappings(string.Empty), Is.LessThan(before + 20_000));
            Assert.That(() => array.Span.Length, Throws.InstanceOf<SharedMemoryLostException>());

            // Behind the header's 128 bytes and the elements, at the next multiple of 4,096.
            nint page = AddressOf(array) - 128 + (nint)GiB + 4096;
            string line = File.ReadLines("/proc/self/maps").Single(line => Contains(line, page));
            Assert.That(line, Does.Contain("/dev/shm/"));
            return args.Length;
        }

        static bool Contains(string line, nint address)
        {
            nint[] ends = [.. line.Split(' ')[0].Split('-').Select(text => (nint)Convert.ToInt64(text, 16))];
            return ends[0] <= address && address < ends[1];
        }
    }

    [Test]
    public void A_copy_with_the_span_of_a_lost_array_names_that_array()
    {
        ChildProcess.Run(Copy, Name);

        static int Copy(string[] args)
        {
            using SharedArray<double> good = SharedArray.Create(args[0] + "-good", ArrayContent.Filled(1.0, 100_000));
            using SharedArray<double> lost = SharedArray.Create(args[0], ArrayContent.Filled(1.0, 100_000));
            Span<double> span = lost.Span;
            Truncate(args[0], 0);

            SharedMemoryLostException? error = Catch(good, span, (array, span) => array.CopyTo(span));
            Assert.That(error?.Message, Does.Contain($"'{args[0]}'"));
            Assert.That(Catch(good, span, (array, span) => array.CopyFrom(span))?.Message, Does.Contain($"'{args[0]}'"));
            Copying create = (array, span) => SharedArray.Create(array.Name + "-new", ArrayContent.From<double>(span)).Dispose();
            Assert.That(Catch(good, span, create)?.Message, Does.Contain($"'{args[0]}'"));
            Assert.That(SharedArray.Exists(args[0] + "-good-new"), Is.False);

            // The page was touched before, so it is mapped as zeros, and a copy raises no signal.
            Assert.That(span[99_999], Is.Zero);
            Assert.That(Catch(good, span, (array, span) => array.CopyTo(span))?.Message, Does.Contain($"'{args[0]}'"));
            Assert.That(Catch(good, span, (array, span) => array.CopyFrom(span))?.Message, Does.Contain($"'{args[0]}'"));

            good.Fill(3);
            Assert.That(good.ToArray(), Is.All.EqualTo(3));
            return 0;
        }
    }

    [Test]
    public void A_large_copy_whose_memory_another_thread_loses_meanwhile_is_whole_or_throws()
    {
        ChildProcess.Run(Copy, Name);

        static int Copy(string[] args)
        {
            for (int round = 0; round < 4; round++)
            {
                using SharedArray<byte> array = SharedArray.Create(args[0], ArrayContent.Filled((byte)1, 256 << 20));
                byte[] copy = new byte[array.Length];
                Task loser = Task.Run(() =>
                {
                    // In the middle of the copy, and only at the end of the array.
                    SpinWait.SpinUntil(() => Volatile.Read(ref copy[1 << 20]) != 0);
                    using (FileStream file = new(ShmPathOf(args[0]), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
                    {
                        file.SetLength(file.Length - 8192);
                    }

                    _ = Volatile.Read(ref array[array.Length - 1]);
                });

                bool isWhole = true;
                try
                {
                    array.CopyTo(copy);
                }
                catch (SharedMemoryLostException)
                {
                    isWhole = false;
                }

                loser.Wait();
                Assert.That(isWhole && copy.AsSpan().ContainsAnyExcept((byte)1), Is.False);
                File.Delete(ShmPathOf(args[0]));
            }

            return 0;
        }
    }

    [TestCaseSource(nameof(Untyped))]
    public void An_element_without_a_C_sharp_type_throws_on_the_access_that_loses_the_page(string type)
    {
        ChildProcess.Run(Access, Name, type);

        static int Access(string[] args)
        {
            using (UntypedSharedArray array = s_untyped[args[1]](args[0]))
            {
                object value = array.GetValue(9999);
                Truncate(args[0], 0);
                Assert.That(() => array.SetValue(value, 9999), Throws.InstanceOf<SharedMemoryLostException>());
            }

            File.Delete(ShmPathOf(args[0]));
            using (UntypedSharedArray array = s_untyped[args[1]](args[0]))
            {
                Truncate(args[0], 0);
                Assert.That(() => array.GetValue(9999), Throws.InstanceOf<SharedMemoryLostException>());
            }

            return 0;
        }
    }

    [Test]
    public void Call_after_a_system_call_on_lost_memory_throws()
    {
        ChildProcess.Run(Read, Name);

        static int Read(string[] args)
        {
            using SharedArray<byte> other = SharedArray.Create<byte>(args[0] + "-other", 10);
            using SharedArray<byte> array = SharedArray.Create(args[0], ArrayContent.Filled((byte)1, 100_000));
            using Microsoft.Win32.SafeHandles.SafeFileHandle zeros = File.OpenHandle("/dev/zero");
            Truncate(args[0], 0);
            Assert.That(
                () => RandomAccess.Read(zeros, array.Span, 0), Throws.InstanceOf<IOException>().With.Property("HResult").EqualTo(14));
            Assert.That(() => array.Span.Length, Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => array.CopyTo(new byte[1]), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(other.Span.Length, Is.EqualTo(10));
            return 0;
        }
    }

    [Test]
    public void A_call_notices_a_truncation_of_elements_that_it_does_not_use()
    {
        ChildProcess.Run(Use, Name);

        static int Use(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create(args[0], ArrayContent.Filled((byte)1, 100_000));
            Truncate(args[0], 8192);
            Assert.That(array.GetValue(0), Is.EqualTo(1), "the array still exists");
            Assert.That(() => array.CopyTo(new byte[1]), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(() => array.GetValue(0), Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    [Test]
    public void Lock_of_an_array_that_lost_elements_is_left_for_its_waiters()
    {
        _ = Namespaces.RunWithShm("size=8m", Leave);

        static int Leave(string[] args)
        {
            TimeSpan limit = TimeSpan.FromSeconds(30);
            using SharedArray<long> array = SharedArray.Create("lost", ArrayContent.Zeros<long>(2 << 20), s_sparse);
            using SharedArray<long> waiter = SharedArray.Attach<long>("lost");
            array.Lock.Enter();
            Task<bool> entering = Task.Run(() => waiter.Lock.TryEnter(limit));
            Assert.That(() => LockWords.Read(ShmPathOf("lost")), Is.Negative.After(30_000, 5), "a waiter");
            Assert.That(() => array.Fill(1), Throws.InstanceOf<SharedMemoryLostException>());
            Assert.That(array.Lock.Exit, Throws.Nothing);
            Assert.That(entering.Result, Is.True);
            Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<SharedMemoryLostException>());
            return 0;
        }
    }

    private static NUnit.Framework.Constraints.ContainsConstraint ThrowsNoSpace()
        => Throws.InstanceOf<IOException>().With.Message.Contains("No space");

    private delegate void Copying(SharedArray<double> array, Span<double> span);

    private static SharedMemoryLostException? Catch(SharedArray<double> array, Span<double> span, Copying copy)
    {
        try
        {
            copy(array, span);
            return null;
        }
        catch (SharedMemoryLostException error)
        {
            return error;
        }
    }

    private static void RunInFullFolder(Func<string[], int> work)
        => _ = Namespaces.RunWithShm("size=64m", work);

    private static byte ReadByte(string name, int offset)
    {
        using FileStream file = new(ShmPathOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = offset;
        return (byte)file.ReadByte();
    }

    private static unsafe nint AddressOf(SharedArray<byte> array) => (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref array[0]);
}
