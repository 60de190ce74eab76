"""The contestant in C: the same mathematics as the kernels, compiled by gcc with its vector mathematics library."""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np

FLAGS = ["-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-fPIC", "-std=gnu11"]
LANES, SPAN = 64, 12
UNITS = {  # value and factor of the activation from one exponential, inside a loop over lanes
    "sigmoid": "double e = exp(-x[i]), r = 1.0 / (1.0 + e), y = r, d = e * r * r;",
    "tanh": "double e = exp(-2.0 * x[i]), r = 1.0 / (1.0 + e), y = r - e * r, d = 4.0 * (e * r) * r;",
}
SOURCE = """
#include <math.h>
#include <stdint.h>
#define N LANES
/* x <- w f(x) + b, loss (f(x_T) - 0.7)^2: loss, dL/dw, dL/db and log|product|; early: stop where the state repeats */
void run(int64_t first, int64_t last, int64_t depth, int64_t early, double x0,
         const double *W, const double *B, double *loss, double *gw, double *gb, double *logs) {
  for (int64_t g = first; g < last; g += N) {
    double x[N], w[N], b[N], sw[N], sb[N], p[N], h[N], P[N], qw[N], qb[N], old[N];
    for (int i = 0; i < N; i++) {
      x[i] = x0; w[i] = W[g + i]; b[i] = B[g + i]; sw[i] = sb[i] = h[i] = 0.0;
    }
    int64_t t = 0;
    while (t < depth) {
      int64_t n = depth - t < SPAN ? depth - t : SPAN;
      for (int i = 0; i < N; i++) { P[i] = 1.0; qw[i] = qb[i] = 0.0; old[i] = x[i]; }
      for (int64_t k = 0; k < n; k++) {
        #pragma omp simd
        for (int i = 0; i < N; i++) {
          UNIT
          double f = w[i] * d;
          qw[i] = f * qw[i] + y; qb[i] = f * qb[i] + 1.0; P[i] *= f; x[i] = w[i] * y + b[i];
        }
      }
      #pragma omp simd
      for (int i = 0; i < N; i++) {
        sw[i] = P[i] * sw[i] + qw[i]; sb[i] = P[i] * sb[i] + qb[i]; h[i] += log(fabs(P[i]));
      }
      t += n;
      if (early && n == SPAN) {
        int moving = 0;
        for (int i = 0; i < N; i++)
          moving |= !(fabs(x[i] - old[i]) <= 1e-15 * fabs(x[i]) && fabs(P[i]) < 0.999);
        if (!moving) {
          int64_t m = (depth - t) / SPAN;
          #pragma omp simd
          for (int i = 0; i < N; i++) {
            double l = log(fabs(P[i])), q = exp((double)m * l), s = (1.0 - q) / (1.0 - P[i]);
            if (P[i] < 0.0 && (m & 1)) { q = -q; s = (1.0 - q) / (1.0 - P[i]); }
            sw[i] = q * sw[i] + qw[i] * s; sb[i] = q * sb[i] + qb[i] * s; h[i] += (double)m * l;
          }
          t += m * SPAN;
        }
      }
    }
    #pragma omp simd
    for (int i = 0; i < N; i++) {
      UNIT
      double e1 = y - 0.7;
      loss[g + i] = e1 * e1; gw[g + i] = 2.0 * e1 * d * sw[i]; gb[g + i] = 2.0 * e1 * d * sb[i]; logs[g + i] = h[i];
    }
  }
}
"""
Surface = Callable[[np.ndarray, np.ndarray, int], list[np.ndarray]]


def compiler() -> str | None:
    """Return the C compiler that is there."""
    return shutil.which("gcc")


def compiled(unit: str, folder: Path) -> ctypes.CDLL:
    """Compile the surface of one unit into a folder."""
    text = SOURCE.replace("UNIT", UNITS[unit])
    text = text.replace("LANES", str(LANES)).replace("SPAN", str(SPAN))
    source, library = folder / f"{unit}.c", folder / f"{unit}.so"
    source.write_text(text)
    program, unlinked = compiler() or "gcc", folder / f"{unit}.o"
    subprocess.run([program, *FLAGS, "-c", "-o", unlinked, source], check=True)
    # Linked without -ffast-math, which would make the whole process take subnormal numbers for 0.
    subprocess.run([program, "-shared", "-o", library, unlinked, "-lmvec", "-lm"], check=True)
    return ctypes.CDLL(str(library))


def surface(unit: str, *, early: bool, threads: int = 2, start: float = 0.5) -> Surface:
    """Return a function (w, b, depth) → loss, dL/dw, dL/db, log|product| on so many threads."""
    folder = tempfile.TemporaryDirectory()
    run = compiled(unit, Path(folder.name)).run
    pointer, count = ctypes.c_void_p, ctypes.c_int64
    run.argtypes = [count, count, count, count, ctypes.c_double, *[pointer] * 6]
    run.restype = None

    def evaluate(w: np.ndarray, b: np.ndarray, depth: int) -> list[np.ndarray]:
        assert folder is not None
        size = -(-w.size // LANES) * LANES
        given = [np.resize(v.reshape(-1), size) for v in (w, b)]
        results = [np.empty(size) for _ in range(4)]
        pointers = [a.ctypes.data for a in (*given, *results)]
        marks = [LANES * round(size / LANES * i / (8 * threads)) for i in range(8 * threads + 1)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda ends: run(*ends, depth, int(early), start, *pointers), pairwise(marks)))
        return [r[: w.size].reshape(w.shape) for r in results]

    return evaluate
