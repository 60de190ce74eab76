"""Where an update leads from one start, and what the product of its derivatives does along the way.

The orbit is followed in floats; a step that floats cannot take (0/0, an overflow inside) is taken in many digits. A
fate is measured, never proved:

converged : the steps fall below the tolerance, and the multiplier there, taken in many digits, is below 1
cycle : the orbit meets itself again; it stays because it is attracting, or because the floats repeat exactly
diverged : it leaves float64, or it grows without a break through the second half of the steps and does not slow down
singular : the update has no value at a point, as where Newton's derivative vanishes
undecided : none of these within the steps, as for chaotic orbits
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map
from symgrad.phenomena.newton.attractors import Attractor, attractor_at
from symgrad.phenomena.newton.scalar_maps import Number, ScalarMap, scalar_map

Array = NDArray[Any]

TOLERANCE = 1e-14
KEPT = 10_000
MOST_RESCUES = 2_000
STILL = 1e-11
ROUNDING_NOISE = 1e-6
ESCAPED = 1e6
LARGEST = 1e300
FAR = 1e100
TAIL = 64
REPEATS = {
    "repelling": "the floats repeat exactly, though neighbours leave",
    "indifferent": "the floats repeat exactly; the multiplier has modulus 1, so that neighbours need not come closer",
}
CREEPS = "the steps shrink ever more slowly, so that convergence, if any, is slower than geometric"
OUT_OF_FLOATS = "float64 gives out here, and so many steps are not taken in more digits"


class Fate(Enum):
    """What becomes of the orbit; the value is the sentence a report prints."""

    CONVERGED = "converged: the steps have fallen below the tolerance at an attracting fixed point"
    CYCLE = "cycle: the orbit returns to the same points for ever"
    DIVERGED = "diverged: the orbit leaves every bound"
    SINGULAR = "singular: the update has no value at a point of the orbit"
    UNDECIDED = "undecided: the steps taken do not show where the orbit leads"

    @property
    def word(self) -> str:
        """The lower-case name, as JSON and tables print it.

        >>> Fate.UNDECIDED.word
        'undecided'
        """
        return self.name.lower()


@dataclass(frozen=True)
class NewtonOrbit:
    """The orbit of a scalar update from one start.

    Parameters
    ----------
    fate : what becomes of it
    steps : how many steps were taken; fewer than asked for where the fate is settled earlier
    orbit : the points kept, at most ``KEPT`` and a few; the last one always is
    indices : which step each point kept is reached by
    last : the last point
    attractor : the fixed point or cycle reached, with multiplier and measured order, None otherwise
    log_product : log of the absolute value of the product of the derivatives along the steps taken, -inf for 0
    sign : its sign, 0 where it is exactly 0, None over the complex numbers
    domain : "real" or "complex"
    note : what else is to be said, e.g. where the update has no value
    """

    fate: Fate
    steps: int
    orbit: Array = field(repr=False)
    indices: NDArray[np.int64] = field(repr=False)
    last: Number
    attractor: Attractor | None
    log_product: float
    sign: int | None
    domain: str
    note: str = ""

    @property
    def mean_rate(self) -> float:
        """log|product of N'| per step taken, in nats; nan before the first step."""
        return self.log_product / self.steps if self.steps else math.nan

    @property
    def rate(self) -> float:
        """The growth rate of the product in nats per step: that of the attractor where one is reached, else the mean.

        -inf where the attractor is superattracting, or where the orbit meets a point with N' = 0.
        """
        return self.mean_rate if self.attractor is None else self.attractor.rate

    @property
    def root(self) -> Number | None:
        """The fixed point the orbit converged to."""
        return self.attractor.points[0] if self.fate is Fate.CONVERGED and self.attractor else None

    @property
    def cycle(self) -> tuple[Number, ...] | None:
        """The points of the cycle reached."""
        return self.attractor.points if self.fate is Fate.CYCLE and self.attractor else None

    @property
    def period(self) -> int | None:
        """The period of the cycle reached, 1 at a fixed point."""
        return len(self.attractor.points) if self.attractor else None

    @property
    def order(self) -> float | None:
        """The measured order of convergence, None where nothing attracts."""
        return self.attractor.order if self.attractor else None

    @property
    def verdict(self) -> Verdict:
        """Sampled: the fate is measured; undecided where nothing is."""
        return Verdict.UNDECIDED if self.fate is Fate.UNDECIDED else Verdict.SAMPLED

    @cached_property
    def statement(self) -> str:
        """One sentence for a report."""
        where = {
            Fate.CONVERGED: f"converged to {_text(self.last)} after {self.steps} steps",
            Fate.CYCLE: f"a cycle of period {self.period}, reached after {self.steps} steps",
            Fate.DIVERGED: f"diverged: after {self.steps} steps at {_text(self.last)}",
            Fate.SINGULAR: f"no value after {self.steps} steps, at {_text(self.last)}",
            Fate.UNDECIDED: f"undecided after {self.steps} steps",
        }[self.fate]
        rate = "" if math.isnan(self.rate) else f"; rate of the derivative product {self.rate:.4g} nats per step"
        return f"{where}{rate}" + (f"; {self.note}" if self.note else "")


