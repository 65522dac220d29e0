#!/usr/bin/env bash
# Builds everything, in the order that the layers stand on each other:
#     ./build.sh              native shim, managed build, format check, tests
#     ./build.sh STEP...      single steps: native, build, format, test, demo
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

configuration="${CONFIGURATION:-Release}"

native() { native/build.sh artifacts/native; }
build()  { dotnet build PosixShm.sln --configuration "$configuration" --nologo; }
format() { dotnet format PosixShm.sln --verify-no-changes --no-restore; }
tests()  { dotnet test PosixShm.sln --configuration "$configuration" --no-build --nologo; }

for step in "${@:-native build format tests}"; do
    for name in $step; do
        echo "== $name"
        "$name"
    done
done
