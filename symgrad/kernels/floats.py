"""The fast fold: float64 arrays in tiles that stay in cache, products and sensitivities with an exponent beside them.

Whatever float64 cannot carry — a factor that underflows, a state that overflows, a sensitivity that cancels far
below its scale — is flagged, and the flagged points are run again in arithmetic with unlimited exponents.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Function

from symgrad.kernels.fold import Arithmetic, Carried, advance, initial
from symgrad.kernels.steps import Step, Steps, numeric_forms, opaque, opaque_calls, show_exact
from symgrad.maps import Map

Array = NDArray[np.float64]
CHECK = 8
LARGE, SMALL, LOST = 2.0**300, 2.0**-300, 2.0**-900
FLOATS = Arithmetic(lambda step, known: (), lambda a, b: a * b, lambda a, b: a + b, lambda a: -a, 0.0, 1.0)


def indicator(x: Array) -> Array:
    """Return 1 where x > 0, else 0."""
    return np.where(np.asarray(x) > 0, 1.0, 0.0)


@dataclass(frozen=True)
class CompiledStep:
    """A step as one NumPy function, with the outputs that are constants kept apart."""

    step: Step
    function: Callable[..., Sequence[Any]]
    constants: tuple[float | None, ...]

    def __call__(self, state: Sequence[Array], arguments: Sequence[Any]) -> list[Any]:
        """Return every output, arrays or float constants."""
        computed = iter(self.function(*state, *arguments))
        return [next(computed) if c is None else c for c in self.constants]

    @property
    def zeros_exact(self) -> bool:
        """Whether a factor of a scalar layer computed as 0 can only be exactly 0, never an underflow."""
        return self.step.zeros_exact


def _constant(expr: Expr) -> float:
    """Return a number as the nearest float, infinite where it is larger, nan where it is none."""
    try:
        return float(show_exact(expr))
    except OverflowError:
        return math.inf
    except TypeError:
        return math.nan


def giants(expr: Expr) -> set[Expr]:
    """Return the rational numbers of an expression that float64 cannot hold."""
    found = {r for r in expr.atoms(sympy.Rational) if max(int(abs(r.p)).bit_length(), int(r.q).bit_length()) > 900}
    return {r for r in found if abs(int(r.p).bit_length() - int(r.q).bit_length()) > 900}


def without_giants(expr: Expr) -> Expr:
    """Put nan for numbers that float64 cannot hold, so that the point is flagged and run with unlimited exponents."""
    return expr.xreplace(dict.fromkeys(found, sympy.nan)) if (found := giants(expr)) else expr


class decay(Function):
    """exp(-|u|), the one exponential that the value and the slope of a logistic layer share; printed, never derived."""


class upper(Function):
    """The numerator of the logistic value over 1 + exp(-|u|): exp(-|u|), the second argument, for u < 0, else 1."""


def share_exponentials(expr: Expr) -> Expr:
    """Write the value and the slope of logistic layers through one exponential, in the forms of the stable table."""
    for name, orders in (("sigmoid", (0, 1)), ("softplus", (1, 2))):
        value, slope = (opaque(name, order) for order in orders)
        expr = expr.replace(value, lambda u: upper(u, decay(u)) / (1 + decay(u)))
        expr = expr.replace(slope, lambda u: decay(u) / (1 + decay(u)) ** 2)
    return expr


SHARED = {
    "decay": lambda u: np.exp(-np.abs(u)),
    "upper": lambda u, e: np.where(u < 0.0, e, 1.0),
    "step": indicator,
}


def compile_step(step: Step) -> CompiledStep:
    """Compile a step with SymPy's lambdify, common subexpressions shared."""
    varying = [share_exponentials(without_giants(e)) for e in step.outputs if e.free_symbols]
    modules = [numeric_forms(opaque_calls(varying)), SHARED, "scipy", "numpy"]
    function = sympy.lambdify([*step.state, *step.arguments], varying, modules=modules, cse=True)
    marks = {0.0: FLOATS.zero, 1.0: FLOATS.one}
    constants = [None if e.free_symbols else _constant(e) for e in step.outputs]
    return CompiledStep(step, function, tuple(c if c is None else marks.get(c, c) for c in constants))


@dataclass
class Tile:
    """What one tile of points carries, with the powers of two taken out of products and sensitivities.

    ``dying`` points had a factor of exactly zero in the last layer, ``dead`` ones in some layer.
    """

    carried: Carried
    exponents: dict[int, Array]
    first_exponent: Array
    flagged: NDArray[np.bool_]
    dead: NDArray[np.bool_]
    dying: NDArray[np.bool_]
    scale: Array | None = None


