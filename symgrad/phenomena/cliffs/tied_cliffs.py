"""The cliffs of a tied chain of one unit: exact candidates, located crossings, and each by its two sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from symgrad.derivation import CliffCurve, Gradient, Side, cliff_curves
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import to_kernel
from symgrad.phenomena.cliffs.chain_steps import place_on
from symgrad.phenomena.cliffs.cliff_map import Cliff, CliffKind, Origin, TracePoint
from symgrad.phenomena.cliffs.fates import Fate
from symgrad.phenomena.cliffs.location import Change, Crossing, locate
from symgrad.phenomena.cliffs.matching import Candidate, Match, candidates_in, lines_for, matched
from symgrad.phenomena.cliffs.ridges import fold_ridge
from symgrad.phenomena.cliffs.walls import values_on, wall_profile
from symgrad.phenomena.cliffs.windows import Window

Array = NDArray[np.float64]

MOST_LISTED = 12
MOST_RIDGE_POINTS = 3
INFINITE = (Side.PLUS_INFINITY, Side.MINUS_INFINITY)
ESCAPED = (Fate.PLUS_INFINITY, Fate.MINUS_INFINITY)


@dataclass(frozen=True, eq=False)
class TiedProblem:
    """A tied chain of one unit with its loss, start, window and depth.

    Parameters
    ----------
    target : the gradient of the loss by the two swept parameters, of the chain at symbolic depth
    start : exact; a tuple of one number per component where there are several
    window, depth : what is asked
    """

    target: Gradient
    start: Any
    window: Window
    depth: int

    @property
    def float_start(self) -> Any:
        """The start in float64."""
        if isinstance(self.start, tuple):
            return [float(sympy.N(value, 20)) for value in self.start]
        return float(sympy.N(self.start, 20))

    @property
    def along(self) -> str:
        """The parameter along which crossings are located."""
        return self.window.names[1]

    @property
    def other(self) -> str:
        """The parameter that is constant on such a line."""
        return self.window.names[0]


@dataclass(frozen=True, eq=False)
class TiedAnswer:
    """What was found: cliffs, ridges, whether every exact candidate is known, what was only located.

    Parameters
    ----------
    cliffs, ridges : the curves
    listed : whether algebra gave the basin lines of the chain
    curves : all exact candidates, those outside the box included
    remarks : sentences
    """

    cliffs: tuple[Cliff, ...]
    ridges: tuple[Cliff, ...]
    listed: bool
    curves: tuple[CliffCurve, ...]
    remarks: tuple[str, ...] = ()


def tied_cliffs(problem: TiedProblem, *, rough: bool) -> TiedAnswer:
    """Return the cliffs of a tied chain of one unit.

    Parameters
    ----------
    problem : what is asked
    rough : whether the number of monotone laps was measured to grow exponentially; then no list is made
    """
    curves = cliff_curves(problem.target.composition, problem.window.names, problem.start)
    parts = candidates_in([c for c in curves if c.origin in ("basin line", "fold")], problem.window)
    ridges = candidates_in([c for c in curves if c.origin in ("flip", "infinity")], problem.window)
    crossings, lines = _located(problem, parts, rough)
    matches, rest = matched(parts, crossings, lines, problem.along, problem.window)
    loose = [c for c in rest if c.is_cliff or c.change is Change.CHAOS]
    found = [_exact(problem, match, rough) for match in matches]
    remarks: list[str] = []
    if loose and (rough or len(loose) > MOST_LISTED * len(lines) or any(not c.complete for c in loose)):
        found.append(_rough(problem, loose))
    else:
        found += located_cliffs(problem, [c for c in loose if c.is_cliff])
    flat = [_ridge(problem, candidate) for candidate in ridges]
    return TiedAnswer(tuple(found), tuple(r for r in flat if r is not None), bool(curves), curves, tuple(remarks))


def _located(
    problem: TiedProblem, parts: Sequence[Candidate], rough: bool
) -> tuple[tuple[Crossing, ...], tuple[Any, ...]]:
    """Return every change of fate on lines of constant first parameter, and those lines: few where it is rough."""
    lines = lines_for(parts, problem.window, problem.along)
    if rough:
        lines = (lines[0], lines[len(lines) // 2], lines[-1])
    place = problem.window.names.index(problem.along)
    values = np.array([float(v) for v in lines])
    low, high = float(problem.window.low[place]), float(problem.window.high[place])
    start = problem.float_start
    return locate(problem.target.composition, start, problem.along, low, high, {problem.other: values}), lines


def _kind(candidate: CliffCurve, crossings: Sequence[Crossing], rough: bool) -> CliffKind:
    """Name a cliff by its two sides, those that algebra knows before those that were located."""
    sides = [candidate.side_below, candidate.side_above]
    if None not in sides:
        return _by_infinities(sum(side in INFINITE for side in sides))
    if rough or any(c.change is Change.CHAOS for c in crossings):
        return CliffKind.ROUGH
    if crossings:
        return _kind_of_crossing(crossings[len(crossings) // 2])
    return CliffKind.WALL


def _kind_of_crossing(crossing: Crossing) -> CliffKind:
    if crossing.change is Change.CHAOS:
        return CliffKind.ROUGH
    return _by_infinities(sum(fate in ESCAPED for fate in (crossing.fate_below, crossing.fate_above)))


def _by_infinities(count: int) -> CliffKind:
    return (CliffKind.WALL, CliffKind.ESCARPMENT, CliffKind.CANYON)[count]


def _sides(curve: CliffCurve, crossings: Sequence[Crossing]) -> tuple[str, str] | None:
    if curve.side_below is not None and curve.side_above is not None:
        return curve.side_below.value, curve.side_above.value
    if crossings:
        middle = crossings[len(crossings) // 2]
        return middle.fate_below.word, middle.fate_above.word
    return None


def _exact(problem: TiedProblem, match: Match, rough: bool) -> Cliff:
    """Describe a cliff on an exact curve."""
    curve = match.candidate.curve
    rows = (
        _wall_rows(problem, match.candidate) if curve.origin == "basin line" else _fold_rows(problem, match.candidate)
    )
    exponents = [row.exponent for row in rows if row.exponent is not None and np.isfinite(row.exponent)]
    return Cliff(
        _kind(curve, match.crossings, rough),
        Origin(curve.origin),
        curve.equation,
        curve.valid,
        curve.verdict,
        tuple(row.place for row in rows),
        valid_exact=curve.valid_exact,
        exponent=exponents[len(exponents) // 2] if exponents else None,
        growth=_law(curve, [row.growth for row in rows if row.growth]),
        distance=match.distance,
        sides=_sides(curve, match.crossings),
        proof=curve.proof,
        curve=curve,
        path=match.candidate.path,
    )


@dataclass(frozen=True, eq=False)
class _Row:
    """One place of a trace, with the exponent and the law of growth measured there."""

    place: TracePoint
    exponent: float | None
    growth: str


def _law(curve: CliffCurve, growths: Sequence[str]) -> str | None:
    """Return the law by which the height grows with depth."""
    if curve.origin == "basin line":
        return f"mu^T with mu = {sympy.sstr(curve.multiplier)}"
    return growths[0] if growths else None


def _wall_rows(problem: TiedProblem, candidate: Candidate) -> list[_Row]:
    """Return the places on a basin line: values exactly on it, the cross-section beside it."""
    curve, rows = candidate.curve, []
    for at in map(sympy.Rational, candidate.at):
        values = values_on(curve, problem.target, problem.start, at, problem.depth)
        try:
            profile = wall_profile(curve, problem.target, problem.start, at, problem.depth)
        except InputError:  # too near the end of the line, where the multiplier is 1
            rows.append(_Row(TracePoint(values.point, values.gradient), None, ""))
            continue
        below, above = (float(v) if np.isfinite(v) else None for v in (profile.loss_below, profile.loss_above))
        place = TracePoint(values.point, values.gradient, profile.width, below, above, profile.height)
        rows.append(_Row(place, profile.exponent, profile.growth))
    return rows


def _fold_rows(problem: TiedProblem, candidate: Candidate) -> list[_Row]:
    """Return the steepest places beside a fold arc or flip; places on it where the depth is out of reach."""
    curve, rows = candidate.curve, []
    for at in map(sympy.Rational, candidate.at[:: max(1, len(candidate.at) // MOST_RIDGE_POINTS)]):
        try:
            ridge = fold_ridge(curve, problem.target, problem.start, at, problem.depth)
        except InputError:
            rows.append(_Row(TracePoint(place_on(curve, at).point, {}), None, ""))
            continue
        below, above = (float(v) if np.isfinite(v) else None for v in (ridge.loss_below, ridge.loss_above))
        place = TracePoint(ridge.point, ridge.gradient, ridge.width, below, above, ridge.height)
        rows.append(_Row(place, ridge.exponent, ridge.growth))
    return rows


def _ridge(problem: TiedProblem, candidate: Candidate) -> Cliff | None:
    """Describe a curve on which the gradient grows slower than exponentially, None where it has no measured place."""
    curve = candidate.curve
    rows = _fold_rows(problem, candidate)
    if not rows:
        return None
    return Cliff(
        CliffKind.RIDGE,
        Origin(curve.origin),
        curve.equation,
        curve.valid,
        curve.verdict,
        tuple(row.place for row in rows),
        valid_exact=curve.valid_exact,
        growth=rows[0].growth,
        sides=_sides(curve, ()),
        proof=curve.proof,
        curve=curve,
        path=candidate.path,
    )


def _gradients_at(problem: TiedProblem, points: Sequence[Mapping[str, float]]) -> tuple[TracePoint, ...]:
    """Return the gradient in float64 at points, on whichever side rounding puts them."""
    if not points:
        return ()
    kernel = to_kernel(problem.target)
    at = {name: np.array([point[name] for point in points]) for name in problem.window.names}
    outcome = kernel(problem.float_start, at, depth=problem.depth)
    return tuple(
        TracePoint(dict(point), {name: outcome.gradient[name][i] for name in problem.window.names})
        for i, point in enumerate(points)
    )


def located_cliffs(problem: TiedProblem, crossings: Sequence[Crossing]) -> list[Cliff]:
    """Describe what is only located, one cliff for each rank on its line."""
    ranks: dict[tuple[int, CliffKind], list[Crossing]] = {}
    counts: dict[int, int] = {}
    for crossing in crossings:
        rank = counts.get(crossing.line, 0)
        counts[crossing.line] = rank + 1
        ranks.setdefault((rank, _kind_of_crossing(crossing)), []).append(crossing)
    found = []
    for (_, kind), group in ranks.items():
        middle = group[len(group) // 2]
        found.append(
            Cliff(
                kind,
                Origin.LOCATED,
                None,
                None,
                Verdict.SAMPLED,
                _gradients_at(problem, [c.point for c in group]),
                sides=(middle.fate_below.word, middle.fate_above.word),
                proof=middle.trace,
                path=np.array([[c.point[name] for name in problem.window.names] for c in group]),
            )
        )
    return found


def _rough(problem: TiedProblem, crossings: Sequence[Crossing]) -> Cliff:
    """Describe a region in which changes of fate cannot be listed, with a few of them."""
    some = crossings[:: max(1, len(crossings) // MOST_LISTED)][:MOST_LISTED]
    return Cliff(
        CliffKind.ROUGH,
        Origin.LOCATED,
        None,
        None,
        Verdict.SAMPLED,
        _gradients_at(problem, [c.point for c in some]),
        growth="exponential in the number of monotone laps",
        proof="more changes of fate than can be listed: those of the trace are examples",
    )
