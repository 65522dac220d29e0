using PosixShm.Elements;
using PosixShm.Formats;

namespace PosixShm.Tests;

/// <summary>The table of file formats.</summary>
internal sealed class FileFormatTests
{
    [Test]
    public void Every_layout_but_raw_bytes_has_one_format()
        => Assert.That(
            FileFormat.All.Select(static format => format.Layout),
            Is.EquivalentTo(Enum.GetValues<ArrayLayout>().Except([ArrayLayout.Raw])));

    [Test]
    public void Longest_description_at_the_end_is_the_number_of_last_bytes_that_readers_get()
        => Assert.That(FileFormat.All.Max(static format => format.TailLength), Is.EqualTo(FileFormat.MaxTailLength));

    [Test]
    public void Formats_with_a_header_are_tried_first()
        => Assert.That(FileFormat.All, Is.EqualTo(FileFormat.All.OrderByDescending(static format => format.CanGrow)));

    [Test]
    public void Every_format_reads_what_it_writes()
    {
        foreach (FileFormat format in FileFormat.All)
        {
            DType type = ScalarType.Native(ScalarType.SignedInteger, 4);
            NewArray array = NewArray.Create(format.Layout, type, [2, 3], locks: 1, needsPage: false, "shape");
            byte[] file = [.. array.Head, .. new byte[array.FileLength - array.Head.Length - array.Tail.Length], .. array.Tail];
            ArrayHeader? read = ArrayHeader.TryRead(file, file, file.Length, out string problem);
            Assert.That(read, Is.Not.Null, problem);
            Assert.That(read.DescribesSame(array.Header) && read.End == array.Header.End, Is.True, $"{format.Layout}");
        }
    }
}
