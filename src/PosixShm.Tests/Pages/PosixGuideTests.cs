using System.Runtime.InteropServices;
using PosixShm.Posix;

namespace PosixShm.Tests;

/// <summary>Runs the code of docs/POSIX.md.</summary>
internal sealed class PosixGuideTests : NamedTest
{
    private struct Sample
    {
        public long Time;
        public double Value;
    }

    [Test]
    public void Object()
    {
        string name = Name;
        #region create
        using SharedMemoryObject table = SharedMemoryObject.Create(name, size: 8192);
        using MemoryMapping memory = table.Map();
        "hello"u8.CopyTo(memory.Span);
        #endregion
        MemoryMarshal.Write(memory.AsSpan(4096, 16), new Sample { Time = 1, Value = 2.5 });

        #region open
        using SharedMemoryObject found = SharedMemoryObject.Open(name, FileAccess.Read);
        using MemoryMapping second = found.Map(offset: 4096, length: 100); // the offset is a multiple of the page size
        ref readonly Sample sample = ref MemoryMarshal.AsRef<Sample>(second.ReadOnlySpan);
        #endregion
        Assert.That((sample.Time, sample.Value), Is.EqualTo((1L, 2.5)));

        #region advise
        memory.Protect(FileAccess.Read);                            // mprotect: a store would end the process
        memory.Advise(MemoryAdvice.DontDump);                       // madvise: core dumps leave it out
        memory.LockInMemory(offset: 0, length: 4096);               // mlock: never swapped out
        using MemoryMapping copy = table.Map(options: MappingOptions.Private | MappingOptions.Populate);
        #endregion
        Assert.That(copy.ReadOnlySpan[..5].SequenceEqual("hello"u8), Is.True);
    }

    [Test]
    public void Page_shows_the_code_that_runs() => Regions.CompareWithPage("PosixGuideTests.cs", "docs", "POSIX.md");

    [Test]
    public void Namespace_has_five_types()
        => Assert.That(
            typeof(SharedMemoryObject).Assembly.GetExportedTypes()
                .Where(type => type.Namespace == typeof(SharedMemoryObject).Namespace)
                .Select(type => type.Name),
            Is.EquivalentTo(
            [
                nameof(SharedMemoryObject), nameof(MemoryMapping), nameof(NamedSemaphore), nameof(MappingOptions), nameof(MemoryAdvice),
            ]));
}
