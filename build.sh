#!/usr/bin/env bash
# Builds, checks and shows everything:
#
#     ./build.sh              the same as ./build.sh test
#     ./build.sh STEP...
#
# Steps, each of which first runs the steps that it needs:
#     native    compiles the C shim into artifacts/native
#     shims     compiles the C shim for all platforms of the packages, with zig, into artifacts/pack/native
#     shim-tests
#               compiles the C tests of those shims, which test-more runs, and downloads the C libraries of other platforms for them
#     pack-library
#               packs the library into artifacts/pack/packages: PosixShm.nupkg and its symbols. BASELINE=PATH names an earlier package,
#               whose public members must all be there
#     pack-command
#               packs the command into artifacts/pack/packages: PosixShm.Tool for dotnet tool install, .deb and .tar.gz. MAINTAINER is
#               the name and address in the .deb
#     pack      makes all packages, and prints a table of them: size, hash, and processor, libraries and glibc of each binary
#     build     builds library, command and tests; the command as machine code (10 s; NativeCommand=false leaves that out)
#     format    checks the format of the code by .editorconfig
#     test      builds, checks the format, runs the tests of the first tier, in eight minutes at most
#     test-more builds, runs the tests of the second tier, which take longer or need more installed: 25 minutes at most.
#               After either tier, the last line is "N passed, N failed"; the lines before it list the tests that need root
#     test-platforms
#               runs tests on musl, and some under an emulator of arm64, and compares the failures with docs/PLATFORMS.md: half an hour;
#               the results are in artifacts/platforms. Needs root and x86_64
#     demo      shows one array in C#, F#, Python and the shell, and checks every step (samples/)
#     samples   runs the other samples, each of which checks itself
#     bench     measures against C, .NET and Python (docs/BENCHMARKS.md); takes the rest of the line:
#               [--short] [--json FILE] [--docs DIRECTORY] [--only TEXT]
#     count     counts the instructions of single operations, with valgrind (docs/BENCHMARKS.md)
#     models    checks the models of the protocols with spin (docs/model): two to four minutes
#     soak [SECONDS]
#               checks the models; runs the storms, in which waiters, readers and writers come, go and are killed, for some half an
#               hour; then runs processes that use the same arrays and are killed at random, under audit: 7200 seconds unless given;
#               SEED=N makes another run
#     fuzz [SECONDS]
#               gives changed headers to the formats' readers: 60 seconds unless given; SEED=N makes other headers
#     help      prints this
#
# Needs a .NET 10 SDK. A missing C compiler, Python with numpy, valgrind or spin is installed with apt-get if you are root; for the packages
# also Node.js with npm, which installs zig, and unzip; for test-more a C++ compiler with xtensor, pandas, ffmpeg, strace and qemu.
# CONFIGURATION=Debug builds and tests the debug configuration; demo, samples and bench are always Release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

configuration="${CONFIGURATION:-Release}"
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
stop()  { echo "build.sh: $*" >&2; exit 1; }

# The bodies of the longer steps.
for part in machine test platforms samples bench pack pack-command; do
    source "build/$part.sh"
done

# ---- Steps; those that install a program are in build/machine.sh ---------------------------------

step_native()       { need compiler; native/build.sh artifacts/native; }
step_shims()        { need zig; native/cross.sh artifacts/pack/native; }
step_shim_tests()   { need shims loaders; native/tests/build.sh artifacts/shim-tests; }
step_pack_library() { check_baseline; need dotnet shims; run_pack_library; }
step_pack_command() { need dotnet shims dpkg; run_pack_command; }
step_pack()         { need compiler zip pack-library pack-command; print_packages; }
step_build()        { need dotnet native; dotnet build PosixShm.sln --configuration "$configuration"; }
step_format()       { need build; dotnet format PosixShm.sln --verify-no-changes --no-restore; }
step_test()         { need build format python; run_tier test "TestCategory!=More"; }
step_test_more()    { need build python readers recipes strace shim-tests pack deb-checks; run_tier test-more "TestCategory=More"; }
step_test_platforms() { need build python loaders zig patchelf; run_platforms; }
step_demo()         { need dotnet compiler python; run_demo; }
step_samples()      { need dotnet compiler python; run_samples; }
step_bench()        { need dotnet compiler boost python; run_bench "${bench_arguments[@]}"; }
step_count()        { need dotnet compiler valgrind; run_count; }
step_models()       { need compiler spin; docs/model/check.sh artifacts/model; }
step_soak()         { need build models; run_of_tests Storms 1; run_of_tests Soak "${seconds[soak]:-7200}"; }
step_fuzz()         { need build; run_of_tests Fuzzer "${seconds[fuzz]:-60}"; }

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
        shims | shim-tests | pack-library | pack-command | pack | test-platforms) steps+=("$word") ;;
        [1-9]*)
            [[ "$word" =~ ^[0-9]+$ && "${steps[*]: -1}" =~ ^(soak|fuzz)$ ]] \
                || stop "only soak and fuzz take seconds: '$word' follows neither of them, or is not a number"
            seconds[${steps[-1]}]="$word"
            ;;
        -h | --help | help) usage; exit 0 ;;
        *) { echo "build.sh: there is no step '$word'"; usage; } >&2; exit 2 ;;
    esac
done
if [[ " ${steps[*]} " == *" test "* || " ${steps[*]} " == *" test-more "* ]]; then
    report_at_exit
fi
need "${steps[@]}"
