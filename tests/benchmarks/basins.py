"""Basins of Newton's method for z**3 - 1, every start to its root (1000 x 1000 at most 1 s on 2 cores).

Run: python tests/benchmarks/basins.py
"""

import argparse
import time

import numpy as np

from symgrad.derivation import newton
from symgrad.phenomena.basins.basin_maps import find_basins
from symgrad.phenomena.basins.refinement import refine

WINDOW = ((-2, 2), (-2, 2))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1000, help="starts along each axis")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(argv)
    update = newton("z**3 - 1", "z")
    find_basins(update, WINDOW, points=2)
    times = []
    for _ in range(given.repeats):
        begin, cpu = time.perf_counter(), time.process_time()
        found = find_basins(update, WINDOW, points=given.points, threads=given.threads)
        times.append((time.perf_counter() - begin, time.process_time() - cpu))
    seconds, cpu_seconds = min(times)
    settled, steps = np.mean(found.labels >= 0), np.nanmean(found.smooth)
    print(
        f"{given.points} x {given.points} starts: {seconds:.2f} s ({cpu_seconds:.2f} s of CPU), {settled:.3%} at a "
        f"root within {found.tolerance:g}, {steps:.1f} steps on average"
    )
    begin = time.perf_counter()
    fine = refine(found, 2, threads=given.threads)
    seconds = time.perf_counter() - begin
    print(f"refined to {fine.shape[0]} x {fine.shape[1]}: {seconds:.2f} s, {fine.computed:.1%} of the points followed")


if __name__ == "__main__":
    main()
