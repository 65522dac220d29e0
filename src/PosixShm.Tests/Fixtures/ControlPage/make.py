#!/usr/bin/env python3
"""Makes the golden files of this directory: an array of ten doubles in every state that its control page can have.

    make.py [DIRECTORY]

docs/FORMAT.md defines the bytes. manifest.json has the state of each file, for readers in any language:

    file      the file, of a little-endian machine
    locks     how many locks the array has
    first     the state of the first lock: free, held or abandoned
    last      the state of the last lock
    changes   the count of changes
    store     true: a writer may use locks and count, and adds the page if there is none; otherwise the key of the reason
    slot      the slot that owned the first lock, whose process is dead
    living    the state of the first lock while another open file has the exclusive lock on the byte of that slot
    newest    the newest whole frame of a stream; without the key there is none
    streamer  the slot that owns the stream, whose process is dead; without the key there is none
    snapshot  the number of the snapshot's last publication, or abandoned; without the key, nothing was published
    writer    the slot of the dead writer of an abandoned publication. While it is locked, as above, a writer is storing
    reason    the key of the reason why the array has no locks and no count; it replaces all other entries but the file

The keys of reasons:

    foreign         bytes of another program follow the elements
    version-1       version 1 of the control page follows the elements
    byte-order      a machine of the other byte order made the page
    newer-version   the page has a newer version
    newer-features  the page uses an unknown feature
    cut-locks       the locks behind the page are not all in the file
"""
import json
import os
import struct
import sys

UNIT = 4096
WORD = 0x01024D4853500002
ELEMENTS = struct.pack("<10d", *(i + 0.5 for i in range(10)))
ABANDONED = 1 << 30
WAITERS = 1 << 31


def header(length):
    """The header of an .npy file, with its padding up to a length."""
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10,), }"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", length - 10) + text.ljust(length - 11) + b"\n"


def padded(data):
    return data + bytes(-len(data) % UNIT)


ARRAY = header(128) + ELEMENTS


def owner(slot, generation):
    return slot | generation << 9


def page(fields, word=WORD):
    """A control page: its word and other fields, by their offsets."""
    data = bytearray(UNIT)
    struct.pack_into("<Q", data, 0, word)
    for offset, (kind, value) in fields.items():
        struct.pack_into("<" + kind, data, offset, value)
    return bytes(data)


def slot(number):
    return 252 + 4 * number


def with_page(fields, word=WORD, behind=b""):
    return padded(ARRAY) + page(fields, word) + behind


def many_locks():
    """Forty locks behind the page. The first and the last one are abandoned, and the locks in the page are unused."""
    locks = bytearray(UNIT)
    struct.pack_into("<I", locks, 0, ABANDONED)
    struct.pack_into("<I", locks, 39 * 64, owner(7, 3))
    return with_page({8: ("i", 40), slot(7): ("I", 3), 2048: ("I", 3)}, behind=bytes(locks))


def version_1():
    """A complete file of version 1, whose page is at the same place."""
    data = bytearray(padded(header(UNIT) + ELEMENTS) + bytes(UNIT))
    identity, created, process = bytes(range(16)), 1_700_000_000 * 10**9, 4711
    struct.pack_into(
        "<8sIIqq16sqiiq", data, 2 * UNIT, b"PSHMCTRL", 1, 0x01020304, UNIT, len(ELEMENTS), identity, created, process, 1, 2 * UNIT + 2112)
    return bytes(data)


def sees(locks=31, first="free", last="free", changes=0, store=True, **more):
    return dict(locks=locks, first=first, last=last, changes=changes, store=store, **more)


def has_none(reason):
    return dict(reason=reason)


SLOT_7 = {slot(7): ("I", 3)}  # its third owner
CHANGES = {2048: ("I", 3)}

