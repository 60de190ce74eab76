"""Other people's tools on the same surface: functions (w, b, depth) → loss, dL/dw, dL/db, log|product|."""

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy

Surface = Callable[[np.ndarray, np.ndarray, int], Any]
START, TARGET = 0.5, 0.7
X, W, B = sympy.symbols("x w b", real=True)
SHAPES = {"sigmoid": 1 / (1 + sympy.exp(-X)), "tanh": sympy.tanh(X)}


def one_step(unit: str) -> list[sympy.Expr]:
    """Return a step and its derivatives by x, w, b as SymPy gives them."""
    step = W * SHAPES[unit] + B
    return [step, *(sympy.diff(step, s) for s in (X, W, B))]


def with_loss(unit: str, x: Any, sw: Any, sb: Any, logs: Any) -> list[Any]:
    """Attach the loss to what was carried, with SymPy's derivative."""
    loss = (SHAPES[unit] - sympy.Float(TARGET)) ** 2
    value, slope = (sympy.lambdify([X], e, "numpy")(x) for e in (loss, sympy.diff(loss, X)))
    return [value, slope * sw, slope * sb, logs]


def carried(step: Callable[..., Any], unit: str, w: np.ndarray, b: np.ndarray, depth: int) -> list[Any]:
    """Loop a compiled step with its derivatives over whole arrays."""
    x, sw, sb, logs = np.full(w.shape, START), np.zeros(w.shape), np.zeros(w.shape), np.zeros(w.shape)
    for _ in range(depth):
        new, f, fw, fb = step(x, w, b)
        sw, sb, logs, x = f * sw + fw, f * sb + fb, logs + np.log(np.abs(f)), new
    return with_loss(unit, x, sw, sb, logs)


def lambdify_looped(unit: str) -> Surface:
    step = sympy.lambdify([X, W, B], one_step(unit), "numpy", cse=True)
    return lambda w, b, depth: carried(step, unit, w, b, depth)


def sympy_written_out(unit: str) -> Surface:
    """Nest the expression, differentiate, compile: what one writes first."""
    compiled: dict[int, Any] = {}

    def evaluate(w: np.ndarray, b: np.ndarray, depth: int) -> list[Any]:
        if depth not in compiled:
            chain: sympy.Expr = X
            for _ in range(depth):
                chain = W * SHAPES[unit].subs(X, chain) + B
            loss = (SHAPES[unit].subs(X, chain) - sympy.Float(TARGET)) ** 2
            product = sympy.log(sympy.Abs(sympy.diff(chain, X)))
            row = [e.subs(X, sympy.Float(START)) for e in (loss, sympy.diff(loss, W), sympy.diff(loss, B), product)]
            compiled[depth] = sympy.lambdify([W, B], row, "numpy", cse=True)
        return list(compiled[depth](w, b))

    return evaluate


def jax_forward(unit: str) -> Surface:
    jax, jnp = _jax()
    shape = jax.nn.sigmoid if unit == "sigmoid" else jnp.tanh

    def point(w: Any, b: Any, x0: Any, depth: Any) -> Any:
        x = jax.lax.fori_loop(0, depth, lambda _, x: w * shape(x) + b, x0)
        return (shape(x) - TARGET) ** 2, x

    def both(w: Any, b: Any, depth: Any) -> Any:
        grads, xs = [], jnp.full_like(w, START)
        one, zero = jnp.ones_like(w), jnp.zeros_like(w)
        for t in ((one, zero, zero), (zero, one, zero), (zero, zero, one)):
            (loss, _), (slope, dx) = jax.jvp(lambda w, b, x: point(w, b, x, depth), (w, b, xs), t)
            grads.append(slope)
        return loss, grads[0], grads[1], jnp.log(jnp.abs(dx))

    run = jax.jit(both)
    return lambda w, b, depth: [np.asarray(v) for v in jax.block_until_ready(run(w, b, depth))]


def jax_reverse(unit: str) -> Surface:
    jax, jnp = _jax()
    shape = jax.nn.sigmoid if unit == "sigmoid" else jnp.tanh

    def total(w: Any, b: Any, x0: Any, depth: int) -> Any:
        x, _ = jax.lax.scan(lambda x, _: (w * shape(x) + b, None), x0, None, length=depth)
        loss = (shape(x) - TARGET) ** 2
        return loss.sum(), (loss, x)

    def both(w: Any, b: Any, depth: int) -> Any:
        x0 = jnp.full_like(w, START)
        (_, (loss, _)), (gw, gb) = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)(w, b, x0, depth)
        dx = jax.grad(lambda x0: total(w, b, x0, depth)[1][1].sum())(x0)
        return loss, gw, gb, jnp.log(jnp.abs(dx))

    run = jax.jit(both, static_argnums=2)
    return lambda w, b, depth: [np.asarray(v) for v in jax.block_until_ready(run(w, b, depth))]


