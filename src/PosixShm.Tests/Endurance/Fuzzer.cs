using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using PosixShm.Elements;
using PosixShm.Formats;

namespace PosixShm.Tests;

/// <summary>
/// Feeds changed headers to the readers of the formats. The files are those of numpy, of Python's SharedArray package and of this library.
/// Bits are flipped; bytes are replaced, inserted, removed and copied from other files. For any bytes, the reader returns a header that
/// fits the file, or a reason. <c>./build.sh fuzz</c> runs it.
/// </summary>
internal sealed class Fuzzer
{
    private const int LongestFile = 16 << 10;

    private static readonly string s_fixtures = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Fixtures");
    private static readonly long[] s_interesting =
    [
        0, 1, -1, 7, 8, 27, 28, 32, 64, 65, 127, 128, 255, 256, 292, 548, 4095, 4096, 4097, 4644, 32767, 65535, 65536, 1 << 20,
        int.MaxValue, int.MinValue, 1L << 32, 1L << 61, 1L << 62, long.MaxValue, long.MinValue,
    ];

    private static readonly string[] s_words =
    [
        "'<f8'", "'|O'", "'<U1'", "'|V0'", "'|S0'", "'<M8[ns]'", "(", ")", "[", "]", "{", "}", ",", "'", "\\x00", "\\ud800",
        "9223372036854775807", "-1", "0", "10L", "True", "'shape': ", "(2, 3)", "[('a', '<f4')]", "[SharedArray]", "PSHMCTRL",
        "\x02\x00PSHM\x02\x01",
    ];

    private readonly Random _random;
    private readonly List<byte[]> _corpus;
    private readonly byte[] _file = new byte[LongestFile];
    private int _length;

    public Fuzzer(int seed)
    {
        _random = new Random(seed);
        _corpus = [.. Corpus().Select(static entry => entry.Bytes)];
    }

    /// <summary>Gets how many inputs were tried.</summary>
    public long Executions { get; private set; }

    /// <summary>Gets how many of them were good files.</summary>
    public long Accepted { get; private set; }

    /// <summary>Gets the bytes that were tried last.</summary>
    public byte[] Input => _file[.._length];

