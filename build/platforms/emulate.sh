#!/usr/bin/env bash
# Runs a command in which all programs for arm64, also those that it starts, run by qemu-user. It has a /dev/shm and process ids of its
# own, and nothing of the machine changes: since Linux 6.7, each user namespace has its own list of emulators. Needs root.
#
#     build/platforms/emulate.sh LOADERS /absolute/path/of/COMMAND ARGUMENT...
#
# LOADERS is the directory with the C library. The path is absolute, since .NET finds its own program by that.
set -euo pipefail
export QEMU_LD_PREFIX="${1:?usage: emulate.sh LOADERS COMMAND...}"
export DOTNET_EnableWriteXorExecute=0 # qemu 7.2 does not notice code that was written through another mapping
shift
exec /usr/bin/env python3 "$(dirname "$(realpath "$0")")/all-users.py" \
    unshare --mount --pid --fork --mount-proc --kill-child=KILL bash -euc '
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
magic="\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
mask="\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
echo ":posixshm-arm64:M::$magic:$mask:$(command -v qemu-aarch64-static):F" > /proc/sys/fs/binfmt_misc/register
mount -t tmpfs -o size=8g tmpfs /dev/shm
# Not by exec: the first process of a namespace survives the signals that end another one.
"$@"
exit' bash "$@"
