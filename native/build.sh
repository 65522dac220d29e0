#!/usr/bin/env bash
# Builds libposixshm.so into the folder given as the first argument, and in its subfolder "failpoints" the
# same with steps at which a test can kill the process.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
out="${1:?usage: native/build.sh OUTPUT_FOLDER}"

compile() { # OUTPUT_FOLDER FLAG...
    mkdir -p "$1"
    "${CC:-cc}" -std=c11 -O2 -g -fPIC -shared -fvisibility=hidden -D_FILE_OFFSET_BITS=64 \
        -Wall -Wextra -Wpedantic -Wconversion -Werror -Wl,-z,relro,-z,now -Wl,--as-needed \
        "${@:2}" -o "$1/libposixshm.so.new" "$here"/*.c
    # By rename: a process that has the old library mapped keeps it whole.
    mv "$1/libposixshm.so.new" "$1/libposixshm.so"
}

compile "$out"
compile "$out/failpoints" -DPOSIXSHM_FAILPOINTS
