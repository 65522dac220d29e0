#!/bin/sh
# Builds the program that tests the shim for every platform: OUTPUT_DIRECTORY/RID/test-shim.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
out="${1:?usage: ZIG=PATH native/tests/build.sh OUTPUT_DIRECTORY}"
zig="${ZIG:?native/tests/build.sh: set ZIG to the path of zig, or run ./build.sh shim-tests, which installs it}"
. "$here/../settings.sh"

for platform in $platforms; do
    mkdir -p "$out/${platform%%=*}"

    # Dynamic, also for musl: the program loads the shim as a user's program does, with the C library that it meets.
    "$zig" cc -target "${platform#*=}" -dynamic -std=gnu11 -O1 -g0 -Wall -Wextra -Werror \
        -o "$out/${platform%%=*}/test-shim" "$here"/*.c -ldl -lpthread
done
