"""Parameter planes: for which parameters the free critical point of an update is caught by a cycle that is no root.

An attracting cycle attracts a critical point (Fatou 1919), so that the fate of the critical points that are no roots
tells for which members of a family Newton's method fails on an open set of starts: Curry, Garnett & Sullivan (1983),
*Commun. Math. Phys.* 91; these parameters form copies of the Mandelbrot set (Douady & Hubbard 1985).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map, entered
from symgrad.phenomena.basins.basin_maps import (
    DIVERGED,
    FIRST_CYCLE,
    UNDECIDED,
    check_counts,
    largest_size,
    plane_window,
)
from symgrad.phenomena.basins.following import ESCAPED, RETURNED, SETTLED, Ends, Pursuit, follow
from symgrad.phenomena.basins.labelling import ESCAPE
from symgrad.phenomena.basins.step_functions import BoundStep, Values, step_function
from symgrad.sweeps import Axis

STEPS, PERIOD = 300, 16
CAPTURE, NEAR_ROOT, NEAR_CYCLE = 1e-4, 1e-5, 0.05
POLISHING, DIFFERENCE, ATTRACTING = 6, 1e-6, 0.999


def period_label(period: int) -> int:
    """Return the label of parameters with an attracting cycle of that period: -3 for period 1, -4 for 2, …

    >>> period_label(2)
    -4
    """
    return FIRST_CYCLE + 1 - period


@dataclass(frozen=True, eq=False)
class ParameterPlane:
    """What becomes of one critical point for every value of a complex parameter.

    Parameters
    ----------
    labels : k >= 0 where root k takes it, ``period_label(p)`` for an attracting p-cycle that is no root, DIVERGED,
        UNDECIDED; shape (re, im)
    steps : steps made until the orbit settled or came back, shape (re, im); nan where it did neither
    multipliers : sizes of the multipliers of the cycles and roots found by Newton's method where the orbit came back,
        by central differences; nan elsewhere
    """

    family: Map
    parameter: str
    critical_point: Expr
    axes: tuple[Axis, Axis]
    labels: NDArray[np.int32] = field(repr=False)
    steps: NDArray[np.float64] = field(repr=False)
    multipliers: NDArray[np.float64] = field(repr=False)
    max_steps: int

    @property
    def shape(self) -> tuple[int, int]:
        """The counts of the axes."""
        return self.axes[0].count, self.axes[1].count

    @property
    def verdict(self) -> Verdict:
        """What the labels rest on: one orbit in floating point for each point of a grid."""
        return Verdict.SAMPLED

    def name_of(self, label: int) -> str:
        """Return what a label means, in words."""
        if label >= 0:
            return f"root {label}"
        if label > FIRST_CYCLE:
            return "undecided" if label == UNDECIDED else "diverged"
        return f"cycle of period {FIRST_CYCLE + 1 - label}"

    def shares(self) -> dict[str, float]:
        """Return the share of the parameters with each label that occurs, roots first."""
        found, counts = np.unique(self.labels, return_counts=True)
        shares = {int(label): float(count) / self.labels.size for label, count in zip(found, counts, strict=True)}
        order = sorted(shares, key=lambda label: (label < 0, label > FIRST_CYCLE, abs(label)))
        return {self.name_of(label): shares[label] for label in order}

    @property
    def statement(self) -> str:
        """What was done and found, in one sentence."""
        found = ", ".join(f"{name} {share:.2%}" for name, share in self.shares().items())
        return (
            f"{self.shape[0]} x {self.shape[1]} values of {self.parameter}, the orbit of the critical point "
            f"{self.critical_point} followed for at most {self.max_steps} steps: {found} ({self.verdict.word})"
        )


def parameter_plane(
    family: Map,
    parameter: Any,
    critical_point: Any,
    window: Sequence[Any],
    *,
    points: int | tuple[int, int] = 400,
    roots: Sequence[Any] | None = None,
    parameters: Mapping[Any, Any] | None = None,
    max_steps: int = STEPS,
    longest_period: int = PERIOD,
    threads: int | None = None,
) -> ParameterPlane:
    """Return the fate of a critical point for every value of a complex parameter.

    An orbit that comes back to within 1e-4 is believed if a cycle close by solves N^p(z) = z and is attracting.

    Parameters
    ----------
    family : an update with a free parameter
    parameter : its name
    critical_point : where the update's derivative vanishes, in terms of the parameters
    window : ((re low, re high), (im low, im high)) of the parameter
    roots : the roots in terms of the parameters, in the order of their labels; without them every attracting fixed
        point is root 0
    parameters : values of the other parameters
    max_steps : after which a parameter is undecided

    Examples
    --------
    >>> family = Map("z - (z**3 + (a - 1)*z - a)/(3*z**2 + a - 1)", "z")
    >>> plane = parameter_plane(family, "a", 0, ((0.25, 0.38), (1.6, 1.7)), points=30)
    >>> 0.1 < plane.shares()["cycle of period 2"] < 0.3
    True
    """
    step = step_function(family, "complex")
    name = str(parameter)
    if name not in step.names:
        listing = ", ".join(step.names) or "none"
        raise InputError(f"{name!r} is not a parameter of the family; the parameters are {listing}")
    check_counts(max_steps, longest_period, CAPTURE)
    axes = plane_window(name, window, points)
    grid = (axes[0].values[:, None] + 1j * axes[1].values[None, :]).ravel()
    values: dict[str, Any] = {str(other): complex(value) for other, value in (parameters or {}).items()}
    if missing := sorted(set(step.names) - set(values) - {name}):
        raise InputError(f"parameter {missing[0]!r} has no value; give one, e.g. parameters={{'{missing[0]}': 1}}")
    values[name] = grid
    critical = entered(critical_point, "complex")
    starts, bound = _values_of(critical, values, grid.size), step.bind(values)
    scale = largest_size(axes)
    pursuit = Pursuit(max_steps, CAPTURE, ESCAPE * scale, longest_period)
    ends = follow(bound, starts, pursuit, threads)
    found = _polished(bound, ends)
    known = [_values_of(entered(root, "complex"), values, grid.size) for root in roots or ()]
    labels = _labels(ends, found, known)
    shape = axes[0].count, axes[1].count
    caught = labels > UNDECIDED
    caught |= labels <= FIRST_CYCLE
    steps = np.where(caught, ends.counts, np.nan)
    return ParameterPlane(
        family, name, critical, axes, labels.reshape(shape), steps.reshape(shape), found.sizes.reshape(shape), max_steps
    )


def _values_of(expr: Expr, values: Mapping[str, Any], count: int) -> Values:
    """Return an expression in the parameters at every point."""
    if unknown := sorted({s.name for s in expr.free_symbols} - set(values)):
        raise InputError(f"{expr} contains {unknown[0]!r}, which is no parameter of the family; use its parameters")
    symbols = sorted(expr.free_symbols, key=lambda s: s.name)
    with np.errstate(all="ignore"):
        found = sympy.lambdify(symbols, expr, "numpy")(*(values[s.name] for s in symbols))
    return np.array(np.broadcast_to(np.asarray(found, dtype=complex), count))


@dataclass(frozen=True, eq=False)
class _Polished:
    """The cycle near the end of each orbit, shape (points,); multiplier nan where there is none."""

    periods: NDArray[np.int32]
    places: Values
    sizes: NDArray[np.float64]


def _polished(bound: BoundStep, ends: Ends) -> _Polished:
    """Return the cycles that orbits came near to, by Newton's method on N^p(z) = z with central differences.

    A period whose divisor also solves the equation is replaced by the divisor.
    """
    found = _Polished(np.ones(ends.at.size, np.int32), ends.at.copy(), np.full(ends.at.size, np.nan))
    ended = (ends.kinds == RETURNED) | (ends.kinds == SETTLED)
    returned = np.where(ends.kinds == RETURNED, ends.periods, 1)
    with np.errstate(all="ignore"):
        for period in np.unique(returned[ended]):
            mine = np.flatnonzero(ended & (returned == period))
            for divisor in (d for d in range(1, period + 1) if period % d == 0):
                places, sizes = _solved(bound.kept(mine), ends.at[mine], divisor)
                near = np.abs(places - ends.at[mine]) < NEAR_CYCLE
                near &= np.isfinite(sizes) & ((sizes < ATTRACTING) | (divisor == period))
                here = mine[near]
                found.periods[here], found.places[here], found.sizes[here] = divisor, places[near], sizes[near]
                mine = mine[~near]
    return found


def _solved(step: BoundStep, z: Values, period: int) -> tuple[Values, NDArray[np.float64]]:
    """Return the solutions of N^p(z) = z near z and the sizes of their multipliers, nan where none is reached."""

    def iterate(z: Values) -> Values:
        for _ in range(period):
            z = step(z)
        return z

    for _ in range(POLISHING):
        slope = (iterate(z + DIFFERENCE) - iterate(z - DIFFERENCE)) / (2 * DIFFERENCE)
        change = (iterate(z) - z) / (slope - 1)
        z = z - change
    solved = np.abs(change) < CAPTURE * DIFFERENCE * np.maximum(1.0, np.abs(z))
    return z, np.where(solved, np.abs(slope), np.nan)


def _labels(ends: Ends, found: _Polished, roots: Sequence[Values]) -> NDArray[np.int32]:
    """Return the label of every parameter; what came back without attracting is undecided."""
    labels = np.full(ends.at.size, UNDECIDED, np.int32)
    labels[ends.kinds == ESCAPED] = DIVERGED
    attracting = found.sizes < ATTRACTING
    labels[attracting] = period_label(1) + 1 - found.periods[attracting]
    fixed = attracting & (found.periods == 1)
    if not roots:
        labels[fixed] = 0
        return labels
    distances = np.abs(np.stack([root[fixed] - found.places[fixed] for root in roots]))
    nearest = np.argmin(distances, axis=0).astype(np.int32)
    labels[fixed] = np.where(distances.min(axis=0) < NEAR_ROOT, nearest, period_label(1))
    return labels
