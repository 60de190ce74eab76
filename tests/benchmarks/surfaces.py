"""Loss, gradient and log-product on whole surfaces against other tools, side by side in one interleaved run.

Run: python tests/benchmarks/surfaces.py --save result.json
"""

import argparse
import contextlib
import ctypes
import importlib
import importlib.metadata
import importlib.util
import itertools
import json
import math
import os
import platform
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from symgrad.derivation import gradient
from symgrad.kernels import llvm, to_kernel
from symgrad.maps import Map
from symgrad.symbols import n

sys.path.append(str(Path(__file__).parent / "contestants"))
frameworks, generated_c = (importlib.import_module(name) for name in ("frameworks", "generated_c"))

Evaluate = Callable[[np.ndarray, np.ndarray, int], Any]
SURFACES = {  # unit, box of w, box of b, points on a side, depths
    "A": ("sigmoid", (4.0, 8.0), (-6.0, -1.0), 512, (5, 50)),
    "B": ("tanh", (4.0, 8.0), (-6.0, -1.0), 256, (100, 1000, 10**4, 10**5, 10**6)),
    "C": ("tanh", (-4.0, 4.0), (-2.0, 2.0), 256, (1000, 10**5)),
}
START = 0.5
YARDSTICK = "C dense"
SYMGRAD = ("symgrad numpy", "symgrad llvm")


def own(unit: str, backend: str) -> Evaluate:
    """Return one of symgrad's backends, which finish settled orbits."""
    kernel = to_kernel(
        gradient(Map(f"w*{unit}(x) + b", "x") ** n, f"({unit}(x) - 7/10)**2", wrt="w,b"), backend=backend
    )

    def evaluate(w: np.ndarray, b: np.ndarray, depth: int) -> list[Any]:
        found = kernel(START, {"w": w, "b": b}, depth=depth, threads=2)
        return [found.loss.value, found.gradient["w"].value, found.gradient["b"].value, found.growth[0]]

    return evaluate


def llvm_dense(unit: str) -> Evaluate:
    """Return the vector code taking every step."""
    from symgrad.kernels.calls import gather, thread_runner
    from symgrad.kernels.llvm.run import carry

    kernel = to_kernel(gradient(Map(f"w*{unit}(x) + b", "x") ** n, f"({unit}(x) - 7/10)**2", wrt="w,b"), backend="llvm")

    def evaluate(w: np.ndarray, b: np.ndarray, depth: int) -> list[Any]:
        chain = kernel.composition.at_depth(depth)
        points = gather(chain, kernel.needed, START, {"w": w, "b": b})
        found = carry(kernel, chain, points, thread_runner(2), look=False)
        numbers = [found.numbers[key].value for key in ("loss", ("gradient", "w"), ("gradient", "b"))]
        return [v.reshape(w.shape) for v in (*numbers, found.row("growth"))]

    return evaluate


def contestants(unit: str, chosen: list[str] | None) -> tuple[dict[str, Evaluate], list[str]]:
    """Return the contestants that are here, and the names of those that are not."""
    found: dict[str, Callable[[], Evaluate]] = {"symgrad numpy": lambda: own(unit, "numpy")}
    absent = []
    if llvm.available():
        found |= {"symgrad llvm": lambda: own(unit, "llvm"), "symgrad llvm, dense": lambda: llvm_dense(unit)}
    else:
        absent.append("symgrad llvm (llvmlite)")
    found["symgrad lambdify"] = lambda: own(unit, "lambdify")
    if generated_c.compiler():
        found[YARDSTICK] = lambda: generated_c.surface(unit, early=False)
        found["C early exit"] = lambda: generated_c.surface(unit, early=True)
    else:
        absent.append("generated C (gcc)")
    for name, (module, factory) in frameworks.FRAMEWORKS.items():
        if importlib.util.find_spec(module) is None:
            absent.append(f"{name} ({module})")
        else:
            found[name] = lambda factory=factory: factory(unit)
    return {name: make() for name, make in found.items() if chosen is None or name in chosen}, absent


