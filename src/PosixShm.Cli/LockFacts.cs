using PosixShm.Synchronization;

namespace PosixShm.Cli;

/// <summary>Writes the current states of an array's locks.</summary>
internal static class LockFacts
{
    // If an array has more locks than this, free ones are not printed.
    private const int MaxFree = 8;

    private static readonly AttachOptions s_anyOwner = new() { AllowOtherOwners = true };

    /// <summary>Attaches an array to read its locks; null if it was overwritten after it was described.</summary>
    public static UntypedSharedArray? Attach(string name)
    {
        try
        {
            return SharedArray.AttachUntyped(name, SharedArrayAccess.ReadOnly, s_anyOwner);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    public static void WriteJson(Json json, UntypedSharedArray? array)
    {
        json.Writer.WriteString("reader_writer_lock", ReaderWriter(array));
        json.Writer.WriteStartArray("locks");
        foreach (Fact fact in Of(array))
        {
            json.Writer.WriteStartObject();
            json.Writer.WriteNumber("index", fact.Index);
            json.Writer.WriteString("state", NameOf(fact.State));
            json.Writer.WriteNumber("slot", fact.Slot);
            json.WriteNumberOrNull("pid", fact.Process);
            json.Writer.WriteEndObject();
            json.FlushIfLarge();
        }

        json.Writer.WriteEndArray();
    }

    public static void WriteText(TextWriter writer, UntypedSharedArray? array)
    {
        int count = array?.Locks.Count ?? 0;
        writer.WriteLine($"reader_writer_lock: {ReaderWriter(array) ?? "none"}");
        writer.WriteLine($"locks: {count}");
        foreach (Fact fact in Of(array))
        {
            if (fact.State != SharedLockState.Free || count <= MaxFree)
            {
                writer.WriteLine($"lock {fact.Index}: {Describe(fact)}");
            }
        }
    }

    // Null for an array without locks.
    private static string? ReaderWriter(UntypedSharedArray? array)
        => array is not { Locks.Count: > 0 }
            ? null
            : array.ReaderWriterLock.State switch
            {
                SharedReaderWriterLockState.Free => "free",
                SharedReaderWriterLockState.HeldByReaders => "held by readers",
                SharedReaderWriterLockState.HeldByWriter => "held by a writer",
                _ => "abandoned",
            };

    private static IEnumerable<Fact> Of(UntypedSharedArray? array)
    {
        // A process may hold many locks, and finding it reads files of every process.
        Dictionary<int, int?> processes = [];
        foreach (SharedLock shared in array?.Locks ?? [])
        {
            SharedLockState state = shared.State;
            int slot = state == SharedLockState.Free ? 0 : shared.OwnerSlot;
            int? process = null;
            if (state == SharedLockState.Held && slot != 0 && !processes.TryGetValue(slot, out process))
            {
                process = shared.FindOwnerProcess();
                processes.Add(slot, process);
            }

            yield return new Fact(shared.Index, state, slot, process);
        }
    }

    private static string NameOf(SharedLockState state) => state switch
    {
        SharedLockState.Free => "free",
        SharedLockState.Held => "held",
        _ => "abandoned",
    };

    private static string Describe(Fact fact) => fact switch
    {
        { Slot: 0 } => NameOf(fact.State),
        { Process: int process } => $"{NameOf(fact.State)} (slot {fact.Slot}, pid {process})",
        _ => $"{NameOf(fact.State)} (slot {fact.Slot})",
    };

    private readonly record struct Fact(int Index, SharedLockState State, int Slot, int? Process);
}
