# Completion of pshm in bash. The command completes itself, by System.CommandLine's directive "suggest".
_pshm()
{
    local line="${COMP_LINE:0:COMP_POINT}" word candidate quoted
    [[ "$line" =~ ([^[:space:]\\]|\\.)*$ ]]
    word="${BASH_REMATCH[0]}"

    # Readline replaces only $2, which differs inside quotes and behind a colon.
    [[ "$word" == "$2" ]] || return
    word="${word//\\/}"
    line="${line//\\/}"
    while IFS= read -r candidate; do
        if [[ -n "$candidate" && "$candidate" == "$word"* && ("$word" == -* || "$candidate" != -*) ]]; then
            printf -v quoted %q "$candidate"
            COMPREPLY+=("$quoted")
        fi
    done < <("$1" "[suggest:${#line}]" "$line" 2>/dev/null)
}
complete -F _pshm pshm
