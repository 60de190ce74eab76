"""Regimes known by equation, and the curves they are in the plane of two axes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import contourpy
import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Symbol

from symgrad.derivation import ExactStatement, Regime
from symgrad.evidence import Verdict
from symgrad.maps import expand_activations
from symgrad.sweeps import Axis

Array = NDArray[np.float64]

SAMPLES = 801
SIDE = 401
LEVELS: Mapping[Regime, float] = {Regime.CONSTANT: 1.0, Regime.ALTERNATING: -1.0, Regime.ZERO: 0.0}


@dataclass(frozen=True)
class ExactRegime:
    """A regime with the exact condition under which it holds.

    Parameters
    ----------
    statement : the condition, the equations in it and the proof
    verdict : proved
    axes : the axes of the plane it was asked for
    """

    statement: ExactStatement = field(repr=False)
    verdict: Verdict
    axes: tuple[Axis, ...] = ()

    @property
    def regime(self) -> Regime:
        """What becomes of the product."""
        return self.statement.regime

    @property
    def condition(self) -> str:
        """The condition as text."""
        return self.statement.condition

    @property
    def equation(self) -> Any:
        """The equations among the conditions as a SymPy relation, None for an open region."""
        return self.statement.equation

    @cached_property
    def curves(self) -> tuple[Array, ...]:
        """The polylines it is in the plane of its two axes, each of shape (m, 2); one row is a single point.

        Empty for open regions, and where there are not two axes.
        """
        if len(self.axes) != 2 or self.equation is None:
            return ()
        solved = self.statement.solved
        names = [axis.name for axis in self.axes]
        if not solved:
            return _level_curves(self.statement, self.axes)
        if set(names) <= set(solved):
            return _point([solved[name] for name in names], self.axes)
        place = 0 if names[0] in solved else 1
        return _graph(self.statement, self.axes, place) if names[place] in solved else ()


def _numeric(expr: Expr, names: Sequence[str]) -> Callable[..., Array]:
    """Return an expression as a NumPy function of arrays."""
    function = sympy.lambdify(
        [Symbol(name, real=True) for name in names], expand_activations(expr), modules=["scipy", "numpy"]
    )

    def evaluate(*values: Array) -> Array:
        with np.errstate(all="ignore"):
            result = np.asarray(function(*values))
        real = np.where(np.abs(result.imag) > 0, np.nan, result.real)
        return np.broadcast_to(real, np.broadcast_shapes(*(np.shape(v) for v in values))).astype(float)

    return evaluate


def _point(values: Sequence[Expr], axes: Sequence[Axis]) -> tuple[Array, ...]:
    if any(value.free_symbols for value in values):
        return ()
    point = np.array([[float(expand_activations(value).evalf(20)) for value in values]])
    inside = all(a.low <= v <= a.high for a, v in zip(axes, point[0], strict=True))
    return (point,) if inside else ()


def _graph(statement: ExactStatement, axes: Sequence[Axis], place: int) -> tuple[Array, ...]:
    """Return the graph of the axis that is solved for, over the other one, where the regime's condition holds."""
    other, solved = axes[1 - place], axes[place]
    along = np.linspace(other.low, other.high, SAMPLES)
    value = _numeric(statement.solved[solved.name], [other.name])(along)
    multiplier = _numeric(statement.multiplier, [other.name])(along)
    valid = np.isfinite(value) & (value >= solved.low) & (value <= solved.high)
    if statement.regime is Regime.VANISHING:
        valid &= np.abs(multiplier) < 1
    elif statement.regime is Regime.EXPLODING:
        valid &= np.abs(multiplier) > 1
    pair = np.column_stack([value, along] if place == 0 else [along, value])
    if statement.regime in LEVELS and statement.multiplier.free_symbols:
        return _crossings(pair, multiplier - LEVELS[statement.regime], valid)
    return tuple(pair[run] for run in _runs(valid))


def _crossings(points: Array, height: Array, valid: NDArray[np.bool_]) -> tuple[Array, ...]:
    """Return the places on a curve where the height passes 0, each as a curve of one point.

    >>> _crossings(np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([-1.0, 3.0]), np.array([True, True]))
    (array([[0.25, 0.5 ]]),)
    """
    heights = np.where(valid & np.isfinite(height), height, np.nan)
    with np.errstate(invalid="ignore"):
        between = np.flatnonzero(heights[1:] * heights[:-1] < 0)
    share = heights[between] / (heights[between] - heights[between + 1])
    inside = points[between] + share[:, None] * (points[between + 1] - points[between])
    return tuple(row[None, :] for row in np.concatenate([points[heights == 0], inside]))


def _runs(valid: NDArray[np.bool_]) -> list[slice]:
    """Return the stretches of neighbouring valid places.

    >>> _runs(np.array([True, True, False, True]))
    [slice(0, 2, None), slice(3, 4, None)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], valid, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _level_curves(statement: ExactStatement, axes: Sequence[Axis]) -> tuple[Array, ...]:
    """Return the level curves multiplier = ±1 or 0 of an equation that is not solved."""
    x, y = (np.linspace(axis.low, axis.high, SIDE) for axis in axes)
    height = _numeric(statement.multiplier, [axis.name for axis in axes])(x[None, :], y[:, None])
    generator = contourpy.contour_generator(x, y, np.ma.masked_invalid(height))
    return tuple(np.asarray(line) for line in generator.lines(LEVELS[statement.regime]))
