using System.CommandLine;
using PosixShm.Synchronization;

namespace PosixShm.Cli;

/// <summary><c>pshm unlock NAME [--lock INDEX]</c>.</summary>
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
        Command command = new(
            "unlock",
            "Free a lock whose owner died. The data that it protects may be half changed and is not repaired: check it first, with "
                + "'pshm show'.")
        {
            name, index,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(name), parsed.GetValue(index), parsed.InvocationConfiguration.Output));
        return command;
    }

    private static int Run(string name, int index, TextWriter output)
    {
        using UntypedSharedArray array = SharedArray.AttachUntyped(name, options: s_anyOwner);
        if (index < 0 || index >= array.Locks.Count)
        {
            throw Failures.WrongUse($"'{array.Name}' has {array.Locks.Count} locks, and no lock {index}.");
        }

        SharedLock shared = array.Locks[index];
        if (shared.State == SharedLockState.Held)
        {
            throw Held(array, shared);
        }

        bool wasAbandoned = shared.State == SharedLockState.Abandoned && Repair(array, shared);
        output.WriteLine(wasAbandoned
            ? $"Lock {index} of '{array.Name}' was abandoned, and is free now. The data that it protects may be half changed."
            : $"Lock {index} of '{array.Name}' is free: there is nothing to do.");
        return ExitCode.Done;
    }

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

    private static IOException Held(UntypedSharedArray array, SharedLock shared)
        => new(shared.FindOwnerProcess() is int process
            ? $"Lock {shared.Index} of '{array.Name}' is held by process {process}, which is alive: the lock was left alone."
            : $"Lock {shared.Index} of '{array.Name}' is held by a process that is alive: the lock was left alone.");
}
