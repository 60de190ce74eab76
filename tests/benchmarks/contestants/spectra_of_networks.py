"""All exponents of x -> tanh(g·Wx + b) on many (g, b): functions (weights, start) → run(g, b, steps) → exponents.

Each carries an orthonormal frame, multiplies it by the Jacobian and orthonormalises it at every step.
"""

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

Run = Callable[[np.ndarray, np.ndarray, int], np.ndarray]

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


def compiler() -> str | None:
    """Return the C compiler that is there."""
    return shutil.which("gcc")


def generated_c(weights: np.ndarray, start: np.ndarray) -> Run:
    """Return the loop as C for these weights, OpenMP threads over the points."""
    program = compiler()
    assert program is not None
    rows = ", ".join("{" + ", ".join(repr(float(v)) for v in row) + "}" for row in weights)
    flags = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC"]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "spectrum.c"
        source.write_text(C_SOURCE.format(d=len(weights), weights=rows))
        library, unlinked = source.with_suffix(".so"), source.with_suffix(".o")
        subprocess.run([program, *flags, "-c", str(source), "-o", str(unlinked)], check=True)
        # Linked without -ffast-math, which would make the whole process take subnormal numbers for 0.
        together = [program, "-shared", "-fopenmp", str(unlinked), "-o", str(library), "-lm", "-lmvec"]
        subprocess.run(together, check=True)
        function = ctypes.CDLL(str(library)).run

    def run(g: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
        out = np.empty((len(weights), g.size))
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (g, b, start, out)]
        function(*pointers, ctypes.c_long(g.size), ctypes.c_long(steps))
        return out

    return run


def _gram_schmidt(columns: Any, xp: Any) -> tuple[Any, list[Any]]:
    """Orthonormalise a list of columns, each (d, points), as one unrolled by hand; return them and their lengths."""
    found: list[Any] = []
    lengths = []
    rest = list(columns)
    for j in range(len(rest)):
        size = xp.sqrt((rest[j] * rest[j]).sum(0))
        unit = rest[j] / size
        found.append(unit)
        lengths.append(size)
        for c in range(j + 1, len(rest)):
            rest[c] = rest[c] - unit * (unit * rest[c]).sum(0)
    return found, lengths


def jax_gram_schmidt(weights: np.ndarray, start: np.ndarray) -> Run:
    """The tangents by ``jax.jvp``, points last, Gram–Schmidt unrolled; one compiled loop."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp, d = jax.numpy, len(weights)
    matrix = jnp.asarray(weights)

    def both(g: Any, b: Any, steps: Any) -> Any:
        def one(_: Any, carried: Any) -> Any:
            x, frame, sums = carried
            _, push = jax.linearize(lambda x: jnp.tanh(g * (matrix @ x) + b), x)
            columns = jax.vmap(push, in_axes=0)(frame)
            units, lengths = _gram_schmidt([columns[c] for c in range(d)], jnp)
            return jnp.tanh(g * (matrix @ x) + b), jnp.stack(units), sums + jnp.log(jnp.stack(lengths))

        x = jnp.broadcast_to(jnp.asarray(start)[:, None], (d, g.size))
        frame = jnp.broadcast_to(jnp.eye(d)[:, :, None], (d, d, g.size))
        return jax.lax.fori_loop(0, steps, one, (x, frame, jnp.zeros((d, g.size))))[2] / steps

    compiled = jax.jit(both)
    return lambda g, b, steps: np.asarray(jax.block_until_ready(compiled(g, b, steps)))


def jax_qr(weights: np.ndarray, start: np.ndarray) -> Run:
    """As one writes it first: ``jax.jacfwd`` and ``jnp.linalg.qr`` of one point, mapped over the points."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jnp, d = jax.numpy, len(weights)
    matrix = jnp.asarray(weights)

    def point(g: Any, b: Any, steps: Any) -> Any:
        def step(x: Any) -> Any:
            return jnp.tanh(g * (matrix @ x) + b)

        def one(_: Any, carried: Any) -> Any:
            x, frame, sums = carried
            frame, upper = jnp.linalg.qr(jax.jacfwd(step)(x) @ frame)
            return step(x), frame, sums + jnp.log(jnp.abs(jnp.diagonal(upper)))

        return jax.lax.fori_loop(0, steps, one, (jnp.asarray(start), jnp.eye(d), jnp.zeros(d)))[2] / steps

    compiled = jax.jit(jax.vmap(point, in_axes=(0, 0, None), out_axes=1))
    return lambda g, b, steps: np.asarray(jax.block_until_ready(compiled(g, b, steps)))


