# Completion of pshm in fish. The command completes itself, by System.CommandLine's directive "suggest".
function __pshm_complete
    set --local line (commandline --current-process --cut-at-cursor | string replace --all '\\' '' | string collect)
    set --local words (commandline --current-process --tokenize)
    $words[1] "[suggest:"(string length -- $line)"]" $line 2>/dev/null
end
complete --command pshm --no-files --arguments '(__pshm_complete)'
