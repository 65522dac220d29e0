using System.Runtime.Versioning;
using PosixShm.Cli;

[assembly: SupportedOSPlatform("linux")]

return Failures.Guard(() => CommandTree.Run(args));
