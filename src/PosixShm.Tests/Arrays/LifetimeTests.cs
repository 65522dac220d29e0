using System.Buffers;
using System.Runtime.CompilerServices;

namespace PosixShm.Tests;

/// <summary>Memory stays mapped as long as a caller may use it. Tests whose failure would kill the process run in a separate one.</summary>
internal sealed class LifetimeTests : NamedTest
{
    [Test]
    public void A_lease_keeps_the_memory_while_another_thread_disposes_the_array()
    {
        ChildProcess.Run(ReadWhileDisposed, Name);

        static int ReadWhileDisposed(string[] args)
        {
            for (int round = 0; round < 50; round++)
            {
                SharedArray<long> array = SharedArray.Create(args[0], ArrayContent.Filled(1L, 1 << 16));
                SharedArray.Delete(args[0]);
                using SemaphoreSlim reading = new(0);
                using CancellationTokenSource enough = new();

                Task<long> reader = Task.Run(() =>
                {
                    using SharedArrayLease<long> lease = array.Acquire();
                    _ = reading.Release();
                    long wrong = 0;
                    while (!enough.IsCancellationRequested)
                    {
                        wrong += lease.Span.ContainsAnyExcept(1L) ? 1 : 0;
                    }

                    return wrong + (lease[(1 << 16) - 1] == 1 ? 0 : 1);
                });

                reading.Wait();
                array.Dispose();

                // A new mapping must not replace the memory that the lease reads.
                using SharedArray<long> other = SharedArray.Create(args[0], ArrayContent.Filled(2L, 1 << 16));
                SharedArray.Delete(args[0]);
                enough.Cancel();
                Assert.That(reader.Result, Is.Zero);
                Assert.That(() => array.Acquire().Dispose(), Throws.InstanceOf<ObjectDisposedException>());
            }

            return 0;
        }
    }

    [Test]
    public void The_last_lease_unmaps()
    {
        ChildProcess.Run(CountMappings, Name);

        static int CountMappings(string[] args)
        {
            SharedArray.Create<int>(args[0], 10).Dispose();
            SharedArray<int> array = SharedArray.Attach<int>(args[0]);
            SharedArrayLease<int> first = array.Acquire();
            SharedArrayLease<int> second = array.Acquire();
            array.Dispose();
            Assert.That(OwnProcess.CountMappings(args[0]), Is.EqualTo(1));
            Assert.That(SharedArray.Describe(args[0]).IsInUse, Is.True);
            first.Dispose();
            first.Dispose();
            Assert.That(OwnProcess.CountMappings(args[0]), Is.EqualTo(1));
            second.Span[9] = 1;
            second.Dispose();
            Assert.That(OwnProcess.CountMappings(args[0]), Is.Zero);
            Assert.That(SharedArray.Describe(args[0]).IsInUse, Is.False);
            try
            {
                return second.Span.Length;
            }
            catch (ObjectDisposedException)
            {
                return 0;
            }
        }
    }

    [Test]
    public void Memory_can_be_kept_pinned_and_used_after_an_await()
    {
        SharedArray<int> array = SharedArray.Create(Name, ArrayContent.From([1, 2, 3]));
        Memory<int> memory = array.Memory;
        Assert.That(UseLater(memory[1..]).Result, Is.EqualTo(5));
        Assert.That(array[0], Is.EqualTo(1));

        MemoryHandle pin = memory.Pin();
        array.Dispose();
        unsafe
        {
            Assert.That(((int*)pin.Pointer)[2], Is.EqualTo(3));
        }

        Assert.That(SharedArray.Describe(Name).IsInUse, Is.True);
        pin.Dispose();
        Assert.That(SharedArray.Describe(Name).IsInUse, Is.False);
        Assert.That(() => memory.Span.Length, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => memory.Pin(), Throws.InstanceOf<ObjectDisposedException>());

        static async Task<int> UseLater(Memory<int> memory)
        {
            await Task.Yield();
            return memory.Span[0] + memory.Span[1];
        }
    }

    [Test]
    public void Memory_of_more_elements_than_a_span_holds_is_refused()
    {
        using SharedArray<byte> array = SharedArray.Create(
            Name, ArrayContent.Zeros<byte>((1L << 31) + 1), new SharedArrayOptions { Preallocate = false });
        Assert.That(() => array.Memory.Length, Throws.InvalidOperationException.With.Message.Contains("AsSpan"));
        Assert.That(() => array.ToArray().Length, Throws.InvalidOperationException);
        Assert.That(() => array.Bytes.Length, Throws.InvalidOperationException.With.Message.Contains("bytes"));
        Assert.That(() => array.Acquire().Span.Length, Throws.InvalidOperationException.With.Message.Contains("AsTensorSpan"));
    }

    [Test]
    public void Two_arrays_of_one_mapping_are_disposed_one_by_one()
    {
        using SharedArray<double> made = SharedArray.Create(Name, 3);
        UntypedSharedArray untyped = SharedArray.AttachUntyped(Name);
        SharedArray<double> typed = untyped.As<double>();
        untyped.Dispose();
        typed[2] = 5;
        Assert.That(made[2], Is.EqualTo(5));
        typed.Dispose();
        Assert.That(() => untyped.As<double>(), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void A_span_of_a_collected_array_is_still_the_array()
    {
        using SharedArray<int> made = SharedArray.Create<int>(Name, 1000);
        ChildProcess.Run(Use, Name);
        Assert.That(made[999], Is.EqualTo(42));

        static int Use(string[] args)
        {
            Span<int> span = Attach(args[0]);
            for (int i = 0; i < 10; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();

                // If the memory were unmapped, this mapping would replace it.
                using SharedArray<int> other = SharedArray.Create<int>(args[0] + i, 1000);
                other.Fill(i);
                SharedArray.Delete(args[0] + i);
            }

            span[999] = 42;
            return 0;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static Span<int> Attach(string name) => SharedArray.Attach<int>(name).Span;
    }

    [Test]
    public void A_lease_that_is_copied_ends_once()
    {
        ChildProcess.Run(EndTwice, Name);

        static int EndTwice(string[] args)
        {
            using SharedArray<int> array = SharedArray.Create(args[0], ArrayContent.Filled(1, 10));
            for (int i = 0; i < 3; i++)
            {
                SharedArrayLease<int> lease = array.Acquire();
                SharedArrayLease<int> copy = lease;
                lease.Dispose();
                SharedArrayLease<int> next = array.Acquire();
                copy.Dispose();
                Assert.That(next[9], Is.EqualTo(1));
                next.Dispose();
                try
                {
                    return copy.Span.Length;
                }
                catch (ObjectDisposedException)
                {
                }

                using ReadOnlySharedArray<int> whole = SharedArray.AttachReadOnly<int>(args[0]);
                ReadOnlySharedArrayLease<int> read = whole.Acquire();
                ReadOnlySharedArrayLease<int> readCopy = read;
                read.Dispose();
                readCopy.Dispose();
                Assert.That(whole[9], Is.EqualTo(1));

                MemoryHandle pin = array.Memory.Pin();
                MemoryHandle pinCopy = pin;
                pin.Dispose();
                pinCopy.Dispose();
                Assert.That(array[9], Is.EqualTo(1));
            }

            return 0;
        }
    }

    [Test]
    public void A_lease_allocates_nothing_once_one_has_ended()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 10);
        array.Acquire().Dispose();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            array.Acquire().Dispose();
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread(), Is.EqualTo(before));
    }
}
