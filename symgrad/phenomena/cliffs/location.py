"""Every change of fate on a line of one parameter, bracketed between samples and bisected to the last bit of float64.

No theory of the map is assumed. Two neighbouring values of the parameter differ in fate if one ends on another kind of
attractor, or if the settled state changes by far more than its derivative at either of them allows; such an interval
is cut into ``SECTIONS`` parts until the parts show a smooth change or are neighbouring floats. Values at which the
orbit has not settled, the repeller itself or the closest neighbourhood of a bifurcation, form a band inside a crossing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels.points import floats_of
from symgrad.maps import Composition, Map
from symgrad.phenomena.cliffs.fates import CHAOTIC, FATES, MINUS, PLUS, STEPS, UNSETTLED, Fate, Fates, fates

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]

COUNT = 129
SECTIONS = 16
ROUNDS = 64
MOST, FOLLOWED = 256, 16
FINE, FINEST = 1e-5, 1e-10
SMOOTH, STEEP = 0.03, 8.0
NOISE, ROUNDING = 1e-9, 1e-13
TOGETHER = 1e-6
ROOT, DOUBLED, NEUTRAL = 4.0, 1e-2, 0.05


class Change(Enum):
    """What changes at a crossing; the value is the sentence a report prints."""

    JUMP = "the settled state jumps: a cliff"
    ESCAPE = "on one side or both the state leaves every bound: a cliff"
    CHAOS = "the orbit is chaotic on a side: where the change lies depends on the number of steps"
    CONTINUOUS = "the attractor changes its kind without a jump: no cliff"
    UNDECIDED = "on a side the orbit has not settled in the steps made"

    @property
    def is_cliff(self) -> bool:
        """Whether the limit of the state is discontinuous there."""
        return self in (Change.JUMP, Change.ESCAPE)


@dataclass(frozen=True)
class Crossing:
    """A change of fate between two values of one parameter, next to each other in float64 but for an unsettled band.

    Parameters
    ----------
    along : the parameter
    low, high : its values on the two sides
    point : name → value of every parameter in the middle between the two sides
    line : which of the lines asked for, counted from 0
    fate_below, fate_above : where the start goes on each side
    period_below, period_above : of the cycle there, 1 for a fixed point, 0 for the others
    state_below, state_above : the settled states at multiples of the period, one entry per component; ±inf, or nan
    jump : the distance between the two, infinite where one is; nan where one is unknown
    change : what changes
    complete : False where so many changes were met that the list was cut short
    verdict : sampled: both sides are orbits in float64
    trace : what was done, in one sentence
    """

    along: str
    low: float
    high: float
    point: Mapping[str, float]
    line: int
    fate_below: Fate
    fate_above: Fate
    period_below: int
    period_above: int
    state_below: tuple[float, ...]
    state_above: tuple[float, ...]
    jump: float
    change: Change
    complete: bool
    verdict: Verdict
    trace: str

    @property
    def value(self) -> float:
        """The value of the parameter in the middle between the two sides."""
        return self.point[self.along]

    @property
    def width(self) -> float:
        """The distance between the two sides."""
        return self.high - self.low

    @property
    def is_cliff(self) -> bool:
        """Whether the limit of the state is discontinuous there."""
        return self.change.is_cliff


@dataclass(frozen=True)
class _Lines:
    """Lines side by side: what is the same for all of them, and one value per line of every other parameter."""

    chain: Map | Composition
    start: Any
    along: str
    others: Mapping[str, Array]
    steps: int

    def at(self, line: Index, values: Array) -> Fates:
        """Return the fates at values of shape (points, …) on the lines, shape (points,)."""
        wide = line.reshape(-1, *[1] * (values.ndim - 1))
        parameters = {name: other[wide] for name, other in self.others.items()}
        return fates(self.chain, self.start, parameters | {self.along: values}, steps=self.steps, along=self.along)


def locate(
    chain: Map | Composition,
    start: Any,
    along: str,
    low: Any,
    high: Any,
    parameters: Mapping[Any, Any],
    *,
    count: int = COUNT,
    steps: int = STEPS,
) -> tuple[Crossing, ...]:
    """Return every change of fate found on a line in one parameter, in order; on several lines, line after line.

    Parameters
    ----------
    chain : a tied chain; its depth does not matter, the limit of many steps is meant
    start : the first state, one number per component
    along : the parameter that varies
    low, high : its range; numbers, or arrays with one entry per line
    parameters : name → value of the others; numbers, or arrays with one entry per line
    count : how many values are sampled on each line before anything is bisected; a pair of changes between two
        neighbouring samples goes unseen
    steps : how many steps are made, at most, before an orbit is called unsettled

    Raises
    ------
    InputError : a range that is not increasing, a parameter that is unknown or has no value, an untied chain

    Examples
    --------
    >>> (found,) = locate(Map("w*sigmoid(x) + b", "x"), 0.5, "b", -6, -1, {"w": 5.0})
    >>> round(found.value, 12), found.change.name, round(found.jump, 6)
    (-2.612296656009, 'JUMP', 3.427078)
    """
    lines, lows, highs = _checked(chain, start, along, low, high, parameters, count, steps)
    share = np.linspace(0.0, 1.0, count)
    grid = lows[:, None] * (1 - share) + highs[:, None] * share
    every, fine = np.arange(len(lows)), FINE * (highs - lows)
    sides = _changes(every, grid, lines.at(every, grid), fine)
    done: list[_Sides] = []
    complete = True
    for _ in range(ROUNDS):
        finished = (sides.high <= np.nextafter(sides.low, np.inf)) | _neutral(sides, fine)
        done.append(sides.part(finished))
        sides = sides.part(~finished)
        if not sides.line.size:
            break
        if sides.line.size > MOST + FOLLOWED * len(lows):
            chosen = np.linspace(0, sides.line.size - 1, FOLLOWED).astype(int)
            complete, sides = False, sides.part(chosen)
        sides = _thinned(sides, fine)
        values = _sections(sides.low, sides.high)
        sides = _changes(sides.line, values, lines.at(sides.line, values), fine[sides.line])
    found = _merged(_joined([*done, sides]), fine)
    return tuple(_crossing(lines, found, place, count, complete) for place in range(found.line.size))


def _checked(
    chain: Map | Composition,
    start: Any,
    along: str,
    low: Any,
    high: Any,
    parameters: Mapping[Any, Any],
    count: int,
    steps: int,
) -> tuple[_Lines, Array, Array]:
    """Return the lines and the ends of each, after refusing what is none."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 2:
        raise InputError(f"count must be a whole number of at least 2, got {count!r}; give e.g. {COUNT}")
    given = {str(name): floats_of(f"parameter {name!r}", value) for name, value in parameters.items()}
    if along in given:
        raise InputError(f"{along!r} varies along the line and has a value as well; leave it out of the values")
    ends = [floats_of(f"the {word} end of {along}", value) for word, value in (("low", low), ("high", high))]
    try:
        rows = [np.ravel(a) for a in np.broadcast_arrays(*ends, *given.values())]
    except ValueError:
        raise InputError("the ends and the values do not broadcast to one shape; give one entry per line") from None
    lows, highs = rows[0], rows[1]
    if not (np.isfinite(lows) & np.isfinite(highs) & (lows < highs)).all():
        raise InputError(f"the range of {along} must increase, got {low} to {high}; give e.g. -6 and -1")
    return _Lines(chain, start, along, dict(zip(given, rows[2:], strict=True)), steps), lows, highs


