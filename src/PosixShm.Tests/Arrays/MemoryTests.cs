using System.Globalization;

namespace PosixShm.Tests;

/// <summary>The address of an array, and arrays locked into memory.</summary>
internal sealed unsafe class MemoryTests : NamedTest
{
    [Test]
    public void The_address_is_that_of_the_first_element()
    {
        foreach (ArrayLayout layout in (ArrayLayout[])[ArrayLayout.Npy, ArrayLayout.PythonSharedArray])
        {
            using SharedArray<int> array = SharedArray.Create(
                NameOf($"{layout}"), ArrayContent.Zeros<int>(1000), new SharedArrayOptions { Layout = layout });
            array[0] = 42;
            fixed (int* first = &array[0])
            {
                Assert.That(array.Address, Is.EqualTo((nint)first));
            }

            Assert.That(*(int*)array.Address, Is.EqualTo(42));
            array.Dispose();
            Assert.That(() => array.Address, Throws.InstanceOf<ObjectDisposedException>());
        }
    }

    [Test]
    public void A_locked_array_is_in_memory_as_the_kernel_counts_it()
    {
        using SharedArray<byte> array = SharedArray.Create(
            Name, ArrayContent.Zeros<byte>(1 << 20), new SharedArrayOptions { Preallocate = false });
        array.LockInMemory();
        array.LockInMemory();
        Assert.That((Smaps(array.Address, "Locked:"), Smaps(array.Address, "Rss:")), Is.EqualTo((1028L, 1028L)));

        array.UnlockFromMemory();
        array.UnlockFromMemory();
        Assert.That(Smaps(array.Address, "Locked:"), Is.Zero);

        array.Dispose();
        Assert.That(array.LockInMemory, Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(array.UnlockFromMemory, Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public void Locking_beyond_the_limit_is_an_error_that_names_the_limit()
    {
        // Runs without root, which has no limit. The limits are 64 KiB and 0.
        foreach ((string limit, string said) in new[] { ("64", "65,536 bytes"), ("0", "0 bytes") })
        {
            string output = ChildProcess.Run(
                "bash", ["-c", $"ulimit -l {limit}; exec \"$@\"", "bash", .. OtherUser.WithoutRoot(ChildProcess.CommandLine(Lock, Name))]);
            Assert.That(
                output,
                Does.Contain("RLIMIT_MEMLOCK").And.Contain($"is {said}").And.Contain("Cannot lock the 1,048,704 bytes").And.Contain(Name));
        }

        static int Lock(string[] args)
        {
            using SharedArray<byte> array = SharedArray.Create<byte>(args[0], 1 << 20);
            SharedArray.Delete(args[0]);
            try
            {
                array.LockInMemory();
                return 1;
            }
            catch (IOException error) when (error.HResult != 0)
            {
                Console.WriteLine(error.Message);
                array[5] = 1;
                return 0;
            }
        }
    }

    // Returns a value of the mapping that contains the address, in kB.
    private static long Smaps(nint address, string field)
    {
        using IEnumerator<string> lines = File.ReadLines("/proc/self/smaps").GetEnumerator();
        bool isFound = false;
        while (lines.MoveNext())
        {
            string[] words = lines.Current.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0].Split('-') is [string from, string to]
                && long.TryParse(from, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out long start)
                && long.TryParse(to, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out long end))
            {
                isFound = address >= start && address < end;
            }
            else if (isFound && words[0] == field)
            {
                return long.Parse(words[1], CultureInfo.InvariantCulture);
            }
        }

        throw new AssertionException($"no {field} of {address:x}");
    }
}
