# Settings of the builds in this directory: the flags of the compiler and the linker, and the platforms of the packages.
compile_flags="-std=c11 -O2 -fPIC -fvisibility=hidden -D_FILE_OFFSET_BITS=64 -Wall -Wextra -Wpedantic -Wconversion -Werror"

# nodelete: a signal handler stays installed, so its code must not be unloaded with a load context.
link_flags="-shared -Wl,-z,relro,-z,now,-z,nodelete -Wl,--as-needed"

# Each runtime identifier, and its target of zig. 2.28 is the oldest glibc that .NET 10 supports.
platforms="linux-x64=x86_64-linux-gnu.2.28 linux-arm64=aarch64-linux-gnu.2.28
    linux-musl-x64=x86_64-linux-musl linux-musl-arm64=aarch64-linux-musl"
