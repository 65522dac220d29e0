#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// Bytes that are no array, shared with a C program: a plain segment of shm_open(3), first made here and then made there. A
// semaphore of sem_open(3) signals that the C program has written. Needs a C compiler. Checks itself.
//
//     ./raw-object.cs

using System.Diagnostics;
using System.Runtime.InteropServices;
using PosixShm.Posix;

const string Source = """
    #include <fcntl.h>
    #include <semaphore.h>
    #include <stdint.h>
    #include <stdio.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <unistd.h>

    struct table { int64_t count; double values[100]; };

    int main(int argc, char** argv)
    {
        int creates = argc == 4 && strcmp(argv[3], "create") == 0;
        int file = shm_open(argv[1], O_RDWR | (creates ? O_CREAT | O_EXCL : 0), 0600);
        if (file < 0 || (creates && ftruncate(file, sizeof(struct table)) < 0))
        {
            perror("shm_open");
            return 1;
        }

        struct table* table = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        sem_t* written = sem_open(argv[2], 0);
        if (table == MAP_FAILED || written == SEM_FAILED)
        {
            perror("mmap or sem_open");
            return 2;
        }

        for (int i = 0; i < 10; i++)
        {
            table->values[table->count++] = i / 2.0;
        }

        return sem_post(written);
    }
    """;

string name = $"raw-object-{Environment.ProcessId}";
string signal = $"{name}-written";
string folder = Directory.CreateTempSubdirectory("raw-object-").FullName;
TimeSpan limit = TimeSpan.FromSeconds(60);

try
{
    string program = Path.Combine(folder, "writer");
    File.WriteAllText(program + ".c", Source);
    Run(Environment.GetEnvironmentVariable("CC") ?? "cc", "-O2", "-Wall", "-o", program, program + ".c", "-lrt", "-pthread");
    using NamedSemaphore written = NamedSemaphore.Create(signal);

    // Made here: complete at once, with its space.
    using (SharedMemoryObject made = SharedMemoryObject.Create(name, Marshal.SizeOf<Table>()))
    using (MemoryMapping mapping = made.Map())
    {
        ref Table table = ref MemoryMarshal.AsRef<Table>(mapping.Span);
        table.Count = 1;
        table.Values[0] = 42;
        Run(program, $"/{name}", $"/{signal}", "open");
        Check("the C program has written", written.TryWait(limit));
        Check("it has added ten values to the one from here", table.Count == 11 && table.Values[0] == 42 && table.Values[10] == 4.5);
    }

    SharedMemoryObject.Delete(name);
    Check("the name is deleted", !SharedMemoryObject.Exists(name));

    // Made there.
    Run(program, $"/{name}", $"/{signal}", "create");
    Check("the C program has written", written.TryWait(limit));
    using SharedMemoryObject found = SharedMemoryObject.Open(name, FileAccess.Read);
    using MemoryMapping view = found.Map(options: MappingOptions.Populate);
    Check("its object has the size of the table", found.Size == Marshal.SizeOf<Table>());
    Check("its ten values are here", MemoryMarshal.AsRef<Table>(view.ReadOnlySpan) is { Count: 10 } other && other.Values[9] == 4.5);
    try
    {
        _ = view.Span.Length;
        Check("a mapping to read only has no span to write", false);
    }
    catch (InvalidOperationException)
    {
        Check("a mapping to read only has no span to write", true);
    }

    return 0;
}
catch (Exception error)
{
    Console.Error.WriteLine($"FAILED: {error.Message}");
    return 1;
}
finally
{
    _ = SharedMemoryObject.TryDelete(name);
    _ = NamedSemaphore.TryDelete(signal);
    Directory.Delete(folder, recursive: true);
}

void Run(string program, params string[] arguments)
{
    using Process process = Process.Start(program, arguments);
    try
    {
        if (!process.WaitForExit(limit) || process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{Path.GetFileName(program)} failed");
        }
    }
    finally
    {
        process.Kill(); // does nothing to one that has ended
    }
}

static void Check(string what, bool isTrue)
{
    if (!isTrue)
    {
        throw new InvalidOperationException($"not so: {what}");
    }

    Console.WriteLine($"   ok: {what}");
}

// The struct of the C program.
internal struct Table
{
    public long Count;
    public HundredValues Values;
}

[System.Runtime.CompilerServices.InlineArray(100)]
internal struct HundredValues
{
    private double _first;
}
