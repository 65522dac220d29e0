using System.Globalization;
using PosixShm.Benchmarks.Measuring;
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
        Dictionary<string, SharedFrames<long>> streams = [];
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
                "frames-write" or "frames-post" => [Written(Stream(), fills: words[0] == "frames-write")],
                "frames-use" or "frames-look" => [FrameRoles.Use(array, Stream().OpenReader(), sums: words[0] == "frames-use")],
                "frame-post" => Posted(Stream()),
                "frame-sleep" or "frame-spin" => Received(Stream(), spins: words[0] == "frame-spin"),
                "event-wake" => Roles.Wake(array, count, new Signaller(changed)),
                "event-sleep" => Roles.BeWoken(array, count, new Waiter(changed, changed.Count)),
                "event-spin" => Roles.Spin(array, count, changed),
                "event-async" => Roles.BeWoken(array, count, new AsyncWaiter(changed, changed.Count)),
                _ => throw new ArgumentException($"There is no operation '{words[0]}'."),
            };
            Console.WriteLine(string.Join(' ', answer));

            SharedFrames<long> Stream()
            {
                if (!streams.TryGetValue(name, out SharedFrames<long>? stream))
                {
                    stream = SharedFrames.Attach<long>(FrameTeam.NameOf(name));
                    streams.Add(name, stream);
                }

                return stream;
            }

            long Written(SharedFrames<long> stream, bool fills)
            {
                using FrameWriter<long> writer = stream.OpenWriter();
                return FrameRoles.Write(array, writer, fills);
            }

            long[] Posted(SharedFrames<long> stream)
            {
                using FrameWriter<long> writer = stream.OpenWriter();
                return Roles.Wake(array, count, new FramePoster(writer));
            }

            long[] Received(SharedFrames<long> stream, bool spins)
            {
                WaitSettings.SpinTime = spins ? TimeSpan.FromMilliseconds(10) : null;
                return Roles.BeWoken(array, count, new FrameWaiter(Reader(stream)));
            }

            // The first frame of a reader is the newest one, which it has read in the last batch.
            static FrameReader<long> Reader(SharedFrames<long> stream)
            {
                FrameReader<long> reader = stream.OpenReader();
                _ = reader.TryReadNewest(new long[8], out _);
                return reader;
            }
        }
    }
}
