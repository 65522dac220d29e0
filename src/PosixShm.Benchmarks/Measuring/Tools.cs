namespace PosixShm.Benchmarks.Measuring;

/// <summary>The programs that are measured beside the library.</summary>
/// <param name="Twin">The C program.</param>
/// <param name="Boost">The C++ program.</param>
/// <param name="Python">A Python that has numpy.</param>
/// <param name="Peers">What Python is to run.</param>
/// <param name="Command">The pshm command.</param>
internal sealed record Tools(string Twin, string Boost, string Python, string Peers, string Command);
