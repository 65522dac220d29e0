using PosixShm.Synchronization;

namespace PosixShm.Tests;

/// <summary>Programs in C and Python that use the locks by the rules of docs/FORMAT.md alone.</summary>
internal sealed class ForeignLockTests : NamedTest
{
    // usage: peer PATH LOCK add N (add one to the first element N times) | hold | repair
    private const string Peer =
        """
        #define _GNU_SOURCE
        #include <fcntl.h>
        #include <linux/futex.h>
        #include <stdint.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/mman.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <unistd.h>

        #define ABANDONED (1u << 30)
        #define WAITERS (1u << 31)

        #define WORD 0x01024D4853500002u

        static int file;
        static uint32_t* slots;
        static uint32_t* word;
        static uint32_t me;

        static int locks(int command, short kind, int slot)
        {
            struct flock lock = { .l_type = kind, .l_whence = SEEK_SET, .l_start = (1ll << 62) + slot, .l_len = 1 };
            return fcntl(file, command, &lock) < 0 ? -1 : lock.l_type;
        }

        static int exchange(uint32_t old, uint32_t new)
        {
            return __atomic_compare_exchange_n(word, &old, new, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        }

        static int is_alive(uint32_t owner)
        {
            int slot = owner & 0x1FF;
            return owner == me || (slot >= 1 && slot <= 448
                && (__atomic_load_n(&slots[slot - 1], __ATOMIC_SEQ_CST) & 0x1FFFFF) == owner >> 9
                && locks(F_OFD_GETLK, F_RDLCK, slot) == F_WRLCK);
        }

        static int enter(int repairs)
        {
            uint32_t mine = me;
            for (;;) {
                uint32_t seen = __atomic_load_n(word, __ATOMIC_SEQ_CST);
                if (seen == 0) {
                    if (exchange(0, mine)) return 1;
                } else if (!is_alive(seen & ~(ABANDONED | WAITERS))) {
                    if (exchange(seen, repairs ? me | ABANDONED : ABANDONED)) {
                        if (seen & WAITERS) syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
                        return repairs;
                    }
                } else if ((seen & WAITERS) || exchange(seen, seen | WAITERS)) {
                    struct timespec look = { .tv_nsec = 50000000 };
                    syscall(SYS_futex, word, FUTEX_WAIT, seen | WAITERS, &look, NULL, 0);
                    mine = me | WAITERS;
                }
            }
        }

        static void leave(void)
        {
            uint32_t old = __atomic_exchange_n(word, 0, __ATOMIC_SEQ_CST);
            if ((old & ~(ABANDONED | WAITERS)) != me) abort();
            if (old & WAITERS) syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
        }

        /* Elements of 8 bytes in one dimension. The page is at the next multiple of 4,096 bytes behind them, and is made if need be. */
        static char* map(long* start, long* place)
        {
            char head[129] = "";
            if (pread(file, head, 128, 0) != 128) return NULL;
            *start = 10 + (unsigned char)head[8] + 256 * (unsigned char)head[9];
            long end = *start + 8 * atol(strstr(head + 10, "'shape': (") + 10);
            *place = (end + 4095) / 4096 * 4096;

            struct stat status;
            if (fstat(file, &status) < 0) return NULL;
            if (status.st_size < *place + 4096 && (fallocate(file, 0, *place, 4096) < 0 || fstat(file, &status) < 0)) return NULL;
            char* memory = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            uint64_t none = 0;
            __atomic_compare_exchange_n((uint64_t*)(memory + *place), &none, WORD, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
            return none == 0 || none == WORD ? memory : NULL;
        }

        int main(int argc, char** argv)
        {
            long start, place;
            file = open(argv[1], O_RDWR | O_CLOEXEC);
            char* memory = file < 0 ? NULL : map(&start, &place);
            if (memory == NULL) return 2;
            char* page = memory + place;
            int behind = *(int32_t*)(page + 8);
            if (atoi(argv[2]) >= (behind > 0 ? behind : 31)) return 3;
            slots = (uint32_t*)(page + 256);
            word = (uint32_t*)(page + (behind > 0 ? 4096 : 2112) + 64 * atoi(argv[2]));
            for (int slot = 1; me == 0 && slot <= 448; slot++)
                if (locks(F_OFD_SETLK, F_WRLCK, slot) >= 0) {
                    uint32_t generation = (__atomic_load_n(&slots[slot - 1], __ATOMIC_SEQ_CST) + 1) & 0x1FFFFF;
                    __atomic_store_n(&slots[slot - 1], generation, __ATOMIC_SEQ_CST);
                    me = slot | generation << 9;
                }

            volatile int64_t* elements = (int64_t*)(memory + start);
            int count = argv[3][0] == 'a' ? atoi(argv[4]) : 1;
            for (int i = 0; i < count; i++) {
                if (!enter(argv[3][0] == 'r')) { puts("ABANDONED"); return 0; }
                elements[0] = elements[0] + 1;
                if (argv[3][0] == 'h') { puts("HELD"); fflush(stdout); getchar(); }
                leave();
            }
            puts("DONE");
            return 0;
        }
        """;