def _sections(low: Array, high: Array) -> Array:
    """Return the ends and the inner points of intervals, increasing, shape (intervals, SECTIONS + 1)."""
    share = np.linspace(0.0, 1.0, SECTIONS + 1)
    inner = low[:, None] + (high - low)[:, None] * share
    inner[:, 0], inner[:, -1] = low, high
    values: Array = np.maximum.accumulate(np.clip(inner, low[:, None], high[:, None]), axis=1)
    return values


@dataclass(frozen=True)
class _Sides:
    """Intervals across which the fate changes, with what was found on both sides; one entry per interval.

    ``facts`` holds code, period, multiplier and the d components of the state, shape (2, 3 + d, intervals).
    """

    line: Index
    low: Array
    high: Array
    facts: Array

    def part(self, chosen: Mask | Index) -> "_Sides":
        """Return some of the intervals."""
        return _Sides(self.line[chosen], self.low[chosen], self.high[chosen], self.facts[:, :, chosen])


def _joined(parts: Sequence[_Sides]) -> _Sides:
    """Return all intervals, line after line and in order."""
    line, low, high = (np.concatenate([getattr(p, name) for p in parts]) for name in ("line", "low", "high"))
    order = np.lexsort((low, line))
    return _Sides(line, low, high, np.concatenate([p.facts for p in parts], axis=2)).part(order)


