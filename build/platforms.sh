# The tests on platforms that this machine imitates: another C library by its loader, another processor by an emulator.

platforms_output="$PWD/artifacts/platforms"

# The classes of tests that run under the emulator. It is some fifty times slower, most of all in starting processes, so these are the
# ones at the borders: to the C library, to the kernel, and to the order in which a processor reads and writes memory.
emulated_classes=(
    AbiTests AnyChangeTests ChangeCounterTests ControlPageFixtureTests CreateFullTests ForeignLockTests FormatTests FrameTests LockTests
    LostMemoryTests MemoryMappingTests NamedSemaphoreTests ReaderWriterLockTests SharedArrayInfoTests SharedArrayTests
    SharedMemoryObjectTests ShmOpenTests SnapshotTests StructTests
)

run_platforms() {
    local as_listed=yes
    [[ "$(uname -m)" == x86_64 ]] || stop "test-platforms imitates other platforms on x86_64 only"
    [[ "$(id -u)" == 0 ]] || stop "test-platforms needs root, for a user namespace with all users"

    # The C programs of the tests are for glibc, and share memory with musl.
    build_platform linux-musl-x64
    use_debian_musl linux-musl-x64 x86_64
    run_recorded linux-musl-x64 "$(tests_of linux-musl-x64)"

    # The C programs of the tests are for arm64.
    build_platform linux-arm64
    TARGET="$(target_of linux-arm64)" PATH="$platforms_output/linux-arm64/compiler:$PATH" \
        run_recorded linux-arm64 "build/platforms/emulate.sh $PWD/artifacts/loaders/aarch64 $(tests_of linux-arm64)" \
        "${emulated_classes[@]}"

    report_platform linux-musl-x64 || as_listed=no
    report_platform linux-arm64 || as_listed=no
    [[ "$as_listed" == yes ]] || stop "the failures are not those of docs/PLATFORMS.md: correct the fault, or the page"
}

# Builds tests and command for a platform, each with a .NET runtime of its own, since the platform has no SDK, and their shims.
build_platform() { # RID
    CC="$PWD/build/platforms/compiler.sh" TARGET="$(target_of "$1")" \
        dotnet build src/PosixShm.Tests --configuration Release --runtime "$1" --self-contained \
        "-p:ArtifactsPath=$platforms_output/$1" "-p:NativeRuntimeIdentifier=$1" -p:NativeCommand=false -p:InvariantGlobalization=true

    # Under the name that the tests have for a C compiler.
    mkdir -p "$platforms_output/$1/compiler"
    ln -sfn "$PWD/build/platforms/compiler.sh" "$platforms_output/$1/compiler/cc"
}

# Prints the platform's target of zig.
target_of() { # RID
    (
        source native/settings.sh
        for platform in $platforms; do
            [[ "${platform%%=*}" != "$1" ]] || echo "${platform#*=}"
        done
    )
}

# Prints the path of the program with the tests.
tests_of() { # RID
    echo "$platforms_output/$1/bin/PosixShm.Tests/release_$1/PosixShm.Tests"
}

# Makes the programs of a platform with musl use Debian's musl, which is not installed, and Debian's libraries for C++ and zlib. These
# are built for glibc, so a library with what musl lacks takes the place of glibc's loader, which they need.
use_debian_musl() { # RID MACHINE
    local loaders="$PWD/artifacts/loaders/$2" libraries="$platforms_output/$1/lib" glibc file
    glibc="$(basename "$loaders/lib/$2-linux-gnu"/ld-linux-*)"
    mkdir -p "$libraries"
    TARGET="$(target_of "$1")" build/platforms/compiler.sh -std=gnu11 -O1 -Wall -Wextra -Werror -shared -fPIC "-Wl,-soname,$glibc" \
        -o "$libraries/$glibc" build/platforms/musl-compat.c
    for file in libstdc++.so.6 libgcc_s.so.1 libz.so.1; do
        find "$loaders" -name "$file" -exec cp --dereference {} "$libraries" \;
    done

    for file in "$(tests_of "$1")" "$(realpath "$platforms_output/$1/bin/pshm")"; do
        patchelf --set-interpreter "$loaders/lib/ld-musl-$2.so.1" "$file"
        patchelf --set-rpath "$libraries" "$file"
    done
}

# Runs tests until each has a record: in one process, unless a test ends it, or an hour has passed.
run_recorded() { # RID COMMAND [CLASS...]
    local records="$platforms_output/$1/results.tsv" count=-1 temporary
    local -a command=($2 PosixShm.Tests.StandaloneRun Run)
    shift 2
    rm -f "$records" "$records.log"
    touch "$records"
    temporary="$(mktemp -d)"
    chmod 711 "$temporary" # for the tests that run as another user
    until TMPDIR="$temporary" timeout --kill-after=10 3600 "${command[@]}" "$records" "$@" >> "$records.log" 2>&1; do
        (($(wc -l < "$records") > count)) || stop "the tests do not run: see $records.log"
        count="$(wc -l < "$records")"
    done
    rm -rf "$temporary"
}

# Prints the failures and the counts. Fails if they are not the failures that docs/PLATFORMS.md lists.
report_platform() { # RID
    echo "== $1"
    dotnet "artifacts/bin/PosixShm.Tests/${configuration,,}/PosixShm.Tests.dll" PosixShm.Tests.PlatformReport Run \
        "$1" "$platforms_output/$1/results.tsv" | tee "$platforms_output/$1/report.txt"
}
