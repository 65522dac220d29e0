using PosixShm.Cli;

// What scripts ask for most, needs no parser: building one takes 5 ms.
return Failures.Guard(() => args switch
{
    ["list"] => ListCommand.Run(json: false),
    ["list", "--json"] => ListCommand.Run(json: true),
    ["delete", [not '-', ..] name] => DeleteCommand.Run([name]),
    _ => CommandTree.Run(args),
});
