namespace PosixShm.Tests;

/// <summary>F#'s structs, C#'s structs and numpy's dtypes on the same arrays; F# as a script.</summary>
internal sealed class FSharpTests : NamedTest
{
    [Test]
    public void A_record_of_FSharp_one_of_CSharp_and_a_dtype_attach_each_others_arrays()
    {
        string fsharp = NameOf("fsharp");
        string csharp = NameOf("csharp");
        string numpy = NameOf("numpy");
        SharedArray.Create(csharp, ArrayContent.From<Tick>([new Tick(1, 2.5)])).Dispose();
        _ = Python.Run("np.save(open(sys.argv[1], 'xb'), np.array([(1, 2.5)], [('Time', 'i8'), ('Price', 'f8')]))", ShmPathOf(numpy));

        string script = $$"""
            #r "{{typeof(SharedArray).Assembly.Location}}"
            open PosixShm
            [<Struct>]
            type Tick = { Time: int64; mutable Price: double }
            [<Struct>]
            type Quote = Quote of bid: double * size: int
            [<Struct>]
            type Named = Named of Price: double * ID: int
            [<Struct>]
            type Count = Count of int
            [<Struct>]
            type Level = | Bid of bid: double | Ask of ask: double
            [<Struct>]
            type Point =
                val X: int
                val mutable Y: int
            [<Struct>]
            type Dated = { [<FieldName "bid price">] Bid: double; Time: DateTime64<Nanoseconds> }
            let dtype<'T when 'T: unmanaged and 'T: struct and 'T: (new: unit -> 'T) and 'T :> System.ValueType> () =
                use array = SharedArray.CreateAnonymous<'T>(1L)
                printfn "%s" array.DType
            let main () =
                use a = SharedArray.Create<Tick>("{{fsharp}}", 1L)
                a.[0L] <- { Time = 1L; Price = 2.5 }
                for name in [ "{{csharp}}"; "{{numpy}}" ] do
                    use other = SharedArray.Attach<Tick>(name)
                    printfn "%d %g" other.[0L].Time other.[0L].Price
                dtype<Tick> ()
                dtype<Quote> ()
                dtype<Named> ()
                dtype<Count> ()
                dtype<Level> ()
                dtype<Point> ()
                dtype<Dated> ()
            main ()
            """;
        string path = Path.Combine(Folder, "records.fsx");
        File.WriteAllText(path, script);
        Assert.That(ChildProcess.Run("env", "MSBUILDDISABLENODEREUSE=1", "dotnet", "fsi", path), Is.EqualTo(
            """
            1 2.5
            1 2.5
            [('Time', '<i8'), ('Price', '<f8')]
            [('bid', '<f8'), ('size', '<i4'), ('', '|V4')]
            [('Price', '<f8'), ('ID', '<i4'), ('', '|V4')]
            [('Item', '<i4')]
            [('bid', '<f8'), ('ask', '<f8'), ('Tag', '<i4'), ('', '|V4')]
            [('X', '<i4'), ('Y', '<i4')]
            [('bid price', '<f8'), ('Time', '<M8[ns]')]

            """));

        foreach (string name in new[] { fsharp, csharp, numpy })
        {
            using SharedArray<Tick> array = SharedArray.Attach<Tick>(name);
            Assert.That(array[0], Is.EqualTo(new Tick(1, 2.5)), name);
            Assert.That(
                Python.Run("a = np.load(sys.argv[1]); print(a['Time'], a['Price'])", ShmPathOf(name)), Is.EqualTo("[1] [2.5]"), name);
        }
    }

    [Test]
    public void Assembly_loaded_from_memory_finds_the_shim_in_the_directory_of_POSIXSHM_NATIVE()
    {
        string script = Path.Combine(Folder, "memory.fsx");
        File.WriteAllText(
            script,
            $$"""
            let library = System.Reflection.Assembly.Load(System.IO.File.ReadAllBytes "{{typeof(SharedArray).Assembly.Location}}")
            let exists = library.GetType("PosixShm.SharedArray").GetMethod("Exists")
            try printfn "%O" (exists.Invoke(null, [| "{{Name}}" |]))
            with error -> printfn "%s" (error.GetBaseException().GetType().Name)
            """);
        string[] interpreter = ["MSBUILDDISABLENODEREUSE=1", "dotnet", "fsi", script];
        Assert.That(ChildProcess.Run("env", ["POSIXSHM_NATIVE=/nonexistent", .. interpreter]), Is.EqualTo("DllNotFoundException\n"));
        Assert.That(ChildProcess.Run("env", [$"POSIXSHM_NATIVE={Repository.NativeOutput}", .. interpreter]), Is.EqualTo("False\n"));
    }

    private readonly record struct Tick(long Time, double Price);
}
