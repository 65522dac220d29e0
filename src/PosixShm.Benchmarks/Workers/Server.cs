using System.Globalization;
using PosixShm.Synchronization;

namespace PosixShm.Benchmarks.Workers;

/// <summary>The worker processes of this program, which share locks and change counters.</summary>
internal static class Server
{
    public const string Argument = "worker";

    /// <summary>Replies to the requests that twin/twin.h describes.</summary>
    public static void Run()
    {
        Dictionary<string, SharedArray<double>> arrays = [];
        Dictionary<string, Mutex> mutexes = [];
        while (Console.In.ReadLine() is string line)
        {
            string[] words = line.Split(' ');
            long count = long.Parse(words[1], CultureInfo.InvariantCulture);
            string name = Path.GetFileName(words[2]);
            if (!arrays.TryGetValue(name, out SharedArray<double>? array))
            {
                array = SharedArray.Attach(name);
                arrays.Add(name, array);
                mutexes.Add(name, new Mutex(initiallyOwned: false, name));
            }

            ChangeCounter changed = array.ChangeCounter;
            IEnumerable<long> answer = words[0] switch
            {
                "contend" => [Roles.Contend(array, new OwnLock(array.Lock))],
                "read-contend" => [Roles.Share(array, new OwnReading(array.ReaderWriterLock))],
                "mutex-contend" => [Roles.Contend(array, new NamedMutex(mutexes[name]))],
                "lock-wake" => Roles.Wake(array, count, new OwnLock(array.Lock)),
                "lock-sleep" => Roles.BeWoken(array, count, new OwnLock(array.Lock)),
                "event-wake" => Roles.Wake(array, count, new Signaller(changed)),
                "event-sleep" => Roles.BeWoken(array, count, new Waiter(changed, changed.Count)),
                "event-spin" => Roles.Spin(array, count, changed),
                "event-async" => Roles.BeWoken(array, count, new AsyncWaiter(changed, changed.Count)),
                _ => throw new ArgumentException($"There is no operation '{words[0]}'."),
            };
            Console.WriteLine(string.Join(' ', answer));
        }
    }
}
