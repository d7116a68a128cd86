"""Turn this process into a service that the kernel ends together with its parent.

Run as a script. The order matters: a change of user clears the parent-death signal, so it comes first; and a
parent that died before prctl() sends no signal, so it is looked for afterwards.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def become(command: list[str], *, parent: int, death_signal: int, uid: int, gid: int) -> None:
    """Drop privileges, tie this process to its parent, and run the command in its place."""
    if os.geteuid() != uid:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("the owner died first")
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    owner, end_by, user, group = map(int, sys.argv[1:5])
    become(sys.argv[5:], parent=owner, death_signal=end_by, uid=user, gid=group)
