# The packages, in artifacts/pack/packages, and the table of them.

packages="$PWD/artifacts/pack/packages"

# The arguments of every dotnet command that packs. The build is apart from the usual one, and its output depends on the sources alone.
pack_arguments=(
    --configuration Release -p:ContinuousIntegrationBuild=true
    "-p:ArtifactsPath=$PWD/artifacts/pack/build" "-p:PackedShims=$PWD/artifacts/pack/native"
)

# The time of all files in the packages. Zip archives cannot hold one before 1980.
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1700000000}"

# BASELINE is the path of an earlier package, or is not set.
check_baseline() {
    [[ -n "${BASELINE:-}" ]] || return 0
    [[ -f "$BASELINE" ]] || stop "BASELINE is '$BASELINE', which is not a file: give the path of an earlier .nupkg"
    [[ "$(realpath "$BASELINE")" != "$packages"/* ]] || stop "BASELINE is in $packages, which this step writes: copy it elsewhere"
}

# A public member that is in BASELINE, and not in this package, is an error.
run_pack_library() {
    rm -f "$packages"/PosixShm.[0-9]*
    dotnet build src/PosixShm "${pack_arguments[@]}"
    dotnet run --file build/public-documentation.cs -- artifacts/pack/build/bin/PosixShm/release/PosixShm.dll
    dotnet pack src/PosixShm "${pack_arguments[@]}" --no-build --output "$packages" \
        ${BASELINE:+"-p:PackageValidationBaselinePath=$(realpath "$BASELINE")"}
}

unpack() { # PACKAGE DIRECTORY
    case "$1" in
        *.nupkg | *.snupkg) unzip -q "$1" -d "$2" ;;
        *.deb)              dpkg-deb -x "$1" "$2" ;;
        *.tar.*)            tar -xf "$1" -C "$2" ;;
        *)                  stop "'$1' is not a package of a known kind" ;;
    esac
}

# Prints a line for each program or library: processor, size, the libraries that it needs, and the oldest glibc that has all its symbols.
describe_binaries() { # DIRECTORY
    local file processor needed floor
    find "$1" -type f | LC_ALL=C sort | while read -r file; do
        [[ "$(head -c 4 "$file" | tr -d '\0')" == $'\x7fELF' ]] || continue
        processor="$(readelf -hW "$file" | sed -n 's/^ *Machine: *//p' | sed 's/Advanced Micro Devices X86-64/x64/; s/AArch64/arm64/')"
        needed="$(readelf -dW "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | paste -sd' ')"
        floor="$(readelf -VW "$file" | sed -n 's/.*Name: GLIBC_\([0-9.]*\).*/\1/p' | sort -uV | tail -n 1)"
        printf '    %-52s %-5s %9d bytes  glibc %-4s  needs %s\n' \
            "${file#"$1"/}" "$processor" "$(stat -c %s "$file")" "${floor:-none}" "${needed:-none}"
    done
}

print_packages() {
    local package contents
    for package in "$packages"/*; do
        printf '%-50s %9d bytes  sha256 %s\n' "${package##*/}" "$(stat -c %s "$package")" "$(sha256sum < "$package" | cut -d' ' -f1)"
        contents="$(mktemp -d)"
        unpack "$package" "$contents"
        describe_binaries "$contents"
        rm -rf "$contents"
    done
}
