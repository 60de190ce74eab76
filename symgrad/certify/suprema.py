"""Certified two-sided bounds of the largest gradient in a box, in logarithms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sympy import Expr

from symgrad.certify.boxes import Array, Intervals
from symgrad.certify.frames import Frame, Splits, cut
from symgrad.certify.paving import RESTS_ON, Enclosed, enclosed
from symgrad.derivation import Gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import to_text

FIRST_CUTS = 8
TRIALS = 96
AT_ONCE = 1024
ENOUGH = 1000
MOST_CELLS = 120_000
MOST_SPREAD = 1e5


@dataclass(frozen=True)
class Supremum:
    """The largest |∂L/∂θ| in a box, between two bounds.

    Parameters
    ----------
    log_lower : log of a lower bound, in nats: the certified size of the gradient at ``point``
    log_upper : log of an upper bound over the whole box, +inf where none was found
    point : where the lower bound is taken; with a line the line's parameter is the float beside the exact point
    distance : the exact distance of the point from the line, in units of the line's parameter; None without a line
    verdict : CERTIFIED when the bounds agree to the tolerance, else UNDECIDED (both bounds hold all the same)
    statement : what is certified, and what it rests on
    """

    log_lower: float
    log_upper: float
    point: Mapping[str, float]
    distance: float | None
    verdict: Verdict
    statement: str


def gradient_supremum(
    target: Gradient,
    box: Mapping[str, tuple[Any, Any]],
    *,
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    depth: int,
    wrt: str | None = None,
    line: Mapping[str, Expr] | None = None,
    tolerance: float = 0.01,
    most_cells: int = MOST_CELLS,
) -> Supremum:
    """Bound the supremum of |∂L/∂wrt| over a box from both sides.

    Parameters
    ----------
    target : the gradient of a loss (or of the last state) of a tied chain of covered layers
    box : parameter → (low, high)
    start : the first state, an exact number
    parameters : values of the other parameters
    depth : how often the chain is applied
    wrt : a parameter of the gradient; None for the Euclidean norm over all of them
    line : parameter → its value on a line along which the start comes to rest: the wall to resolve
    tolerance : the ratio of the bounds is to be at most 1 + tolerance
    most_cells : how many cells may be looked at

    Raises
    ------
    NotCovered : a map or loss without proved hulls
    InputError : a tolerance, depth, box or start that cannot be used

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.maps import Map
    >>> g = gradient(Map("w*x", "x"), wrt="w")
    >>> found = gradient_supremum(g, {"w": (1, 2)}, start=1, depth=1)
    >>> found.verdict.word, abs(found.log_upper) < 1e-9
    ('certified', True)
    """
    if not tolerance > 0:
        raise InputError(f"tolerance must be positive, got {tolerance}; it is the relative gap, e.g. 0.01")
    with np.errstate(all="ignore"):
        problem = enclosed(target, box, start=start, parameters=parameters or {}, depth=depth, wrt=wrt, line=line)
        lower, upper, where = _bounded(problem, float(np.log1p(tolerance)), most_cells)
        point, distance = _named(problem.frame, where)
    return _supremum(problem, (lower, upper), point, distance, tolerance)


def _bounded(problem: Enclosed, gap: float, most_cells: int) -> tuple[float, float, Array]:
    """Return the log bounds and the cell of no width at which the lower one is attained."""
    frame = problem.frame
    cells = frame.grid(FIRST_CUTS)
    splits, parents = Splits.none(cells), np.full(len(cells), np.inf)
    resting, resting_splits, resting_uppers = cells[:0], splits.at(slice(0)), parents[:0]
    best, where, settled, seen = -np.inf, frame.middles(cells[:1]), -np.inf, 0
    while seen < most_cells:
        found, trial, place = _enclosed_with_trials(problem, cells, parents)
        seen += len(cells)
        if trial > best:
            best, where = trial, place
        splits = splits.seen(_width(found), len(frame.symbols)).joined(resting_splits)
        cells, uppers = np.concatenate([cells, resting]), np.concatenate([found.high, resting_uppers])
        near = (uppers > best) & (uppers <= best + gap)
        settled = max(settled, float(np.max(uppers[near], initial=-np.inf)))
        waiting = np.flatnonzero(uppers > best + gap)
        if not len(waiting):
            return best, max(settled, best), where
        order = waiting[np.argsort(-uppers[waiting])]
        now, later = order[:AT_ONCE], order[AT_ONCE:]
        resting, resting_splits, resting_uppers = cells[later], splits.at(later), uppers[later]
        cells, splits, parents = _pieces(frame, cells[now], splits.at(now), uppers[now])
    unsettled = max(float(np.max(parents, initial=-np.inf)), float(np.max(resting_uppers, initial=-np.inf)))
    return best, max(settled, best, unsettled), where


def _pieces(frame: Frame, cells: Array, splits: Splits, uppers: Array) -> tuple[Array, Splits, Array]:
    """Cut cells, few of them several times over: a step of the orbit costs the same for a hundred as for a thousand."""
    while True:
        cells, splits, rows = cut(frame, cells, splits)
        uppers = uppers[rows]
        if len(cells) * 2 > ENOUGH or not len(cells):
            return cells, splits, uppers
        splits = Splits(splits.axis, splits.width, (splits.next + 1) % len(frame.symbols))


def _width(found: Intervals) -> Array:
    return np.asarray(np.clip(found.high, -MOST_SPREAD, MOST_SPREAD) - np.clip(found.low, -MOST_SPREAD, MOST_SPREAD))


def _enclosed_with_trials(problem: Enclosed, cells: Array, parents: Array) -> tuple[Intervals, float, Array]:
    """Enclose cells, and the points in the middle of the most promising ones, the best of which is returned."""
    points = problem.frame.middles(cells[np.argsort(-parents, kind="stable")[:: max(1, len(cells) // TRIALS)]])
    points = points[problem.frame.holds(points)]
    found = problem.logarithms(np.concatenate([cells, points]))
    count = len(cells)
    own = Intervals(found.low[:count], np.minimum(found.high[:count], parents))
    lows = found.low[count:]
    best = int(np.argmax(lows)) if len(lows) else 0
    return own, float(lows[best]) if len(lows) else -np.inf, points[best : best + 1]


def _named(frame: Frame, where: Array) -> tuple[dict[str, float], float | None]:
    point = {s.name: float(where[0, i, 0]) for i, s in enumerate(frame.symbols)}
    if frame.axis is None:
        return point, None
    name = frame.symbols[frame.axis].name
    distance = point[name]
    point[name] = float(frame.line(where).low[0] + distance)
    return point, distance


def _supremum(
    problem: Enclosed,
    bounds: tuple[float, float],
    point: Mapping[str, float],
    distance: float | None,
    tolerance: float,
) -> Supremum:
    lower, upper = bounds
    frame = problem.frame
    agree = np.isfinite(lower) and np.isfinite(upper) and upper - lower <= np.log1p(tolerance)
    quantity = "|gradient|" if problem.wrt is None else f"|dL/d{problem.wrt}|"
    place = ", ".join(f"{name} = {value:.17g}" for name, value in point.items())
    if distance is not None and frame.reference is not None:
        name = frame.reference.parameter.name
        place += f" (exactly: {name} = {to_text(frame.reference.line)} + {distance:.17g})"
    edges = ", ".join(f"{s.name} in [{a:.17g}, {b:.17g}]" for s, (a, b) in zip(frame.symbols, frame.sides, strict=True))
    statement = (
        f"log sup {quantity} lies between {lower:.12g} and {upper:.12g} in the box {edges} at depth "
        f"{problem.program.depth}, the lower bound at {place}; by {RESTS_ON}"
    )
    verdict = Verdict.CERTIFIED if agree else Verdict.UNDECIDED
    return Supremum(lower, upper, point, distance, verdict, statement)
