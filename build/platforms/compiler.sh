#!/bin/sh
# The C compiler for a platform, which takes gcc's arguments: zig. TARGET is a target of native/settings.sh.
set -eu
: "${ZIG:?build/platforms/compiler.sh: set ZIG to the path of zig, or run ./build.sh test-platforms, which installs it}"
: "${TARGET:?build/platforms/compiler.sh: set TARGET to a target of native/settings.sh}"

unused="$(mktemp)"
trap 'rm -f "$unused"' EXIT
for argument; do
    shift
    case "$argument" in
        -fsyntax-only) set -- "$@" -c -o "$unused" ;; # zig insists on an output
        *)             set -- "$@" "$argument" ;;
    esac
done

# Without optimization zig adds checks that end the program, and gcc does not.
"$ZIG" cc -target "$TARGET" -fno-sanitize=all "$@"
