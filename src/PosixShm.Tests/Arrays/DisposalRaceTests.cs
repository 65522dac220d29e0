using System.Buffers;

namespace PosixShm.Tests;

/// <summary>
/// Every member but views may be called while another thread disposes the array. It returns a good result or throws
/// <see cref="ObjectDisposedException"/>.
/// </summary>
internal sealed class DisposalRaceTests : NamedTest
{
    private const int Length = 64;

    private static readonly Dictionary<string, Action<SharedArray<long>>> s_members = new()
    {
        ["CopyTo"] = array =>
        {
            long[] copy = new long[Length];
            array.CopyTo(copy);
            Assert.That(copy, Is.All.EqualTo(1));
        },
        ["CopyFrom"] = array => array.CopyFrom([1, 1, 1], 2),
        ["ToArray"] = array => Assert.That(array.ToArray(), Is.All.EqualTo(1)),
        ["Fill"] = array => array.Fill(1),
        ["GetValue"] = array => Assert.That(array.GetValue(Length - 1), Is.EqualTo(1L)),
        ["SetValue"] = array => array.SetValue(1L, Length - 1),
        ["GetText"] = array => Assert.That(array.GetText(3), Is.EqualTo("1")),
        ["ToString"] = array => _ = array.ToString(),
        ["WriteTo"] = array => array.WriteTo(TextWriter.Null),
        ["enumeration"] = array => Assert.That(((IEnumerable<long>)array).Sum(), Is.EqualTo(Length)),
        ["IsCurrent"] = array => _ = array.IsCurrent,
        ["Flush"] = array => array.Flush(),
        ["Flush to disk"] = array => array.Flush(flushToDisk: true),
        ["LockInMemory"] = array => array.LockInMemory(),
        ["UnlockFromMemory"] = array => array.UnlockFromMemory(),
        ["Shape"] = array => Assert.That(array.Shape[0] * array.ItemSize, Is.EqualTo(array.ByteLength)),
        ["MakeInheritable"] = array => _ = array.MakeInheritable(),
        ["As"] = array =>
        {
            using SharedArray<long> other = array.As<long>();
            Assert.That(other.ToArray(), Is.All.EqualTo(1));
        },
        ["CopyOf"] = array =>
        {
            using SharedArray<long> copy = SharedArray.Create($"{array.Name}-{Guid.NewGuid():N}", ArrayContent.CopyOf(array));
            Assert.That(copy.ToArray(), Is.All.EqualTo(1));
            SharedArray.Delete(copy.Name);
        },
        ["Acquire"] = array =>
        {
            using SharedArrayLease<long> lease = array.Acquire();
            Assert.That(lease.Span.ContainsAnyExcept(1L), Is.False);
            Assert.That(lease[Length - 1], Is.EqualTo(1));
        },
        ["Pin"] = array =>
        {
            using MemoryHandle pin = array.Memory.Pin();
            unsafe
            {
                Assert.That(((long*)pin.Pointer)[Length - 1], Is.EqualTo(1));
            }
        },
        ["view properties"] = array => _ = array.Span.Length + array.Bytes.Length + array.AsSpan(0, 1).Length + array.Row(0).Length,
    };

    private static IEnumerable<string> Members => s_members.Keys;

    [TestCaseSource(nameof(Members))]
    public void A_call_while_another_thread_disposes_gives_a_good_result_or_ObjectDisposedException(string member)
    {
        ChildProcess.Run(Race, Name, member);

        static int Race(string[] args)
        {
            SharedArray.Create(args[0], ArrayContent.Filled(1L, Length)).Dispose();
            string other = args[0] + "-other";
            SharedArray.Create(other, ArrayContent.Filled(2L, Length)).Dispose();
            for (int round = 0; round < 200; round++)
            {
                SharedArray<long> array = SharedArray.Attach<long>(args[0]);
                using Barrier start = new(3);
                Task[] callers = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
                {
                    start.SignalAndWait();
                    CallUntilDisposed(s_members[args[1]], array);
                }))];

                start.SignalAndWait();
                Thread.SpinWait(round * 7 % 1000);
                array.Dispose();

                // The second array replaces the first mapping, so that a late store would change it.
                using SharedArray<long> next = SharedArray.Attach<long>(other);
                Task.WaitAll(callers);
                Assert.That(next.ToArray(), Is.All.EqualTo(2));
            }

            Assert.That(OwnProcess.CountMappings(args[0]), Is.Zero, "all is unmapped");
            return 0;
        }

        static void CallUntilDisposed(Action<SharedArray<long>> call, SharedArray<long> array)
        {
            try
            {
                for (int i = 0; i < 100_000; i++)
                {
                    call(array);
                }
            }
            catch (ObjectDisposedException)
            {
            }
        }
    }
}
