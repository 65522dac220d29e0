#!/usr/bin/env python3
"""Prints the state of the control pages of arrays: one line for each file, with the keys of manifest.json (see make.py).

    read.py FILE...

It is written from docs/FORMAT.md and uses the standard library only. It stores nothing.
"""
import ast
import fcntl
import json
import math
import os
import struct
import sys

UNIT = 4096
WORD = 0x01024D4853500002
FLOCK = "hhqqi4x"  # struct flock of 64-bit Linux


def end_of_elements(file):
    start = file.read(12)
    size, first = struct.unpack_from("<I", start, 8) + (12,) if start[6] > 1 else struct.unpack_from("<H", start, 8) + (10,)
    file.seek(first)
    text = ast.literal_eval(file.read(size).decode("utf-8" if start[6] == 3 else "latin-1"))
    item = int(text["descr"].lstrip("<>|=")[1:])  # "<f8"; neither text nor a structure
    return first + size + math.prod(text["shape"]) * item


def is_locked(file, slot):
    """Whether another open file has an exclusive lock on the slot's byte. Shared locks need only read permission and prove nothing."""
    question = struct.pack(FLOCK, fcntl.F_RDLCK, os.SEEK_SET, (1 << 62) + slot, 1, 0)
    return struct.unpack(FLOCK, fcntl.fcntl(file, fcntl.F_OFD_GETLK, question))[0] == fcntl.F_WRLCK


def is_alive(file, data, page, owner):
    slot, generation = owner & 0x1FF, owner >> 9 & 0x1FFFFF
    return 1 <= slot <= 448 and struct.unpack_from("=I", data, page + 252 + 4 * slot)[0] & 0x1FFFFF == generation and is_locked(file, slot)


def state(file, data, page, lock):
    word, = struct.unpack_from("=I", data, lock)
    return "free" if word == 0 else "held" if is_alive(file, data, page, word) else "abandoned"


def snapshot(file, data, page):
    word, = struct.unpack_from("=Q", data, page + 192)
    is_odd = word >> 30 & 1
    number = str(word >> 31) if not is_odd else "busy" if is_alive(file, data, page, word & 0x3FFFFFFF) else "abandoned"
    return dict(snapshot=number) if word else {}


def reason(word):
    if int.from_bytes(struct.pack("=Q", word)[::-1], sys.byteorder) == WORD:
        return "byte-order"
    if struct.pack("=Q", word) == b"PSHMCTRL":
        return "version-1"
    return "newer-version" if word >> 16 == WORD >> 16 else "foreign"


def read(path):
    with open(path, "rb") as file:
        end = end_of_elements(file)
        page = (end + UNIT - 1) // UNIT * UNIT
        file.seek(0)
        data = file.read()  # a golden file is small; others are mapped
        none = dict(locks=31, first="free", last="free", changes=0)
        if len(data) < page + UNIT or not any(data[page:page + UNIT]):
            return none
        word, behind = struct.unpack_from("=Qi", data, page)
        if word != WORD:
            return dict(reason=reason(word))
        if any(data[page + 14:page + 16]):
            return dict(reason="newer-features")
        if behind and not 0 < 64 * behind <= len(data) - page - UNIT:
            return dict(reason="cut-locks")
        first, count = (page + UNIT, behind) if behind else (page + 2112, 31)
        changes, = struct.unpack_from("=I", data, page + 2048)
        newest, _, streamer = struct.unpack_from("=QQI", data, page + 64)
        stream = {key: value for key, value in (("newest", newest), ("streamer", streamer & 0x1FF)) if value}
        return dict(
            locks=count, first=state(file, data, page, first), last=state(file, data, page, first + 64 * (count - 1)), changes=changes,
            **snapshot(file, data, page), **stream)


for name in sys.argv[1:]:
    print(json.dumps({"file": os.path.basename(name), **read(name)}))
