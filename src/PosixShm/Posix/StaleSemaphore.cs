namespace PosixShm;

/// <summary>A file that a process killed in <c>sem_open(3)</c> may have left behind.</summary>
/// <param name="Name">The file's name in the form of a semaphore's: six letters or digits.</param>
/// <param name="IsCertain">Whether it is certainly a leftover: empty, or a second name. Others may be semaphores of that name.</param>
public sealed record StaleSemaphore(string Name, bool IsCertain);
