#!/usr/bin/env bash
# Builds, checks and shows everything:
#
#     ./build.sh              the same as ./build.sh test
#     ./build.sh STEP...
#
# Steps, each with all that must come before it:
#     native    compiles the C shim into artifacts/native
#     build     builds library, command and tests; the command as machine code (10 s; NativeCommand=false leaves that out)
#     format    checks that the code is formatted as .editorconfig says
#     test      builds, checks the format, runs the tests of the first tier, in three minutes at most
#     test-more builds, runs the tests of the second tier: those that take longer, or need more installed; 25 minutes at most.
#               After both, or either, the last line is "N passed, N failed"; lines before it list what only root can test
#     demo      shows one array in C#, F#, Python and the shell, and checks every step (samples/)
#     samples   runs the other samples, each of which checks itself
#     bench     measures against C, .NET and Python (docs/BENCHMARKS.md); takes the rest of the line:
#               [--short] [--json FILE] [--docs FOLDER] [--only TEXT]
#     count     counts the instructions of single operations, with valgrind (docs/BENCHMARKS.md)
#     models    checks the models of the protocols with spin (docs/model): two to four minutes
#     soak [SECONDS]
#               checks the models; then processes that use the same arrays and are killed at random, under audit: two hours, if not told;
#               SEED=N for another run
#     fuzz [SECONDS]
#               changed headers for the formats' readers: 60 seconds, if not told; SEED=N for others
#     help      prints this
#
# Needs a .NET 10 SDK. A missing C compiler, Python with numpy, valgrind or spin is installed with apt-get if you are root; for test-more
# also Node.js with npm, a C++ compiler with xtensor, pandas, ffmpeg and strace.
# CONFIGURATION=Debug builds and tests the debug configuration; demo, samples and bench are always Release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

configuration="${CONFIGURATION:-Release}"
results=artifacts/test-results
broken=0
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
stop()  { echo "build.sh: $*" >&2; exit 1; }

# ---- What the machine must have ------------------------------------------------------------------

install() { # WHAT PACKAGE...
    local what="$1"
    shift
    [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null || stop "$what is missing: install the package(s) $* (apt-get install -y $*)"
    echo "== install $*"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
        || stop "$what is missing, and apt-get could not install $*"
}

step_dotnet() {
    command -v dotnet >/dev/null || stop "the .NET SDK is missing: install any SDK of .NET 10 (global.json)"
}

# A compiler without the C library's headers is no use, so it must compile.
has_compiler() { printf '#include <stdint.h>\nint main(void) { return 0; }\n' | "${CC:-cc}" -x c -o /dev/null - 2>/dev/null; }

step_compiler() {
    has_compiler && return
    install "a C compiler" gcc libc6-dev
    has_compiler || stop "'${CC:-cc}' cannot compile, although gcc and libc6-dev are installed"
}

# The first python3 on PATH may be one without numpy (pyenv), and Debian's the one with it.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 /usr/bin/python3; do
        if "$candidate" -c 'from numpy import load' 2>/dev/null; then
            export PYTHON="$candidate"
            return 0
        fi
    done
    return 1
}

step_python() {
    find_python && return
    install "Python with numpy" python3-numpy
    find_python || stop "no python3 can import numpy, although python3-numpy is installed"
}

has_xtensor() { printf '#include <xtensor/xnpy.hpp>\n' | c++ -std=c++17 -E -x c++ -o /dev/null - 2>/dev/null; }

# Other projects' readers of .npy files, and pandas, whose records the tests attach. The tests install the packages of npm and NuGet themselves.
step_readers() {
    command -v npm >/dev/null || install "Node.js with npm" nodejs npm
    has_xtensor || install "a C++ compiler with xtensor" g++ libxtensor-dev
    has_xtensor || stop "c++ cannot compile xtensor, although g++ and libxtensor-dev are installed"
}

has_pandas() { "$PYTHON" -c 'from pandas import DataFrame' 2>/dev/null; }

step_strace() {
    command -v strace >/dev/null || install "strace" strace
}

