using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PosixShm.Tests;

/// <summary>C# structs and numpy's structured types, both ways.</summary>
internal sealed class StructTests : NamedTest
{
    private enum Color : byte
    {
        Red = 1,
        Green = 2,
    }

    [Test]
    public void A_struct_is_a_structured_type_with_its_padding()
    {
        using SharedArray<Particle> array = SharedArray.Create<Particle>(Name, 3);
        array[1] = new Particle { X = 1.5f, Id = 7, Weight = -2.5, Color = Color.Green };

        string seen = Python.Run(
            "a = np.load(sys.argv[1], mmap_mode='r+'); "
                + "print(a.dtype.itemsize, a.dtype.names, [a.dtype.fields[n][1] for n in a.dtype.names], a[1]); a['Weight'] += 1",
            ShmPath);
        Assert.That(seen, Is.EqualTo("24 ('X', 'Color', 'Id', 'Weight') [0, 4, 8, 16] (1.5, 2, 7, -2.5)"));
        Assert.That((array[0].Weight, array[1].Weight, array[2].Weight), Is.EqualTo((1.0, -1.5, 1.0)));
        Assert.That(
            array.DType, Is.EqualTo("[('X', '<f4'), ('Color', '|u1'), ('', '|V3'), ('Id', '<i4'), ('', '|V4'), ('Weight', '<f8')]"));

        using SharedArray<Particle> again = SharedArray.Attach<Particle>(Name);
        Assert.That(again[1].Id, Is.EqualTo(7));
    }

    [Test]
    public void Nested_structs_fixed_buffers_and_inline_arrays_are_structures_and_sub_arrays()
    {
        using SharedArray<Mesh> array = SharedArray.Create<Mesh>(Name, 2);
        unsafe
        {
            fixed (Mesh* mesh = &array[1])
            {
                mesh->Origin = new Point { X = 1, Y = 2 };
                mesh->Tag[0] = 65;
                mesh->Tag[3] = 66;
                mesh->Corners[2] = new Point { X = 8, Y = 9 };
            }
        }

        string seen = Python.Run(
            "a = np.load(sys.argv[1], mmap_mode='r+'); "
                + "print(a['Origin']['Y'].tolist(), a['Tag'].tolist(), a['Corners'].shape, a['Corners']['X'][1].tolist()); "
                + "a['Corners']['Y'][0][1] = 5",
            ShmPath);
        Assert.That(seen, Is.EqualTo("[0.0, 2.0] [[0, 0, 0, 0], [65, 0, 0, 66]] (2, 3) [0.0, 0.0, 8.0]"));
        Assert.That(array[0].Corners[1].Y, Is.EqualTo(5));
    }

    [Test]
    public void A_structured_array_that_numpy_made_is_attached_as_the_struct_that_it_is()
    {
        _ = Python.Run(
            "d = np.dtype([('X', '<f4'), ('Color', 'u1'), ('Id', '<i4'), ('Weight', '<f8')], align=True); "
                + "a = np.zeros(2, d); a[1] = (0.5, 2, 3, 4.5); np.save(open(sys.argv[1], 'xb'), a)",
            ShmPath);
        using SharedArray<Particle> array = SharedArray.Attach<Particle>(Name);
        Assert.That(array[1], Is.EqualTo(new Particle { X = 0.5f, Color = Color.Green, Id = 3, Weight = 4.5 }));
        array[0].Id = 9;
        Assert.That(Python.Run("print(np.load(sys.argv[1])['Id'].tolist())", ShmPath), Is.EqualTo("[9, 3]"));
    }

    [Test]
    public void Packed_and_explicit_structs_have_their_declared_layout()
    {
        using SharedArray<Packed> packed = SharedArray.Create<Packed>(NameOf("packed"), 1);
        using SharedArray<Explicit> placed = SharedArray.Create<Explicit>(NameOf("explicit"), 1);
        Assert.That(packed.DType, Is.EqualTo("[('Flag', '|b1'), ('Value', '<i8')]"));
        Assert.That(placed.DType, Is.EqualTo("[('', '|V4'), ('First', '<i2'), ('', '|V2'), ('Second', '<i4'), ('', '|V4')]"));
        Assert.That(packed.ItemSize, Is.EqualTo(9));
        Assert.That(placed.ItemSize, Is.EqualTo(16));
    }