def _text(value: Number) -> str:
    return f"{value:.10g}"


@dataclass
class _Course:
    """What the loop has seen."""

    here: Number
    points: list[Number]
    indices: list[int]
    sizes: deque[float]
    steps: int = 0
    log: float = 0.0
    sign: int = 1
    stride: int = 1
    rescues: int = 0
    end: Fate | None = None
    period: int = 0
    note: str = ""

    def keep(self, point: Number) -> None:
        """Keep a point, thinning out what is kept where it is too much."""
        if self.steps % self.stride:
            return
        self.points.append(point)
        self.indices.append(self.steps)
        if len(self.points) > KEPT:
            self.points, self.indices, self.stride = self.points[::2], self.indices[::2], 2 * self.stride


def _start_of(start: Any) -> Number:
    try:
        value = complex(start)
    except (TypeError, ValueError):
        raise InputError(f"the start must be a number, got {str(start)[:40]!r}; give e.g. 0.7 or 1+2j") from None
    if not (math.isfinite(value.real) and math.isfinite(value.imag)):
        raise InputError(f"the start must be finite, got {start}; give e.g. 0.7")
    return value if value.imag or isinstance(start, complex) else value.real


def _over_the_complex(update: Map, derivative: Expr | None) -> tuple[Map, Expr | None]:
    """Return the same update over the complex numbers; refused where it is not differentiable there."""
    if update.expr.has(sympy.Abs, sympy.sign, sympy.floor, sympy.Max, sympy.Min, sympy.Piecewise, sympy.Heaviside):
        raise InputError(
            f"the update {update.expr} is a map of the real line (abs, sign, …), got a complex start; give a real one"
        )
    wider = Map(update.canonical.split(" -> ", 1)[1], update.state[0].name, domain="complex")
    if derivative is None:
        return wider, None
    renaming = {s: sympy.Symbol(s.name) for s in derivative.free_symbols}
    return wider, derivative.xreplace(renaming)


def newton_orbit(
    update: Map,
    start: Any,
    steps: int = 100,
    *,
    parameters: Mapping[str, Any] | None = None,
    derivative: Expr | None = None,
    tolerance: float = TOLERANCE,
) -> NewtonOrbit:
    """Follow a scalar update from ``start`` for at most ``steps`` steps.

    Parameters
    ----------
    update : the map x ↦ N(x), real or complex; with a complex start a real map is taken over the complex numbers
    start : a number
    parameters : name → number
    derivative : N' in a form of your own; derived where it is not given
    tolerance : how small a step is, relative to 1 + |x|, for the orbit to have converged

    Raises
    ------
    InputError : a start that is no number, a map of several components, a parameter without a value

    Examples
    --------
    >>> from symgrad.derivation import newton
    >>> found = newton_orbit(newton("x**2 - 2", "x"), 1.0)
    >>> found.fate.word, found.root, found.rate, round(found.order, 2)
    ('converged', 1.4142135623730951, -inf, 2.0)
    >>> newton_orbit(newton("x**3 - 2*x + 2", "x"), 0).cycle
    (0.0, 1.0)
    """
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps must be a positive integer, got {steps!r}; give e.g. 100")
    if not isinstance(tolerance, float | int) or not 0 < tolerance < 1:
        raise InputError(f"tolerance must lie between 0 and 1, got {tolerance!r}; give e.g. 1e-14")
    first, note = _start_of(start), ""
    if isinstance(first, complex) and update.domain == "real":
        update, derivative = _over_the_complex(update, derivative)
        note = "the start is complex, so the map is taken over the complex numbers"
    if update.domain == "complex":
        first = complex(first)
    step = scalar_map(update, parameters, derivative=derivative)
    course = _follow(step, first, steps, float(tolerance))
    return _concluded(step, course, update.domain, note)


