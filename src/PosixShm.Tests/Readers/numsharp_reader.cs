// Prints each .npy file as NumSharp reads it: dtype, shape and elements. The first argument is "load", or "load-mapped".
#:package NumSharp@0.70.0
#:property PublishAot=false
#:property ManagePackageVersionsCentrally=false
using System.Globalization;
using NumSharp;

foreach (string path in args[1..])
{
    NDArray array = (NDArray)np.load(path, mmap_mode: args[0] == "load-mapped" ? "r+" : null);
    string dtype = array.typecode switch
    {
        NPTypeCode.Boolean => "b1",
        NPTypeCode.Byte => "u1",
        NPTypeCode.Int32 => "i4",
        NPTypeCode.Int64 => "i8",
        NPTypeCode.Single => "f4",
        NPTypeCode.Double => "f8",
        _ => "unknown",
    };
    double[] elements = array.ravel().astype(typeof(double)).ToArray<double>();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{dtype} {string.Join(',', array.shape)} {string.Join(',', elements)}"));
}
