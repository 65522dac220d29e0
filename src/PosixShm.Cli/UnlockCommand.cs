using System.CommandLine;
using PosixShm.Synchronization;

namespace PosixShm.Cli;

/// <summary><c>pshm unlock NAME [--lock INDEX | --reader-writer]</c>.</summary>
internal static class UnlockCommand
{
    // Another process may acquire the lock first, and hold it.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    // The array to unlock may belong to another user, whose process died.
    private static readonly AttachOptions s_anyOwner = new() { AllowOtherOwners = true };

    public static Command Define()
    {
        Argument<string> name = CommandTree.NameArgument();
        Option<int> index = new("--lock")
        {
            HelpName = "INDEX",
            Description = "The index of the lock, from 0; 0 unless given.",
            DefaultValueFactory = static _ => 0,
            CustomParser = CommandTree.ParseInteger,
        };
        Option<bool> readerWriter = new("--reader-writer") { Description = "The reader-writer lock." };
        Command command = new(
            "unlock",
            "Free a lock whose owner died. The data that it protects may be half changed and is not repaired: check it first, with "
                + "'pshm show'.")
        {
            name, index, readerWriter,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(readerWriter) && result.GetResult(index) is { Implicit: false })
            {
                result.AddError("--lock and --reader-writer name different locks: give one of them.");
            }
        });
        command.SetAction(parsed =>
        {
            using UntypedSharedArray array = SharedArray.AttachUntyped(parsed.GetRequiredValue(name), options: s_anyOwner);
            parsed.InvocationConfiguration.Output.WriteLine(
                parsed.GetValue(readerWriter) ? FreeReaderWriter(array) : Free(array, parsed.GetValue(index)));
            return ExitCode.Done;
        });
        return command;
    }

    // Both return what was done.
    private static string Free(UntypedSharedArray array, int index)
    {
        if (index < 0 || index >= array.Locks.Count)
        {
            throw Failures.WrongUse($"'{array.Name}' has {array.Locks.Count} locks, and no lock {index}.");
        }

        SharedLock shared = array.Locks[index];
        if (shared.State == SharedLockState.Held)
        {
            throw Held(array, shared);
        }

        return Describe($"Lock {index}", array, shared.State == SharedLockState.Abandoned && Repair(array, shared));
    }

    private static string FreeReaderWriter(UntypedSharedArray array)
    {
        SharedReaderWriterLock shared = array.ReaderWriterLock;
        if (shared.State is SharedReaderWriterLockState.HeldByReaders or SharedReaderWriterLockState.HeldByWriter)
        {
            throw Held(array);
        }

        return Describe("The reader-writer lock", array, shared.State == SharedReaderWriterLockState.Abandoned && Repair(array));
    }

    private static string Describe(string shared, UntypedSharedArray array, bool wasAbandoned)
        => wasAbandoned
            ? $"{shared} of '{array.Name}' was abandoned, and is free now. The data that it protects may be half changed."
            : $"{shared} of '{array.Name}' is free: there is nothing to do.";

    private static bool Repair(UntypedSharedArray array, SharedLock shared)
    {
        using CancellationTokenSource patience = new(s_patience);
        try
        {
            using SharedLock.RecoveryScope recovery = shared.EnterRecovery(patience.Token);
            recovery.MarkConsistent();
            return recovery.WasAbandoned;
        }
        catch (OperationCanceledException)
        {
            throw Held(array, shared);
        }
    }

    private static bool Repair(UntypedSharedArray array)
    {
        using CancellationTokenSource patience = new(s_patience);
        try
        {
            using SharedReaderWriterLock.RecoveryScope recovery = array.ReaderWriterLock.EnterRecovery(patience.Token);
            recovery.MarkConsistent();
            return recovery.WasAbandoned;
        }
        catch (OperationCanceledException)
        {
            throw Held(array);
        }
    }

    private static IOException Held(UntypedSharedArray array)
        => new($"The reader-writer lock of '{array.Name}' is held by a process that is alive: the lock was left alone.");

    private static IOException Held(UntypedSharedArray array, SharedLock shared)
        => new(shared.FindOwnerProcess() is int process
            ? $"Lock {shared.Index} of '{array.Name}' is held by process {process}, which is alive: the lock was left alone."
            : $"Lock {shared.Index} of '{array.Name}' is held by a process that is alive: the lock was left alone.");
}
