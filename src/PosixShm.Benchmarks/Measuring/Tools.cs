namespace PosixShm.Benchmarks.Measuring;

/// <summary>The programs with which the library is compared.</summary>
/// <param name="Twin">The C program.</param>
/// <param name="Boost">The C++ program.</param>
/// <param name="Python">A Python interpreter with numpy.</param>
/// <param name="Peers">The Python script.</param>
/// <param name="Command">The pshm command.</param>
internal sealed record Tools(string Twin, string Boost, string Python, string Peers, string Command);
