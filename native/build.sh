#!/bin/sh
# Builds libposixshm.so into the directory given as the first argument. Its subdirectory "failpoints" gets the same with
# steps at which a test can kill the process, and "faults" the same with calls that fail as a test chooses. Several builds at
# once may have the same directory.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
out="${1:?usage: native/build.sh OUTPUT_DIRECTORY}"
compiler="${CC:-cc}"
. "$here/settings.sh"

command -v "$compiler" >/dev/null || {
    echo "native/build.sh: error: the C compiler '$compiler' is missing: install the package gcc" \
        "(apt-get install gcc libc6-dev), or set CC" >&2
    exit 1
}

can_compile() {
    "$compiler" -x c -o /dev/null - 2>/dev/null <<'PROGRAM'
#include <stdint.h>
int main(void) { return 0; }
PROGRAM
}

can_compile || {
    echo "native/build.sh: error: '$compiler' cannot compile a program: install the C library's headers, the package libc6-dev" \
        "(apt-get install libc6-dev)" >&2
    exit 1
}

mkdir -p "$out/failpoints" "$out/faults"
work="$(mktemp -d "$out/build-XXXXXX")"
trap 'rm -rf "$work"' EXIT

compile() { # OUTPUT_DIRECTORY FLAG...
    target="$1"
    shift
    # shellcheck disable=SC2086
    "$compiler" $compile_flags -g $link_flags "$@" -o "$work/libposixshm.so" "$here"/*.c
    # By rename: a process that has the old library mapped keeps it whole.
    mv "$work/libposixshm.so" "$target/libposixshm.so"
}

# The one that MSBuild compares with the sources comes last: it is new only if both are.
compile "$out/failpoints" -DPOSIXSHM_FAILPOINTS
compile "$out/faults" -I"$here" -include "$here/faults/faults.h" "$here/faults/faults.c"
compile "$out"
