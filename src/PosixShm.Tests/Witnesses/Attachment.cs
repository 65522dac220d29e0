using System.Text;

namespace PosixShm.Tests;

/// <summary>An attachment of an array of one dimension by the rules of docs/FORMAT.md, with the calls of another package alone. The offsets
/// are written a second time, so that the witness does not depend on the library's constants.</summary>
internal sealed unsafe class Attachment
{
    private const long InUseByte = 1L << 62;
    private const long PageWord = 0x01024D4853500002;
    private const int PageSize = 4096;
    private const int FirstSlot = 256;
    private const int Slots = 448;
    private const int FirstLock = 2112;
    private const int GenerationMask = 0x1FFFFF;

    private readonly PackageCalls _libc;
    private readonly int _file;
    private readonly byte* _page;
    private readonly int _owner;

    /// <summary>Attaches an array of <see cref="long"/>, makes its page if it has none, and takes a slot.</summary>
    public Attachment(PackageCalls libc, string path)
    {
        _libc = libc;
        _file = libc.Open(path);
        Assert.That(libc.TryLockByte(_file, InUseByte, isExclusive: false), Is.True, "no process deletes the array");
        (long start, long end) = ReadHeader();
        long page = (end + PageSize - 1) / PageSize * PageSize;
        byte* memory = libc.Map(_file, page + PageSize);
        Elements = (long*)(memory + start);
        _page = memory + page;
        MakePage(page);
        _owner = TakeSlot();
    }

    /// <summary>Gets the address of the first element.</summary>
    public long* Elements { get; }

    private ref int Lock => ref *(int*)(_page + FirstLock);

    /// <summary>Enters the first lock, which must be free.</summary>
    public void Enter() => Assert.That(Interlocked.CompareExchange(ref Lock, _owner, 0), Is.Zero, "the lock is free");

    /// <summary>Leaves the first lock, for which no process waits.</summary>
    public void Leave() => Assert.That(Interlocked.CompareExchange(ref Lock, 0, _owner), Is.EqualTo(_owner), "no process waits");

    // Returns where the elements of 8 bytes begin and end.
    private (long Start, long End) ReadHeader()
    {
        Span<byte> head = stackalloc byte[128];
        Assert.That(_libc.Read(_file, head, 0), Is.EqualTo(head.Length));
        string text = Encoding.Latin1.GetString(head);
        Assert.That(text, Does.StartWith("\u0093NUMPY\u0001\0").And.Contain("'descr': '<i8'"));
        long start = 10 + BitConverter.ToUInt16(head[8..]);
        string shape = text.Split("'shape': (")[1].Split(',')[0];
        return (start, start + (8 * long.Parse(shape, System.Globalization.CultureInfo.InvariantCulture)));
    }

    private void MakePage(long page)
    {
        if (_libc.SizeOf(_file) < page + PageSize)
        {
            _libc.Reserve(_file, page, PageSize);
        }

        long found = Interlocked.CompareExchange(ref *(long*)_page, PageWord, 0);
        Assert.That(found, Is.Zero.Or.EqualTo(PageWord), "the page is this library's");
    }

    private int TakeSlot()
    {
        int slot = Enumerable.Range(1, Slots).First(slot => _libc.TryLockByte(_file, InUseByte + slot, isExclusive: true));
        int* word = (int*)(_page + FirstSlot) + slot - 1;
        int generation = (Volatile.Read(ref *word) + 1) & GenerationMask;
        Volatile.Write(ref *word, generation);
        return slot | (generation << 9);
    }
}
