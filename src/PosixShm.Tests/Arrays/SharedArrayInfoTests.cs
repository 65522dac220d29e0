using System.Text.Json;

namespace PosixShm.Tests;

/// <summary>The records that describe arrays and semaphores, as values: equality, text and JSON.</summary>
internal sealed class SharedArrayInfoTests : NamedTest
{
    [Test]
    public void Descriptions_are_equal_if_their_contents_are()
    {
        SharedArray<int> array = SharedArray.Create<int>(Name, 3, 4);
        SharedArrayInfo first = SharedArray.Describe(Name);
        SharedArrayInfo second = SharedArray.Describe(Name);
        Assert.That((second, second.GetHashCode()), Is.EqualTo((first, first.GetHashCode())));
        Assert.That(SharedArray.List(Name).Single(), Is.EqualTo(first));
        array.Dispose();
        Assert.That(SharedArray.Describe(Name), Is.Not.EqualTo(first), "it is no longer in use");
        SharedArray.Replace<int>(Name, 4, 3).Dispose();
        Assert.That(SharedArray.Describe(Name), Is.Not.EqualTo(first), "its shape is another one");
    }

    [Test]
    public void Text_of_a_description_has_its_contents()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 3, 4);
        Assert.That(
            SharedArray.Describe(Name).ToString(),
            Does.StartWith(
                $"SharedArrayInfo {{ Name = {Name}, DType = <i4, Shape = (3, 4), Layout = Npy, Mode = UserWrite, UserRead, UserId = ")
                .And.EndWith("IsInUse = True }"));
    }

    [Test]
    public void JSON_of_a_description_has_its_contents()
    {
        using SharedArray<int> array = SharedArray.Create<int>(Name, 3, 4);
        using JsonDocument json = JsonDocument.Parse(JsonSerializer.Serialize(SharedArray.Describe(Name)));
        JsonElement root = json.RootElement;
        Assert.That(
            (root.GetProperty("Name").GetString(), root.GetProperty("DType").GetString(), root.GetProperty("Shape").GetRawText(),
                root.GetProperty("Layout").GetString(), root.GetProperty("Length").GetInt64(), root.GetProperty("IsInUse").GetBoolean()),
            Is.EqualTo((Name, "<i4", "[3,4]", "Npy", 12L, true)));
        Assert.That(
            JsonSerializer.Deserialize<StaleSemaphore>(JsonSerializer.Serialize(new StaleSemaphore("abcdef", true))),
            Is.EqualTo(new StaleSemaphore("abcdef", true)));
    }
}