def _jax_settled(unit: str) -> tuple[Any, Any, Any]:
    jax, jnp = _jax()
    shape = jax.nn.sigmoid if unit == "sigmoid" else jnp.tanh
    slope = jax.vmap(jax.grad(lambda x: shape(x)))

    def factor(w: Any, x: Any) -> Any:
        return w * slope(x.reshape(-1)).reshape(x.shape)

    return jax, shape, factor


def jax_while(unit: str) -> Surface:
    """Stop when no point of the grid moves any more; the tangents by hand, the rest in closed form."""
    jax, shape, factor = _jax_settled(unit)
    jnp = jax.numpy

    def both(w: Any, b: Any, depth: Any) -> Any:
        zero = jnp.zeros_like(w)

        def going(c: Any) -> Any:
            return (c[0] < depth) & c[5]

        def step(c: Any) -> Any:
            t, x, sw, sb, logs, _ = c
            f, y = factor(w, x), shape(x)
            new = w * y + b
            moved = jnp.any(~((jnp.abs(new - x) <= 1e-15 * jnp.abs(x)) & (jnp.abs(f) < 0.999)))
            return t + 1, new, f * sw + y, f * sb + 1.0, logs + jnp.log(jnp.abs(f)), moved

        t, x, sw, sb, logs, _ = jax.lax.while_loop(going, step, (0, zero + START, zero, zero, zero, True))
        f, left = factor(w, x), depth - t
        tail = jnp.where(left > 0, f ** left.astype(float), 1.0)
        series = jnp.where(left > 0, (1 - tail) / (1 - f), 0.0)
        sw, sb, logs = tail * sw + shape(x) * series, tail * sb + series, logs + left * jnp.log(jnp.abs(f))
        outer = 2 * (shape(x) - TARGET) * factor(jnp.ones_like(w), x)
        return (shape(x) - TARGET) ** 2, outer * sw, outer * sb, logs

    run = jax.jit(both)
    return lambda w, b, depth: [np.asarray(v) for v in jax.block_until_ready(run(w, b, depth))]


def jax_implicit(unit: str) -> Surface:
    """Iterate the state until it stands, then dx*/dtheta = f_theta/(1 - f_x); wrong where the depth is felt."""
    jax, shape, factor = _jax_settled(unit)
    jnp = jax.numpy

    def both(w: Any, b: Any, depth: Any) -> Any:
        def step(c: Any) -> Any:
            new = w * shape(c[1]) + b
            return c[0] + 1, new, jnp.any(jnp.abs(new - c[1]) > 1e-15 * jnp.abs(new))

        start = (0, jnp.full_like(w, START), True)
        _, x, _ = jax.lax.while_loop(lambda c: (c[0] < depth) & c[2], step, start)
        f = factor(w, x)
        outer = 2 * (shape(x) - TARGET) * factor(jnp.ones_like(w), x)
        return (shape(x) - TARGET) ** 2, outer * shape(x) / (1 - f), outer / (1 - f), depth * jnp.log(jnp.abs(f))

    run = jax.jit(both)
    return lambda w, b, depth: [np.asarray(v) for v in jax.block_until_ready(run(w, b, depth))]


def _jax() -> tuple[Any, Any]:
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax, jax.numpy


def torch_reverse(unit: str) -> Surface:
    import torch

    shape = torch.sigmoid if unit == "sigmoid" else torch.tanh
    torch.set_num_threads(2)

    def evaluate(w: np.ndarray, b: np.ndarray, depth: int) -> list[Any]:
        tw, tb = (torch.tensor(v, requires_grad=True) for v in (w, b))
        x0 = torch.full(w.shape, START, dtype=torch.float64, requires_grad=True)
        x = x0
        for _ in range(depth):
            x = tw * shape(x) + tb
        loss = (shape(x) - TARGET) ** 2
        gw, gb = torch.autograd.grad(loss.sum(), (tw, tb), retain_graph=True)
        (dx,) = torch.autograd.grad(x.sum(), x0)
        return [v.detach().numpy() for v in (loss, gw, gb, dx.abs().log())]

    return evaluate


