#r "../../artifacts/bin/PosixShm/release/PosixShm.dll"

// Attaches an array in the F# interpreter and adds 1 to every element.
//
//     dotnet fsi attach.fsx test1

open PosixShm

// A function, because "use" at the top level of a script does not dispose.
let addOne (name: string) =
    use a = SharedArray.Attach name

    for i in 0L .. a.Length - 1L do
        a[i] <- a[i] + 1.0

    printfn $"attached {a}, added 1 to each element, sum now {Seq.sum a}"

addOne fsi.CommandLineArgs[1]
