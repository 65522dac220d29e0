// Describes structs, compiled ahead of time and under the JIT compiler. NativeAotTests.cs adds the structs of the pages, and compares.
#:project ../../src/PosixShm/PosixShm.csproj
#:property NativeDebugSymbols=false
#:property AllowUnsafeBlocks=true
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PosixShm;

// One field alone, for which the compiler keeps it and no other.
Console.WriteLine(typeof(PartlyReflected).GetField("Price")!.Name);
// The structs of the pages.
Show<Flat>();
Show<Packed>();
Show<Sides>();
Show<Buffer>();
Show<Outer<Inner>>();
Show<Outer<Covered>>();
Show<Outer<Aligned>>();
Show<Outer<PartlyReflected>>();
Show<Outer<PartlyPlaced>>();
Show<Outer<Levels>>();
Show<Outer<Guid>>();
Show<Outer<Trio<int>>>();
Show<Outer<InlineArray4<Inner>>>();
Show<Outer<InlineArray2<DateTime>>>();
Show<SystemArrays>();
Show<MarkedArray>();
Show<Marked>();
Show<MarkedDeep>();
Show<Lanes>();
Show<Addresses>();
Show<Complex64>();
Show<DateTime64<Hours>>();
Show<TimeDelta64<Fortnights>>();
Show<NamedFields>();
Show<Outer<DateTime64<Milliseconds>>>();
Show<Outer<InlineArray2<TimeDelta64<Picoseconds>>>>();
Show<Outer<Stamped>>();
Show<System.Numerics.Vector3>();
Console.WriteLine(typeof(PartlyPlaced).GetField("First")!.Name);

static void Show<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicFields | DynamicallyAccessedMemberTypes.NonPublicFields)] T>()
    where T : unmanaged
{
    try
    {
        using SharedArray<T> array = SharedArray.CreateAnonymous<T>(2);
        Console.WriteLine($"{typeof(T)}: {array.DType}");
    }
    catch (NotSupportedException error)
    {
        Console.WriteLine($"{typeof(T)}: refused: {error.Message}");
    }
}

[InlineArray(4)]
struct Levels
{
    float _first;
}

record struct SystemArrays(
    InlineArray2<InlineArray3<short>> Grid, InlineArray16<DayOfWeek> Days, InlineArray2<Guid> Ids,
    [field: DynamicDependency(DynamicallyAccessedMemberTypes.All, typeof(Element))] InlineArray3<Element> Elements);

record struct Element(byte First, long Second);

record struct MarkedArray([field: DynamicDependency(DynamicallyAccessedMemberTypes.All, typeof(MarkedLevels))] MarkedLevels Depth);

[InlineArray(4)]
struct MarkedLevels
{
    float _first;
}

[InlineArray(4)]
struct Lanes
{
    float _first;
}

[InlineArray(3)]
struct Trio<T>
{
    T _first;
}

record struct NamedFields(
    [field: FieldName("bid price")] double Bid, [field: FieldName("time-stamp")] DateTime64<Nanoseconds> Time, TimeDelta64<HalfDays> Delay);

record struct Stamped(DateTime64<Minutes> From, DateTime64<Minutes> To);

struct HalfDays : ITimeUnit
{
    public static string Name => "12h";
}

struct Fortnights : ITimeUnit
{
    public static string Name => "2W";
}

record struct Flat(bool Flag, char Letter, nint Address, Guid Id, Half Small, Complex64 Phase);

[StructLayout(LayoutKind.Sequential, Pack = 1)]
record struct Packed(byte First, long Second);

record struct Sides(Side Left, DayOfWeek Right);

unsafe struct Buffer
{
    public int Count;
    public fixed short Values[5];
}

struct Outer<T>
{
    public int Number;
    public T Inside;
}

struct Inner
{
    public byte First;
    public int Second;
    public long Third;
}

record struct Covered(int First, float Second);

record struct Aligned(int First, double Second);

struct PartlyReflected
{
    public long Time;
    public double Price;
}

[StructLayout(LayoutKind.Explicit)]
struct PartlyPlaced
{
    [FieldOffset(0)]
    public int First;

    [FieldOffset(0)]
    public float Same;
}

record struct Marked(
    [field: DynamicDependency(DynamicallyAccessedMemberTypes.PublicFields | DynamicallyAccessedMemberTypes.NonPublicFields, typeof(MarkedInner))] MarkedInner Inside);

record struct MarkedInner(byte First, long Second);

record struct MarkedDeep([field: DynamicDependency(DynamicallyAccessedMemberTypes.All, typeof(Middle))] Middle Inside);

record struct Middle(byte Number, [field: DynamicDependency(DynamicallyAccessedMemberTypes.All, typeof(Pairs))] Pairs Pairs);

[InlineArray(3)]
struct Pairs
{
    [DynamicDependency(DynamicallyAccessedMemberTypes.All, typeof(Pair))]
    Pair _first;
}

record struct Pair(byte Left, short Right);

unsafe struct Addresses
{
    public int Count;
    public int* Values;
}
