using System.Numerics;
using System.Text;
using System.Text.Json;

namespace PosixShm.Tests;

/// <summary>Files in the manner of other programs, whose headers differ from numpy's: the table of docs/FORMAT.md.</summary>
internal sealed class ForeignWriterTests : NamedTest
{
    // The offset of the elements follows from the length of the dictionary, by the arithmetic of each program.
    private static readonly Writer[] s_writers =
    [
        new("npy-matlab", 1, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", n => Up(n + 11, 16)),
        new("npy-matlab, a column", 1, "{'descr': '<u1', 'fortran_order': True, 'shape': (5, 1), }", n => Up(n + 11, 16)),
        new("gonpy", 2, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,3,),}", n => Above(n + 10, 32) + 2, false, Last: ' '),
        new("gonpy, bytes", 2, "{'descr': '<i1', 'fortran_order': True, 'shape': (2,3,),}", n => Above(n + 10, 32) + 2, Last: ' '),
        new("npyio", 2, "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }", n => n + 13 + ((n + 13) % 16), IsAligned: false),
        new("npyio, aligned by chance", 2, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", n => n + 13 + ((n + 13) % 16)),
        new("npyio, bytes", 2, "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }", n => n + 13 + ((n + 13) % 16)),
        new("ndarray-npy", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}", n => Above(n + 11, 64)),
        new("ndarray-npy, Fortran order", 1, "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3)}", n => Above(n + 11, 64)),
        new("npyjs", 1, "{'descr':'<f8','fortran_order':False,'shape':(2,3)}", n => Above(n + 11, 8)),
        new("npyjs, bytes", 1, "{'descr':'|u1','fortran_order':False,'shape':(5,)}", n => Above(n + 11, 8)),
        new("NumSharp", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", n => Above(n + 11, 16)),
        new("RcppCNPy", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", n => Above(n + 10, 16)),
        new("RcppCNPy, a vector", 1, "{'descr': '<i4', 'fortran_order': False, 'shape': (5,), }", n => Above(n + 10, 16)),
        new("NPY-for-Fortran", 2, "{'descr': '<f8', 'fortran_order': True, 'shape': (2,3,), }", n => Up(n + 11, 16) + 2, IsAligned: false),
        new("NPY-for-Fortran, bytes", 2, "{'descr': '<i1', 'fortran_order': True, 'shape': (5,), }", n => Up(n + 11, 16) + 2),
        new("Fortran's stdlib", 1, "{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3, ), }", n => Above(n + 11, 64)),
        new("numpy on Python 2", 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2L, 3L), }", n => Above(n + 11, 16)),
        new("numpy on Python 2, a vector", 1, "{'descr': '<i4', 'fortran_order': False, 'shape': (5L,), }", n => Above(n + 11, 16)),
    ];

    private string OnDisk => Path.Combine(Folder, "a.npy");

    private static IEnumerable<TestCaseData> Writers
        => s_writers.Select(writer => new TestCaseData(writer).SetArgDisplayNames(writer.Program));

    [TestCaseSource(nameof(Writers))]
    public void Elements_are_those_that_numpy_reads(Writer writer)
    {
        File.WriteAllBytes(OnDisk, writer.Header());
        string read = Python.Run(
            """
            import warnings; warnings.simplefilter('ignore')
            with open(sys.argv[1], 'ab') as file:
                file.write(np.arange(5 if '5' in sys.argv[2] else 6).astype(sys.argv[3]).tobytes())
            a = np.load(sys.argv[1])
            print(json.dumps([list(a.shape), a.ravel().tolist(), a.flags.c_contiguous]))
            """,
            OnDisk, writer.Dictionary, writer.Type);
        JsonElement numpy = JsonDocument.Parse(read).RootElement;
        switch (writer.Type)
        {
            case "f8":
                Check<double>();
                break;
            case "i4":
                Check<int>();
                break;
            case "i1":
                Check<sbyte>();
                break;
            default:
                Check<byte>();
                break;
        }

        void Check<T>()
            where T : unmanaged, INumber<T>
        {
            string name = $"file://{OnDisk}";
            long[] shape = numpy[0].Deserialize<long[]>()!;
            T[] elements = [.. numpy[1].EnumerateArray().Select(element => T.CreateChecked(element.GetDouble()))];
            using UntypedSharedArray any = SharedArray.AttachUntyped(name);
            using SharedArray<T> loaded = SharedArray.Create(Name, ArrayContent.Load<T>(OnDisk));
            using (Assert.EnterMultipleScope())
            {
                Assert.That(any.Shape, Is.EqualTo(shape));
                Assert.That(any.IsFortranOrder, Is.EqualTo(!numpy[2].GetBoolean()));
                Assert.That(Enumerable.Range(0, elements.Length).Select(i => any.GetValue(i)), Is.EqualTo(elements));
                Assert.That(loaded.Shape, Is.EqualTo(shape));
                Assert.That(loaded.Span.ToArray(), Is.EqualTo(elements));
            }

            if (writer.IsAligned)
            {
                using SharedArray<T> array = SharedArray.Attach<T>(name);
                Assert.That(array.ToArray(), Is.EqualTo(elements));
            }
            else
            {
                Assert.That(
                    () => SharedArray.Attach<T>(name),
                    Throws.InstanceOf<InvalidDataException>().With.Message.Contains("not a multiple of"));
            }
        }
    }

    [Test]
    public void The_page_has_a_row_for_each_program()
    {
        string page = Regions.Page("docs", "FORMAT.md");
        IEnumerable<string> programs = s_writers.Select(writer => writer.Program.Split(',')[0]).Distinct();
        Assert.That(programs.Where(program => !page.Contains($"\n| {program}", StringComparison.Ordinal)), Is.Empty);
    }

    // The first multiple that is not below, and the first one above.
    private static int Up(int length, int multiple) => (length + multiple - 1) / multiple * multiple;

    private static int Above(int length, int multiple) => (length / multiple * multiple) + multiple;

    /// <summary>A program that writes .npy files.</summary>
    internal sealed record Writer(
        string Program, byte Version, string Dictionary, Func<int, int> Offset, bool IsAligned = true, char Last = '\n')
    {
        public string Type => Dictionary[Dictionary.IndexOfAny(['<', '|'])..][1..3];

        public byte[] Header()
        {
            int start = Version == 1 ? 10 : 12;
            int length = Offset(Dictionary.Length) - start;
            byte[] size = BitConverter.GetBytes(length);
            string text = Dictionary.PadRight(length - 1) + Last;
            return [0x93, .. "NUMPY"u8, Version, 0, .. size[..(start - 8)], .. Encoding.ASCII.GetBytes(text)];
        }
    }
}
