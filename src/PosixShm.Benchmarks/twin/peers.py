"""What a user of Python would take: numpy and multiprocessing. The same requests and answers as twin.h says."""
import multiprocessing
import os
import sys
import time
from multiprocessing import resource_tracker, shared_memory

import numpy as np

FOLDER = "/dev/shm/"
lock = multiprocessing.Lock()
arrays = {}


def array(path):
    inode = os.stat(path).st_ino
    if arrays.get("inode") != inode:
        arrays.clear()
        arrays.update(inode=inode, array=np.load(path, mmap_mode="r+"))
    return arrays["array"]


def create(count, path, size):
    for _ in range(count):
        segment = shared_memory.SharedMemory(path[len(FOLDER):], create=True, size=size)
        segment.buf[0] = 1
        segment.close()
        segment.unlink()


def attach(count, path, _):
    for _ in range(count):
        shared_memory.SharedMemory(path[len(FOLDER):]).close()

    # Else the tracker deletes, when this process exits, what it only attached.
    resource_tracker.unregister("/" + path[len(FOLDER):], "shared_memory")


def load(count, path, _):
    for _ in range(count):
        np.load(path, mmap_mode="r+")


def save(count, path, size):
    elements = arrays.setdefault("elements", np.ones(size // 8))
    for _ in range(count):
        np.save(path, elements)
        os.rename(path + ".npy", path)
        os.unlink(path)


def fortran(count, path, length):
    for _ in range(count):
        np.save(path, np.ones((length, length), order="F"))
        os.rename(path + ".npy", path)


def first_sum(count, path, _):
    for _ in range(count):
        np.load(path, mmap_mode="r").sum()


def listing(count, path, _):
    for _ in range(count):
        found = 0
        with os.scandir(path) as folder:
            for entry in folder:
                if entry.is_file(follow_symlinks=False):
                    fd = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW)
                    found += os.pread(fd, 4096, 0).startswith(b"\x93NUMPY")
                    os.close(fd)


def copy(count, path, size):
    source = array(path)
    target = arrays.setdefault("target", np.ones_like(source))
    for _ in range(count):
        np.copyto(target, source)


def total(count, path, size):
    part = array(path)[: size // 8]
    for _ in range(count):
        part.sum()


def enter(count, *_):
    for _ in range(count):
        with lock:
            pass


def contend(count, _, processes):
    """The count is that of each process."""
    start = multiprocessing.Barrier(processes + 1)

    def work():
        start.wait()
        enter(count)

    children = [multiprocessing.Process(target=work) for _ in range(processes)]
    for child in children:
        child.start()
    start.wait()
    began = time.perf_counter_ns()
    for child in children:
        child.join()
    return time.perf_counter_ns() - began


def queue_send(count, _, readers):
    """Every byte of a frame is stored, and loaded by each reader."""
    queues = [multiprocessing.Queue(2) for _ in range(readers)]
    start = multiprocessing.Barrier(readers + 1)

    def work(queue):
        start.wait()
        for _ in range(count):
            queue.get().sum()

    children = [multiprocessing.Process(target=work, args=(queue,)) for queue in queues]
    for child in children:
        child.start()
    start.wait()
    began = time.perf_counter_ns()
    for number in range(count):
        frame = np.full((1 << 20) // 8, number)
        for queue in queues:
            queue.put(frame)
    for child in children:
        child.join()
    return time.perf_counter_ns() - began


OPERATIONS = {
    "create": create, "attach": attach, "load": load, "save": save, "fortran": fortran, "first-sum": first_sum, "list": listing,
    "copy": copy, "sum": total, "lock": enter, "contend": contend,
    "queue-send": queue_send,
}

for line in sys.stdin:
    operation, count, path, number = (line.split() + ["", "0"])[:4]
    began = time.perf_counter_ns()
    took = OPERATIONS[operation](int(count), path, int(number or 0))
    print(time.perf_counter_ns() - began if took is None else took, flush=True)
