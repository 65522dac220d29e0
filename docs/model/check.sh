#!/usr/bin/env bash
# Checks the models with spin (Debian's package spin), and prints one line for each variant. README.md describes them.
#
#     docs/model/check.sh [DIRECTORY]     DIRECTORY (artifacts/model) gets a directory for each variant, with its log and its trail
#
# Exit code 1 if a right variant has an error or is not finished, or if a wrong variant does not have the expected error.
# A variant gets at most 100 seconds of a processor and 3 GiB of memory.
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
work="${1:-$here/../../artifacts/model}"
command -v spin >/dev/null || { echo "check.sh: spin is missing: install the package spin" >&2; exit 1; }
mkdir -p "$work" && work="$(cd "$work" && pwd)" || exit 1
failed=0
checked=()

search() { # VARIANT..., of $model
    spin -a "${@/#/-D}" "$here/$model.pml" || return
    "${CC:-cc}" -O2 -w -DSAFETY -DCOLLAPSE -DMEMLIM=3072 -o pan pan.c || return
    ulimit -t 100
    timeout 600 ./pan -m1000000 -w24
}

check() { # none|assertion|deadlock MODEL VARIANT...
    local expected="$1" model="$2" directory found=unfinished errors states verdict=ok
    shift 2
    printf -v directory '%s-' "$model" "$@"
    directory="$work/${directory%-}"
    rm -rf "$directory"
    mkdir "$directory" && cd "$directory" || exit 1
    (search "$@") >log 2>&1
    errors="$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' log)"
    states="$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' log)"
    if grep -q '^pan:.*assertion violated' log; then
        found=assertion
    elif grep -q '^pan:.*invalid end state' log; then
        found=deadlock
    elif [[ "$errors" == 0 ]] && ! grep -q 'Search not completed\|max search depth too small' log; then
        found=none
    fi
    [[ "$found" == "$expected" ]] || { verdict="WRONG: expected $expected, see $directory/log" failed=1; }
    checked+=("$model")
    printf '%-6s %-28s errors %-2s %-11s states %-9s %s\n' "$model" "$*" "${errors:-?}" "$found" "${states:-?}" "$verdict"
}

check none      page
check none      page FOREIGN
check none      page TRUNCATE
check assertion page ONCE
check assertion page STORES_FIRST
check assertion page FOREIGN NO_LOOK
check assertion page NO_SIZE

check none      lock
check none      lock KILLS
check deadlock  lock NO_PASS_ON
check deadlock  lock DROPS_WAITERS
check deadlock  lock WAKES_FIRST
check deadlock  lock KILLS NO_GENERATION
check deadlock  lock KILLS EARLY_GENERATION
check assertion lock KILLS ENTERS_DEAD
check assertion lock KILLS STORES
check none      lock ASYNC
check deadlock  lock ASYNC NO_NEXT
check none      lock ENDS
check deadlock  lock ENDS RECOVERS_ALONE

check none      rwlock
check none      rwlock TWO
check none      rwlock KILLS
check assertion rwlock READS_FIRST
check assertion rwlock SCANS_FIRST
check deadlock  rwlock DRAINS_FIRST
check deadlock  rwlock DRAINS_LATE
check deadlock  rwlock WAKES_ONE
check assertion rwlock KILLS NO_GENERATION
check assertion rwlock KILLS LOOK_FIRST
check assertion rwlock KILLS INSIDE_FIRST
check assertion rwlock KILLS INSIDE_LATE
check assertion rwlock KILLS FREES

check none      snapshot
check none      snapshot UPDATES
check none      snapshot THROWS
check none      snapshot REUSES
check assertion snapshot NO_ODD
check assertion snapshot NO_SECOND_LOAD
check assertion snapshot NO_SECOND_FIND
check assertion snapshot NO_STORE_BARRIER
check assertion snapshot NO_LOAD_BARRIER
check assertion snapshot SPLIT
check assertion snapshot NO_REFUSAL
check assertion snapshot UPDATES UPDATES_DEAD
check deadlock  snapshot THROWS KEEPS_OWNER
check deadlock  snapshot REUSES NO_GENERATION

check none      prune
check none      prune REPLACERS
check none      prune READER DEATHS=2
check none      prune NO_LEASE
check none      prune READ_ONLY
check none      prune LAST
check none      prune LAST NO_LEASE
check assertion prune NO_LINKS
check assertion prune NO_STATUS
check assertion prune REPLACERS NO_REPLACE_BYTE
check assertion prune LAST CLOSES_LATE
check assertion prune READER ENDS_EARLY
check assertion prune NO_LEASE NO_EXCLUSIVE
check assertion prune NO_LEASE UNMARKED
check none      prune NO_LEASE READ_ONLY
check assertion prune NO_LEASE READ_ONLY NOTHING_EXCLUDES
check assertion prune DELETER # a known limit

check none      frames
check none      frames NEXT
check none      frames NEXT SLEEPERS
check assertion frames NO_RESERVE
check assertion frames EARLY_CHECK
check assertion frames CHECK_HEAD
check assertion frames OFF_BY_ONE
check assertion frames EARLY_HEAD
check assertion frames TAKES_RESERVED
check assertion frames ONE_NUMBER_ON
check assertion frames TWO_WRITERS
check assertion frames NEXT SLEEPERS NO_RECHECK
check assertion frames NEXT SLEEPERS FLAG_ONLY
check assertion frames NEXT SLEEPERS CLEAR_LATE

for model in "$here"/*.pml; do
    [[ " ${checked[*]} " == *" $(basename "$model" .pml) "* ]] || { echo "$model is not checked"; failed=1; }
done
exit "$failed"
