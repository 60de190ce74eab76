"""The cliffs of the reference box at T = 50 (at most 3 s) and T = 1000 (at most 5 s), in at most 300 MB.

Run: python tests/benchmarks/cliffs.py
"""

import argparse
import resource
import subprocess
import sys
import time

from symgrad.maps import Map
from symgrad.phenomena import find_cliffs

UNIT, LOSS = "w*sigmoid(x)+b", "(sigmoid(x)-0.7)**2"
BOX = {"w": (4, 8), "b": (-6, -1)}
TOKENS = ["cliffs", UNIT, "--state", "x", "--loss", LOSS, "--start", "0.5"]
TOKENS += ["--axis", "w=4:8", "--axis", "b=-6:-1", "--json"]


def in_process(depth: int) -> tuple[float, str]:
    """Return the wall time of one call in this process, and what was found."""
    begin = time.perf_counter()
    found = find_cliffs(Map(UNIT, "x"), LOSS, "1/2", BOX, depth)
    return time.perf_counter() - begin, found.status


def command(depth: int) -> tuple[float, float, float]:
    """Return the wall time, the processor time and the memory in MB of one fresh process."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "symgrad", *TOKENS, "--depth", str(depth)], capture_output=True, check=True)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss / 1024


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--depths", type=int, nargs=2, default=(50, 1000), help="the shallow and the deep surface")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(argv)
    limits = dict(zip(given.depths, (3.0, 5.0), strict=True))
    for depth, limit in limits.items():
        wall, status = in_process(depth)
        print(f"{wall:7.3f} s  find_cliffs at T = {depth}: {status}")
        runs = [command(depth) for _ in range(given.repeats)]
        wall, busy, memory = min(runs)
        print(f"{wall:7.3f} s  the command at T = {depth}, {wall / limit:.2f} of its limit, {busy:.2f} s of processor")
        print(f"{memory:7.1f} MB, {memory / 300:.2f} of its limit")
    print(f"{startup():7.3f} s  of each command are imports")


def startup() -> float:
    """Return the wall time of the imports alone."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", "from symgrad.phenomena import find_cliffs"], check=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
