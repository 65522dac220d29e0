#!/bin/sh
# The linker of native AOT for the packages: zig, which links for any machine and for the oldest glibc. The argument --rid=RID names a
# platform of native/settings.sh.
set -eu
: "${ZIG:?build/zig/linker.sh: set ZIG to the path of zig, or run ./build.sh pack, which installs it}"
. "$(dirname "$0")/../../native/settings.sh"

target=
for argument; do
    shift
    case "$argument" in
        --rid=*)
            for platform in $platforms; do
                [ "${platform%%=*}" != "${argument#--rid=}" ] || target="${platform#*=}"
            done
            : "${target:?build/zig/linker.sh: native/settings.sh has no platform of $argument}"
            ;;
        --target=* | -Wl,-pie) ;; # zig has another name of the target, and -pie is enough
        *) set -- "$@" "$argument" ;;
    esac
done
exec "$ZIG" cc ${target:+-target "$target"} -Wl,-s "$@"
