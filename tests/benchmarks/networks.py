"""All Lyapunov exponents of an 8-unit tanh network on a grid of gains and biases, beside C, JAX and torch.

Run: python tests/benchmarks/networks.py

Goals: at most 8 times generated C, and faster than JAX and torch doing the same. The contestants run in turns. Ratios
are those of processor time, which a busy machine changes least. The error is that of the exponents, in nats per step,
against 60 digits, at points that still move: where an orbit has come to a cycle symgrad returns the cycle's exponents.
"""

import argparse
import importlib
import importlib.util
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from symgrad.maps import Map
from symgrad.phenomena.spectra.lyapunov import lyapunov_spectrum

sys.path.append(str(Path(__file__).parent / "contestants"))
others = importlib.import_module("spectra_of_networks")

Run = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
YARDSTICK, OWN = "generated C", "symgrad"


def network(weights: np.ndarray) -> Map:
    """Return x -> tanh(g·Wx + b) as formulas."""
    names = [f"x{i}" for i in range(len(weights))]
    rows = [" + ".join(f"({float(v)!r})*{name}" for v, name in zip(row, names, strict=True)) for row in weights]
    return Map([f"tanh(g*({row}) + b)" for row in rows], names)


def own(weights: np.ndarray, start: np.ndarray) -> Run:
    """Return symgrad's spectra of the network written as formulas."""
    layer = network(weights)
    return lambda g, b, steps: lyapunov_spectrum(layer, start, parameters={"g": g, "b": b}, steps=steps).exponents


def contestants(weights: np.ndarray, start: np.ndarray, chosen: list[str] | None) -> tuple[dict[str, Run], list[str]]:
    """Return the contestants that are here, and the names of those that are not."""
    found, absent = {OWN: own}, []
    if others.compiler():
        found[YARDSTICK] = others.generated_c
    else:
        absent.append("generated C (gcc)")
    for name, (module, factory) in others.CONTESTANTS.items():
        if importlib.util.find_spec(module) is None:
            absent.append(f"{name} ({module})")
        else:
            found[name] = factory
    return {name: make(weights, start) for name, make in found.items() if chosen is None or name in chosen}, absent


def moving(layer: Map, start: np.ndarray, g: np.ndarray, b: np.ndarray, steps: int, count: int) -> np.ndarray:
    """Return the places of a few points whose orbits have not come to a cycle; any points if there are none."""
    period = lyapunov_spectrum(layer, start, parameters={"g": g, "b": b}, steps=steps).period
    places = np.flatnonzero(period == 0) if (period == 0).any() else np.arange(g.size)
    return places[np.linspace(0, len(places) - 1, count).astype(int)]


def errors(runs: dict[str, Run], g: np.ndarray, b: np.ndarray, steps: int, exact: np.ndarray) -> dict[str, float]:
    """Return the largest difference from the exact exponents."""
    found = {}
    for name, run in runs.items():
        exponents = -np.sort(-run(g, b, steps), axis=0)
        found[name] = float(np.abs(exponents - exact).max())
    return found


def measured(runs: dict[str, Run], g: np.ndarray, b: np.ndarray, steps: int, repeats: int) -> dict[str, list[float]]:
    """Return the first call's seconds, and the medians of seconds and of processor seconds, of runs in turns."""
    first, times = {}, {name: [] for name in runs}
    for name, run in runs.items():
        begin = time.perf_counter()
        run(g, b, steps)
        first[name] = time.perf_counter() - begin
    for _ in range(repeats):
        for name, run in runs.items():
            begin = time.perf_counter(), time.process_time()
            run(g, b, steps)
            times[name].append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    return {name: [first[name], *(statistics.median(t) for t in zip(*row, strict=True))] for name, row in times.items()}


def goals(seconds: dict[str, float]) -> list[tuple[str, float, float]]:
    """Return what is asked, the bound, and the value reached."""
    mine = seconds.get(OWN)
    if mine is None:
        return []
    found = [(f"{OWN} over {YARDSTICK}", 8.0, mine / seconds[YARDSTICK])] if YARDSTICK in seconds else []
    return found + [
        (f"{OWN} over {name}", 1.0, mine / s) for name, s in seconds.items() if name not in (OWN, YARDSTICK)
    ]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=64, help="points on a side of the grid")
    parser.add_argument("--units", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--checked", type=int, default=6, help="points compared with 60 digits")
    parser.add_argument("--only", nargs="+", help="names of contestants")
    options = parser.parse_args(argv)
    units, steps = options.units, options.steps
    weights = np.random.default_rng(0).normal(size=(units, units)) / np.sqrt(units)
    start = np.full(units, 0.1) + 0.01 * np.arange(units)
    axes = np.linspace(0.5, 3, options.side), np.linspace(-0.5, 0.5, options.side)
    g, b = (np.ascontiguousarray(a.ravel()) for a in np.meshgrid(*axes, indexing="ij"))
    runs, absent = contestants(weights, start, options.only)
    print(f"not here: {', '.join(absent) or 'nobody'}")
    times = measured(runs, g, b, steps, options.repeats)
    at = moving(network(weights), start, g, b, steps, options.checked)
    exact = [others.truth(weights, start, *pair, steps) for pair in zip(g[at], b[at], strict=True)]
    apart = errors(runs, g[at].copy(), b[at].copy(), steps, -np.sort(-np.stack(exact, axis=1), axis=0))
    busy = {name: row[2] for name, row in times.items()}
    print(f"{units}-unit tanh network, {options.side} x {options.side} points, {steps} steps, all exponents")
    for name, (first, wall, processor) in times.items():
        ratio = f"{processor / busy[YARDSTICK]:8.2f}" if YARDSTICK in busy else "       -"
        print(
            f"{name:22}{wall:9.3f} s, of the processor {processor:8.3f} s {ratio} / C   first call {first:7.3f} s   "
            f"error {apart[name]:.1e}"
        )
    for text, bound, value in goals(busy):
        print(f"{text:36} <= {bound:4.1f} {value:8.2f}  {'met' if value <= bound else 'MISSED'}")


if __name__ == "__main__":
    main()
