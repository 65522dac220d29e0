using PosixShm.Native;

namespace PosixShm.Posix;

/// <summary>Advice on the use of mapped memory; see <c>madvise(2)</c>. An advice that the kernel does not have is an
/// <see cref="IOException"/>.</summary>
public enum MemoryAdvice
{
    /// <summary>No special use (<c>MADV_NORMAL</c>).</summary>
    Normal = Interop.MemoryAdvice.ADVICE_NORMAL,

    /// <summary>Accesses at random places: the kernel reads no pages ahead (<c>MADV_RANDOM</c>).</summary>
    Random = Interop.MemoryAdvice.ADVICE_RANDOM,

    /// <summary>Accesses in order: the kernel reads pages ahead (<c>MADV_SEQUENTIAL</c>).</summary>
    Sequential = Interop.MemoryAdvice.ADVICE_SEQUENTIAL,

    /// <summary>Accesses soon (<c>MADV_WILLNEED</c>).</summary>
    WillNeed = Interop.MemoryAdvice.ADVICE_WILL_NEED,

    /// <summary>No accesses soon: the kernel unmaps the pages, and the next access maps them again. A shared mapping keeps its content. A
    /// private one loses its stores (<c>MADV_DONTNEED</c>).</summary>
    DontNeed = Interop.MemoryAdvice.ADVICE_DONT_NEED,

    /// <summary>Frees the memory of the pages in the file too: every process reads zeros from then on (<c>MADV_REMOVE</c>).</summary>
    Remove = Interop.MemoryAdvice.ADVICE_REMOVE,

    /// <summary>Pages may become huge ones, of 2 MiB on x64 (<c>MADV_HUGEPAGE</c>). The mount of <c>/dev/shm</c> must allow it
    /// (<c>huge=advise</c>). <see cref="Collapse"/> needs no such mount.</summary>
    HugePages = Interop.MemoryAdvice.ADVICE_HUGE_PAGES,

    /// <summary>Pages do not become huge ones (<c>MADV_NOHUGEPAGE</c>).</summary>
    SmallPages = Interop.MemoryAdvice.ADVICE_SMALL_PAGES,

    /// <summary>The existing pages of whole units of 2 MiB are moved into huge pages now (<c>MADV_COLLAPSE</c>, Linux 6.1). A unit without
    /// any page is an error.</summary>
    Collapse = Interop.MemoryAdvice.ADVICE_COLLAPSE,

    /// <summary>A core dump of this process does not contain the pages (<c>MADV_DONTDUMP</c>).</summary>
    DontDump = Interop.MemoryAdvice.ADVICE_DONT_DUMP,

    /// <summary>Takes <see cref="DontDump"/> back (<c>MADV_DODUMP</c>).</summary>
    Dump = Interop.MemoryAdvice.ADVICE_DO_DUMP,

    /// <summary>The kernel may reclaim the pages first (<c>MADV_COLD</c>, Linux 5.4).</summary>
    Cold = Interop.MemoryAdvice.ADVICE_COLD,

    /// <summary>The kernel reclaims the pages now (<c>MADV_PAGEOUT</c>, Linux 5.4).</summary>
    PageOut = Interop.MemoryAdvice.ADVICE_PAGE_OUT,

    /// <summary>Maps every page now, to be read (<c>MADV_POPULATE_READ</c>, Linux 5.14).</summary>
    PopulateRead = Interop.MemoryAdvice.ADVICE_POPULATE_READ,

    /// <summary>Allocates and maps every page now, to be written (<c>MADV_POPULATE_WRITE</c>, Linux 5.14).</summary>
    PopulateWrite = Interop.MemoryAdvice.ADVICE_POPULATE_WRITE,
}
