# The compiler's and the linker's flags of every build of the shim.
compile_flags="-std=c11 -O2 -fPIC -fvisibility=hidden -D_FILE_OFFSET_BITS=64 -Wall -Wextra -Wpedantic -Wconversion -Werror"

# nodelete: a signal handler stays installed, so its code must not be unloaded with a load context.
link_flags="-shared -Wl,-z,relro,-z,now,-z,nodelete -Wl,--as-needed"
