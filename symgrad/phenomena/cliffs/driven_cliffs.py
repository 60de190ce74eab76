"""Cliffs of driven and untied chains that increase in the state: levels pulled back through the inverses of the layers.

A value of the parameter is a cliff if the last state makes most of its change over the box within a small share of it,
that is, if forward runs a thousandth of the box to either side end more than half of the whole change apart.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Rational

from symgrad.derivation import Gradient
from symgrad.errors import InputError
from symgrad.kernels import SignedLog, to_kernel
from symgrad.phenomena.cliffs.cliff_map import Cliff, CliffKind, Origin, TracePoint
from symgrad.phenomena.cliffs.pull_back import PulledBack, pull_back
from symgrad.phenomena.cliffs.windows import Window, round_numbers

Array = NDArray[np.float64]
NARROW = 1e-3
SHARE = 0.5
GREATEST = 1e6
EXACT_DEPTH = 1000
DIGITS, DIGITS_PER_STEP = 30, 0.5
REACH = 1e-9


@dataclass(frozen=True, eq=False)
class DrivenProblem:
    """A driven or untied chain of one unit at a literal depth.

    Parameters
    ----------
    target : the gradient of the loss by the two swept parameters
    start : exact
    values : the other parameters, those with a value per layer as one each
    window : what is swept
    """

    target: Gradient
    start: Expr
    values: Mapping[str, Any]
    window: Window

    @property
    def depth(self) -> int:
        """The number of applications in all."""
        return sum(int(block.depth) for block in self.target.composition.blocks)


def driven_cliffs(problem: DrivenProblem) -> tuple[tuple[Cliff, ...], tuple[str, ...]]:
    """Return the cliffs found along lines of constant first parameter, and remarks on lines that were left out."""
    first, second = problem.window.names
    low, high = float(problem.window.low[1]), float(problem.window.high[1])
    lines = (problem.window.low[0], *_inner_lines(problem.window), problem.window.high[0])
    trace, kinds, remarks, crossing = [], [], [], None
    for value in lines:
        given = {**problem.values, first: float(value)}
        ends = _last_states(problem, {first: float(value)}, np.array([low, high]))
        try:
            found = _crossing(problem, given, ends, second, low, high)
        except InputError as refusal:
            remarks.append(f"on {first} = {value} no level was pulled back: {refusal}")
            continue
        if found is None or not _is_cliff(problem, {first: float(value)}, found, ends, high - low):
            continue
        crossing = found
        kinds.append(_kind(ends))
        trace.append(_place(problem, value, found, _refined(problem, given, found)))
    if not trace or crossing is None:
        return (), tuple(dict.fromkeys(remarks))
    cliff = Cliff(
        kinds[len(kinds) // 2],
        Origin.LOCATED,
        None,
        None,
        crossing.verdict,
        tuple(trace),
        growth="e^(rate*T) with the rate of the orbit that stays on the edge",
        proof=crossing.statement,
        path=np.array([[place.point[name] for name in problem.window.names] for place in trace]),
    )
    return (cliff,), tuple(dict.fromkeys(remarks))


def _inner_lines(window: Window) -> Sequence[Fraction]:
    return round_numbers(float(window.low[0]), float(window.high[0]))


def _last_states(problem: DrivenProblem, at: Mapping[str, float], along: Array) -> Array:
    """Return x_T at values of the second parameter."""
    kernel = to_kernel(problem.target.composition)
    given = {**problem.values, **at, problem.window.names[1]: along}
    values = kernel(float(sympy.N(problem.start, 20)), given).state[0]
    return np.asarray(values, dtype=float)


def _crossing(
    problem: DrivenProblem, given: Mapping[str, Any], ends: Array, along: str, low: float, high: float
) -> PulledBack | None:
    """Return where the level halfway between the states at the two ends is crossed."""
    bounded = np.clip(ends, -GREATEST, GREATEST)
    level = float(bounded.mean()) if np.all(np.isfinite(bounded)) else 0.0
    start = problem.start
    return pull_back(problem.target.composition, level, start, along, low, high, given)


def _refined(problem: DrivenProblem, given: Mapping[str, Any], found: PulledBack) -> Expr | None:
    """Return the crossing in as many digits as the gradient on it needs, None where the depth or the map forbids it."""
    if problem.depth > EXACT_DEPTH:
        return None
    side = abs(found.value) * REACH + REACH
    digits = math.ceil(DIGITS + DIGITS_PER_STEP * problem.depth)
    ends = (found.value - side, found.value + side)
    try:
        finer = pull_back(
            problem.target.composition, found.level, problem.start, found.along, *ends, given, digits=digits
        )
    except InputError:
        return None
    return None if finer is None else Rational(finer.exact)


def _is_cliff(problem: DrivenProblem, at: Mapping[str, float], found: PulledBack, ends: Array, side: float) -> bool:
    around = found.value + side * NARROW * np.array([-1.0, 1.0])
    states = np.clip(_last_states(problem, at, around), -GREATEST, GREATEST)
    whole = abs(float(np.diff(np.clip(ends, -GREATEST, GREATEST))[0]))
    return whole > 0 and abs(float(states[1] - states[0])) > SHARE * whole


def _kind(ends: Array) -> CliffKind:
    far = int(np.sum(~(np.abs(ends) < GREATEST)))
    return (CliffKind.WALL, CliffKind.ESCARPMENT, CliffKind.CANYON)[far]


def _place(problem: DrivenProblem, value: Fraction, found: PulledBack, exact: Expr | None) -> TracePoint:
    """Return the gradient on the level, at the parameter to all its digits; none where only its float is known."""
    first, second = problem.window.names
    point = {first: float(value), second: found.value}
    if exact is None:
        return TracePoint(point, {})
    outcome = to_kernel(problem.target, backend="mpmath")(
        problem.start, {**problem.values, first: Rational(value), second: exact}
    )
    gradient: dict[str, SignedLog] = {name: outcome.gradient[name] for name in problem.window.names}
    return TracePoint(point, gradient)