# Programs of the recipes in docs/INTEROP.md.
step_recipes() {
    command -v ffmpeg >/dev/null || install "ffmpeg" ffmpeg
    has_pandas || install "pandas" python3-pandas
    has_pandas || stop "'$PYTHON' cannot import pandas, although python3-pandas is installed: set PYTHON=/usr/bin/python3"
}

# ---- Steps ---------------------------------------------------------------------------------------

step_native() {
    need compiler
    native/build.sh artifacts/native
}

step_build() {
    need dotnet native
    dotnet build PosixShm.sln --configuration "$configuration"
}

step_format() {
    need build
    dotnet format PosixShm.sln --verify-no-changes --no-restore
}

# Runs the tests of a tier, with a temporary directory of their own: the test host leaves files there. Goes on after a failure, which the report counts.
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

step_test() {
    need build format python
    run_tier test "TestCategory!=More"
}

step_test_more() {
    need build python readers recipes strace
    run_tier test-more "TestCategory=More"
}

# Adds up one number of result files: "total", "passed" or "failed".
count() { # WHAT FILE...
    { grep -ho "<Counters [^>]*" "${@:2}" 2>/dev/null || true; } | sed "s/.* $1=\"\([0-9]*\)\".*/\1/" | awk '{ n += $1 } END { print n + 0 }'
}

# Lists the tests that were left out for want of root: name and reason.
needs_root() {
    awk '/<UnitTestResult / { match($0, /testName="[^"]*"/); name = substr($0, RSTART + 10, RLENGTH - 11) }
         /<Message>needs root: / { sub(/.*<Message>needs root: /, ""); sub(/<\/Message>.*/, ""); print "    " name ": " $0 }' \
        "$results"/*.trx 2>/dev/null | sort
}

