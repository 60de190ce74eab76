"""Lyapunov spectra of many orbits and of a wide network. Run: python tests/benchmarks/spectra.py

Goals: Hénon, 10^6 steps as 1000 orbits of 1000 after a transient, at most 1 s; 256 units over 1000 steps at most 20 s.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from symgrad.maps import Map
from symgrad.phenomena.spectra.lyapunov import lyapunov_spectrum
from symgrad.phenomena.spectra.systems import NumericMap


def best(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the least time of several calls, and the last result."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - begin)
    return min(times), result


def henon(orbits: int, steps: int, repeats: int) -> None:
    layer = Map(("1 - 1.4*x**2 + y", "0.3*x"), ("x", "y"))
    lyapunov_spectrum(layer, (0.1, 0.1), steps=2)
    many, found = best(lambda: lyapunov_spectrum(layer, (0.1, 0.1), steps=steps, orbits=orbits, transient=100), repeats)
    print(f"Hénon, {orbits} orbits of {steps} steps: {many:.3f} s (goal 1 s for 10^6), {found.exponents.tolist()}")
    one, found = best(lambda: lyapunov_spectrum(layer, (0.1, 0.1), steps=orbits * steps), 1)
    print(f"Hénon, one orbit of {orbits * steps} steps: {one:.3f} s, {found.exponents.tolist()}")


def wide(units: int, steps: int) -> None:
    weights = 2 * np.random.default_rng(1).normal(size=(units, units)) / np.sqrt(units)

    def step(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        new = np.tanh(weights @ state)
        return new, ((1 - new**2)[:, None, :] * weights[:, :, None])

    start = np.random.default_rng(2).normal(size=units)
    seconds, found = best(lambda: lyapunov_spectrum(NumericMap(units, step), start, steps=steps, transient=20), 1)
    ends = found.exponents[[0, -1]].tolist()
    print(f"{units} units, {steps} steps: {seconds:.2f} s (goal 20 s), {found.orthonormalisations} QR, ends {ends}")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orbits", type=int, default=1000)
    parser.add_argument("--orbit-steps", type=int, default=1000)
    parser.add_argument("--wide", type=int, default=256)
    parser.add_argument("--wide-steps", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(argv)
    henon(options.orbits, options.orbit_steps, options.repeats)
    wide(options.wide, options.wide_steps)


if __name__ == "__main__":
    main()
