"""Time and memory of a whole grid with loss and two gradients. Run: python tests/benchmarks/grid.py

The goal is 512 x 512 points, 50 steps, lambdify, in at most 0.4 s and 150 MB above the baseline on two cores.
"""

import argparse
import resource
import sys
import time

import numpy as np

from symgrad.derivation import gradient
from symgrad.kernels import to_kernel
from symgrad.maps import composition_from_text


def peak_megabytes() -> float:
    """Return the largest resident size of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--depth", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--layer", default="w*sigmoid(x) + b")
    options = parser.parse_args(argv)
    chain = composition_from_text(options.layer, depth=options.depth)
    kernel = to_kernel(gradient(chain, "(sigmoid(x) - 0.7)**2", wrt=("w", "b")))
    w, b = np.meshgrid(np.linspace(4, 8, options.size), np.linspace(-6, -1, options.size), indexing="ij")
    kernel(0.5, {"w": w[:2, :2], "b": b[:2, :2]})
    baseline = peak_megabytes()
    times = []
    for _ in range(options.repeats):
        begin = time.perf_counter()
        outcome = kernel(0.5, {"w": w, "b": b})
        times.append(time.perf_counter() - begin)
    assert outcome.gradient["w"].shape == w.shape
    above = peak_megabytes() - baseline
    print(f"{options.size} x {options.size} points, {options.depth} steps, two gradients, {kernel.backend}")
    print(f"time: best {min(times):.3f} s, worst {max(times):.3f} s; memory: {above:.0f} MB above {baseline:.0f} MB")


if __name__ == "__main__":
    main()