# Prints the last lines, however the run ended: with nothing run, with a crash in between, or well.
report() {
    local code=$? passed failed rootless
    rootless="$(needs_root)"
    passed="$(count passed "$results"/*.trx)"
    failed=$(($(count total "$results"/*.trx) - passed - $(grep -c . <<<"$rootless" || true) + broken)) # any other skipped test has not passed
    if ((code != 0 && failed == 0)); then
        echo "build.sh: a step failed: counted as a failure" >&2
        failed=1
    fi
    echo "needs root: $(grep -c . <<<"$rootless" || true) tests"
    [[ -z "$rootless" ]] || echo "$rootless"
    echo "$passed passed, $failed failed"
    ((failed == 0 && passed > 0)) || exit 1
}

step_demo() {
    need dotnet compiler python
    dotnet build src/PosixShm.Cli --configuration Release
    echo "== demo: one array in separate processes (samples/walk)"
    samples/walk/run.sh
    echo
    echo "== demo: the same in one process (samples/walk-in-one-process)"
    dotnet run -c Release --file samples/walk-in-one-process/walk.cs
}

step_samples() {
    need dotnet compiler python
    local sample
    for sample in child-works-on-it two-views read-only private-copies anonymous growing pool; do
        echo "== sample: $sample"
        dotnet run -c Release --file "samples/$sample/$sample.cs"
    done
    echo "== sample: clean-up"
    samples/clean-up/clean-up.sh
}

has_boost() { printf '#include <boost/interprocess/sync/interprocess_mutex.hpp>\n' | "${CXX:-c++}" -x c++ -fsyntax-only - 2>/dev/null; }

step_boost() {
    has_boost && return
    install "a C++ compiler with Boost" g++ libc6-dev libboost-dev
    has_boost || stop "'${CXX:-c++}' cannot compile with Boost, although g++ and libboost-dev are installed"
}

# Compiles what the benchmarks measure the library against, in C.
compile_twin() { # FOLDER FLAG...
    rm -rf "$1"
    mkdir -p "$1"
    (cd "$1" && "${CC:-cc}" -std=c11 -O3 -Wall -Wextra -Werror "${@:2}" -c "$OLDPWD"/src/PosixShm.Benchmarks/twin/*.c && "${CC:-cc}" -o twin ./*.o -pthread)
}

# Runs a command with a /dev/shm of its own, where it may mount one: no other files are listed, and nothing is left behind.
with_own_memory() { # COMMAND...
    local own=() options
    for options in size=90%,huge=advise size=90%; do
        if unshare --mount mount -t tmpfs -o "$options" tmpfs /dev/shm 2>/dev/null; then
            own=(unshare --mount sh -c 'mount -t tmpfs -o "$0" tmpfs /dev/shm && exec "$@"' "$options")
            break
        fi
    done

    "${own[@]}" "$@"
}

step_bench() {
    need dotnet compiler boost python
    compile_twin artifacts/twin -march=native
    "${CXX:-c++}" -std=c++17 -O3 -march=native -Wall -Wextra -Werror -o artifacts/twin/boost src/PosixShm.Benchmarks/twin/boost.cpp artifacts/twin/{serve,files,npy}.o -pthread
    dotnet build src/PosixShm.Cli --configuration Release --verbosity quiet
    dotnet build src/PosixShm.Benchmarks --configuration Release --verbosity quiet
    export DOTNET_TC_CallCountingDelayMs=0 # what is called often is compiled anew at once, before it is measured
    export BENCH_TWIN="$PWD/artifacts/twin/twin" BENCH_BOOST="$PWD/artifacts/twin/boost"
    export BENCH_COMMAND="$PWD/artifacts/bin/pshm" BENCH_PEERS="$PWD/src/PosixShm.Benchmarks/twin/peers.py"
    with_own_memory artifacts/bin/PosixShm.Benchmarks/release/PosixShm.Benchmarks "${bench_arguments[@]}"
}

# Runs a method of the test assembly.
run_of_tests() { dotnet "artifacts/bin/PosixShm.Tests/${configuration,,}/PosixShm.Tests.dll" "$@"; }

# For every x86-64: valgrind does not know the newest instructions.
step_count() {
    need dotnet compiler
    command -v valgrind >/dev/null || install "valgrind" valgrind
    compile_twin artifacts/counted
    dotnet build src/PosixShm.Cli --configuration Release --verbosity quiet
    dotnet publish src/PosixShm.Benchmarks/counted/counted.cs --configuration Release --output artifacts/counted --verbosity quiet
    rm -f artifacts/counted/counted.dbg # which valgrind cannot read
    with_own_memory src/PosixShm.Benchmarks/counted/count.sh "$PWD/artifacts/counted/counted" "$PWD/artifacts/counted/twin" "$PWD/artifacts/bin/pshm"
}

step_models() {
    need compiler
    command -v spin >/dev/null || install "spin" spin
    docs/model/check.sh artifacts/model
}

step_soak() {
    need build models
    run_of_tests PosixShm.Tests.Soak Run "${seconds[soak]:-7200}" "${SEED:-1}"
}

step_fuzz() {
    need build
    run_of_tests PosixShm.Tests.Fuzzer Run "${seconds[fuzz]:-60}" "${SEED:-1}"
}

# ---- Each step once ------------------------------------------------------------------------------

declare -A begun=()
need() { # STEP...
    local name
    for name in "$@"; do
        [[ -z "${begun[$name]:-}" ]] || continue
        begun[$name]=yes
        echo "== $name"
        "step_${name//-/_}"
    done
}

[[ $# -gt 0 ]] || set -- test
declare -A seconds=()
steps=()
bench_arguments=()
for word in "$@"; do
    if [[ "${steps[*]: -1}" == bench ]]; then
        bench_arguments+=("$word")
        continue
    fi

    case "$word" in
        native | build | format | test | test-more | demo | samples | bench | count | models | soak | fuzz) steps+=("$word") ;;
        [1-9]*)
            [[ "$word" =~ ^[0-9]+$ && "${steps[*]: -1}" =~ ^(soak|fuzz)$ ]] || stop "only soak and fuzz take seconds: '$word' follows neither, or is no number"
            seconds[${steps[-1]}]="$word"
            ;;
        -h | --help | help) usage; exit 0 ;;
        *) { echo "build.sh: there is no step '$word'"; usage; } >&2; exit 2 ;;
    esac
done
if [[ " ${steps[*]} " == *" test "* || " ${steps[*]} " == *" test-more "* ]]; then
    rm -rf "$results"
    trap report EXIT
fi
need "${steps[@]}"
