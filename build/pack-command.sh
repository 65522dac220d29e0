# The packages of the command: the .NET tool, and for systems with glibc a .deb and an archive.

# The address in the .deb, which Debian's policy demands.
maintainer="${MAINTAINER:-PosixShm contributors <posixshm@example.org>}"

source native/settings.sh # the platforms

# The licences of the libraries in the command.
notices=src/PosixShm.Cli/THIRD-PARTY-NOTICES.txt

run_pack_command() {
    local platform rid machine page="$PWD/artifacts/pack/pshm.1"
    rm -f "$packages"/PosixShm.Tool.* "$packages"/pshm[-_]*

    # A package for each platform, and one without a platform, from which the SDK chooses among them.
    for platform in $platforms ""; do
        rid="${platform%%=*}"
        dotnet pack src/PosixShm.Cli "${pack_arguments[@]}" --output "$packages" ${rid:+--runtime "$rid"}
    done

    "$(own_command)" "[man]" > "$page"
    for machine in x64=amd64 arm64=arm64; do
        rid="linux-${machine%=*}"
        pack_archive "$rid" "$page"
        pack_deb "$rid" "${machine#*=}" "$page"
    done
}

machine_code() { # RID
    echo "$PWD/artifacts/pack/build/publish/PosixShm.Cli/release_$1/pshm"
}

# The binary for this machine, which prints the man page and the version.
own_command() {
    case "$(uname -m)" in
        x86_64)  machine_code linux-x64 ;;
        aarch64) machine_code linux-arm64 ;;
        *)       stop "the command has no machine code for $(uname -m): pack on x86_64 or aarch64" ;;
    esac
}

# Copies the files of the command to the usual places below a prefix. The function "install" of build/machine.sh is another one.
install_command() { # RID PAGE PREFIX ZSH_DIRECTORY
    local completions=src/PosixShm.Cli/Completions
    command install -D -m 755 "$(machine_code "$1")" "$3/bin/pshm"
    command install -D -m 644 "$2" "$3/share/man/man1/pshm.1"
    command install -D -m 644 "$completions/pshm.bash" "$3/share/bash-completion/completions/pshm"
    command install -D -m 644 "$completions/_pshm" "$3/share/zsh/$4/_pshm"
    command install -D -m 644 "$completions/pshm.fish" "$3/share/fish/vendor_completions.d/pshm.fish"
}

# An archive to unpack over a prefix such as ~/.local.
pack_archive() { # RID PAGE
    local work name
    work="$(mktemp -d)"
    name="pshm-$("$(own_command)" --version)-$1"
    (
        umask 022
        install_command "$1" "$2" "$work/$name" site-functions
        command install -D -m 644 -t "$work/$name/share/doc/pshm" LICENSE docs/CLI.md "$notices"
    )
    tar --directory "$work" --create --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner "$name" \
        | gzip -9n > "$packages/$name.tar.gz"
    rm -rf "$work"
}

pack_deb() { # RID ARCHITECTURE PAGE
    local work version doc
    work="$(mktemp -d)"
    version="$("$(own_command)" --version)"
    doc="$work/usr/share/doc/pshm"
    (
        umask 022
        chmod 755 "$work"
        install_command "$1" "$3" "$work/usr" vendor-completions
        gzip -9n "$work/usr/share/man/man1/pshm.1"
        mkdir -p "$doc" "$work/DEBIAN"
        debian_changelog "$version" | gzip -9n > "$doc/changelog.gz"
        debian_copyright > "$doc/copyright"
        command install -m 644 -t "$doc" "$notices"
        (cd "$work" && find usr -type f | LC_ALL=C sort | xargs md5sum > DEBIAN/md5sums)
        debian_control "$1" "$2" "$version" "$(kilobytes "$work/usr")" > "$work/DEBIAN/control"
        find "$work" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    )

    # By one thread, since the number of threads changes the bytes.
    dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$work" "$packages/pshm_${version}_$2.deb" > /dev/null
    rm -rf "$work"
}

# Not by du, whose result depends on the file system.
kilobytes() { # DIRECTORY
    find "$1" -type f -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }'
}

debian_control() { # RID ARCHITECTURE VERSION KILOBYTES
    cat <<CONTROL
Package: pshm
Version: $3
Architecture: $2
Maintainer: $maintainer
Installed-Size: $4
Depends: libc6 (>= $(tr ' ' '\n' <<< "$platforms" | sed -n "s/^$1=.*-gnu\.//p"))
Section: utils
Priority: optional
Description: named arrays in shared memory, from the shell
 The command pshm creates, lists, shows and deletes the named, typed,
 n-dimensional arrays that programs with PosixShm, numpy or Python's SharedArray
 have in POSIX shared memory. It frees locks whose owners died, deletes
 leftovers, and manages named semaphores.
CONTROL
}

debian_changelog() { # VERSION
    cat <<CHANGELOG
pshm ($1) unstable; urgency=medium

  * The command of PosixShm $1.

 -- $maintainer  $(LC_ALL=C date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")
CHANGELOG
}

debian_copyright() {
    cat <<COPYRIGHT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: PosixShm

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE)
License: Expat
$(sed '1,/^Copyright/d' LICENSE | sed '/./,$!d; s/^$/./; s/^/ /')
COPYRIGHT
}
