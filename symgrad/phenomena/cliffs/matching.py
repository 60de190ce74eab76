"""Exact candidates and located crossings in one box: which belong together, and what only one of them shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Rational

from symgrad.derivation import CliffCurve
from symgrad.errors import InputError
from symgrad.maps import expand_activations
from symgrad.phenomena.cliffs.chain_steps import place_on
from symgrad.phenomena.cliffs.location import Crossing
from symgrad.phenomena.cliffs.windows import Window, round_numbers, segments

Array = NDArray[np.float64]
NEAR = 1e-6
AT_LEAST = 6
LINES, ON_EACH = 8, 3
PATH = 101
AT_END = 1e-4


@dataclass(frozen=True)
class Candidate:
    """The part of an exact curve that lies in the box.

    Parameters
    ----------
    curve : the exact curve
    low, high : the interval of ``curve.along`` on it
    at : exact values of ``curve.along`` in that interval at which it is examined, rising
    path : a polyline on it, shape (PATH, 2), columns in the order of the window
    """

    curve: CliffCurve
    low: float
    high: float
    at: tuple[Fraction, ...]
    path: Array

    def solved_at(self, value: Fraction) -> float | None:
        """Return the solved parameter on the curve, None outside the part where it is a cliff."""
        try:
            return float(place_on(self.curve, Rational(value)).point[self.curve.solved])
        except InputError:
            return None


def candidates_in(curves: Sequence[CliffCurve], window: Window) -> tuple[Candidate, ...]:
    """Return the parts of exact curves that lie in a box, with round numbers on each."""
    return tuple(part for curve in curves for part in _parts(curve, window))


def _parts(curve: CliffCurve, window: Window) -> list[Candidate]:
    names = (curve.along, curve.solved)
    plain = [expand_activations(curve.expressions[name]) for name in names]
    function = sympy.lambdify([curve.parameter], plain, modules=["scipy", "numpy"])

    def places(t: Array) -> Mapping[str, Array]:
        with np.errstate(all="ignore"):
            values = [np.broadcast_to(np.asarray(v, dtype=float), t.shape) for v in function(t)]
        return dict(zip(names, values, strict=True))

    low, high = (_bound(b) for b in (curve.low, curve.high))
    if not curve.parametric and curve.parameter.name == curve.along and curve.span is not None:
        low, high = (_bound(b) for b in curve.span)
    found = []
    for ends in segments(places, low, high, window):
        along = sorted(float(v) for v in places(np.array(ends))[curve.along])
        if along[1] - along[0] > 1e-12 * max(1.0, *map(abs, along)):
            drawn = places(np.linspace(*ends, PATH))
            path = np.stack([drawn[name] for name in window.names], axis=1)
            found.append(Candidate(curve, along[0], along[1], _examined(curve, along[0], along[1], window), path))
    return found


def _bound(expr: Any) -> float:
    return float(sympy.N(expand_activations(expr), 30))


def _examined(curve: CliffCurve, low: float, high: float, window: Window) -> tuple[Fraction, ...]:
    """Return round numbers between two ends, and the ends themselves where they are on the rim of the box."""
    values = set(round_numbers(low, high, at_least=AT_LEAST))
    place = window.names.index(curve.along)
    for end, rim in ((low, window.low[place]), (high, window.high[place])):
        if abs(end - float(rim)) <= 1e-9 * max(1.0, abs(end)) and _is_on(curve, rim):
            values.add(rim)
    return tuple(sorted(values))


def _is_on(curve: CliffCurve, value: Fraction) -> bool:
    """Say whether a value lies strictly inside the open interval on which the curve is a cliff."""
    if curve.span is None:
        return False
    low, high = (_bound(end) for end in curve.span)
    slack = 1e-9 * max(1.0, abs(float(value)))
    return low + slack < float(value) < high - slack


@dataclass(frozen=True)
class Match:
    """What was located beside one candidate.

    Parameters
    ----------
    candidate : the exact part
    crossings : those that belong to it
    distance : the largest distance between located and predicted, None without a crossing
    """

    candidate: Candidate
    crossings: tuple[Crossing, ...]
    distance: float | None


def lines_for(candidates: Sequence[Candidate], window: Window, along: str) -> tuple[Fraction, ...]:
    """Return the values of the other parameter on whose lines crossings are located."""
    other = next(name for name in window.names if name != along)
    place = window.names.index(other)
    values = {window.low[place], window.high[place]}
    examined = [candidate.at for candidate in candidates if candidate.curve.along == other]
    for at in examined:
        values |= set(_spread(at, ON_EACH))
    rest = round_numbers(float(window.low[place]), float(window.high[place]), at_least=AT_LEAST)
    rest = tuple(v for v in rest if v not in values)
    values |= set(_spread(rest, LINES - len(values)) if examined else rest)
    return tuple(sorted(values))


def _spread(values: Sequence[Fraction], count: int) -> Sequence[Fraction]:
    """Return at most so many of the values, evenly chosen, the first and the last among them."""
    if len(values) <= max(count, 0):
        return values
    return [values[round(i * (len(values) - 1) / max(count - 1, 1))] for i in range(count)]


def matched(
    candidates: Sequence[Candidate],
    crossings: Sequence[Crossing],
    lines: Sequence[Fraction],
    along: str,
    window: Window,
) -> tuple[tuple[Match, ...], tuple[Crossing, ...]]:
    """Return every candidate with its crossings, and the crossings that belong to none."""
    free = list(crossings)
    matches = []
    for candidate in candidates:
        own: list[Crossing] = []
        distances: list[float] = []
        if candidate.curve.solved == along:
            for crossing in list(free):
                predicted = candidate.solved_at(lines[crossing.line])
                if predicted is None or not abs(predicted - crossing.value) <= NEAR * max(1.0, abs(predicted)):
                    continue
                own.append(crossing)
                free.remove(crossing)
                distances.append(abs(crossing.value - predicted))
        matches.append(Match(candidate, tuple(own), max(distances) if distances else None))
    ends = [end for candidate in candidates for end in (candidate.path[0], candidate.path[-1])]
    return tuple(matches), tuple(c for c in free if not any(_is_at(c, end, window) for end in ends))


def _is_at(crossing: Crossing, end: Array, window: Window) -> bool:
    """Say whether a crossing is at the end of an exact curve, where one kind of cliff turns into another."""
    sides = [float(high - low) for low, high in zip(window.low, window.high, strict=True)]
    here = [crossing.point[name] for name in window.names]
    return all(abs(a - b) <= AT_END * side for a, b, side in zip(here, end, sides, strict=True))