def torch_gram_schmidt(weights: np.ndarray, start: np.ndarray) -> Run:
    """Tensors with the points last, the Jacobian by hand, Gram–Schmidt column by column."""
    import torch

    matrix, d = torch.from_numpy(weights), len(weights)

    def run(g: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
        with torch.no_grad():
            gain, shift = torch.from_numpy(g), torch.from_numpy(b)
            x = torch.from_numpy(start)[:, None].expand(d, g.size)
            frame = torch.eye(d, dtype=torch.float64)[:, :, None].repeat(1, 1, g.size)
            sums = torch.zeros((d, g.size), dtype=torch.float64)
            for _ in range(steps):
                x = torch.tanh(gain * (matrix @ x) + shift)
                pushed = (matrix @ frame.reshape(d, -1)).reshape(d, d, -1) * (gain * (1 - x * x))[:, None]
                for j in range(d):
                    size = pushed[:, j].norm(dim=0)
                    sums[j] += size.log()
                    pushed[:, j] /= size
                    if j + 1 < d:
                        shares = (pushed[:, j, None] * pushed[:, j + 1 :]).sum(0)
                        pushed[:, j + 1 :] -= pushed[:, j, None] * shares
                frame = pushed
            return np.asarray((sums / steps).numpy())

    return run


def torch_qr(weights: np.ndarray, start: np.ndarray) -> Run:
    """Tensors with the points first and ``torch.linalg.qr``."""
    import torch

    matrix, d = torch.from_numpy(weights), len(weights)

    def run(g: np.ndarray, b: np.ndarray, steps: int) -> np.ndarray:
        with torch.no_grad():
            gain, shift = torch.from_numpy(g)[:, None], torch.from_numpy(b)[:, None]
            x = torch.from_numpy(start).expand(g.size, d)
            frame = torch.eye(d, dtype=torch.float64).expand(g.size, d, d)
            sums = torch.zeros((g.size, d), dtype=torch.float64)
            for _ in range(steps):
                x = torch.tanh(gain * (x @ matrix.T) + shift)
                frame, upper = torch.linalg.qr((gain * (1 - x * x))[:, :, None] * (matrix @ frame))
                sums += upper.diagonal(dim1=1, dim2=2).abs().log()
            return np.asarray((sums.T / steps).numpy())

    return run


CONTESTANTS: dict[str, tuple[str, Callable[[np.ndarray, np.ndarray], Run]]] = {
    "JAX, Gram-Schmidt": ("jax", jax_gram_schmidt),
    "JAX, linalg.qr": ("jax", jax_qr),
    "torch, Gram-Schmidt": ("torch", torch_gram_schmidt),
    "torch, linalg.qr": ("torch", torch_qr),
}


def truth(weights: np.ndarray, start: np.ndarray, g: float, b: float, steps: int) -> np.ndarray:
    """Return the exponents of one point from 60 digits, by Gram–Schmidt at every step."""
    ctx = mpmath.MPContext()
    ctx.dps = 60
    d, gain, shift = len(weights), ctx.mpf(float(g)), ctx.mpf(float(b))
    matrix = [[ctx.mpf(float(v)) for v in row] for row in weights]
    x, sums = [ctx.mpf(float(v)) for v in start], [ctx.mpf(0)] * d
    columns = [[ctx.mpf(int(i == j)) for i in range(d)] for j in range(d)]
    for _ in range(steps):
        x = [ctx.tanh(gain * ctx.fdot(row, x) + shift) for row in matrix]
        slopes = [gain * (1 - v * v) for v in x]
        columns = [[s * ctx.fdot(row, c) for s, row in zip(slopes, matrix, strict=True)] for c in columns]
        for j in range(d):
            size = ctx.sqrt(ctx.fdot(columns[j], columns[j]))
            sums[j] += ctx.log(size)
            columns[j] = [v / size for v in columns[j]]
            for c in range(j + 1, d):
                share = ctx.fdot(columns[j], columns[c])
                columns[c] = [v - share * u for v, u in zip(columns[c], columns[j], strict=True)]
    return np.array([float(s / steps) for s in sums])
