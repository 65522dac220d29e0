#!/usr/bin/env python3
"""Attaches an array with numpy and nothing else, checks its type and shape, and writes 42 to its first element.

    python3 attach.py test1
"""
import sys

import numpy as np

a = np.load(f"/dev/shm/{sys.argv[1]}", mmap_mode="r+")
assert a.dtype == np.float64, a.dtype
assert a.shape == (10,), a.shape
assert a.sum() == 55, a.sum()
a[0] = 42
print(f"attached {sys.argv[1]}: {a.dtype} {a.shape}, wrote 42 to the first element")
