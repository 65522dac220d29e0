"""Prints each .npy file as numpy reads it: dtype, shape and elements. The first argument names the function."""
import sys

import numpy as np


def elements_until_the_end(read):
    """Reads the header as numpy does, and all that follows it as elements."""
    def function(path):
        with open(path, "rb") as file:
            np.lib.format.read_magic(file)
            _, _, dtype = np.lib.format.read_array_header_1_0(file)
            return read(file, dtype)

    return function


functions = {
    "load": np.load,
    "load-mapped": lambda path: np.load(path, mmap_mode="r+"),
    "fromfile": elements_until_the_end(np.fromfile),
    "memmap": elements_until_the_end(lambda file, dtype: np.memmap(file.name, dtype, "r", offset=file.tell())),
}
for path in sys.argv[2:]:
    array = functions[sys.argv[1]](path)
    print(array.dtype.str[1:], *(",".join(map(str, part)) for part in (array.shape, map(float, array.flat))))