def torch_compiled(unit: str) -> Surface:
    """Four steps with their tangents as one compiled function."""
    import torch

    shape = torch.sigmoid if unit == "sigmoid" else torch.tanh
    torch.set_num_threads(2)

    def slope(y: Any) -> Any:
        return y * (1 - y) if unit == "sigmoid" else 1 - y * y

    def steps(x: Any, sw: Any, sb: Any, logs: Any, w: Any, b: Any, count: int) -> Any:
        for _ in range(count):
            y = shape(x)
            f = w * slope(y)
            sw, sb, logs, x = f * sw + y, f * sb + 1, logs + f.abs().log(), w * y + b
        return x, sw, sb, logs

    run = torch.compile(steps, dynamic=True)

    def evaluate(w: np.ndarray, b: np.ndarray, depth: int) -> list[Any]:
        tw, tb = torch.from_numpy(w.copy()), torch.from_numpy(b.copy())
        zero = torch.zeros_like(tw)
        c = (torch.full_like(tw, START), zero, zero, zero)
        for _ in range(depth // 4):
            c = run(*c, tw, tb, 4)
        c = steps(*c, tw, tb, depth % 4)
        y = shape(c[0])
        outer = 2 * (y - TARGET) * slope(y)
        return [v.numpy() for v in ((y - TARGET) ** 2, outer * c[1], outer * c[2], c[3])]

    return evaluate


def numba_loop(unit: str) -> Surface:
    import math

    import numba

    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    logistic = unit == "sigmoid"

    @numba.njit(parallel=True, fastmath=True)
    def run(w: Any, b: Any, depth: int, out: Any) -> None:
        for i in numba.prange(w.size):
            x, sw, sb, logs = START, 0.0, 0.0, 0.0
            for _ in range(depth):
                y = 1.0 / (1.0 + math.exp(-x)) if logistic else math.tanh(x)
                f = w[i] * (y * (1.0 - y) if logistic else 1.0 - y * y)
                sw, sb, logs, x = f * sw + y, f * sb + 1.0, logs + math.log(abs(f)), w[i] * y + b[i]
            y = 1.0 / (1.0 + math.exp(-x)) if logistic else math.tanh(x)
            outer = 2.0 * (y - TARGET) * (y * (1.0 - y) if logistic else 1.0 - y * y)
            out[0, i], out[1, i], out[2, i], out[3, i] = (y - TARGET) ** 2, outer * sw, outer * sb, logs

    def evaluate(w: np.ndarray, b: np.ndarray, depth: int) -> list[Any]:
        out = np.empty((4, w.size))
        run(np.ascontiguousarray(w).reshape(-1), np.ascontiguousarray(b).reshape(-1), depth, out)
        return [row.reshape(w.shape) for row in out]

    return evaluate


def heyoka_step(unit: str) -> Surface:
    import heyoka

    x, w, b = heyoka.make_vars("x", "w", "b")
    shape = heyoka.sigmoid(x) if unit == "sigmoid" else heyoka.tanh(x)
    step = w * shape + b
    function = heyoka.cfunc([step, *(heyoka.diff(step, s) for s in (x, w, b))], vars=[x, w, b])

    def call(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> Any:
        return function(np.ascontiguousarray([x, w, b]))

    def evaluate(w: np.ndarray, b: np.ndarray, depth: int) -> list[Any]:
        parts = carried(call, unit, w.reshape(-1), b.reshape(-1), depth)
        return [part.reshape(w.shape) for part in parts]

    return evaluate


def casadi_step(unit: str) -> Surface:
    import casadi

    x, w, b = (casadi.SX.sym(name) for name in "xwb")
    step = w * (1 / (1 + casadi.exp(-x)) if unit == "sigmoid" else casadi.tanh(x)) + b
    function = casadi.Function("step", [x, w, b], [step, *(casadi.jacobian(step, s) for s in (x, w, b))])

    def call(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> Any:
        rows = function.map(x.size)(x[None], w[None], b[None])
        return [np.asarray(row).reshape(-1) for row in rows]

    def evaluate(w: np.ndarray, b: np.ndarray, depth: int) -> list[Any]:
        parts = carried(call, unit, w.reshape(-1), b.reshape(-1), depth)
        return [part.reshape(w.shape) for part in parts]

    return evaluate


FRAMEWORKS: dict[str, tuple[str, Callable[[str], Surface]]] = {  # name → (module it needs, factory)
    "one-step lambdify looped": ("sympy", lambdify_looped),
    "SymPy diff + lambdify": ("sympy", sympy_written_out),
    "JAX forward": ("jax", jax_forward),
    "JAX reverse": ("jax", jax_reverse),
    "JAX while_loop": ("jax", jax_while),
    "JAX implicit": ("jax", jax_implicit),
    "PyTorch reverse": ("torch", torch_reverse),
    "torch.compile": ("torch", torch_compiled),
    "numba": ("numba", numba_loop),
    "heyoka": ("heyoka", heyoka_step),
    "CasADi": ("casadi", casadi_step),
}
MOST_STEPS = {"JAX reverse": 3e7, "PyTorch reverse": 3e7}  # they keep every state: 0.25 to 1 GB at so many
DEEPEST = {"SymPy diff + lambdify": 5, "CasADi": 50}
