# The calls of Calls.cs in PowerShell, which cannot use a content with an element type of C#, because that content is a ref struct.
param([string] $Assembly, [string] $p, [string] $Folder)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'
Add-Type -Path $Assembly

# Create, attach.
$a = [PosixShm.SharedArray]::Create("${p}test1", 10)
$grid = [PosixShm.SharedArray]::Create[int]("${p}grid", 3, 4)
$words = [PosixShm.SharedArray]::Create("${p}words", [PosixShm.ArrayContent]::Zeros('U10', 100))
$full = [PosixShm.SharedArray]::Create("${p}full", [PosixShm.ArrayContent]::Filled('float64', 1.5, 100))
$either = [PosixShm.SharedArray]::CreateOrAttach[int]("${p}grid", 3, 4)
$next = [PosixShm.SharedArray]::Replace("${p}full", [PosixShm.ArrayContent]::Zeros('float32', 5))
$nameless = [PosixShm.SharedArray]::CreateAnonymous[byte](48, 64, 3)
$aa = [PosixShm.SharedArray]::Attach("${p}test1")
$reader = [PosixShm.SharedArray]::AttachReadOnly[int]("${p}grid")
$any = [PosixShm.SharedArray]::AttachUntyped("${p}grid")

# Elements: GetValue and SetValue, because the indexer returns a reference, which PowerShell cannot read.
$a.SetValue(42.0, 0)
$grid.SetValue(7, 1, 2)
$a.Fill(2.5)
"sum $(($aa | Measure-Object -Sum).Sum)"
"element $($any.GetValue(1, 2)) of $($any.DType), read-only $($reader.IsReadOnly)"
$grid.Lock.Enter()
$grid.Lock.Exit()

# Names.
[PosixShm.SharedArray]::List("${p}test*") | ForEach-Object { "listed $($_.Shape)" }
$a, $grid, $words, $full, $either, $next, $nameless, $aa, $reader, $any | ForEach-Object { $_.Dispose() }
[PosixShm.SharedArray]::Delete("${p}test1")
"deleted $([PosixShm.SharedArray]::TryDelete("${p}test1"))"