    [Test]
    public void A_record_struct_is_known_by_its_properties()
    {
        using SharedArray<Pair> array = SharedArray.Create<Pair>(Name, 1);
        Assert.That(array.DType, Is.EqualTo("[('Left', '<i4'), ('Right', '<f4')]"));
    }

    [Test]
    public void A_difference_in_one_field_is_an_error_that_shows_both_types()
    {
        using SharedArray<Point> array = SharedArray.Create<Point>(Name, 1);
        Assert.That(
            () => SharedArray.Attach<OtherPoint>(Name),
            Throws.InstanceOf<InvalidDataException>()
                .With.Message.Contains("[('X', '<f4'), ('Y', '<f4')]").And.Message.Contains("[('X', '<f4'), ('Z', '<f4')]"));
    }

    [Test]
    public void An_untyped_struct_array_becomes_typed()
    {
        using SharedArray<Point> array = SharedArray.Create<Point>(Name, 2);
        array[1].Y = 3;
        using UntypedSharedArray untyped = SharedArray.AttachUntyped(Name);
        using SharedArray<Point> typed = untyped.As<Point>();
        Assert.That(typed[1].Y, Is.EqualTo(3));
        Assert.That(untyped.GetValue(1), Is.EqualTo(new byte[] { 0, 0, 0, 0, 0, 0, 0x40, 0x40 }));
        Assert.That(untyped.ElementType, Is.Null);
    }

    [Test]
    public void Large_structs_are_listed_described_and_attached()
    {
        using SharedArray<Large> array = SharedArray.Create<Large>(Name, 1);
        using SharedArray<Large> again = SharedArray.Attach<Large>(Name);
        Assert.That(SharedArray.Describe(Name).DType, Is.EqualTo(array.DType));
        Assert.That(SharedArray.List().Select(info => info.Name), Does.Contain(Name));
        Assert.That(
            Python.Run(
                "import io; a = np.load(sys.argv[1]); b = io.BytesIO(); np.save(b, a); "
                    + "print(len(a.dtype.names), b.getvalue() == open(sys.argv[1], 'rb').read())",
                ShmPath),
            Is.EqualTo("45 True"));
    }

    [Test]
    public void Further_types_have_a_meaning()
    {
        using SharedArray<Color> colors = SharedArray.Create<Color>(NameOf("enum"), 1);
        using SharedArray<char> chars = SharedArray.Create<char>(NameOf("char"), 1);
        using SharedArray<nint> integers = SharedArray.Create<nint>(NameOf("nint"), 1);
        using SharedArray<Guid> guids = SharedArray.Create<Guid>(NameOf("guid"), 1);
        guids[0] = new Guid("00112233-4455-6677-8899-aabbccddeeff");
        Assert.That((colors.DType, chars.DType, integers.DType, guids.DType), Is.EqualTo(("|u1", "<u2", "<i8", "|V16")));
        Assert.That(
            Python.Run("import uuid; print(uuid.UUID(bytes_le=np.load(sys.argv[1])[0].tobytes()))", ShmPathOf(NameOf("guid"))),
            Is.EqualTo("00112233-4455-6677-8899-aabbccddeeff"));
    }

