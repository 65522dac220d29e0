// The calls of Calls.cs in F#. A test puts the reference to the assembly before the first line.
open System
open PosixShm

[<Struct>]
type Tick = { Time: int64; mutable Price: float }

let p, folder = fsi.CommandLineArgs[1], fsi.CommandLineArgs[2]

let run () =
    // Create takes a shape (of zeros) or a content, and options last.
    use a = SharedArray.Create(p + "test1", 10)
    use grid = SharedArray.Create<int>(p + "grid", 3, 4)
    use scalar = SharedArray.Create(p + "scalar")
    use ticks = SharedArray.Create<Tick>(p + "ticks", 1000)
    use values = SharedArray.Create(p + "values", ArrayContent.From [| 1.5; 2.5; 3.5 |])
    use longs = SharedArray.Create(p + "longs", ArrayContent.From([| 3L; 4L; 5L; 6L |], 2, 2))
    use matrix = SharedArray.Create(p + "matrix", ArrayContent.From(array2D [ [ 1.0; 2.0 ]; [ 3.0; 4.0 ] ]))
    use nans = SharedArray.Create(p + "nan", ArrayContent.Filled(nan, 3, 4))
    use copy = SharedArray.Create(p + "copy", ArrayContent.CopyOf values)
    use built = SharedArray.Create(p + "built", ArrayContent.Build<float>([| 3L; 4L |], fun x -> x[1L, 2L] <- 7.0))
    values.Save(folder + "/x.npy")
    use loaded = SharedArray.Create(p + "loaded", ArrayContent.Load<float>(folder + "/x.npy"))
    use wide = SharedArray.Create(p + "wide", ArrayContent.Zeros<float> 10, SharedArrayOptions(Locks = 4))

    // An element type that is known only at run time.
    use mask = SharedArray.Create(p + "mask", ArrayContent.Zeros("bool", 100))
    use words = SharedArray.Create(p + "words", ArrayContent.Filled("U10", "empty", 100))
    use same = SharedArray.Create(p + "same", ArrayContent.CopyOf words)
    use file = SharedArray.Create(p + "file", ArrayContent.Load(folder + "/x.npy"))
    use days = SharedArray.Create(p + "days", ArrayContent.Build("M8[D]", [| 2L |], fun x -> x.SetValue(19000L, 1L)))

    // CreateOrAttach, Replace, CreateAnonymous and Resize take the same arguments.
    use test1 = SharedArray.CreateOrAttach(p + "test1", 10)
    use again = SharedArray.CreateOrAttach<int>(p + "grid", 3, 4)
    use either = SharedArray.CreateOrAttach(p + "nan", ArrayContent.Filled(nan, 3, 4), SharedArrayOptions(Preallocate = false))
    use cleared = SharedArray.Replace(p + "like" |> (fun name -> SharedArray.Create(name, 2).Dispose(); name), 5)
    use next = SharedArray.Replace(p + "values", ArrayContent.From [| 1.5; 2.5 |])
    use nameless = SharedArray.CreateAnonymous 10
    use image = SharedArray.CreateAnonymous<byte>(48, 64, 3)
    use snapshot = SharedArray.CreateAnonymous(ArrayContent.CopyOf matrix)
    use longer = SharedArray.Resize<float>(p + "copy", 6)

    // Attachments: typed, read-only, private, untyped and raw; now, after a wait, and if the array exists.
    use aa = SharedArray.Attach(p + "test1")
    use bb = SharedArray.Attach<int>(p + "grid", AttachOptions(AllowOtherOwners = true))
    use reader = SharedArray.AttachReadOnly<int>(p + "grid")
    use draft = SharedArray.AttachCopyOnWrite<int>(p + "grid")
    use any = SharedArray.AttachUntyped(p + "grid")
    use anyReader = SharedArray.AttachUntyped(p + "grid", SharedArrayAccess.ReadOnly)
    use raw = SharedArray.AttachRaw<byte>(p + "grid", [| 48L |], offset = 128L)
    use typed = any.As<int>()
    use view = aa.AsReadOnly()
    use late = SharedArray.Attach<int>(p + "grid", TimeSpan.FromSeconds 5.0)
    match SharedArray.TryAttach<int>(p + "grid") with
    | true, maybe -> maybe.Dispose()
    | _ -> ()

    // Elements.
    a[0L] <- 42.0
    a[Index(1, true)] <- 1.0
    a[Range(2, 5)].Fill 3.0
    grid[1L, 2L] <- 7
    for i in 0L .. a.Length - 1L do
        a[i] <- a[i] + 1.0
    let sum = Seq.sum aa
    let first = reader[0L]
    grid.Row(1L).Fill 9
    any.SetValue(8, 1L, 2L)
    let value = any.GetValue(1L, 2L)

    // Between processes.
    grid.Lock.Enter()
    grid.Fill 1
    grid.Lock.Exit()
    grid.ChangeCounter.Signal() |> ignore

    // Names.
    for info in SharedArray.List(p + "test*") do
        printfn "%s %b" info.Name info.IsInUse
    SharedArray.List(directory = folder) |> ignore
    SharedArray.Describe(p + "grid").Shape |> ignore
    SharedArray.Delete(p + "test1")
    SharedArray.TryDelete(p + "test1") |> ignore
    SharedArray.FindStale(StaleOptions(Pattern = p + "*", MinimumAge = TimeSpan.FromHours 1.0)) |> ignore

run ()