FILES = {
    # No page or an incomplete page: all locks are free.
    "none": (ARRAY, sees()),
    "padded": (padded(ARRAY), sees()),
    "cut-zeros": (padded(ARRAY) + bytes(100), sees()),
    "cut": (with_page({})[:UNIT + 100], sees()),
    "zeros": (padded(ARRAY) + bytes(UNIT), sees()),
    # A complete page.
    "ours": (with_page({}), sees()),
    "free": (with_page({**SLOT_7, slot(1): ("I", 1), slot(448): ("I", 0x1FFFFF), 2048: ("I", 0xFFFFFFFF)}), sees(changes=0xFFFFFFFF)),
    "held": (with_page({**SLOT_7, **CHANGES, 2112: ("I", owner(7, 3))}), sees(first="abandoned", changes=3, slot=7, living="held")),
    "held-by-slot-448": (
        with_page({slot(448): ("I", 0x1FFFFF), 2112: ("I", owner(448, 0x1FFFFF))}), sees(first="abandoned", slot=448, living="held")),
    "held-by-a-reader": (  # two entries of the reader-writer lock: bits 21 and above of the slot
        with_page({slot(7): ("I", 3 | 2 << 21), 2112: ("I", owner(7, 3))}), sees(first="abandoned", slot=7, living="held")),
    "held-by-an-earlier-owner": (  # the slot has a new owner
        with_page({slot(7): ("I", 4), 2112: ("I", owner(7, 3))}), sees(first="abandoned", slot=7, living="abandoned")),
    "held-by-no-slot": (with_page({2112: ("I", owner(449, 0))}), sees(first="abandoned", slot=449, living="abandoned")),
    "abandoned": (with_page({**SLOT_7, **CHANGES, 2112: ("I", ABANDONED)}), sees(first="abandoned", changes=3)),
    "repair": (with_page({**SLOT_7, 2112: ("I", owner(7, 3) | ABANDONED)}), sees(first="abandoned", slot=7, living="held")),
    "waiters": (
        with_page({**SLOT_7, **CHANGES, 2052: ("I", 2), 2112: ("I", owner(7, 3) | WAITERS)}),
        sees(first="abandoned", changes=3, slot=7, living="held")),
    # The word of the snapshot: the last writer, and a sequence of 10 or 11.
    "snapshot": (with_page({**SLOT_7, **CHANGES, 192: ("Q", owner(7, 3) | 10 << 30)}), sees(changes=3, snapshot="5")),
    "snapshot-half-stored": (
        with_page({**SLOT_7, 192: ("Q", owner(7, 3) | 11 << 30)}), sees(snapshot="abandoned", writer=7)),
    "snapshot-half-stored-by-an-earlier-owner": (
        with_page({slot(7): ("I", 4), 192: ("Q", owner(7, 3) | 11 << 30)}), sees(snapshot="abandoned")),
    "snapshot-that-failed": (with_page({192: ("Q", 11 << 30)}), sees(snapshot="abandoned")),
    "frames": (with_page({**SLOT_7, 64: ("Q", 15), 72: ("Q", 15), 80: ("I", owner(7, 3)), 84: ("I", 6)}), sees(newest=15, streamer=7)),
    "frames-and-a-half": (  # the writer died while it filled the slot of frame 16
        with_page({**SLOT_7, 64: ("Q", 15), 72: ("Q", 16), 80: ("I", owner(7, 3)), 84: ("I", 7)}), sees(newest=15, streamer=7)),
    "many-locks": (many_locks(), sees(locks=40, first="abandoned", last="abandoned", changes=3)),
    "many-locks-cut": (many_locks()[:-UNIT + 39 * 64], has_none("cut-locks")),
    "area": (with_page({**CHANGES, 16: ("q", 2 * UNIT), 24: ("q", UNIT)}, behind=b"\xAA" * UNIT), sees(changes=3)),
    "feature-to-ignore": (with_page({**CHANGES, 12: ("B", 0x80)}), sees(changes=3)),
    "feature-of-stores": (with_page({**CHANGES, 13: ("B", 0x80)}), sees(changes=3, store="newer-features")),
    "feature": (with_page({**CHANGES, 14: ("B", 1)}), has_none("newer-features")),
    "feature-of-the-last-bit": (with_page({**CHANGES, 15: ("B", 0x80)}), has_none("newer-features")),
    "newer-version": (with_page(CHANGES, word=WORD + 1), has_none("newer-version")),
    "other-byte-order": (with_page({2048: ("I", 3 << 24)}, word=int.from_bytes(WORD.to_bytes(8, "big"), "little")), has_none("byte-order")),
    "version-1": (version_1(), has_none("version-1")),
    # Bytes of another program. A reader ignores fewer than a page of them.
    "foreign": (padded(ARRAY) + b"ten more\n" * 455 + b"\n", has_none("foreign")),
    "foreign-without-a-word": (with_page({4095: ("B", 1)}, word=0), has_none("foreign")),
    "foreign-and-short": (ARRAY + ARRAY, sees(store="foreign")),
    "zeros-and-more": (padded(ARRAY) + bytes(UNIT + 1), sees(store="foreign")),
}


def main():
    directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    for name, (data, _) in FILES.items():
        with open(os.path.join(directory, name + ".npy"), "wb") as file:
            file.write(data)

    entries = (json.dumps({"file": name + ".npy", **seen}) for name, (_, seen) in FILES.items())
    with open(os.path.join(directory, "manifest.json"), "w", encoding="ascii") as file:
        file.write("[\n  " + ",\n  ".join(entries) + "\n]\n")


if __name__ == "__main__":
    main()
