namespace PosixShm.Synchronization;

/// <summary>A file that a process killed in <c>sem_open(3)</c> may have left behind.</summary>
/// <param name="Name">The name, as of a semaphore: six letters or digits.</param>
/// <param name="IsCertain">Whether it is certainly a leftover: empty, or a second name of a file. A whole one looks as a semaphore of that name does.</param>
public sealed record StaleSemaphore(string Name, bool IsCertain);
