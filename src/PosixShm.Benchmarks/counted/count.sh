#!/usr/bin/env bash
# Counts the instructions of single operations with callgrind, without the kernel's: they do not depend on how busy the machine is.
#
#     count.sh COUNTED TWIN PSHM
#
# The count of an operation is the difference between two counts, so that the start of the program is not in it. The exit code
# is 1 if a gate is missed.
set -euo pipefail
shopt -s inherit_errexit

counted="$1" twin="$2" pshm="$3"
name="count-$$"
missed=0

# A heap that valgrind has room for; one thread, so that the other's are not left out.
export DOTNET_GCHeapHardLimit=0x10000000 DOTNET_PROCESSOR_COUNT=1 DOTNET_gcConcurrent=0

instructions() { # COMMAND...
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null | sed -n 's/.*Collected : //p'
}

ours() { # OPERATION COUNT
    local once twice
    once="$(instructions "$counted" "$1" "$2" "$name")"
    twice="$(instructions "$counted" "$1" "$((2 * $2))" "$name")"
    echo "$(((twice - once) / $2))"
}

theirs() { # OPERATION COUNT PATH NUMBER
    local once twice
    once="$(instructions "$twin" "$1" "$2" "$3" "$4")"
    twice="$(instructions "$twin" "$1" "$((2 * $2))" "$3" "$4")"
    echo "$(((twice - once) / $2))"
}

trap '"$pshm" prune "$name*" --delete >/dev/null' EXIT
"$pshm" create "$name" 131072

# The loop itself, which each of the others has, too.
loop="$(ours nothing 10000)"

line() { # WHAT THEIRS OURS GATE
    local met=-
    if [[ "$4" != - ]]; then
        met=yes
        if (($3 > $4)); then
            met="**no**"
            missed=1
        fi
    fi

    echo "| $1 | $2 | $3 | ${4/#[0-9]/<= &} | $met |"
}

row() { # WHAT GATE OPERATION COUNT [OPERATION COUNT PATH NUMBER]
    local mine other=-
    mine="$(ours "$3" "$4")"
    [[ $# -eq 4 ]] || other="$(theirs "${@:5}")"
    line "$1" "$other" "$((mine - loop))" "$2"
}

# The count of a listing for each array: a hundred more, and the difference.
listing() { # COMMAND...
    local few many
    few="$("$@")"
    listed=()
    for i in {1..100}; do
        listed+=("$name-$i")
        "$pshm" create "$name-$i" 16
    done

    many="$("$@")"
    "$pshm" delete "${listed[@]}"
    echo "$(((many - few) / 100))"
}

echo "| operation | C, same calls | PosixShm | gate | met |"
echo "|---|---|---|---|---|"
row "read of an element, indexer" - indexer 1000
row "Span, and read of an element" - span 1000
row "lease" - lease 1000
row "CopyTo, 128 bytes" - copy 1000
row "attach + detach" 4000 attach 1000 attach 1000 "/dev/shm/$name" 0
row "create + delete, sparse" 9000 create-sparse 1000 create-sparse 1000 "/dev/shm/$name-new" 1048576
row "create + delete, preallocated" 9000 create-reserved 1000 create-reserved 1000 "/dev/shm/$name-new" 1048576
row "describe" - describe 1000
theirs="$(listing theirs list 100 /dev/shm 0)"
mine="$(listing ours list 100)"
line "list, each array" "$theirs" "$mine" 3500

# Last, because the first use of a lock adds a page to the array.
row "lock + unlock, alone" - lock 1000 futex-lock 10000 "/dev/shm/$name" 512
row "lock + unlock, EnterScope" - scope 1000
exit "$missed"
