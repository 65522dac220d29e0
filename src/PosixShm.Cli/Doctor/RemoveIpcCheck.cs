using System.Globalization;

namespace PosixShm.Cli.Doctor;

/// <summary>
/// Checks whether systemd-logind deletes this user's files in <c>/dev/shm</c> at the user's last logout: <c>RemoveIPC=</c> in
/// <c>logind.conf(5)</c>, which is on unless configured otherwise. Files of system users and of users that linger are kept.
/// </summary>
internal static class RemoveIpcCheck
{
    private const string Name = "RemoveIPC";
    private const long LastSystemUser = 999;

    // The first directory takes precedence, and drop-ins over the main file; see systemd.unit(5).
    private static readonly string[] s_directories = ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];

    public static Finding Run()
    {
        if (!Directory.Exists("/run/systemd/seats"))
        {
            return Finding.None(Name, "no systemd-logind runs", "Arrays exist until they are deleted, or the machine restarts.");
        }

        if (!$"{ArrayDirectory.Path}/".StartsWith($"{ArrayDirectory.Default}/", StringComparison.Ordinal))
        {
            return Finding.None(
                Name, $"arrays are in {ArrayDirectory.Path}", "systemd-logind deletes files in /dev/shm only, semaphores among them.");
        }

        string user = Environment.UserName;
        long id = UserId();
        return !IsOn() ? Spared("it is off in logind.conf")
            : id <= LastSystemUserOf() ? Spared($"user {id} is a system user")
            : File.Exists($"/var/lib/systemd/linger/{user}") ? Spared($"{user} lingers")
            : Finding.Of(
                Name, true, $"on, for {user} ({id})",
                "systemd-logind deletes all files of this user in /dev/shm at the user's last logout, also those in use.",
                $"loginctl enable-linger {user}; or run as a system user; or RemoveIPC=no in /etc/systemd/logind.conf");

        static Finding Spared(string why) => Finding.Of(Name, false, why, "Arrays remain when their user logs out.", string.Empty);
    }

    private static bool IsOn()
    {
        string? value = null;
        foreach (string file in Files())
        {
            string section = string.Empty;
            foreach (string line in MachineFiles.Lines(file).Select(static line => line.Trim()))
            {
                section = line.StartsWith('[') ? line : section;
                string[] pair = line.Split('=', 2, StringSplitOptions.TrimEntries);
                value = section == "[Login]" && pair is ["RemoveIPC", _] ? pair[1] : value;
            }
        }

        return value?.ToUpperInvariant() is not ("NO" or "FALSE" or "0" or "OFF" or "N" or "F");
    }

    // Returns the files in the order of reading: the main file, then all drop-ins by file name. A drop-in in an earlier directory replaces
    // others of that name.
    private static IEnumerable<string> Files()
    {
        SortedDictionary<string, string> dropIns = new(StringComparer.Ordinal);
        foreach (string directory in s_directories.Select(static directory => $"{directory}/logind.conf.d").Where(Directory.Exists))
        {
            foreach (string file in Directory.GetFiles(directory, "*.conf"))
            {
                _ = dropIns.TryAdd(Path.GetFileName(file), file);
            }
        }

        return s_directories.Select(static directory => $"{directory}/logind.conf").Where(File.Exists).Take(1).Concat(dropIns.Values);
    }

    // Returns the effective user, which is the second number, as in "Uid:	1000	1000	1000	1000".
    private static long UserId()
        => MachineFiles.Lines("/proc/self/status")
            .FirstOrDefault(static line => line.StartsWith("Uid:", StringComparison.Ordinal)) is string line
            ? long.Parse(line.Split('\t')[2], CultureInfo.InvariantCulture)
            : 0;

    private static long LastSystemUserOf()
        => MachineFiles.Lines("/etc/login.defs").Select(static line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .FirstOrDefault(static fields => fields is ["SYS_UID_MAX", _, ..]) is [_, string number, ..]
            && long.TryParse(number, CultureInfo.InvariantCulture, out long last)
                ? last
                : LastSystemUser;
}
