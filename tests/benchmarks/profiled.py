"""`dispatch` under cProfile: `python -m tests.benchmarks.profiled FILE run ROLE…` leaves its figures in FILE.

CPU is counted, not time: what waits for the database, or for other processes, costs nothing here.
"""

import sys
import time
from cProfile import Profile

from dispatch.cli.main import main

if __name__ == "__main__":
    _, path, *words = sys.argv
    sys.argv = ["dispatch", *words]
    profile = Profile(time.process_time)
    try:
        profile.runcall(main)
    finally:
        profile.dump_stats(path)