def _follow(step: ScalarMap, start: Number, steps: int, tolerance: float) -> _Course:
    """Take the steps, until the fate of the orbit is settled."""
    pair, course = step.pair, _Course(start, [start], [0], deque(maxlen=TAIL))
    here, anchor, anchored, power = start, start, 0, 1
    log, sign, logarithm, sizes = 0.0, 1, math.log, course.sizes
    for k in range(1, steps + 1):
        value, size, negative = _taken(step, pair, here, course)
        if value is None:
            break
        log, sign = (log + logarithm(size), -sign if negative else sign) if size else (-math.inf, 0)
        course.steps = k
        moved, bound = abs(value - here), tolerance * (1 + abs(value))
        sizes.append(moved)
        course.keep(value)
        here = value
        if moved <= bound:
            course.end = Fate.CONVERGED
            break
        if abs(value) > LARGEST:
            course.end = Fate.DIVERGED
            break
        if abs(value - anchor) <= bound and _returns(step, value, k - anchored, bound):
            course.end, course.period = Fate.CYCLE, k - anchored
            break
        if k - anchored == power:
            anchor, anchored, power = value, k, 2 * power
    course.here, course.log, course.sign = here, log, sign
    return course


def _taken(
    step: ScalarMap, pair: Callable[[Any], Sequence[Any]], here: Number, course: _Course
) -> tuple[Number | None, float, bool]:
    """Return N(here), |N'(here)| and whether N' is negative, in many digits where floats do not yield them."""
    try:
        value, slope = pair(here)
        size = abs(slope)
        plain = type(value) is not complex or step.update.domain == "complex"
        if plain and abs(value) < math.inf and size < math.inf:
            return value, size, size != 0 and type(slope) is not complex and slope < 0
    except (ZeroDivisionError, OverflowError, ValueError):
        pass
    course.rescues += 1
    precise = step.precise(here) if course.rescues <= MOST_RESCUES else None
    if precise is None:
        course.end = Fate.SINGULAR if course.rescues <= MOST_RESCUES else Fate.UNDECIDED
        return None, 0.0, False
    value, slope = (complex(v) if step.update.domain == "complex" else float(v) for v in precise)
    if abs(value) == math.inf:
        course.end = Fate.DIVERGED
        return None, 0.0, False
    return value, float(abs(precise[1])), not isinstance(slope, complex) and slope < 0


def _returns(step: ScalarMap, here: Number, period: int, bound: float) -> bool:
    """Whether the orbit stays on what looks like a cycle: the floats repeat exactly, or it attracts."""
    points, product = [here], 1.0
    for _ in range(2 * period):
        try:
            value, slope = step.pair(points[-1])
        except (ZeroDivisionError, OverflowError, ValueError):
            return False
        points.append(value)
        product *= abs(slope)
    exactly = points[period] == here
    return exactly or (abs(points[period] - here) <= bound and abs(points[-1] - here) <= bound and product < 1)


