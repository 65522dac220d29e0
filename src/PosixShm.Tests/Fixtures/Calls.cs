using System.Numerics.Tensors;

namespace PosixShm.Tests.Fixtures;

/// <summary>
/// The calls that users write, on one page. <see cref="CallsTests"/> runs them; Calls.fsx and Calls.ps1 are the same in F# and PowerShell.
/// </summary>
internal static class Calls
{
    private record struct Tick(long Time, double Price);

    public static void Run(string p, string folder)
    {
        // Create takes a shape (of zeros) or a content, and options last.
        using SharedArray<double> a = SharedArray.Create(p + "test1", 10);
        using SharedArray<int> grid = SharedArray.Create<int>(p + "grid", 3, 4);
        using SharedArray<double> scalar = SharedArray.Create(p + "scalar");
        using SharedArray<Tick> ticks = SharedArray.Create<Tick>(p + "ticks", 1000);
        using SharedArray<double> values = SharedArray.Create(p + "values", ArrayContent.From([1.5, 2.5, 3.5]));
        using SharedArray<long> longs = SharedArray.Create(p + "longs", ArrayContent.From(new long[] { 3, 4, 5, 6 }, 2, 2));
        using SharedArray<double> matrix = SharedArray.Create(p + "matrix", ArrayContent.From(new double[,] { { 1, 2 }, { 3, 4 } }));
        using SharedArray<double> nan = SharedArray.Create(p + "nan", ArrayContent.Filled(double.NaN, 3, 4));
        using SharedArray<double> copy = SharedArray.Create(p + "copy", ArrayContent.CopyOf(values));
        using SharedArray<double> like = SharedArray.Create(p + "like", ArrayContent.Zeros<double>([.. matrix.Shape]));
        using SharedArray<double> built = SharedArray.Create(p + "built", ArrayContent.Build<double>([3, 4], x => x[1, 2] = 7));
        values.Save(folder + "/x.npy");
        using SharedArray<double> loaded = SharedArray.Create(p + "loaded", ArrayContent.Load<double>(folder + "/x.npy"));
        using SharedArray<double> wide = SharedArray.Create(
            p + "wide", ArrayContent.Zeros<double>(10), new() { Mode = UnixFileMode.UserRead | UnixFileMode.GroupRead });

        // An element type that is known only at run time.
        using UntypedSharedArray mask = SharedArray.Create(p + "mask", ArrayContent.Zeros("bool", 100));
        using UntypedSharedArray words = SharedArray.Create(p + "words", ArrayContent.Filled("U10", "empty", 100));
        using UntypedSharedArray same = SharedArray.Create(p + "same", ArrayContent.CopyOf(words), new() { Locks = 4 });
        using UntypedSharedArray file = SharedArray.Create(p + "file", ArrayContent.Load(folder + "/x.npy"));
        using UntypedSharedArray days = SharedArray.Create(p + "days", ArrayContent.Build("M8[D]", [2], x => x.SetValue(19000L, 1)));

        // CreateOrAttach, Replace, CreateAnonymous and Resize take the same arguments.
        using SharedArray<double> test1 = SharedArray.CreateOrAttach(p + "test1", 10);
        using SharedArray<int> again = SharedArray.CreateOrAttach<int>(p + "grid", 3, 4);
        using SharedArray<double> either = SharedArray.CreateOrAttach(
            p + "nan", ArrayContent.Filled(double.NaN, 3, 4), new() { Preallocate = false });
        using UntypedSharedArray eitherMask = SharedArray.CreateOrAttach(p + "mask", ArrayContent.Zeros("bool", 100));
        using SharedArray<double> cleared = SharedArray.Replace(p + "like", 5);
        using SharedArray<float> single = SharedArray.Replace<float>(p + "like", 5, 5);
        using SharedArray<double> next = SharedArray.Replace(p + "values", ArrayContent.From([1.5, 2.5]));
        using UntypedSharedArray nextWords = SharedArray.Replace(
            p + "words", ArrayContent.Zeros("U20", 50), existing: new() { AllowOtherOwners = true });
        using SharedArray<double> nameless = SharedArray.CreateAnonymous(10);
        using SharedArray<byte> image = SharedArray.CreateAnonymous<byte>(48, 64, 3);
        using SharedArray<double> snapshot = SharedArray.CreateAnonymous(ArrayContent.CopyOf(matrix), new() { Locks = 0 });
        using UntypedSharedArray text = SharedArray.CreateAnonymous(ArrayContent.Zeros("S4", 3));
        using SharedArray<double> longer = SharedArray.Resize<double>(p + "copy", 6);

        // Attachments: typed, read-only, private, untyped and raw; now, after a wait, and if the array exists.
        using SharedArray<double> aa = SharedArray.Attach(p + "test1");
        using SharedArray<int> bb = SharedArray.Attach<int>(p + "grid", new() { AllowOtherOwners = true });
        using ReadOnlySharedArray<int> reader = SharedArray.AttachReadOnly<int>(p + "grid");
        using SharedArray<int> draft = SharedArray.AttachCopyOnWrite<int>(p + "grid");
        using UntypedSharedArray any = SharedArray.AttachUntyped(p + "grid");
        using UntypedSharedArray anyReader = SharedArray.AttachUntyped(p + "grid", SharedArrayAccess.ReadOnly);
        using SharedArray<byte> raw = SharedArray.AttachRaw<byte>(p + "grid", [48], offset: 128);
        using SharedArray<int> typed = any.As<int>();
        using ReadOnlySharedArray<double> view = aa.AsReadOnly();
        using SharedArray<int> late = SharedArray.Attach<int>(p + "grid", TimeSpan.FromSeconds(5));
        if (SharedArray.TryAttach(p + "grid", out SharedArray<int>? maybe))
        {
            maybe.Dispose();
        }

        // Elements.
        a[0] = 42;
        a[^1] = 1;
        a[2..5].Fill(3);
        grid[1, 2] = 7;
        grid[(long)0, 1] += 1;
        _ = Interlocked.Increment(ref grid[0]);
        double sum = TensorPrimitives.Sum<double>(a.Span);
        foreach (ref double x in a)
        {
            x++;
        }

        grid.Row(1).Fill(9);
        matrix.AsTensorSpan(.., 1..)[0, 0] = 5;
        ReadOnlySpan<int> row = reader.Row(1);
        object value = any.GetValue(1, 2);
        any.SetValue(8, 1, 2);

        // Between processes.
        using (grid.Lock.EnterScope())
        {
            grid.Fill(1);
        }

        _ = grid.ChangeCounter.Signal();
        using (SharedArrayLease<int> lease = grid.Acquire())
        {
            lease.Span[0] = 2;
        }

        // Names.
        foreach (SharedArrayInfo info in SharedArray.List(p + "test*"))
        {
            Console.WriteLine($"{info.Name} {info.IsInUse}");
        }

        _ = SharedArray.List(directory: folder);
        _ = SharedArray.Describe(p + "grid").Shape;
        _ = SharedArray.Exists(p + "grid");
        SharedArray.Delete(p + "test1");
        _ = SharedArray.TryDelete(p + "test1");
        _ = SharedArray.FindStale(new() { Pattern = p + "*", MinimumAge = TimeSpan.FromHours(1) });
        _ = SharedArray.DeleteStale(new() { Pattern = p + "*", MinimumAge = TimeSpan.FromHours(1) });
    }

    public static async Task RunAsync(string p)
    {
        using SharedArray<byte> buffer = SharedArray.Create<byte>(p + "buffer", 8);
        using MemoryStream stream = new(new byte[8]);
        await stream.ReadExactlyAsync(buffer.Memory).ConfigureAwait(false);
        using ReadOnlySharedArray<byte> later = await SharedArray.AttachReadOnlyAsync<byte>(p + "buffer", TimeSpan.FromSeconds(5))
            .ConfigureAwait(false);
        await Stream.Null.WriteAsync(later.Memory).ConfigureAwait(false);
    }
}
