"""Lyapunov spectra beside generated C. Run: python tests/benchmarks/spectra.py

Goals: Hénon, 10^6 steps as 1000 orbits of 1000 after a transient, at most 1 s; 256 units over 1000 steps at most 20 s;
all exponents of an 8-unit tanh network on 64 x 64 parameters over 100 steps in at most 8 times generated C. On a
machine that others use too, set OPENBLAS_NUM_THREADS=1: waiting threads of the library cost the wide network the most.
"""

import argparse
import ctypes
import importlib.util
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from symgrad.maps import Map
from symgrad.phenomena.spectra.lyapunov import lyapunov_spectrum
from symgrad.phenomena.spectra.systems import NumericMap, system_of

C_SOURCE = """
#include <math.h>
#define D {d}
static const double W[D][D] = {{{weights}}};
void run(const double *g, const double *b, const double *start, double *out, long points, long steps) {{
  #pragma omp parallel for schedule(static)
  for (long p = 0; p < points; p++) {{
    double x[D], y[D], Q[D][D], Z[D][D], sum[D];
    for (int i = 0; i < D; i++) {{ x[i] = start[i]; sum[i] = 0; for (int j = 0; j < D; j++) Q[i][j] = i == j; }}
    for (long t = 0; t < steps; t++) {{
      for (int i = 0; i < D; i++) {{
        double s = b[p]; for (int j = 0; j < D; j++) s += g[p] * W[i][j] * x[j]; y[i] = tanh(s);
      }}
      for (int i = 0; i < D; i++) {{
        double slope = g[p] * (1 - y[i] * y[i]);
        for (int c = 0; c < D; c++) {{
          double s = 0; for (int j = 0; j < D; j++) s += W[i][j] * Q[j][c]; Z[i][c] = slope * s;
        }}
        x[i] = y[i];
      }}
      for (int j = 0; j < D; j++) {{
        double n = 0; for (int i = 0; i < D; i++) n += Z[i][j] * Z[i][j];
        n = sqrt(n); sum[j] += log(n);
        for (int i = 0; i < D; i++) Q[i][j] = Z[i][j] / n;
        for (int c = j + 1; c < D; c++) {{
          double s = 0; for (int i = 0; i < D; i++) s += Q[i][j] * Z[i][c];
          for (int i = 0; i < D; i++) Z[i][c] -= s * Q[i][j];
        }}
      }}
    }}
    for (int j = 0; j < D; j++) out[j * points + p] = sum[j] / steps;
  }}
}}
"""


def best(call: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Return the least time of several calls, and the last result."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - begin)
    return min(times), result


def network(weights: np.ndarray) -> Map:
    """Return x -> tanh(g·Wx + b) as formulas."""
    names = [f"x{i}" for i in range(len(weights))]
    rows = [" + ".join(f"({float(v)!r})*{name}" for v, name in zip(row, names, strict=True)) for row in weights]
    return Map([f"tanh(g*({row}) + b)" for row in rows], names)


def compiled(weights: np.ndarray, folder: str) -> Any:
    """Return the C function, None without a compiler."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return None
    source = Path(folder) / "spectrum.c"
    rows = ", ".join("{" + ", ".join(repr(float(v)) for v in row) + "}" for row in weights)
    source.write_text(C_SOURCE.format(d=len(weights), weights=rows))
    library = source.with_suffix(".so")
    flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC"]
    unlinked = source.with_suffix(".o")
    subprocess.run([compiler, *flags, "-c", str(source), "-o", str(unlinked)], check=True)
    # Linked without -ffast-math, which would make the whole process take subnormal numbers for 0.
    subprocess.run([compiler, "-shared", "-fopenmp", str(unlinked), "-o", str(library), "-lm", "-lmvec"], check=True)
    return ctypes.CDLL(str(library)).run


def against_c(side: int, steps: int, units: int, repeats: int) -> None:
    weights = np.random.default_rng(0).normal(size=(units, units)) / np.sqrt(units)
    layer = network(weights)
    g, b = (a.ravel() for a in np.meshgrid(np.linspace(0.5, 3, side), np.linspace(-0.5, 0.5, side), indexing="ij"))
    start = np.full(units, 0.1) + 0.01 * np.arange(units)
    begin = time.perf_counter()
    system_of(layer)
    lyapunov_spectrum(layer, start, parameters={"g": g[:2], "b": b[:2]}, steps=2)
    print(f"{units} units: derived and compiled once in {time.perf_counter() - begin:.2f} s")
    own, found = best(lambda: lyapunov_spectrum(layer, start, parameters={"g": g, "b": b}, steps=steps), repeats)
    print(f"{units}-unit tanh network, {side} x {side} points, {steps} steps, all exponents: {own:.3f} s")
    with tempfile.TemporaryDirectory() as folder:
        function = compiled(weights, folder)
        if function is None:
            print("no C compiler here, so no ratio to C")
        else:
            out = np.empty((units, g.size))
            pointers = [ctypes.c_void_p(a.ctypes.data) for a in (g, b, start, out)]
            c, _ = best(lambda: function(*pointers, ctypes.c_long(g.size), ctypes.c_long(steps)), repeats)
            bounded = found.period[0] == 0
            apart = np.abs(-np.sort(-out, axis=0)[:, bounded] - found.exponents[:, bounded]).max(initial=0)
            print(f"generated C, two threads: {c:.3f} s; ratio {own / c:.1f} (goal 8); largest difference {apart:.1e}")
    for name in ("jax", "torch"):
        print(f"{name}: " + ("not compared" if importlib.util.find_spec(name) else "not installed, not compared"))


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
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--units", type=int, default=8)
    parser.add_argument("--orbits", type=int, default=1000)
    parser.add_argument("--orbit-steps", type=int, default=1000)
    parser.add_argument("--wide", type=int, default=256)
    parser.add_argument("--wide-steps", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(argv)
    against_c(options.side, options.steps, options.units, options.repeats)
    henon(options.orbits, options.orbit_steps, options.repeats)
    wide(options.wide, options.wide_steps)


if __name__ == "__main__":
    main()
