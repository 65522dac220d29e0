using PosixShm.Tests.Fixtures;

namespace PosixShm.Tests;

/// <summary>The calls that users write, in three languages, and their results.</summary>
internal sealed class CallsTests : NamedTest
{
    private static readonly string s_pages = Path.Combine(Repository.Root, "src", "PosixShm.Tests", "Fixtures");

    private static string Assembly => typeof(SharedArray).Assembly.Location;

    [Test]
    public void Each_call_works_in_CSharp() => Calls.Run(Name, Folder);

    [Test]
    public Task Each_asynchronous_call_works_in_CSharp() => Calls.RunAsync(Name);

    [Test]
    public void Each_call_works_in_FSharp()
        => Assert.That(
            ChildProcess.Run(
                "env",
                "MSBUILDDISABLENODEREUSE=1",
                "dotnet",
                "fsi",
                "--warnaserror+",
                $"-r:{Assembly}",
                Path.Combine(s_pages, "Calls.fsx"),
                Name,
                Folder),
            Is.EqualTo($"{Name}test1 true\n"));

    [Test]
    [Category("More")]
    public void Each_call_works_in_PowerShell()
    {
        string tools = Path.Combine(Folder, "tools");
        _ = ChildProcess.Run("dotnet", "tool", "install", "powershell", "--version", "7.6.9", "--tool-path", tools);
        Assert.That(
            ChildProcess.Run(
                "env",
                $"HOME={Folder}",
                Path.Combine(tools, "pwsh"),
                "-NoProfile",
                "-File",
                Path.Combine(s_pages, "Calls.ps1"),
                Assembly,
                Name,
                Folder),
            Is.EqualTo("sum 25\nelement 7 of <i4, read-only True\nlisted 10\ndeleted False\n"));
    }

