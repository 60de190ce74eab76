"""Exact bifurcation curves in the plane of a sweep, to lay over a map of regimes measured on a grid."""

from dataclasses import dataclass, replace

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from symgrad.derivation import Curve, find_bifurcations, one_block
from symgrad.errors import InputError
from symgrad.maps import Map, expand_activations
from symgrad.phenomena.multipliers import exact_number
from symgrad.phenomena.regimes import RegimeMap
from symgrad.sweeps import Axis, Sweep
from symgrad.symbols import real

Array = NDArray[np.float64]
POINTS = 4000
AIR = 0.2


@dataclass(frozen=True, eq=False)
class PlaneCurve:
    """An exact curve in the plane of two swept parameters; nan where it leaves the window.

    Parameters
    ----------
    kind : "fold", "flip", "pitchfork" or "transcritical"
    x, y : shape (points,), along the first and the second axis
    """

    kind: str
    x: Array
    y: Array


def with_bifurcations(regimes: RegimeMap, swept: Sweep) -> RegimeMap:
    """Return the same map of regimes with the exact folds and flips of fixed points that cross its window.

    Only a repeated scalar map whose two swept names are parameters has such curves; any other is returned as it is.

    Examples
    --------
    >>> from symgrad.kernels import to_kernel
    >>> from symgrad.phenomena.regimes import classify
    >>> from symgrad.sweeps import sweep
    >>> from symgrad.symbols import n
    >>> axes = Axis("w", -4, 4, 5), Axis("b", -2, 2, 5)
    >>> plane = sweep(to_kernel(Map("tanh(w*x + b)", "x") ** n), *axes, start=0.5, depth=60)
    >>> [curve.kind for curve in with_bifurcations(classify(plane), plane).overlays]
    ['fold', 'flip']
    """
    layer = _repeated(swept)
    names = [axis.name for axis in swept.axes]
    if layer is None or len(names) != 2 or {p.name for p in layer.parameters} != set(names):
        return regimes
    try:
        curves = find_bifurcations(layer, names).curves
    except InputError:  # a map with a kink or without a fixed point has no such curves
        return regimes
    drawn = [_inside(curve, *swept.axes) for curve in curves]
    return replace(regimes, overlays=tuple(c for c in drawn if np.isfinite(c.x).any()))


def _repeated(swept: Sweep) -> Map | None:
    """Return the one map that is repeated, with the numbers of the sweep put in for the names that are not swept."""
    block = one_block(swept.kernel.composition)
    if block is None or len(block.maps) != 1 or block.layered or block.dimension != 1:
        return None
    (layer,) = block.maps
    fixed = {name: exact_number(value) for name, value in dict(swept.parameters or {}).items()}
    known = {real(name): value for name, value in fixed.items() if isinstance(value, Expr)}
    return Map(layer.expr.xreplace(known), layer.state)


def _inside(curve: Curve, first: Axis, second: Axis) -> PlaneCurve:
    """Follow a curve along its parameter and cut it to the window."""
    along = _spread(curve.low, curve.high)
    x, y = (_along(curve.expressions[axis.name], curve, along) for axis in (first, second))
    for axis, values in ((first, x), (second, y)):
        air = AIR * (axis.high - axis.low)
        outside = ~((values > axis.low - air) & (values < axis.high + air))
        x[outside] = y[outside] = np.nan
    return PlaneCurve(curve.kind, x, y)


def _along(expr: Expr, curve: Curve, along: Array) -> Array:
    compiled = sympy.lambdify(curve.parameter, expand_activations(expr), modules=["scipy", "numpy"])
    with np.errstate(all="ignore"):
        return np.array(np.broadcast_to(np.asarray(compiled(along), dtype=float), along.shape))


def _spread(low: Expr, high: Expr) -> Array:
    """Return points inside an open interval, denser towards its ends; an infinite end is approached like a tangent."""
    u = (1 - np.cos(np.pi * np.arange(1, POINTS) / POINTS)) / 2
    ends = [float(end) if end.is_finite else None for end in (low, high)]
    if ends[0] is not None and ends[1] is not None:
        return np.asarray(ends[0] + (ends[1] - ends[0]) * u)
    if ends[0] is not None:
        return np.asarray(ends[0] + u / (1 - u))
    if ends[1] is not None:
        return np.asarray(ends[1] - (1 - u) / u)
    return np.tan(np.pi * (u - 0.5))
