#!/usr/bin/env bash
# One array seen by separately started processes: a C# script creates it, a second one watches it, F# and Python
# change it, the shell lists and deletes it. Every step is checked. "./build.sh demo" builds what it needs, then runs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

name=test1
pshm="${PSHM:-../../artifacts/bin/pshm}"
python="${PYTHON:-python3}"

fail() { echo "FAILED: $*" >&2; exit 1; }
step() { printf '\n-- %s\n' "$*"; }
limited=(timeout --kill-after=5 180)
check() { # WHAT EXPECTED ACTUAL
    [[ "$3" == "$2" ]] || fail "$1: expected '$2', got '$3'"
    echo "   ok: $1: $3"
}

# Reads the next line of the watching process, and sends it a command. No sleeps: both sides wait for lines.
hear() {
    local line
    read -r -t 120 line <&"$from_watch" || fail "the watching process did not answer"
    echo "$line"
}
ask() { echo "$*" >&"$to_watch"; hear; }

# The kernel's word: how many processes map the array's file, and how many descriptors are open on it.
mappings() { { grep -lE " $inode +/dev/shm/" /proc/[0-9]*/maps 2>/dev/null || true; } | wc -l; }
open_files() { find -L /proc/[0-9]*/fd -maxdepth 1 -type f -printf '%D %i\n' 2>/dev/null || true; }
descriptors() { open_files | grep -cx "$device $inode" || true; }
exists() { [[ -e /dev/shm/$name ]] && echo yes || echo no; }
listed() { grep -qE "^$name([[:space:]]|\$)" <<<"$1" && echo yes || echo no; }

[[ "$(exists)" == no ]] || fail "/dev/shm/$name exists already and may be yours: 'pshm delete $name' removes it"

clean_up() {
    [[ -z "${watch_PID:-}" ]] || kill "$watch_PID" 2>/dev/null || true
    # Only what this run made: another process may have the name by now.
    [[ "$(stat -c '%d %i' "/dev/shm/$name" 2>/dev/null)" != "${device:-} ${inode:-}" ]] || rm "/dev/shm/$name"
}
trap clean_up EXIT

step "C# script create.cs: creates $name with 10 doubles, writes, exits"
"${limited[@]}" dotnet run -c Release --file create.cs "$name"
read -r device inode < <(stat -c '%d %i' "/dev/shm/$name")
check "the array outlives its creator" yes "$(exists)"
check "processes that map it" 0 "$(mappings)"

step "C# script watch.cs: attaches $name and stays"
coproc watch { exec "${limited[@]}" dotnet run -c Release --file watch.cs "$name"; }
exec {from_watch}<&"${watch[0]}" {to_watch}>&"${watch[1]}"
check "watch.cs" attached "$(hear)"
check "the sum that it sees" 45 "$(ask sum)"
check "processes that map it" 1 "$(mappings)"

step "F# interpreter, attach.fsx: attaches $name, adds 1 to each element"
"${limited[@]}" dotnet fsi attach.fsx "$name"
check "the sum that watch.cs sees" 55 "$(ask sum)"

step "Python with numpy only, attach.py: checks type and shape, writes 42"
"${limited[@]}" "$python" attach.py "$name"
check "element 0 that watch.cs sees" 42 "$(ask read 0)"

step "shell: pshm list"
list="$("$pshm" list)"
echo "$list"
check "$name is listed" yes "$(listed "$list")"

step "shell: pshm delete $name"
"$pshm" delete "$name"
check "$name is listed" no "$(listed "$("$pshm" list)")"
check "$name is in /dev/shm" no "$(exists)"

step "watch.cs still has the deleted array"
check "element 0" 42 "$(ask read 0)"
check "element 9" 10 "$(ask read 9)"
check "processes that map it, says the kernel" 1 "$(mappings)"
check "descriptors open on it, says the kernel" 1 "$(descriptors)"

step "watch.cs disposes it: the memory is gone"
check "watch.cs" disposed "$(ask dispose)"
check "reading an element" ObjectDisposedException "$(ask read 0)"
check "processes that map it, says the kernel" 0 "$(mappings)"
check "descriptors open on it, says the kernel" 0 "$(descriptors)"

printf '\nThe walk is done: every check passed.\n'
