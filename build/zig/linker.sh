#!/bin/sh
# The linker of native AOT for the packages: zig, which links for any machine and for the oldest glibc. The argument --rid=RID names the
# platform, which is one of native/targets.
set -eu
targets="$(dirname "$0")/../../native/targets"
: "${ZIG:?build/zig/linker.sh: set ZIG to the path of zig, or run ./build.sh pack, which installs it}"

target=
for argument; do
    shift
    case "$argument" in
        --rid=*)
            target="$(awk -v rid="${argument#--rid=}" '$1 == rid { print $2 }' "$targets")"
            : "${target:?build/zig/linker.sh: native/targets has no platform of $argument}"
            ;;
        --target=* | -Wl,-pie) ;; # zig has another name of the target, and -pie is enough
        *) set -- "$@" "$argument" ;;
    esac
done
exec "$ZIG" cc ${target:+-target "$target"} -Wl,-s "$@"