def _scaled_local(numbers: list[Any], step: Step, scale: Array) -> list[Any]:
    """Bring the parameter derivatives to the scale of the sensitivities they are added to."""
    first = len(step.values) + len(step.jacobian)
    local = range(first, first + len(step.local))
    return [c * scale if i in local and c is not FLOATS.zero else c for i, c in enumerate(numbers)]


def _largest(components: Sequence[Any], shape: tuple[int, ...]) -> Array:
    largest = np.zeros(shape)
    for c in components:
        largest = np.maximum(largest, np.abs(c))
    return largest


def _rescale(components: Sequence[Any], exponent: Array, where: NDArray[np.bool_], size: Array) -> list[Any]:
    """Divide the components by powers of two at the given points and note the powers."""
    _, powers = np.frexp(size[where])
    exponent[where] += powers
    scaled: list[Any] = []
    for c in components:
        if c is not FLOATS.zero:
            c = np.array(np.broadcast_to(c, exponent.shape), dtype=float)
            c[where] = np.ldexp(c[where], -powers)
        scaled.append(c)
    return scaled


def _flag_lost(tile: Tile, size: Array, exact: NDArray[np.bool_]) -> None:
    """Flag points whose size is not finite, or so small that float64 has lost digits, but for exact zeros."""
    tile.flagged |= ~np.isfinite(size) | ((size < LOST) & ~((size == 0) & exact))


def _check(tile: Tile, *, differentiates: bool) -> None:
    """Bring products and sensitivities back to a middling size, and flag what float64 could not carry."""
    shape, carried = tile.flagged.shape, tile.carried
    for s in carried.state:
        tile.flagged |= ~np.isfinite(s)
    for order, product in carried.compounds.items():
        size = _largest(product, shape)
        _flag_lost(tile, size, tile.dead)
        where = np.isfinite(size) & (size > 0) & ((size > LARGE) | (size < SMALL))
        if where.any():
            carried.compounds[order] = _rescale(product, tile.exponents[order], where, size)
    if differentiates:
        for components in [*carried.first, *carried.second.values()]:
            if all(c is FLOATS.zero for c in components):
                continue
            _flag_lost(tile, _largest(components, shape), tile.dying)
        _rescale_first(tile)


def _rescale_first(tile: Tile) -> None:
    """Take powers of two out of exploding sensitivities; flag those that came far back down."""
    first = tile.carried.first
    size = _largest([c for components in first for c in components], tile.flagged.shape)
    tile.flagged |= (tile.first_exponent > 0) & (size < 2.0**-200)
    where = np.isfinite(size) & (size > LARGE)
    if where.any():
        if tile.carried.second:
            tile.flagged |= where
        d = len(first[0])
        scaled = _rescale([c for components in first for c in components], tile.first_exponent, where, size)
        tile.carried.first = [scaled[a * d : (a + 1) * d] for a in range(len(first))]
        tile.scale = np.exp2(-np.minimum(tile.first_exponent, 1074.0))


def run_tile(
    steps: Steps,
    compiled: Mapping[Map, CompiledStep],
    start: Sequence[Array],
    values: Callable[[str, int | None], Any],
    *,
    schedule: Iterable[tuple[Map, int]],
    trace: bool,
) -> Tile:
    """Carry one tile of points through the schedule."""
    target = steps.gradient
    layered = set(target.composition.layered)
    shared = [name for name in target.wrt if name not in layered]
    carried = initial([np.array(s, dtype=float) for s in start], target, FLOATS)
    shape = carried.state[0].shape
    exponents = {order: np.zeros(shape) for order in carried.compounds}
    blank = np.zeros(shape, dtype=bool)
    tile = Tile(carried, exponents, np.zeros(shape), blank.copy(), blank.copy(), blank)
    zeros_exact = all(c.zeros_exact for c in compiled.values())
    keep = len(shared) < len(target.wrt)
    with np.errstate(all="ignore"):
        for count, (layer, k) in enumerate(schedule, start=1):
            step = compiled[layer].step
            arguments = [values(name, k if name in layer.layered else None) for name in step.names]
            numbers = compiled[layer](carried.state, arguments)
            if tile.scale is not None:
                numbers = _scaled_local(numbers, step, tile.scale)
            jacobian, local = advance(carried, step, numbers, FLOATS)
            carried.state = [np.broadcast_to(np.asarray(v, dtype=float), shape) for v in carried.state]
            if zeros_exact:
                tile.dying = np.broadcast_to(np.equal(jacobian[0], 0.0), shape)
                tile.dead |= tile.dying
            if trace:
                carried.factors.append(np.broadcast_to(np.asarray(jacobian[0], dtype=float), shape))
            if keep:
                carried.records.append((layer, k, jacobian, local))
            if count % CHECK == 0:
                _check(tile, differentiates=bool(shared))
        _check(tile, differentiates=bool(shared))
    return tile
