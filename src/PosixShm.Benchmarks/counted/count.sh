#!/usr/bin/env bash
# Counts the instructions of single operations with callgrind, without the kernel's: they do not depend on how busy the machine is.
#
#     count.sh COUNTED TWIN PSHM
#
# What an operation takes is the difference between two counts of it, so that the start of the program is not in it.
set -euo pipefail
shopt -s inherit_errexit

counted="$1" twin="$2" pshm="$3"
name="count-$$"

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

row() { # WHAT OPERATION COUNT [OPERATION COUNT PATH NUMBER]
    local mine other=-
    mine="$(ours "$2" "$3")"
    [[ $# -eq 3 ]] || other="$(theirs "${@:4}")"
    echo "| $1 | $other | $((mine - loop)) |"
}

# What a listing takes for each array: a hundred more, and the difference.
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

echo "| operation | C, same calls | PosixShm |"
echo "|---|---|---|"
row "lock + unlock, alone" lock 1000 futex-lock 10000 "/dev/shm/$name" 8192
row "lock + unlock, EnterScope" scope 1000
row "read of an element, indexer" indexer 1000
row "Span, and read of an element" span 1000
row "lease" lease 1000
row "CopyTo, 128 bytes" copy 1000
row "attach + detach" attach 1000 attach-alike 1000 "/dev/shm/$name" 0
row "create + delete, sparse" create 1000 create-sparse 1000 "/dev/shm/$name-new" 1056768
row "describe" describe 1000
theirs="$(listing theirs list-alike 100 /dev/shm 0)"
mine="$(listing ours list 100)"
echo "| list, each array | $theirs | $mine |"
