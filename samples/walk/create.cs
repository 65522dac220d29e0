#!/usr/bin/env -S dotnet run -c Release --file
#:project ../../src/PosixShm/PosixShm.csproj

// Creates an array of 10 doubles, writes to it, and exits. The array stays.
//
//     ./create.cs test1

using PosixShm;

string name = args[0];

using SharedArray<double> a = SharedArray.Create(name, 10);
for (int i = 0; i < a.Length; i++)
{
    a[i] = i;
}

Console.WriteLine($"created {a}, wrote 0 to 9");
