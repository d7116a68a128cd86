"""Replace this process by a program that the kernel ends together with its parent.

Run as a script. The order matters: a change of user clears the parent-death signal, so it comes first. A parent that
died before prctl() sends no signal, so its id is checked afterwards.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def run_bound_to_parent(command: list[str], *, parent: int, death_signal: int, uid: int, gid: int) -> None:
    """Drop privileges, bind this process to its parent, and execute the command in its place."""
    if os.geteuid() != uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("the parent process has already ended")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    parent_id, signal_number, user, group = map(int, sys.argv[1:5])
    run_bound_to_parent(sys.argv[5:], parent=parent_id, death_signal=signal_number, uid=user, gid=group)