    private static string s_folder = null!;

    private static string Program => Path.Combine(s_folder, "peer");

    [OneTimeSetUp]
    public static void Compile()
    {
        s_folder = Directory.CreateTempSubdirectory("posixshm-test-").FullName;
        File.WriteAllText(Program + ".c", Peer);
        _ = ChildProcess.Run("cc", "-O2", "-Wall", "-Werror", "-o", Program, Program + ".c");
    }

    [OneTimeTearDown]
    public static void RemoveProgram() => Directory.Delete(s_folder, recursive: true);

    [TestCase(1, 0)]
    [TestCase(31, 30)]
    [TestCase(100, 99)]
    public void C_and_csharp_count_together(int locks, int index)
    {
        const int Count = 20_000;
        using SharedArray<long> array = SharedArray.Create(Name, ArrayContent.Zeros<long>(1), new SharedArrayOptions { Locks = locks });
        using ChildProcess first = ChildProcess.Start(Program, ShmPath, $"{index}", "add", $"{Count}");
        using ChildProcess second = ChildProcess.Start(Program, ShmPath, $"{index}", "add", $"{Count}");
        for (int i = 0; i < Count; i++)
        {
            using (array.Locks[index].EnterScope())
            {
                array[0]++;
            }
        }

        first.WaitForSuccess();
        second.WaitForSuccess();
        Assert.That(array[0], Is.EqualTo(3 * Count));
        Assert.That(array.Locks[index].State, Is.EqualTo(SharedLockState.Free));
    }

    [Test]
    public void Each_program_detects_the_death_of_the_other()
    {
        using SharedArray<long> array = SharedArray.Create<long>(Name, 1);
        using (ChildProcess holder = ChildProcess.Start(Program, ShmPath, "0", "hold"))
        {
            holder.Expect("HELD");
            Assert.That((array.Lock.State, array.Lock.FindOwnerProcess()), Is.EqualTo((SharedLockState.Held, holder.Id)));
            Assert.That(array.Lock.TryEnter(TimeSpan.FromMilliseconds(70)), Is.False);
        }

        Assert.That(() => array.Lock.Enter(), Throws.InstanceOf<AbandonedMutexException>());
        Assert.That(ChildProcess.Run(Program, ShmPath, "0", "add", "1"), Is.EqualTo("ABANDONED\n"));
        Assert.That(ChildProcess.Run(Program, ShmPath, "0", "repair"), Is.EqualTo("DONE\n"));
        Assert.That(array.Lock.TryEnter(), Is.True);

        using ChildProcess waiter = ChildProcess.Start(Program, ShmPath, "0", "add", "1");
        WaitUntilLockHasWaiter();
        array.Lock.Exit();
        waiter.Expect("DONE");
    }

    [Test]
    public void Python_sees_the_locks_with_the_code_of_the_page()
    {
        string[] blocks =
        [
            .. Regions.Page("docs", "FORMAT.md").Split("```python\n").Skip(1)
                .Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)]),
        ];
        string code = blocks.Single(block => block.Contains("def locks", StringComparison.Ordinal));
        using SharedArray<long> array = SharedArray.Create(Name, ArrayContent.Zeros<long>(5), new SharedArrayOptions { Locks = 3 });
        using (ChildProcess dead = ChildProcess.Start(Program, ShmPath, "2", "hold"))
        {
            dead.Expect("HELD");
        }

        using (array.Locks[1].EnterScope())
        {
            Assert.That(
                Python.Run($"{code}\nfound = [*locks(sys.argv[1])]; print(len(found), *found[:3], *set(found[3:]))", ShmPath),
                Is.EqualTo("31 free held abandoned free"));
        }

        using SharedArray<byte> many = SharedArray.Create(
            NameOf("many"), ArrayContent.Zeros<byte>(1), new SharedArrayOptions { Locks = 40 });
        many.Locks[39].Enter();
        Assert.That(
            Python.Run($"{code}\nprint([i for i, state in enumerate(locks(sys.argv[1])) if state == 'held'])", ShmPathOf(NameOf("many"))),
            Is.EqualTo("[39]"));
        many.Locks[39].Exit();

        _ = array.ChangeCounter.Signal();
        Assert.That(
            Python.Run(
                "import struct; data = open(sys.argv[1], 'rb').read(); print(*struct.unpack_from('=II', data, len(data) - 4096 + 2048))",
                ShmPath),
            Is.EqualTo("1 0"));
    }
}
