#!/usr/bin/env bash
# Cleans up from a script: lists leftovers as a table and as JSON, and deletes some by name, by pattern, by age, and all that
# no process has attached, with a dry run first. Makes its own leftovers, and checks what is left after each step.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

pshm="${PSHM:-../../artifacts/bin/pshm}"
python="${PYTHON:-python3}"
mine="clean-up-$$"

fail() { echo "FAILED: $*" >&2; exit 1; }
left() { (cd /dev/shm && ls -d "$mine"-* 2>/dev/null | sed "s/^$mine-//" | xargs) || true; }
check() { # WHAT EXPECTED
    [[ "$(left)" == "$2" ]] || fail "$1: expected '$2', got '$(left)'"
    echo "   ok: $1: $2"
}
clean_up() {
    [[ -z "${user_PID:-}" ]] || kill "$user_PID" 2>/dev/null || true
    rm -f /dev/shm/"$mine"-*
}
trap clean_up EXIT

for name in a b job1 job2 result; do
    "$pshm" create "$mine-$name" 10 --fill 1
done
check "made" "a b job1 job2 result"

# One of them is in use: a process has it mapped until the end of this script. It prints a line when it is ready.
program='import sys, numpy as np; a = np.load(sys.argv[1], mmap_mode="r"); print("ready"); sys.stdin.readline()'
coproc user { exec "$python" -u -c "$program" "/dev/shm/$mine-result"; }
read -r -t 60 _ <&"${user[0]}" || fail "the user did not start"

echo "-- a table"
"$pshm" list | grep -E "^name|^$mine-"

echo "-- JSON, read by another program: the names of my arrays of 80 bytes"
"$pshm" list --json | "$python" -c 'import json, sys
print(*[a["name"] for a in json.load(sys.stdin) if a["name"].startswith(sys.argv[1]) and a["bytes"] == 80])' "$mine"

echo "-- by name"
"$pshm" delete "$mine-a"
check "without a" "b job1 job2 result"

echo "-- by pattern, a dry run first"
"$pshm" prune "$mine-job*"
check "still there" "b job1 job2 result"
"$pshm" prune "$mine-job*" --delete >/dev/null
check "without the jobs" "b result"

echo "-- by age: all that is older than an hour, of which there is none"
"$pshm" prune "$mine-*" --older-than 1h --delete
check "too young" "b result"

echo "-- all that nobody has attached"
"$pshm" prune "$mine-*" --delete >/dev/null
check "the one in use" "result"