class PeakMemory:
    """Samples the resident memory of this process while something runs."""

    def __init__(self) -> None:
        with contextlib.suppress(AttributeError, OSError):  # what was freed before is given back, not used again unseen
            ctypes.CDLL(None).malloc_trim(0)
        self._end, self.peak, self.before = threading.Event(), 0, self._resident()
        self._thread = threading.Thread(target=self._watch)

    def _resident(self) -> int:
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
        except OSError:
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _watch(self) -> None:
        while not self._end.wait(0.002):
            self.peak = max(self.peak, self._resident())

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def megabytes(self) -> float:
        """The largest memory above that at the beginning."""
        return max(0, self.peak - self.before) / 1e6


def check_points(surface: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a few points of a surface, the last three of them beside the cliff."""
    unit, (w0, w1), (b0, b1), _, _ = SURFACES[surface]
    value = 1 / (1 + math.exp(-START)) if unit == "sigmoid" else math.tanh(START)
    w = np.array([w0 + 0.3 * (w1 - w0), w0 + 0.9 * (w1 - w0), w0 + 0.55 * (w1 - w0)])
    b = np.array([b0 + 0.25 * (b1 - b0), b0 + 0.8 * (b1 - b0), b0 + 0.5 * (b1 - b0)])
    edge = np.array([0.5, 0.65, 0.8]) * w1 if surface == "C" else np.array([4.5, 5.5, 7.0])
    return np.append(w, edge), np.append(b, START - value * edge + np.array([1e-6, -1e-4, 1e-8]))


def truth(unit: str, w: np.ndarray, b: np.ndarray, depth: int) -> np.ndarray:
    """Return loss, dL/dw, dL/db and log|product| from 150 digits."""
    ctx = mpmath.MPContext()
    ctx.dps = 150
    columns = []
    for w_, b_ in zip(w, b, strict=True):
        w1, b1 = ctx.mpf(float(w_)), ctx.mpf(float(b_))
        x, sw, sb, product = ctx.mpf(START), ctx.mpf(0), ctx.mpf(0), ctx.mpf(1)

        def shape(x: Any) -> tuple[Any, Any]:
            y = 1 / (1 + ctx.exp(-x)) if unit == "sigmoid" else ctx.tanh(x)
            return y, y * (1 - y) if unit == "sigmoid" else 1 - y * y

        for _ in range(depth):
            y, slope = shape(x)
            factor = w1 * slope
            x, sw, sb, product = w1 * y + b1, factor * sw + y, factor * sb + 1, factor * product
        y, slope = shape(x)
        error = y - ctx.mpf(7) / 10
        row = [error**2, 2 * error * slope * sw, 2 * error * slope * sb, ctx.log(abs(product))]
        columns.append([float(v) for v in row])
    return np.array(columns).T


def error_of(evaluate: Evaluate, surface: str, depth: int, exact: np.ndarray) -> list[float]:
    """Return the largest relative error of gradient and log-product at ordinary points, and beside the cliff."""
    with np.errstate(all="ignore"):
        found = np.array([np.asarray(v, dtype=float) for v in evaluate(*check_points(surface), depth)])
        apart = np.abs(found - exact)[1:] / np.abs(exact[1:])
        apart = np.where(found[1:] == exact[1:], 0.0, apart)
    return [float(np.max(np.where(np.isnan(part), np.inf, part))) for part in (apart[:, :3], apart[:, 3:])]


def affordable(name: str, surface: str, points: int, depth: int, last: tuple[int, float] | None, limit: float) -> bool:
    """Return whether a run is within the time (going by the last depth) and the memory of the contestant."""
    if depth > frameworks.DEEPEST.get(name, depth) or points * depth > frameworks.MOST_STEPS.get(name, math.inf):
        return False
    quick = name in SYMGRAD or (surface != "C" and name in ("C early exit", "JAX while_loop", "JAX implicit"))
    return last is None or last[1] * (1 if quick else depth / last[0]) <= limit


def measure(surface: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Time every contestant on one surface at every depth, round by round."""
    unit, w_box, b_box, side, depths = SURFACES[surface]
    side, depths = options.size or side, options.depths or depths
    w, b = np.meshgrid(np.linspace(*w_box, side), np.linspace(*b_box, side), indexing="ij")
    found, _ = contestants(unit, options.only)
    last: dict[str, tuple[int, float]] = {}
    rows = []
    for depth in depths:
        playing, first, memory = {}, {}, {}
        for name, evaluate in found.items():
            if not affordable(name, surface, w.size, depth, last.get(name), options.limit):
                continue
            begin = time.perf_counter()
            try:
                with np.errstate(all="ignore"), PeakMemory() as peak:
                    evaluate(w, b, depth)
            except Exception as problem:  # a contestant that fails is named, the others go on
                print(f"{name} fails on {surface} at T = {depth}: {str(problem)[:100]!r}")
                continue
            playing[name], first[name], memory[name] = evaluate, time.perf_counter() - begin, peak.megabytes
        times: dict[str, list[float]] = {name: [] for name in playing}
        for _ in range(options.repeats):
            for name, evaluate in playing.items():
                begin = time.perf_counter()
                with np.errstate(all="ignore"):
                    evaluate(w, b, depth)
                times[name].append(time.perf_counter() - begin)
        exact = truth(unit, *check_points(surface), depth) if depth <= options.checked else None
        for name, evaluate in playing.items():
            median = statistics.median(times[name])
            last[name] = (depth, median)
            errors = error_of(evaluate, surface, depth, exact) if exact is not None else [None, None]
            row = {"surface": surface, "points": w.size, "depth": depth, "contestant": name, "seconds": median}
            row |= {"first": first[name], "memory": memory[name], "error": errors[0], "edge_error": errors[1]}
            rows.append(row)
        yardstick(rows, surface, depth)
    return rows


def yardstick(rows: list[dict[str, Any]], surface: str, depth: int) -> None:
    """Add the ratio to dense C, whose time grows like the depth; deeper than it was run it is extrapolated."""
    dense = [row for row in rows if row["contestant"] == YARDSTICK and row["surface"] == surface]
    if not dense:
        return
    seconds = dense[-1]["seconds"] * depth / dense[-1]["depth"]
    for row in rows:
        if row["depth"] == depth and row["surface"] == surface:
            row |= {"ratio": row["seconds"] / seconds, "extrapolated": dense[-1]["depth"] != depth}


DENSE = "symgrad lambdify"  # float64 step by step, by formulas of its own
ROUNDING = 1e-13
GOALS = [  # surface, depth, contestant, what is asked of seconds/(seconds of dense C)
    ("A", 50, "symgrad numpy", 4.0),
    ("A", 50, "symgrad llvm, dense", 1.2),
    ("B", 1000, "symgrad llvm, dense", 1.2),
    ("B", 1000, "symgrad numpy", 1 / 4),
    ("B", 1000, "symgrad llvm", 1 / 20),
    ("B", 10**5, "symgrad numpy", 1 / 300),
    ("B", 10**5, "symgrad llvm", 1 / 2000),
    ("C", 10**5, "symgrad numpy", 1 / 20),
]


def accuracy(at: dict[Any, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the goals for errors: beside the cliff they are compared with those of the dense float64 run."""
    found = []
    for surface, depth, name in itertools.product("ABC", (50, 1000), SYMGRAD):
        row = at.get((surface, depth, name), {})
        dense = at.get((surface, depth, DENSE), {}).get("edge_error")
        if row.get("error") is None:
            continue
        where = f"{name} on {surface} at T = {depth}"
        found.append({"goal": f"{where}, largest error", "at_most": ROUNDING, "value": row["error"]})
        value = None if dense is None else row["edge_error"] / max(ROUNDING / 4, dense)
        found.append({"goal": f"{where}, over {DENSE}'s at edges", "at_most": 4.0, "value": value})
    return found


def goals(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every goal with the value reached."""
    at = {(row["surface"], row["depth"], row["contestant"]): row for row in rows}
    found = []
    for surface, depth, name, wanted in GOALS:
        row = at.get((surface, depth, name), {})
        found.append({"goal": f"{name} on {surface} at T = {depth}, ratio to dense C", "at_most": wanted})
        found[-1]["value"] = row.get("ratio")
    for name in SYMGRAD:
        far, near = (at.get(("B", depth, name), {}).get("seconds") for depth in (10**6, 1000))
        found.append(
            {"goal": f"{name} on B, T = 10^6 over T = 10^3", "at_most": 1.5, "value": far and near and far / near}
        )
    found += accuracy(at)
    for surface, depth, name in (("A", 50, "symgrad numpy"), ("A", 50, "symgrad llvm")):
        row = at.get((surface, depth, name), {})
        found.append({"goal": f"{name} on A, extra MB", "at_most": 20.0, "value": row.get("memory")})
    first = at.get(("A", 50, "symgrad llvm"), {}), at.get(("A", 5, "symgrad llvm"), {})
    value = first[1].get("first") and first[1]["first"] - first[1]["seconds"]
    return [*found, {"goal": "symgrad llvm, first call, seconds of compiling", "at_most": 0.25, "value": value}]


def machine() -> dict[str, Any]:
    """Return what the numbers were measured on."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    versions = {}
    for name in ("symgrad", "numpy", "sympy", "llvmlite", "jax", "torch", "numba", "heyoka", "casadi"):
        if importlib.util.find_spec(name) is not None:
            versions[name] = importlib.metadata.version(name)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    processor = models[0] if models else platform.processor()
    return {"processor": processor, "cores": os.cpu_count(), "load": load, "python": platform.python_version()} | {
        "system": platform.system(),
        "versions": versions,
    }


def show(rows: list[dict[str, Any]], reached: list[dict[str, Any]]) -> None:
    """Print the table and the goals."""
    print(f"{'surface':8}{'T':>8} {'contestant':26}{'seconds':>10}{'/ C':>10}{'first s':>9}{'MB':>6}  errors (edge)")
    for row in rows:
        ratio = f"{row['ratio']:.4g}{'*' if row['extrapolated'] else ''}" if "ratio" in row else "-"
        errors = "not checked" if row["error"] is None else f"{row['error']:.1e} ({row['edge_error']:.1e})"
        line = f"{row['surface']:8}{row['depth']:8} {row['contestant']:26}{row['seconds']:10.4f}{ratio:>10}"
        print(f"{line}{row['first']:9.3f}{row['memory']:6.0f}  {errors}")
    print("* dense C extrapolated from the largest depth at which it was run")
    for goal in reached:
        value = goal["value"]
        verdict = "not measured" if value is None else "met" if value <= goal["at_most"] else "MISSED"
        print(f"{goal['goal']:62} <= {goal['at_most']:<9.4g} {'-' if value is None else f'{value:.4g}':>9}  {verdict}")


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surfaces", nargs="+", default=list(SURFACES))
    parser.add_argument("--size", type=int, help="points on a side, the same for all surfaces")
    parser.add_argument("--depths", type=int, nargs="+")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=float, default=6.0, help="the longest single run that is expected, in seconds")
    parser.add_argument("--checked", type=int, default=1000, help="the largest depth compared with 150 digits")
    parser.add_argument("--only", nargs="+", help="names of contestants")
    parser.add_argument("--save", type=Path, help="write the result there as JSON")
    options = parser.parse_args(argv)
    _, absent = contestants("tanh", ["nobody"])
    print(f"not here: {', '.join(absent) or 'nobody'}")
    rows: list[dict[str, Any]] = []
    for surface in options.surfaces:
        rows += measure(surface, options)
        if options.save:
            result = {"machine": machine(), "absent": absent, "rows": rows, "goals": goals(rows)}
            options.save.write_text(json.dumps(result, indent=1) + "\n")
    show(rows, goals(rows))


if __name__ == "__main__":
    main()
