# Measurements: times against C, .NET and Python, and instructions by valgrind.

# Compiles the C programs that the library is measured against.
compile_twin() { # DIRECTORY FLAG...
    local source="$PWD/src/PosixShm.Benchmarks/twin"
    rm -rf "$1"
    mkdir -p "$1"
    (
        cd "$1"
        "${CC:-cc}" -std=c11 -O3 -Wall -Wextra -Werror "${@:2}" -c "$source"/*.c
        "${CC:-cc}" -o twin ./*.o -pthread
    )
}

# Runs a command with a /dev/shm of its own if this user may mount one: no other files are listed, and no file remains.
with_own_memory() { # COMMAND...
    local own=() options
    for options in size=90%,huge=advise size=90%; do
        if unshare --mount mount -t tmpfs -o "$options" tmpfs /dev/shm 2>/dev/null; then
            own=(unshare --mount sh -c 'mount -t tmpfs -o "$0" tmpfs /dev/shm && exec "$@"' "$options")
            break
        fi
    done

    "${own[@]}" "$@"
}

run_bench() { # ARGUMENT...
    compile_twin artifacts/twin -march=native
    "${CXX:-c++}" -std=c++17 -O3 -march=native -Wall -Wextra -Werror -o artifacts/twin/boost \
        src/PosixShm.Benchmarks/twin/boost.cpp artifacts/twin/{serve,files,npy}.o -pthread
    dotnet build src/PosixShm.Cli --configuration Release --verbosity quiet
    dotnet build src/PosixShm.Benchmarks --configuration Release --verbosity quiet
    export DOTNET_TC_CallCountingDelayMs=0 # frequent methods are compiled again at once, before they are measured
    export BENCH_TWIN="$PWD/artifacts/twin/twin" BENCH_BOOST="$PWD/artifacts/twin/boost"
    export BENCH_COMMAND="$PWD/artifacts/bin/pshm" BENCH_PEERS="$PWD/src/PosixShm.Benchmarks/twin/peers.py"
    with_own_memory artifacts/bin/PosixShm.Benchmarks/release/PosixShm.Benchmarks "$@"
}

# Compiled for any x86-64, because valgrind does not support the newest instructions.
run_count() {
    compile_twin artifacts/counted
    dotnet build src/PosixShm.Cli --configuration Release --verbosity quiet
    dotnet publish src/PosixShm.Benchmarks/counted/counted.cs --configuration Release --output artifacts/counted --verbosity quiet
    rm -f artifacts/counted/counted.dbg # valgrind cannot read it
    with_own_memory src/PosixShm.Benchmarks/counted/count.sh \
        "$PWD/artifacts/counted/counted" "$PWD/artifacts/counted/twin" "$PWD/artifacts/bin/pshm"
}
