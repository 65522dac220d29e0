"""Runs a command in a user namespace that has all users, so that programs in it may change owners and users. Needs root."""
import ctypes
import os
import signal
import sys

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
USERS = "0 0 65536\n"

child_is_ready, tell_parent = os.pipe()
users_are_mapped, tell_child = os.pipe()
child = os.fork()
if child == 0:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit(f"all-users.py: no user namespace: {os.strerror(ctypes.get_errno())}")
    os.write(tell_parent, b"x")
    os.read(users_are_mapped, 1)
    os.setgid(0)
    os.setuid(0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # the command ends with this program, as if it had replaced it
    os.execvp(sys.argv[1], sys.argv[1:])

os.close(tell_parent)
if os.read(child_is_ready, 1):
    # Only a process outside of the namespace may map more users than itself.
    for table in ("uid_map", "gid_map"):
        with open(f"/proc/{child}/{table}", "w") as users:
            users.write(USERS)
    os.write(tell_child, b"x")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