def _changes(line: Index, values: Array, found: Fates, fine: Array) -> _Sides:
    """Return the pairs of neighbouring values, shape (lines, values), between which the fate changes.

    In wide intervals a settled state must also change as its derivative at both ends says, or else the interval is
    looked at more closely; ``fine`` is the width below which that is not asked, shape (lines,).
    """
    different = (found.codes[:, 1:] != found.codes[:, :-1]) | (found.periods[:, 1:] != found.periods[:, :-1])
    width = np.diff(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        change = np.diff(found.states, axis=2)
        gap = np.abs(change).max(axis=0)
        bent = np.abs(change - width * (found.responses[:, :, 1:] + found.responses[:, :, :-1]) / 2).max(axis=0)
        slope = np.abs(found.responses).max(axis=0)
        slack = ROUNDING / np.maximum(1 - np.abs(found.multipliers), ROUNDING**2) + NOISE
        size = (1 + np.abs(found.states).max(axis=0)) * slack
        noise = np.fmax(size[:, 1:], size[:, :-1])
        different |= gap > STEEP * width * np.fmax(slope[:, 1:], slope[:, :-1]) + noise
        different |= (bent > SMOOTH * gap + noise) & (width > fine[:, None])
    rows, columns = np.nonzero(different & (width > 0))
    facts = np.stack([found.codes, found.periods, found.multipliers, *found.states])
    sides = np.stack([facts[:, rows, columns], facts[:, rows, columns + 1]])
    return _Sides(line[rows], values[rows, columns], values[rows, columns + 1], sides)


def _clusters(found: _Sides, fine: Array) -> list[list[int]]:
    """Return the intervals in groups of those that lie close together on one line."""
    groups: list[list[int]] = []
    for place in range(found.line.size):
        line, last = found.line[place], groups[-1][-1] if groups else -1
        near = groups and found.line[last] == line
        if near and found.low[place] - found.high[last] <= TOGETHER / FINE * fine[line]:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _neutral(found: _Sides, fine: Array) -> Mask:
    """Say which intervals are narrow and show no jump, or have an unsettled orbit of multiplier nearly 1 on a side."""
    answer = found.high - found.low < FINEST / FINE * fine[found.line]
    slow = (found.facts[:, 0] == UNSETTLED) & (np.abs(found.facts[:, 2] - 1) < NEUTRAL)
    for place in np.flatnonzero(answer & ~slow.any(axis=0)).tolist():
        answer[place] = _is_quiet(found, place) and UNSETTLED not in found.facts[:, 0, place]
    return answer


def _thinned(found: _Sides, fine: Array) -> _Sides:
    """Keep the first, the last and the widest jumps of narrow intervals that lie close together.

    At a bifurcation without a jump rounding decides between the fates, and they alternate many times.
    """
    if found.line.size < FOLLOWED:
        return found
    kept: list[int] = []
    for group in _clusters(found, fine):
        if len(group) > FOLLOWED and (found.high[group] - found.low[group] < fine[found.line[group]]).all():
            gaps = np.nan_to_num(np.abs(np.diff(found.facts[:, 3:, group], axis=0)).max(axis=(0, 1)), nan=-1.0)
            widest = np.argsort(-gaps, kind="stable")[: FOLLOWED // 4]
            group = sorted({group[0], group[-1], *(group[i] for i in widest)})
        kept += group
    return found.part(np.array(kept, dtype=np.intp))


def _merged(found: _Sides, fine: Array) -> _Sides:
    """Join neighbours around an unsettled band, and what lies together at one bifurcation without a jump."""
    groups: list[list[int]] = []
    for place in range(found.line.size):
        if groups and _together(found, groups[-1], place, fine):
            groups[-1].append(place)
        else:
            groups.append([place])
    first, last = (np.array([group[end] for group in groups], dtype=np.intp) for end in (0, -1))
    facts = np.stack([found.facts[0][:, first], found.facts[1][:, last]])
    joined = _Sides(found.line[first], found.low[first], found.high[last], facts)
    kept = [p for p in range(len(groups)) if not _same(facts[:, :, p], joined.high[p] - joined.low[p])]
    return joined.part(np.array(kept, dtype=np.intp))


def _together(found: _Sides, group: list[int], place: int, fine: Array) -> bool:
    """Say whether a change belongs to the group before it."""
    last, line = group[-1], found.line[place]
    if found.line[last] != line:
        return False
    if found.facts[1, 0, last] == UNSETTLED and found.facts[0, 0, place] == UNSETTLED:
        return True
    close = found.low[place] - found.high[last] <= TOGETHER / FINE * fine[line]
    return bool(close and _is_quiet(found, last) and _is_quiet(found, place))


def _is_quiet(found: _Sides, place: int) -> bool:
    """Say whether a change shows no jump."""
    below, above = found.facts[:, :, place]
    jump = float(np.linalg.norm(above[3:] - below[3:]))
    change = _change(below, above, jump, float(found.high[place] - found.low[place]))
    return change in (Change.CONTINUOUS, Change.UNDECIDED)


def _same(facts: Array, width: float) -> bool:
    """Say whether both sides settle on the same attractor, as far as the width between them lets one see."""
    below, above = facts
    if below[0] == UNSETTLED or (below[:2] != above[:2]).any():
        return False
    if not np.isfinite(below[3:]).all():
        return True
    jump = float(np.linalg.norm(above[3:] - below[3:]))
    return _change(below, above, jump, width) is Change.CONTINUOUS


def _states(facts: Array) -> tuple[float, ...]:
    """Return the state of a side, ±inf where it leaves every bound."""
    if facts[0] in (PLUS, MINUS):
        return tuple(np.full(len(facts) - 3, np.inf if facts[0] == PLUS else -np.inf).tolist())
    return tuple(facts[3:].tolist())


def _change(below: Array, above: Array, jump: float, width: float) -> Change:
    """Say what changes between two sides.

    At a bifurcation without a jump the states differ by about a root of the distance to it (the square root at a flip,
    the third root at a cusp), so by about a root of the width between the two sides; a jump is far larger.
    """
    codes = {int(below[0]), int(above[0])}
    if CHAOTIC in codes:
        return Change.CHAOS
    if UNSETTLED in codes:
        return Change.UNDECIDED
    if codes & {PLUS, MINUS}:
        return Change.ESCAPE
    size = 1 + max(np.abs(below[3:]).max(), np.abs(above[3:]).max())
    doubled = 2 * min(below[1], above[1]) == max(below[1], above[1])
    if doubled and jump < DOUBLED * size:
        return Change.CONTINUOUS
    return Change.JUMP if jump > ROOT * size * np.cbrt(width / size) + NOISE * size else Change.CONTINUOUS


def _crossing(lines: _Lines, found: _Sides, place: int, count: int, complete: bool) -> Crossing:
    """Describe one crossing."""
    below, above = found.facts[:, :, place]
    low, high, line = float(found.low[place]), float(found.high[place]), int(found.line[place])
    before, after = _states(below), _states(above)
    with np.errstate(invalid="ignore"):
        jump = float(np.linalg.norm(np.subtract(after, before)))
    if before == after and np.isinf(before).all():
        jump = np.nan
    change = _change(below, above, jump, high - low)
    sides = [FATES[int(facts[0])] for facts in (below, above)]
    middle = low + (high - low) / 2
    apart = round((high - low) / float(np.spacing(max(abs(low), abs(high)))))
    cut = "" if complete else f"; more than {MOST} changes were met and the list was cut short"
    trace = (
        f"{count} values of {lines.along} were sampled and every change of fate bisected; the two sides are {apart} "
        f"units in the last place apart, and orbits of at most {lines.steps} steps end at {_said(before)} below and "
        f"at {_said(after)} above{cut}"
    )
    others = {name: float(values[line]) for name, values in lines.others.items()}
    return Crossing(
        lines.along,
        low,
        high,
        others | {lines.along: middle},
        line,
        sides[0],
        sides[1],
        int(below[1]),
        int(above[1]),
        before,
        after,
        jump,
        change,
        complete,
        Verdict.SAMPLED,
        trace,
    )


def _said(state: tuple[float, ...]) -> str:
    """Write a settled state in a sentence."""
    if np.isnan(state).any():
        return "no settled state"
    text = ", ".join(f"{s:.10g}" for s in state)
    return text if len(state) == 1 else f"({text})"
