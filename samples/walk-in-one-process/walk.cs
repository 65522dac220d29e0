#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// The same walk inside one program: two attachments of one array, and what is left after each step. Checks itself.
//
//     ./walk.cs

using PosixShm;

const string Name = "test1";
const double Written = 42;

if (SharedArray.Exists(Name))
{
    Console.Error.WriteLine($"FAILED: {Name} exists already and may be yours: 'pshm delete {Name}' removes it");
    return 1;
}

int before = Mappings();

try
{
    SharedArray<double> first = SharedArray.Create(Name, 10);
    SharedArray<double> second = SharedArray.Attach(Name);
    Check("two attachments are two mappings", Mappings() == before + 2);

    first[0] = Written;
    Check("42 written through the first is read through the second", second[0] == Written);

    first.Dispose();
    Check("the first is disposed: one mapping is left", Mappings() == before + 1);
    Check("the second still reads 42", second[0] == Written);
    Check("the list still shows the array", SharedArray.List().Any(array => array.Name == Name && array.IsInUse));

    SharedArray.Delete(Name);
    Check("deleted: the list does not show it", !SharedArray.List().Any(array => array.Name == Name));
    Check("the second still reads 42", second[0] == Written);

    second.Dispose();
    Check("the second is disposed: no mapping is left, the memory is freed", Mappings() == before);

    Console.WriteLine("The walk is done: every check passed.");
    return 0;
}
catch (InvalidOperationException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}
finally
{
    _ = SharedArray.TryDelete(Name);
}

// The kernel's word on what this process has mapped from /dev/shm.
static int Mappings() => File.ReadLines("/proc/self/maps").Count(line => line.Contains(" /dev/shm/"));

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"FAILED: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}