    /// <summary>Runs for some time and prints the counts; 1 after a finding, whose bytes it keeps. Arguments: seconds, seed.</summary>
    public static int Run(string[] args)
    {
        int seed = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1;
        Fuzzer fuzzer = new(seed);
        try
        {
            fuzzer.RunFor(TimeSpan.FromSeconds(int.Parse(args[0], CultureInfo.InvariantCulture)));
        }
        catch (InvalidDataException finding)
        {
            string file = Path.Combine(
                Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"posixshm-fuzz-{seed}-{fuzzer.Executions}"));
            File.WriteAllBytes(file, fuzzer.Input);
            Console.WriteLine($"{finding}\nThe input is {file}: make it a file of Fixtures/Fuzz.");
            return 1;
        }

        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"seed {seed}: {fuzzer.Executions:N0} executions, {fuzzer.Accepted:N0} accepted, 0 findings"));
        return 0;
    }

    /// <summary>Gives the files that everything starts from: the fixtures, and what this library writes.</summary>
    public static IEnumerable<(string Name, byte[] Bytes)> Corpus()
    {
        IEnumerable<string> files = Directory.EnumerateFiles(s_fixtures, "*", SearchOption.AllDirectories);
        foreach (string file in files
            .Where(file => Path.GetExtension(file) is not (".json" or ".py" or ".c" or ".h"))
            .Order(StringComparer.Ordinal))
        {
            yield return (Path.GetRelativePath(s_fixtures, file), File.ReadAllBytes(file));
        }

        ScalarType type = ScalarType.Native(ScalarType.FloatingPoint, 8);
        yield return ("npy", Bytes(NewArray.Create(ArrayLayout.Npy, type, [10], 1, needsPage: false, "shape")));
        yield return ("npy, with a page", Bytes(NewArray.Create(ArrayLayout.Npy, type, [10], 1, needsPage: true, "shape")));
        yield return ("npy, 40 locks", Bytes(NewArray.Create(ArrayLayout.Npy, type, [2, 3], 40, needsPage: false, "shape")));
        yield return ("SharedArray", Bytes(NewArray.Create(ArrayLayout.PythonSharedArray, type, [10], 1, needsPage: false, "shape")));
        yield return (
            "SharedArray, scalar", Bytes(NewArray.Create(ArrayLayout.PythonSharedArray, type, [], 40, needsPage: false, "shape")));

        static byte[] Bytes(NewArray array)
        {
            byte[] file = new byte[array.FileLength];
            array.Head.CopyTo(file, 0);
            array.Page.CopyTo(file, array.Page.Length > 0 ? array.Place.Offset : 0);
            array.Tail.CopyTo(file, file.Length - array.Tail.Length);
            return file;
        }
    }

    /// <summary>Reads a file as the library does. Returns whether it is an array; throws if the answer cannot be.</summary>
    public static bool ReadsSafely(ReadOnlyMemory<byte> bytes, long size, bool isCut = false)
    {
        BytesOfFile file = new(bytes, size, isCut);
        bool isArray = file.ReadsSafely();

        // A valid header can be written and read again. The usual header is compared; with a leading space it is parsed, to the same
        // result.
        if (isArray && file.TryReadHeader(out _) is { Layout: ArrayLayout.Npy } header)
        {
            byte[] written = NpyHeader.Write(header.Type, header.Shape.AsSpan());
            BytesOfFile.Hold(IsSame(Read(written, out string problem), header), $"another one when written again: {header.Type} {problem}");
            int start = written[6] == 1 ? 10 : 12;
            byte[] parsed = [.. written[..start], (byte)' ', .. written[start..^2], (byte)'\n'];
            BytesOfFile.Hold(IsSame(Read(parsed, out problem), header), $"another one when parsed: {header.Type} {problem}");
        }

        return isArray;
    }

    private static NpyHeader? Read(ReadOnlySpan<byte> head, out string problem)
    {
        problem = string.Empty;
        return UsualHeader.TryRead(head, out NpyHeader header) || NpyHeader.TryRead(head, out header, out problem) ? header : null;
    }

    /// <summary>Tries changed files for some time.</summary>
    public void RunFor(TimeSpan limit)
    {
        for (Stopwatch time = Stopwatch.StartNew(); time.Elapsed < limit;)
        {
            for (int i = 0; i < 100; i++)
            {
                RunOnce();
            }
        }
    }

    private static bool IsSame(NpyHeader? read, ArrayHeader header)
        => read is NpyHeader npy && npy.Type == header.Type && npy.Shape.SequenceEqual(header.Shape);

    private void RunOnce()
    {
        byte[] origin = _corpus[_random.Next(_corpus.Count)];
        _length = Math.Min(origin.Length, LongestFile);
        origin.AsSpan(0, _length).CopyTo(_file);
        for (int changes = _random.Next(1, 6); changes > 0; changes--)
        {
            Change();
        }

        // A file may be larger than the part that is read, and may have been truncated after it was opened.
        ReadOnlyMemory<byte> file = _file.AsMemory(0, _length);
        bool isCut = _random.Next(8) == 0;
        bool isLarger = isCut || (_length >= 2 * Pages.Size && _random.Next(8) == 0);
        long size = isLarger ? Math.Max(_length, s_interesting[_random.Next(s_interesting.Length)]) : _length;
        Executions++;
        try
        {
            Accepted += ReadsSafely(file, size, isCut) ? 1 : 0;
            string text = System.Text.Encoding.Latin1.GetString(file.Span[Math.Min(_length, 10)..Math.Min(_length, 200)]);
            _ = new PythonLiteral(text).ReadValue();
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new InvalidDataException($"With {_length} bytes of a file of {size}: {error.Message}", error);
        }
    }

    private void Change()
    {
        int place = Place();
        switch (_random.Next(7))
        {
            case 0 when _length > 0:
                _file[place] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when _length > 0:
                _file[place] = (byte)_random.Next(256);
                break;
            case 2 when place + 8 <= _length:
                BinaryPrimitives.WriteInt64LittleEndian(_file.AsSpan(place), s_interesting[_random.Next(s_interesting.Length)]);
                break;
            case 3 when place + 4 <= _length:
                BinaryPrimitives.WriteInt32LittleEndian(
                    _file.AsSpan(place), unchecked((int)s_interesting[_random.Next(s_interesting.Length)]));
                break;
            case 4:
                Insert(place, System.Text.Encoding.Latin1.GetBytes(s_words[_random.Next(s_words.Length)]));
                break;
            case 5 when _length > 0:
                Remove(place, _random.Next(4) == 0 ? _random.Next(_length - place) : _random.Next(Math.Min(16, _length - place)));
                break;
            default:
                byte[] other = _corpus[_random.Next(_corpus.Count)];
                int from = _random.Next(other.Length);
                ReadOnlySpan<byte> part = other.AsSpan(from, _random.Next(Math.Min(600, other.Length - from)));
                if (_random.Next(2) == 0)
                {
                    Insert(_random.Next(2) == 0 ? _length : place, part);
                }
                else
                {
                    part[..Math.Min(part.Length, _length - place)].CopyTo(_file.AsSpan(place));
                }

                break;
        }
    }

    // Descriptions are in the first bytes, in the last bytes, and at the start of a control page.
    private int Place()
        => _length == 0 ? 0 : _random.Next(4) switch
        {
            0 => _random.Next(Math.Min(_length, 160)),
            1 => Math.Max(0, _length - 1 - _random.Next(600)),
            2 => Math.Min(_length - 1, (Math.Max(0, (_length / Pages.Size) - _random.Next(3)) * Pages.Size) + _random.Next(16)),
            _ => _random.Next(_length),
        };

    private void Insert(int place, ReadOnlySpan<byte> bytes)
    {
        int count = Math.Min(bytes.Length, LongestFile - _length);
        _file.AsSpan(place, _length - place).CopyTo(_file.AsSpan(place + count));
        bytes[..count].CopyTo(_file.AsSpan(place));
        _length += count;
    }

    private void Remove(int place, int count)
    {
        _file.AsSpan(place + count, _length - place - count).CopyTo(_file.AsSpan(place));
        _length -= count;
    }
}
