"""Curves without a closed form, traced by pseudo-arclength continuation, each point proved to lie on the curve.

Predictor: a step along the tangent. Corrector: Newton's method on the equations and the plane through the predicted
point normal to the tangent (Keller 1977; Kuznetsov 2004, sec. 10.2), so that turning points of the parameters are
passed. Each corrected point is certified by a Krawczyk test on the same equations: in its box the curve crosses the
plane exactly once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Rational, Symbol

from symgrad.certify import certify_solution
from symgrad.errors import InputError
from symgrad.maps import Map, differentiate, expand_activations
from symgrad.symbols import real

Array = NDArray[np.float64]
MULTIPLIERS: Mapping[str, int] = {"fold": 1, "flip": -1}

MOST_CORRECTIONS = 12
SMALLEST_STEP = 1e-4
CLOSE = 1e-11
SLOWEST = 3


@dataclass(frozen=True)
class Trace:
    """A traced piece of a curve.

    Parameters
    ----------
    names : of the unknowns
    points : shape (points, unknowns), in order along the curve; each certified
    radius : shape (points,), the largest half-width of each enclosure, before its middle is rounded to float64
    ending : why it stops
    """

    names: tuple[str, ...]
    points: Array
    radius: Array
    ending: str


@dataclass(frozen=True)
class _Numeric:
    """The equations and their Jacobian in float64."""

    values: Callable[[Array], Array]
    slopes: Callable[[Array], Array]


def bifurcation_system(layer: Map, kind: str, *, period: int = 1) -> tuple[Expr, ...]:
    """Return the equations f^P(x) − x and (f^P)'(x) − μ of folds (μ = 1) or flips (μ = −1).

    >>> bifurcation_system(Map("w*x**2 + b", "x"), "fold")
    (b + w*x**2 - x, 2*w*x - 1)
    """
    if layer.dimension != 1 or layer.layered:
        raise InputError("one repeated map of one component is needed; give e.g. Map('w*sin(x) + b', 'x')")
    if kind not in MULTIPLIERS:
        raise InputError(f"a curve of {kind!r} is not known; choose one of {', '.join(MULTIPLIERS)}")
    (x,) = layer.state
    image, product = x, sympy.S.One
    for _ in range(period):
        product = product * layer.jacobian[0][0].xreplace({x: image})
        image = layer.expr.xreplace({x: image})
    return image - x, product - MULTIPLIERS[kind]


def trace(
    equations: Sequence[Expr],
    start: Mapping[str, float],
    box: Mapping[str, tuple[float, float]],
    *,
    step: float = 0.1,
    most: int = 400,
    direction: int = 1,
) -> Trace:
    """Trace the curve of n equations in n + 1 unknowns from a point near it, until it leaves a box or closes.

    Parameters
    ----------
    equations : expressions that must be 0
    start : name of each unknown → value near the curve
    box : name → (low, high); unknowns that are not named are free
    step : the largest step along the curve, in the units of the unknowns
    most : stop after so many points
    direction : 1 or −1, which way to go

    Raises
    ------
    InputError : the numbers of equations and unknowns do not fit, or there is no curve near the start

    Examples
    --------
    >>> system = bifurcation_system(Map("w*sigmoid(x) + b", "x"), "fold")
    >>> found = trace(system, {"x": 1.0, "w": 5.0, "b": -2.6}, {"w": (4, 6), "b": (-4, 0)}, step=0.2, most=5)
    >>> bool(found.radius.max() < 1e-12), found.points.shape
    (True, (5, 3))
    """
    names = tuple(start)
    symbols = [real(name) for name in names]
    plain = [expand_activations(e) for e in equations]
    used = {s.name for e in plain for s in e.free_symbols}
    if used != set(names) or len(names) != len(plain) + 1:
        raise InputError(f"{len(plain)} equations need {len(plain) + 1} unknowns, got {', '.join(names)}")
    numeric = _numeric(plain, symbols)
    point = _landed(numeric, np.array([float(start[name]) for name in names]))
    if point is None:
        raise InputError(f"no point of the curve was found near {dict(start)}; start nearer to it")
    return _walk(plain, symbols, numeric, point, box, step, most, direction)


def _walk(
    equations: Sequence[Expr],
    symbols: Sequence[Symbol],
    numeric: _Numeric,
    point: Array,
    box: Mapping[str, tuple[float, float]],
    step: float,
    most: int,
    direction: int,
) -> Trace:
    points: list[Array] = []
    radii: list[float] = []
    ending = f"{most} points were made"
    tangent, size = _tangent(numeric, point) * direction, step
    while len(points) < most:
        certified = _certified(equations, symbols, point, tangent)
        if certified is None:
            ending = "the next point could not be certified"
            break
        point = certified[0]
        if any(not low <= value <= high for value, (low, high) in _sides(symbols, point, box)):
            ending = "it left the box"
            break
        points.append(point)
        radii.append(certified[1])
        if len(points) > 4 and np.linalg.norm(point - points[0]) < 0.7 * size:
            ending = "it closed"
            break
        following = _advanced(numeric, point, tangent, size)
        if following is None:
            ending = "the corrector found no next point: the curve is singular here"
            break
        point, tangent, size = following
        size = min(step, size)
    names = tuple(s.name for s in symbols)
    return Trace(names, np.array(points).reshape(-1, len(names)), np.array(radii), ending)


def _sides(
    symbols: Sequence[Symbol], point: Array, box: Mapping[str, tuple[float, float]]
) -> list[tuple[float, tuple[float, float]]]:
    return [(float(v), box[s.name]) for s, v in zip(symbols, point, strict=True) if s.name in box]


def _numeric(equations: Sequence[Expr], symbols: Sequence[Symbol]) -> _Numeric:
    modules = ["scipy", "numpy"]
    values = sympy.lambdify(symbols, list(equations), modules=modules)
    rows = [[expand_activations(differentiate(e, s)) for s in symbols] for e in equations]
    slopes = sympy.lambdify(symbols, rows, modules=modules)

    def call(function: Callable[..., object]) -> Callable[[Array], Array]:
        def evaluate(point: Array) -> Array:
            with np.errstate(all="ignore"):
                return np.asarray(function(*point), dtype=float)

        return evaluate

    return _Numeric(call(values), call(slopes))


def _landed(numeric: _Numeric, point: Array) -> Array | None:
    """Return a point of the curve near a guess, by least-norm Newton steps."""
    for _ in range(4 * MOST_CORRECTIONS):
        values, slopes = numeric.values(point), numeric.slopes(point)
        if not (np.isfinite(values).all() and np.isfinite(slopes).all()):
            return None
        change = np.linalg.lstsq(slopes, -values, rcond=None)[0]
        point = point + change
        if np.linalg.norm(change) < CLOSE * (1 + np.linalg.norm(point)):
            return point
    return None


def _tangent(numeric: _Numeric, point: Array) -> Array:
    """Return the unit vector along the curve: the null vector of the Jacobian."""
    vector: Array = np.linalg.svd(numeric.slopes(point))[2][-1]
    return vector


def _advanced(numeric: _Numeric, point: Array, tangent: Array, size: float) -> tuple[Array, Array, float] | None:
    """Return the next point, its tangent and the next step; the step is halved where the corrector is slow."""
    while size >= SMALLEST_STEP:
        guess = point + size * tangent
        corrected = _corrected(numeric, guess, tangent)
        if corrected is not None and np.linalg.norm(corrected[0] - guess) < size / 2:
            after = _tangent(numeric, corrected[0])
            after = after if after @ tangent > 0 else -after
            if after @ tangent > 0.9:
                return corrected[0], after, size * (1.5 if corrected[1] <= SLOWEST else 1.0)
        size /= 2
    return None


def _corrected(numeric: _Numeric, guess: Array, tangent: Array) -> tuple[Array, int] | None:
    """Solve the equations on the plane through the guess normal to the tangent."""
    point = guess
    for count in range(1, MOST_CORRECTIONS + 1):
        matrix = np.vstack([numeric.slopes(point), tangent])
        right = np.append(numeric.values(point), tangent @ (point - guess))
        if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
            return None
        try:
            change = np.linalg.solve(matrix, -right)
        except np.linalg.LinAlgError:
            return None
        point = point + change
        if np.linalg.norm(change) < CLOSE * (1 + np.linalg.norm(point)):
            return point, count
    return None


def _certified(
    equations: Sequence[Expr], symbols: Sequence[Symbol], point: Array, tangent: Array
) -> tuple[Array, float] | None:
    """Enclose the one point of the curve near a point on the plane normal to the tangent."""
    plane = sum(Rational(float(t)) * (s - Rational(float(v))) for s, v, t in zip(symbols, point, tangent, strict=True))
    box = certify_solution([*equations, plane], list(symbols), [float(v) for v in point])
    if box is None:
        return None
    middle = np.array([float(side.value.mid()) for side in box])
    return middle, max(float(side.value.rad()) for side in box)
