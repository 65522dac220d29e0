namespace PosixShm.Tests;

/// <summary>Arrays that are filled with a value whose type is known only at run time.</summary>
internal sealed class CreateFullTests : NamedTest
{
    [TestCase("float32", 1.5f)]
    [TestCase("u1", (byte)7)]
    [TestCase("U5", "größe")]
    [TestCase("m8[s]", -5L)]
    public void An_array_is_filled_with_a_value_of_a_type_named_at_run_time(string dtype, object value)
    {
        using UntypedSharedArray array = SharedArray.Create(Name, ArrayContent.Filled(dtype, value, 2, 3));
        Assert.That(Enumerable.Range(0, 6).Select(i => array.GetValue(i)), Is.All.EqualTo(value));
    }

    [Test]
    public void A_value_of_another_type_creates_nothing()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => SharedArray.Create(Name, ArrayContent.Filled("f8", 1, 2)), Throws.InstanceOf<InvalidCastException>());
            Assert.That(() => SharedArray.Create(Name, ArrayContent.Filled("V3", "abc", 2)), Throws.InstanceOf<InvalidCastException>());
            Assert.That(() => SharedArray.Create(Name, ArrayContent.Filled("S3", "größe", 2)), Throws.InstanceOf<InvalidCastException>());
            Assert.That(() => SharedArray.Create(Name, ArrayContent.Filled("S3", "abcd", 2)), Throws.ArgumentException);
            Assert.That(() => SharedArray.Create(Name, ArrayContent.Filled("f8", 1.0, -2)), Throws.InstanceOf<ArgumentException>());
            Assert.That(ShmPath, Does.Not.Exist);
        }
    }
}