def _concluded(step: ScalarMap, course: _Course, domain: str, note: str) -> NewtonOrbit:
    """Return the orbit with its fate, and the attractor in many digits."""
    fate, attractor, remark = _settled(step, course)
    note = "; ".join(part for part in (note, remark) if part)
    last = attractor.points[0] if fate is Fate.CONVERGED and attractor is not None else course.here
    if course.indices[-1] != course.steps:
        course.points.append(course.here)
        course.indices.append(course.steps)
    kind = np.complex128 if domain == "complex" else np.float64
    points, indices = np.array(course.points, dtype=kind), np.array(course.indices, dtype=np.int64)
    sign = None if domain == "complex" and course.sign else course.sign
    return NewtonOrbit(fate, course.steps, points, indices, last, attractor, course.log, sign, domain, note)


def _settled(step: ScalarMap, course: _Course) -> tuple[Fate, Attractor | None, str]:
    """Settle the fate from what the loop has seen; return it with the attractor and a remark."""
    fate = course.end or Fate.UNDECIDED
    if fate is Fate.CYCLE:
        cycle = attractor_at(step, course.here, course.period)
        if cycle is None or cycle.diameter > ROUNDING_NOISE * (1 + abs(course.here)):
            return (
                fate,
                cycle,
                "" if cycle is not None and cycle.attracts else REPEATS.get(cycle.kind if cycle else "", ""),
            )
        fate = Fate.CONVERGED
    if fate is Fate.CONVERGED or _small(course):
        found = attractor_at(step, course.here, 1)
        if found is not None and found.attracts:
            if _stays(step, found.points[0]):
                return Fate.CONVERGED, found, ""
            return Fate.UNDECIDED, None, CREEPS
        if fate is Fate.CONVERGED and found is not None and course.sizes[-1] == 0 and found.size > 1:
            return Fate.CYCLE, found, REPEATS.get(found.kind, "")
        if fate is Fate.CONVERGED:
            return Fate.UNDECIDED, None, "the steps are below rounding, and the multiplier there is not below 1"
    if fate is Fate.SINGULAR and abs(course.here) < FAR:
        return fate, None, f"the update has no value at {_text(course.here)}: what it divides by vanishes there"
    if fate in (Fate.SINGULAR, Fate.DIVERGED) or _grows(course):
        return Fate.DIVERGED, None, ""
    remark = OUT_OF_FLOATS if course.rescues > MOST_RESCUES else CREEPS if _creeps(course) else ""
    return fate, None, remark


def _stays(step: ScalarMap, point: Number) -> bool:
    """Whether a point is a fixed point to within rounding, in many digits, and not one of a creeping orbit."""
    found = step.precise(point)
    return found is None or bool(abs(found[0] - point) <= STILL * (1 + abs(point)))


def _creeps(course: _Course) -> bool:
    """Whether the steps shrink, each by less than 5 %, one slower than the other."""
    recent = np.array(list(course.sizes)[-20:])
    if len(recent) < 20 or not (recent > 0).all():
        return False
    ratios = recent[1:] / recent[:-1]
    return bool((ratios < 1).all() and (ratios > 0.9).all() and (np.diff(ratios) >= -ROUNDING_NOISE).all())


def _small(course: _Course) -> bool:
    """Whether the last steps are rounding noise about one point, or the orbit starts on a removable singularity."""
    recent = list(course.sizes)[-20:]
    noise = ROUNDING_NOISE * (1 + abs(course.here))
    if course.end not in (None, Fate.SINGULAR):
        return False
    if course.end is Fate.SINGULAR:
        return not recent or recent[-1] <= noise
    return len(recent) == 20 and max(recent) <= noise


def _grows(course: _Course) -> bool:
    """Whether |x| grew without a break through the second half of the points kept, far, or without slowing down."""
    sizes, indices = np.abs(np.array(course.points)), np.array(course.indices)
    half = len(sizes) // 2
    if half < 8:
        return False
    rising = bool(np.all(np.diff(sizes[-min(TAIL, half) :]) > 0))
    if rising and sizes[-1] >= ESCAPED * (1 + sizes[0]):
        return True
    pace = np.abs(np.diff(np.array(course.points)[half:])) / np.diff(indices[half:])
    through = bool(np.all(np.diff(sizes[half:]) > 0))
    return through and half >= 16 and bool(sizes[-1] > 4 * (1 + sizes[0])) and bool(pace[-1] >= 0.9 * pace[0])
