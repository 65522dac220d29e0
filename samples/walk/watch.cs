#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// Attaches an array, stays attached, and answers questions, one a line:
//
//     read INDEX     the element
//     sum            the sum of all elements
//     dispose        detaches
//
// The first line that it prints is "attached". It ends with its input.

using System.Globalization;
using PosixShm;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

using SharedArray<double> a = SharedArray.Attach(args[0]);
Console.WriteLine("attached");

while (Console.ReadLine() is string line)
{
    try
    {
        switch (line.Split(' '))
        {
            case ["read", string index]:
                Console.WriteLine(a[long.Parse(index)]);
                break;
            case ["sum"]:
                Console.WriteLine(a.Sum());
                break;
            case ["dispose"]:
                a.Dispose();
                Console.WriteLine("disposed");
                break;
            default:
                Console.WriteLine($"cannot '{line}'");
                break;
        }
    }
    catch (ObjectDisposedException)
    {
        Console.WriteLine("ObjectDisposedException");
    }
}
