using System.Runtime.Versioning;
using PosixShm;

[assembly: SupportedOSPlatform("linux")]

foreach (SharedArrayInfo array in SharedArray.List())
{
    Console.WriteLine(array.Name);
}