    [Test]
    public void Field_types_that_numpy_lacks_are_refused_by_name_with_advice()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => SharedArray.Create<decimal>(Name, 1), Refused("Decimal", "long"));
            Assert.That(() => SharedArray.Create<DateTime>(Name, 1), Refused("DateTime", "DateTime64<Ticks>"));
            Assert.That(() => SharedArray.Create<TimeSpan>(Name, 1), Refused("TimeSpan", "TimeDelta64<Ticks>"));
            Assert.That(() => SharedArray.Create<Int128>(Name, 1), Refused("Int128", "two longs"));
            Assert.That(() => SharedArray.Create<(int, double)>(Name, 1), Refused("ValueTuple", "struct of your own"));
            Assert.That(() => SharedArray.Create<Union>(Name, 1), Refused("Union", "overlaps"));
            Assert.That(() => SharedArray.Create<WithDate>(Name, 1), Refused("DateTime", "DateTime64<Ticks>"));
        }

        static NUnit.Framework.Constraints.Constraint Refused(string type, string advice)
            => Throws.InstanceOf<NotSupportedException>().With.Message.Contains(type).And.Message.Contains(advice);
    }

    [Test]
    public void An_inline_array_as_element_type_is_refused_with_the_array_to_use_instead()
    {
        Assert.That(
            () => SharedArray.Create<Triangle>(Name, 1),
            Throws.InstanceOf<NotSupportedException>().With.Message.Contains("last dimension of 3"));

        using SharedArray<float> array = SharedArray.Create<float>(Name, 1000, 4);
        Assert.That(array.View<InlineArray4<float>>().FlattenedLength, Is.EqualTo((nint)1000), "the conversion of the guide");
    }

    [Test]
    public unsafe void An_address_is_refused()
    {
        Assert.That(
            () => SharedArray.Create<Addresses>(Name, 1),
            Throws.InstanceOf<NotSupportedException>().With.Message.Contains("'Next' is an address"));
        Assert.That(
            () => SharedArray.Create<Calls>(Name, 1),
            Throws.InstanceOf<NotSupportedException>().With.Message.Contains("'Call' is an address"));
    }

    [Test]
    public void Struct_without_fields_is_refused_with_its_place()
        => Assert.That(
            () => SharedArray.Create<Holder<Nothing>>(Name, 1),
            Throws.InstanceOf<NotSupportedException>().With.Message.EndsWith("Nothing': it has no fields."));

    [Test]
    public void A_property_of_an_interface_gives_its_whole_name()
    {
        using SharedArray<Sizes> array = SharedArray.Create<Sizes>(Name, 1);
        Assert.That(array.DType, Does.EndWith(".ISize<System.Int32>.Size', '<i4'), ('Own', '<i4')]"));
    }

    private interface ISize<T>
    {
        T Size { get; set; }
    }

    private struct Sizes : ISize<int>
    {
        int ISize<int>.Size { get; set; }

        public int Own { get; set; }
    }

    private struct Holder<T>
    {
        public T Inside;
    }

    private struct Nothing;

    private unsafe struct Addresses
    {
        public int Count;
        public Addresses* Next;
    }

    private unsafe struct Calls
    {
        public delegate*<int, int> Call;
    }

    private struct Point
    {
        public float X;
        public float Y;
    }

    private struct OtherPoint
    {
        public float X;
        public float Z;
    }

    private record struct Particle
    {
        public float X;
        public Color Color;
        public int Id;
        public double Weight;
    }

    private unsafe struct Mesh
    {
        public Point Origin;
        public fixed byte Tag[4];
        public Triangle Corners;
    }

    [InlineArray(3)]
    private struct Triangle
    {
        private Point _first;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Packed
    {
        public bool Flag;
        public long Value;
    }

    [StructLayout(LayoutKind.Explicit, Size = 16)]
    private struct Explicit
    {
        [FieldOffset(8)]
        public int Second;

        [FieldOffset(4)]
        public short First;
    }

    [StructLayout(LayoutKind.Explicit)]
    private struct Union
    {
        [FieldOffset(0)]
        public int Integer;

        [FieldOffset(0)]
        public float Real;
    }

    private struct WithDate
    {
        public int Number;
        public DateTime Date;
    }

    private readonly record struct Pair(int Left, float Right);

    private struct Large
    {
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_00;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_01;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_02;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_03;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_04;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_05;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_06;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_07;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_08;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_09;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_10;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_11;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_12;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_13;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_14;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_15;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_16;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_17;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_18;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_19;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_20;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_21;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_22;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_23;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_24;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_25;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_26;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_27;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_28;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_29;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_30;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_31;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_32;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_33;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_34;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_35;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_36;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_37;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_38;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_39;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_40;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_41;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_42;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_43;
        public double A_field_with_a_name_so_long_that_the_header_needs_more_than_a_page_of_the_segment_44;
    }
}
