#!/bin/sh
# Builds the shim for every platform that the packages support, with one C compiler, zig:
#
#     OUTPUT_DIRECTORY/RID/libposixshm.so    stripped; for the packages
#     OUTPUT_DIRECTORY/RID/libposixshm.a     for programs that link the shim in
#
# The output depends on the sources and on zig alone, and not on the directory. Several builds at once may have the same output directory.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
out="${1:?usage: ZIG=PATH native/cross.sh OUTPUT_DIRECTORY}"
zig="${ZIG:?native/cross.sh: set ZIG to the path of zig, or run ./build.sh shims, which installs it}"
. "$here/settings.sh"

mkdir -p "$out"
out="$(cd "$out" && pwd)"
work="$(mktemp -d "$out/build-XXXXXX")"
trap 'rm -rf "$work"' EXIT

build() { # RID TARGET
    mkdir "$work/$1"
    cp "$here"/*.c "$here"/*.h "$work/$1"
    cd "$work/$1"

    # Without debug information, and from sources without a directory: object files name both.
    # shellcheck disable=SC2086
    {
        "$zig" cc -target "$2" $compile_flags -g0 -c ./*.c
        "$zig" ar rcsD libposixshm.a ./*.o
        "$zig" cc -target "$2" $link_flags -Wl,-s,--build-id=sha1,--hash-style=gnu,-soname,libposixshm.so -o libposixshm.so ./*.o
    }

    # By rename: a process that has the old library mapped keeps it whole.
    mkdir -p "$out/$1"
    mv libposixshm.so libposixshm.a "$out/$1"
}

for platform in $platforms; do
    build "${platform%%=*}" "${platform#*=}"
done
