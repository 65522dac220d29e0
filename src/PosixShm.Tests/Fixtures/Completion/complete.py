"""Types a line and a tab into an interactive shell, and prints the words that the shell then has, one on each line.

usage: complete.py DIRECTORY LINE SETUP SHELL ARGUMENT...
"""
import os
import pty
import re
import select
import sys
import time

LIMIT = 60


def read_until(terminal, pattern):
    """Returns the match of a pattern in the shell's output."""
    output = b""
    end = time.monotonic() + LIMIT
    while (match := re.search(pattern, output)) is None:
        if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit(f"the shell did not answer within {LIMIT} seconds: {output!r}")
        output += os.read(terminal, 65536)
    return match


directory, line, setup, *shell = sys.argv[1:]
process, terminal = pty.fork()
if process == 0:
    os.chdir(directory)
    os.execvp(shell[0], shell)

# The quotes keep the pattern out of the echo of what is typed.
show = "show() { printf '%s\\036' \"$@\"; echo DO''NE; }"
os.write(terminal, f"{setup}; {show}; echo READ''Y\n".encode())
read_until(terminal, rb"READY\r?\n")

# Control-A moves to the beginning of the completed line.
os.write(terminal, line.encode() + b"\t\x01show \n")
words = read_until(terminal, rb"([^\r\n]*)\x1eDONE").group(1).decode().split("\x1e")
print(*words, sep="\n")
os.write(terminal, b"exit\n")
os.close(terminal)
os.waitpid(process, 0)
