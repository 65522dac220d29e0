#!/usr/bin/env python3
"""The consumer of frames.cs in Python: takes the newest frame, until the last one. Usage: newest.py PATH LAST

docs/PYTHON.md describes "newest".
"""
import mmap
import struct
import sys
import time

import numpy as np


def newest(path):
    a = np.load(path, mmap_mode="r"); page = -(-(a.offset + a.nbytes) // 4096) * 4096
    with open(path, "rb") as f: m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
    if len(m) < page + 4096 or m[page:page + 8] != b"\x02\x00PSHM\x02\x01": return None, 0
    while True:
        head, = struct.unpack_from("<Q", m, page + 64)
        copy = a[head % len(a)].copy()
        reserved, = struct.unpack_from("<Q", m, page + 72)
        if head == 0 or reserved - head < len(a): return (copy, head) if head else (None, 0)


path, last = sys.argv[1], int(sys.argv[2])
print("READY", flush=True)
received = dropped = seen = 0
end = time.monotonic() + 60
while seen < last and time.monotonic() < end:
    picture, number = newest(path)
    if number == seen:
        time.sleep(0.002)
        continue
    if not (picture == ((number + np.arange(480)) % 256)[:, None, None]).all():
        sys.exit(f"frame {number} is torn")
    received, dropped, seen = received + 1, dropped + number - seen - 1, number
print(f"received {received} dropped {dropped} newest {seen}", flush=True)
