# The programs that the machine must have. Each step installs one that is missing, or stops with the names of its packages.

install() { # NAME PACKAGE...
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

# A compiler may lack the C library's headers, so it must compile a program.
has_compiler() { printf '#include <stdint.h>\nint main(void) { return 0; }\n' | "${CC:-cc}" -x c -o /dev/null - 2>/dev/null; }

step_compiler() {
    has_compiler && return
    install "a C compiler" gcc libc6-dev
    has_compiler || stop "'${CC:-cc}' cannot compile, although gcc and libc6-dev are installed"
}

# The first python3 on PATH may lack numpy (pyenv) while Debian's has it.
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

# Other projects' readers of .npy files. The tests install the packages of npm and NuGet themselves.
step_readers() {
    command -v npm >/dev/null || install "Node.js with npm" nodejs npm
    has_xtensor || install "a C++ compiler with xtensor" g++ libxtensor-dev
    has_xtensor || stop "c++ cannot compile xtensor, although g++ and libxtensor-dev are installed"
}

step_strace() {
    command -v strace >/dev/null || install "strace" strace
}

step_valgrind() {
    command -v valgrind >/dev/null || install "valgrind" valgrind
}

step_spin() {
    command -v spin >/dev/null || install "spin" spin
}

has_pandas() { "$PYTHON" -c 'from pandas import DataFrame' 2>/dev/null; }

# The programs of the recipes in docs/INTEROP.md, and pandas, whose records the tests attach.
step_recipes() {
    command -v ffmpeg >/dev/null || install "ffmpeg" ffmpeg
    has_pandas || install "pandas" python3-pandas
    has_pandas || stop "'$PYTHON' cannot import pandas, although python3-pandas is installed: set PYTHON=/usr/bin/python3"
}

has_boost() {
    printf '#include <boost/interprocess/sync/interprocess_mutex.hpp>\n' | "${CXX:-c++}" -x c++ -fsyntax-only - 2>/dev/null
}

step_boost() {
    has_boost && return
    install "a C++ compiler with Boost" g++ libc6-dev libboost-dev
    has_boost || stop "'${CXX:-c++}' cannot compile with Boost, although g++ and libboost-dev are installed"
}

# The C compiler for all platforms of the packages. An own one, of any origin, can be given as ZIG.
step_zig() {
    local directory="$PWD/artifacts/zig" version architecture
    version="$(sed -n 's/.*"@zigc\/cli": "\(.*\)"/\1/p' build/zig/package.json)"
    if [[ -z "${ZIG:-}" ]]; then
        command -v npm >/dev/null || install "Node.js with npm" nodejs npm
        architecture="$(node -p process.arch)"
        ZIG="$directory/node_modules/@zigc/linux-$architecture/bin/zig" # not .bin/zig, which is node: 60 ms more for each call
        if [[ "$("$ZIG" version 2>/dev/null)" != "$version" ]]; then
            mkdir -p "$directory"
            cp build/zig/package.json build/zig/package-lock.json "$directory"
            # Not npm ci, which refuses a lock file without the packages of other systems.
            npm install --no-save --ignore-scripts --no-audit --no-fund --prefix "$directory" \
                || stop "npm could not install zig: set ZIG to the path of zig $version"
        fi
        [[ -x "$ZIG" ]] || stop "npm has no zig for $architecture: set ZIG to the path of zig $version"
    fi

    # Another version would make other bytes.
    [[ "$("$ZIG" version 2>/dev/null)" == "$version" ]] \
        || stop "'$ZIG' is not zig $version, with which all packages are built: set ZIG to the path of that, or unset it"
    ZIG="$(realpath "$(command -v "$ZIG")")"
    export ZIG
    export ZIG_GLOBAL_CACHE_DIR="${ZIG_GLOBAL_CACHE_DIR:-$directory/cache}" ZIG_LOCAL_CACHE_DIR="${ZIG_LOCAL_CACHE_DIR:-$directory/cache}"
}

# The C libraries of the platforms of the packages, unpacked and not installed, and an emulator of the processor that is not this one.
step_loaders() {
    local pair machine
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null \
        || stop "the C libraries of other platforms come from Debian packages: use a system with apt-get"
    for pair in x86_64=amd64 aarch64=arm64; do
        machine="${pair%=*}"
        [[ "$machine" == "$(uname -m)" ]] || command -v "qemu-$machine-static" >/dev/null || install "an emulator" qemu-user-static
        [[ -e "artifacts/loaders/$machine/usr/share/doc/zlib1g" ]] || unpack_libraries "$machine" "${pair#*=}"
    done
}

# With lists of packages of its own, because those of the machine may have no other processor.
unpack_libraries() { # MACHINE DEBIAN_ARCHITECTURE
    local work options package
    work="$(mktemp -d)"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "artifacts/loaders"
    touch "$work/status"
    options=(-o "APT::Architecture=$2" -o "APT::Architectures=$2" -o APT::Sandbox::User= -o "Dir::Cache=$work/cache"
        -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status")
    (cd "$work" && apt-get "${options[@]}" update && apt-get "${options[@]}" download libc6 musl libgcc-s1 libstdc++6 zlib1g) \
        || stop "apt-get could not download libc6, musl, libgcc-s1, libstdc++6 and zlib1g for $2"
    for package in "$work"/*.deb; do
        dpkg-deb -x "$package" "$work/root"
    done
    [[ -e "$work/root/lib" ]] || ln -s usr/lib "$work/root/lib" # newer systems have the loaders there alone
    rm -rf "artifacts/loaders/$1"
    mv "$work/root" "artifacts/loaders/$1"
    rm -rf "$work"
}

step_patchelf() {
    command -v patchelf >/dev/null || install "patchelf" patchelf
}

step_zip() {
    command -v unzip >/dev/null || install "unzip" unzip
}

step_dpkg() {
    command -v dpkg-deb >/dev/null || install "dpkg-deb" dpkg
}

# The programs that check the .deb: Debian's rules, the renderers of the man page, and the shells that it completes.
step_deb_checks() {
    local program
    for program in lintian zsh fish groff man; do
        command -v "$program" >/dev/null && continue
        install "$program" lintian zsh fish groff-base man-db
        return
    done
}
