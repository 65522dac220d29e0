using PosixShm.Cli;

return Failures.Guard(() => CommandTree.Run(args));