    [Test]
    public void Index_from_the_end_and_range_are_for_one_dimension()
    {
        using SharedArray<int> line = SharedArray.Create(Name, ArrayContent.From([0, 1, 2, 3, 4, 5]));
        using SharedArray<int> plane = SharedArray.Create<int>(NameOf("plane"), 2, 3);
        using ReadOnlySharedArray<int> reader = plane.AsReadOnly();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((line[^1], line[^6], line[2..5].ToArray(), line[^2..].Length), Is.EqualTo((5, 0, new[] { 2, 3, 4 }, 2)));
            Assert.That(() => line[^7], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => line[^0], Throws.InstanceOf<IndexOutOfRangeException>());
            Assert.That(() => line[^1..0].Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => line[4..7].Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => line[4..2].Length, Throws.InstanceOf<ArgumentOutOfRangeException>());
            Assert.That(() => plane[^1], Throws.ArgumentException.With.Message.Contains("Row"));
            Assert.That(() => plane[1..].Length, Throws.ArgumentException.With.Message.Contains("Row"));
            Assert.That(() => reader[^1], Throws.ArgumentException);
            Assert.That(() => reader[..1].Length, Throws.ArgumentException);
        }
    }

    [Test]
    public void Read_only_view_shares_one_mapping_and_the_last_one_disposed_unmaps_it()
    {
        SharedArray<int> array = SharedArray.Create(Name, ArrayContent.From([1, 2, 3]));
        ReadOnlySharedArray<int> view = array.AsReadOnly();
        array[0] = 9;
        nint start = view.Address & ~4095;
        array.Lock.Enter();
        Assert.That(
            (view[0], view.IsReadOnly, array.IsReadOnly, Mappings(), view.Lock.IsHeldByCurrentThread),
            Is.EqualTo((9, true, false, 1, true)));
        Assert.That(() => view.SetValue(1, 0), Throws.InstanceOf<NotSupportedException>());
        array.Lock.Exit();
        array.Dispose();
        Assert.That((view[0], view.Address & ~4095, Mappings()), Is.EqualTo((9, start, 1)));
        view.Dispose();
        Assert.That(Mappings(), Is.Zero);
        Assert.That(array.AsReadOnly, Throws.InstanceOf<ObjectDisposedException>());

        int Mappings() => File.ReadLines("/proc/self/maps").Count(line => line.StartsWith($"{start:x}-", StringComparison.Ordinal));
    }

    [Test]
    public void Read_only_view_of_an_untyped_array_has_its_element_type()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 3);
        using UntypedSharedArray reader = SharedArray.AttachUntyped(Name, SharedArrayAccess.ReadOnly);
        using ReadOnlySharedArray<int> view = reader.AsReadOnly<int>();
        Assert.That((reader.IsReadOnly, view.Length), Is.EqualTo((true, 3)));
        Assert.That(() => reader.As<int>(), Throws.InvalidOperationException.With.Message.Contains("AsReadOnly"));
        Assert.That(() => reader.AsReadOnly<float>(), Throws.InstanceOf<InvalidDataException>());
    }

    [Test]
    public void Untyped_access_is_one_of_the_enumeration()
    {
        SharedArray.Create<int>(Name, 3).Dispose();
        using (UntypedSharedArray copy = SharedArray.AttachUntyped(Name, SharedArrayAccess.CopyOnWrite))
        {
            copy.SetValue(5, 0);
            Assert.That(copy.GetValue(0), Is.EqualTo(5));
        }

        using SharedArray<int> array = SharedArray.Attach<int>(Name);
        Assert.That(array[0], Is.Zero);
        Assert.That(() => SharedArray.AttachUntyped(Name, (SharedArrayAccess)3), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void Replacement_publishes_its_content_with_the_options_of_the_old_array_unless_given()
    {
        SharedArray.Create(
            Name, ArrayContent.Zeros<int>(3), new SharedArrayOptions { Layout = ArrayLayout.PythonSharedArray, Locks = 40 }).Dispose();
        using (SharedArray<long> second = SharedArray.Replace(Name, ArrayContent.From([7L, 8])))
        {
            Assert.That(second.ToArray(), Is.EqualTo(new[] { 7L, 8 }));
            Assert.That((SharedArray.Describe(Name).Layout, second.Locks.Count), Is.EqualTo((ArrayLayout.PythonSharedArray, 40)));
        }

        using SharedArray<long> third = SharedArray.Replace(Name, ArrayContent.Filled(3L, 2), new SharedArrayOptions());
        Assert.That((SharedArray.Describe(Name).Layout, third.Locks.Count, third[1]), Is.EqualTo((ArrayLayout.Npy, 31, 3L)));
        Assert.That(
            () => SharedArray.Replace(Name, ArrayContent.Build<int>([1], _ => throw new InvalidOperationException("no"))),
            Throws.InvalidOperationException);
        Assert.That(third.IsCurrent, Is.True);
    }

    [Test]
    public void Attempt_to_attach_reports_that_there_is_no_array()
    {
        bool isThere = SharedArray.TryAttach(Name, out SharedArray<int>? none);
        using (none)
        {
            Assert.That((isThere, none), Is.EqualTo((false, (SharedArray<int>?)null)));
        }

        SharedArray.Create<int>(Name, 3).Dispose();
        Assert.That(SharedArray.TryAttachReadOnly(Name, out ReadOnlySharedArray<int>? reader), Is.True);
        reader!.Dispose();
        Assert.That(() => SharedArray.TryAttach(Name, out SharedArray<double>? _), Throws.InstanceOf<InvalidDataException>());
    }

    [Test]
    public void List_filters_by_the_name_of_the_array_or_of_the_file()
    {
        SharedArray.Create<int>(NameOf("a1"), 3).Dispose();
        SharedArray.Create<int>(NameOf("b1"), 3).Dispose();
        SharedArray.Create<int>($"file://{Folder}/a1", 3).Dispose();
        SharedArray.Create<int>($"file://{Folder}/b1", 3).Dispose();
        Assert.That(SharedArray.List(Name + "-a?").Select(info => info.Name), Is.EqualTo(new[] { NameOf("a1") }));
        Assert.That(SharedArray.List("a*", Folder).Select(info => info.Name), Is.EqualTo(new[] { $"file://{Folder}/a1" }));
    }
}
