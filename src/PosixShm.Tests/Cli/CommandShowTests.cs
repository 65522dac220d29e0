using System.Text.Json;
using Mono.Unix.Native;

namespace PosixShm.Tests;

internal sealed class CommandShowTests : CommandTest
{
    [Test]
    public void Info_prints_one_fact_a_line()
    {
        SharedArray.Create<byte>(Name, 5).Dispose();
        string info = Pshm("info", Name);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(info, Does.StartWith($"name: {Name}\ndtype: |u1\nshape: (5,)\nbytes: 5\nlayout: npy\nmode: 0600\nuid: "));
            Assert.That(
                info,
                Does.Match(
                    @"\nuid: \d+\nowner: .+\ncreated: .+Z\nmodified: .+Z\n"
                    + @"in_use: false\norder: C\noffset: 128\nstrides: \(1,\)\nreader_writer_lock: free\nlocks: 31\n$"));
        }
    }

    [Test]
    public void Show_prints_brackets_by_dimension()
    {
        using (SharedArray<int> array = SharedArray.Create<int>(Name, 2, 2, 3))
        {
            array.CopyFrom([.. Enumerable.Range(0, 12)]);
        }

        Assert.That(Pshm("show", Name), Is.EqualTo(
            $"""
            {Name}: <i4 (2, 2, 3)
            [[[ 0  1  2]
              [ 3  4  5]]

             [[ 6  7  8]
              [ 9 10 11]]]

            """));
    }

    [Test]
    public void Show_prints_the_ends_of_a_large_array_and_all_of_it_on_request()
    {
        using (SharedArray<int> array = SharedArray.Create<int>(Name, 1001))
        {
            array.CopyFrom([.. Enumerable.Range(0, 1001)]);
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Pshm("show", Name), Does.EndWith("\n[   0    1    2 ...  998  999 1000]\n"));
            Assert.That(
                Pshm("show", Name, "--all"), Does.EndWith($"\n[{string.Join(' ', Enumerable.Range(0, 1001).Select(i => $"{i,4}"))}]\n"));
            Assert.That(Values(Name).Select(value => value.GetInt32()), Is.EqualTo(Enumerable.Range(0, 1001)));
        }
    }

    [Test]
    public void Show_prints_a_thousand_elements_in_full()
    {
        SharedArray.Create<byte>(Name, 10, 100).Dispose();
        Assert.That(Pshm("show", Name), Does.Not.Contain("..."));
    }

    [Test]
    public void Json_streams_millions_of_elements()
    {
        _ = Pshm("create", Name, "1000", "2000", "--dtype", "int8", "--fill", "-1");
        Assert.That(
            Shell(
                "\"$pshm\" show \"$2\" --json | \"$1\" -c 'import json, sys; print(sum(json.load(sys.stdin)[\"values\"]))'",
                Python.Interpreter,
                Name),
            Is.EqualTo("-2000000"));
    }

    [Test]
    public void Json_of_a_single_value_is_a_list_of_one()
    {
        using (SharedArray<bool> array = SharedArray.Create<bool>(Name))
        {
            array[0] = true;
        }

        Assert.That(Values(Name).Single().GetBoolean(), Is.True);
    }

    [Test]
    public void Showing_an_array_does_not_make_it_one_in_use()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(JsonDocument.Parse(Pshm("show", Name, "--json")).RootElement.GetProperty("in_use").GetBoolean(), Is.False);
    }

    [Test]
    public void A_name_that_does_not_exist_is_a_failure([Values("info", "show", "delete")] string command)
        => Assert.That(Fail(1, command, Name), Is.EqualTo($"There is no array named '{Name}'."));

    [Test]
    public void Other_file_is_a_failure_and_stays([Values("info", "show", "delete")] string command)
    {
        File.WriteAllText(ShmPath, "not an array");
        Assert.That(Fail(1, command, Name), Does.Contain($"'{Name}'"));
        Assert.That(ShmPath, Does.Exist);
    }

    // The array that numpy saves, and its JSON and text.
    [TestCase("np.array([b'abc', b'', b'\\xff'], 'S3')", """["abc","","ÿ"]""", """[b'abc' b'' b'\xff']""")]
    [TestCase("np.array(['größe', '', '\\x1b[31m'])", """["größe","","\u001B[31m"]""", """['größe' '' '\x1b[31m']""")]
    [TestCase("np.array(['größe'], '>U5')", """["größe"]""", "['größe']")]
    [TestCase("np.array(['2024-02-29', 'NaT'], 'M8[D]')", """["2024-02-29","NaT"]""", "['2024-02-29'        'NaT']")]
    [TestCase("np.array([1, -50, 'NaT'], 'm8[ns]')", """[1,-50,"NaT"]""", "[    1   -50 'NaT']")]
    [TestCase("np.array([b'\\x01\\x02'], 'V2')", """["0102"]""", "[0102]")]
    [TestCase("np.array([(1, 2)], [('x', '<i2'), ('n', 'u1')])", """["010002"]""", "[010002]")]
    [TestCase("np.array([1.0], '>f8')", """["3ff0000000000000"]""", "[3ff0000000000000]")]
    public void Elements_without_a_csharp_type_are_shown(string numpy, string json, string text)
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), eval(sys.argv[2]))", ShmPath, numpy);
        Assert.That(Pshm("show", Name), Does.EndWith($"\n{text}\n"));
        Assert.That(Pshm("show", Name, "--json"), Does.EndWith($",\"values\":{json}}}\n"));
    }

    [Test]
    public void Show_prints_arrays_that_may_only_be_read()
    {
        SharedArray.Create(Name, 1).Dispose();
        File.SetUnixFileMode(ShmPath, UnixFileMode.UserRead);
        Assert.That(Pshm("show", Name), Does.EndWith("\n[0.]\n"));
    }

    [Test]
    [NeedsRoot("gives a file to another user")]
    public void Show_prints_arrays_of_other_users()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(Syscall.chown(ShmPath, 54321, 54321), Is.Zero);
        Assert.That(Pshm("show", Name), Does.EndWith("\n[0.]\n"));
    }

    [Test]
    public void Text_of_a_large_array_takes_no_memory()
    {
        _ = Pshm("create", Name, "2000", "1000", "--dtype", "int8", "--fill", "-1");
        Assert.That(
            Shell("export DOTNET_GCHeapHardLimit=0x1000000; \"$pshm\" show \"$1\" --all | tail -n +2 | tr -d '[] \\n' | wc -c", Name),
            Is.EqualTo("4000000"));
    }

    [Test]
    public void Output_that_cannot_be_written_is_a_failure()
    {
        SharedArray.Create(Name, 1).Dispose();
        Assert.That(
            Shell("code=0; \"$pshm\" show \"$1\" --json 2>&1 > /dev/full || code=$?; echo $code", Name),
            Does.StartWith("pshm: ").And.EndWith("\n1"));
    }

    private static JsonElement.ArrayEnumerator Values(string name)
        => JsonDocument.Parse(Pshm("show", name, "--json")).RootElement.GetProperty("values").EnumerateArray();
}
