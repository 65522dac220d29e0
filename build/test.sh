# The tests in tiers, and the last lines of their output.

results=artifacts/test-results
broken=0

# Runs the tests of a tier. They get a temporary directory of their own, because the test host leaves files there. A failure does
# not end the run: the report counts it.
run_tier() { # NAME FILTER
    local temporary code=0
    temporary="$(mktemp -d)"
    chmod 711 "$temporary" # for the tests that run as another user
    TMPDIR="$temporary" dotnet test src/PosixShm.Tests --configuration "$configuration" --no-build --filter "$2" \
        --logger "trx;LogFileName=$1.trx" --results-directory "$results" || code=$?
    rm -rf "$temporary"
    if ((code != 0 && $(count failed "$results/$1.trx") == 0)); then
        echo "build.sh: the run of $1 broke off: counted as a failure" >&2
        broken=$((broken + 1))
    fi
}

# Adds up one number of result files: "total", "passed" or "failed".
count() { # NUMBER FILE...
    { grep -ho "<Counters [^>]*" "${@:2}" 2>/dev/null || true; } \
        | sed "s/.* $1=\"\([0-9]*\)\".*/\1/" | awk '{ n += $1 } END { print n + 0 }'
}

# Lists the tests that were skipped because they need root: name and reason.
needs_root() {
    awk '/<UnitTestResult / { match($0, /testName="[^"]*"/); name = substr($0, RSTART + 10, RLENGTH - 11) }
         /<Message>needs root: / { sub(/.*<Message>needs root: /, ""); sub(/<\/Message>.*/, ""); print "    " name ": " $0 }' \
        "$results"/*.trx 2>/dev/null | sort
}

# Prints the last lines of every run: of a complete one, of one that a crash ended, and of one without any test.
report() {
    local code=$? passed failed rootless
    rootless="$(needs_root)"
    passed="$(count passed "$results"/*.trx)"
    # Any other skipped test counts as failed.
    failed=$(($(count total "$results"/*.trx) - passed - $(grep -c . <<<"$rootless" || true) + broken))
    if ((code != 0 && failed == 0)); then
        echo "build.sh: a step failed: counted as a failure" >&2
        failed=1
    fi
    echo "needs root: $(grep -c . <<<"$rootless" || true) tests"
    [[ -z "$rootless" ]] || echo "$rootless"
    echo "$passed passed, $failed failed"
    ((failed == 0 && passed > 0)) || exit 1
}

# Deletes older results, and prints the report when build.sh exits.
report_at_exit() {
    rm -rf "$results"
    trap report EXIT
}

# Runs a program of the test assembly: its class, its method Run, and their arguments.
run_of_tests() { # CLASS SECONDS
    dotnet "artifacts/bin/PosixShm.Tests/${configuration,,}/PosixShm.Tests.dll" "PosixShm.Tests.$1" Run "$2" "${SEED:-1}"
}
