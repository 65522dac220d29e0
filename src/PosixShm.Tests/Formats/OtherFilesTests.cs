namespace PosixShm.Tests;

/// <summary>Files of Python programs that contain arrays in other formats.</summary>
internal sealed class OtherFilesTests : NamedTest
{
    [TestCase("np.savez(f, a=np.zeros(3))", "zip archive, as np.savez writes", "np.load")]
    [TestCase("np.savez_compressed(f, a=np.zeros(3))", "zip archive", "np.save")]
    [TestCase("import zipfile; zipfile.ZipFile(f, 'w').close()", "zip archive", "np.load")]
    [TestCase("import gzip; np.save(gzip.open(f, 'wb'), np.zeros(3))", "gzip", "gunzip")]
    [TestCase("import bz2; np.save(bz2.open(f, 'wb'), np.zeros(3))", "bzip2", "bunzip2")]
    [TestCase("import lzma; np.save(lzma.open(f, 'wb'), np.zeros(3))", "xz", "unxz")]
    [TestCase("import pickle; pickle.dump(np.zeros(3), f, 2)", "pickle", "allow_pickle=True")]
    [TestCase("import pickle; pickle.dump(np.zeros(3), f, 0)", "pickle", "allow_pickle=True")]
    [TestCase("import pickle; pickle.dump(np.zeros(3), f, 1)", "pickle", "allow_pickle=True")]
    [TestCase("np.zeros(3).dump(f)", "pickle", "np.save")]
    [TestCase("", "it is empty", "")]
    public void A_file_of_another_format_is_called_by_its_name_with_the_way_to_convert_it(string script, string name, string advice)
    {
        _ = Python.Run($"f = open(sys.argv[1], 'wb'); {script}", ShmPath);
        Assert.That(
            () => SharedArray.AttachUntyped(Name),
            Throws.InstanceOf<InvalidDataException>().With.Message.Contains(name).And.Message.Contains(advice).And.Message.Contains(Name));
    }

    [Test]
    public void A_file_that_is_cut_inside_its_header_is_called_cut()
    {
        _ = Python.Run("np.save(open(sys.argv[1], 'wb'), np.zeros(3))", ShmPath);
        byte[] whole = File.ReadAllBytes(ShmPath);
        for (int length = 1; length < 128; length++)
        {
            File.WriteAllBytes(ShmPath, whole[..length]);
            Assert.That(
                () => SharedArray.AttachUntyped(Name),
                Throws.InstanceOf<InvalidDataException>().With.Message.Contains("truncated"),
                $"{length} bytes");
        }
    }
}
