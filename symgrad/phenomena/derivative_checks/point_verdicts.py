"""Whether one given derivative value is right at one point."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from typing import Any

from symgrad.phenomena.derivative_checks.step_ladders import (
    MACHINE,
    Estimate,
    Line,
    Slopes,
    complex_step,
    measure,
    quick_slope,
)

LEAST_DISCREPANCY = 1e-6
WIDEST_INTEGERS = 2.0**44
UNDERFLOW = 1e-150
PARTS = (-0.91, -0.53, -0.27, 0.19, 0.61, 0.83)


class Finding(Enum):
    """What one point says about a derivative; the value is the sentence."""

    AGREES = "the given and the measured derivative agree"
    WRONG = "the given derivative is wrong"
    OPEN = "the differences are too uncertain to decide"
    UNSWEPT = "quick differences disagree; enough was wrong elsewhere, so no sweep was made"
    SKIPPED = "the function or its derivative has no finite value here"


@dataclass(frozen=True)
class Judgement:
    """One given derivative value, measured.

    Parameters
    ----------
    finding : what the point says
    given : the derivative as written
    measured : what the differences say
    slopes : both one-sided slopes where they differ (a kink) or a jump was met, else None
    """

    finding: Finding
    given: float
    measured: Estimate
    slopes: Slopes | None = None


@dataclass(frozen=True)
class Subject:
    """A function of one number and its given derivative.

    Parameters
    ----------
    line : what is differenced ``order`` times
    given : the derivative as written, along the same line
    order : 1 or 2
    raw : the function with complex arguments, for the complex step; None where it is not wanted
    witness : for a second derivative measured from first ones, the function itself: its second differences must not
        speak for the given value
    """

    line: Line
    given: Line
    order: int
    raw: Callable[[Any], Any] | None = None
    witness: Line | None = None


def judge(subject: Subject, x: float, *, factor: float, hurry: bool = False) -> Judgement:
    """Compare the given derivative with the measured one at x.

    It is called wrong only where it misses the central, the left and the right estimate by ``factor`` times their
    bars, on two ladders of steps, and by more than 10⁻⁶ of its size. With ``hurry`` a disagreement of the quick
    differences is not followed up.
    """
    given = subject.given(x)
    if not (isfinite(given) and isfinite(subject.line(x))):
        return Judgement(Finding.SKIPPED, given, Estimate(float("nan"), float("inf")))
    quick, sides = quick_slope(subject.line, x, subject.order)
    size = max(abs(given), abs(quick.value))
    if abs(given - quick.value) <= 1e-5 * size and quick.error <= 1e-2 * size and sides <= 1e-2 * size:
        return Judgement(Finding.AGREES, given, quick)
    if hurry:
        return Judgement(Finding.UNSWEPT, given, quick)
    first = compare(subject, x, given, factor, 1.0)
    if first.finding is not Finding.WRONG:
        return first
    second = compare(subject, x, given, factor, 0.75)
    doubted = (
        is_below_resolution(subject, x, given, first.measured.value)
        or vouched_for(subject, x, given, first.measured, factor)
        or is_staircase(subject, x, given)
    )
    if second.finding is not Finding.WRONG or doubted:
        return Judgement(Finding.OPEN, given, first.measured, first.slopes)
    return first


def compare(subject: Subject, x: float, given: float, factor: float, stretch: float) -> Judgement:
    """The full sweep on one ladder of steps."""
    slopes = measure(subject.line, x, order=subject.order, stretch=stretch)
    middle, right, left = slopes.central, slopes.right, slopes.left
    if slopes.jump:
        return Judgement(Finding.OPEN, given, middle, slopes)
    if slopes.flat and middle.value == 0 and abs(given) * slopes.flat <= MACHINE:
        return Judgement(Finding.AGREES if given == 0 else Finding.OPEN, given, middle)
    slack = factor * given_noise(subject.given, x, given) + LEAST_DISCREPANCY * abs(given)
    if is_kink(left, right, factor):
        low, high = sorted([left, right], key=lambda side: side.value)
        outside = max(low.value - factor * low.error - given, given - high.value - factor * high.error)
        nearest = low if given < low.value else high
        wrong = outside > slack + LEAST_DISCREPANCY * abs(nearest.value)
        return Judgement(Finding.WRONG if wrong else Finding.AGREES, given, nearest, slopes)
    if not slopes.resolved:
        return Judgement(Finding.OPEN, given, middle)
    best = refined(subject, x, middle, factor)
    gap = abs(given - best.value)
    size = max(abs(given), abs(best.value))
    if gap <= factor * best.error + slack or not isfinite(best.error):
        settled = best.error <= 1e-3 * size or best.error <= 1e-8 * (1 + abs(subject.line(x)))
        return Judgement(Finding.AGREES if settled else Finding.OPEN, given, best)
    if not (isfinite(left.error) and isfinite(right.error) and gap > LEAST_DISCREPANCY * size):
        return Judgement(Finding.OPEN, given, best)
    missed = all(abs(given - side.value) > 2 * side.error + slack for side in (left, right))
    united = left.agrees(right, factor) and left.agrees(middle, factor) and right.agrees(middle, factor)
    return Judgement(Finding.WRONG if missed and united else Finding.OPEN, given, best)


def is_kink(left: Estimate, right: Estimate, factor: float) -> bool:
    """Whether both one-sided slopes exist and differ by more than their bars."""
    if not (isfinite(left.error) and isfinite(right.error)) or left.agrees(right, factor):
        return False
    size = max(abs(left.value), abs(right.value))
    return abs(left.value - right.value) > 1e-3 * size and max(left.error, right.error) <= 1e-3 * size


def refined(subject: Subject, x: float, middle: Estimate, factor: float) -> Estimate:
    """The complex step's value where it agrees with a good plateau of the sweep, else the plateau's."""
    if subject.raw is None or subject.order != 1 or middle.error > 1e-3 * abs(middle.value):
        return middle
    slope = complex_step(subject.raw, x)
    if slope is None or abs(slope - middle.value) > factor * middle.error:
        return middle
    return Estimate(slope, min(middle.error, 1e-10 * abs(slope)))


def given_noise(given: Line, x: float, value: float) -> float:
    """How far rounding of x alone moves the given derivative."""
    nudge = 2 * MACHINE * abs(x)
    moves = [abs(given(x + side * nudge) - value) for side in (-1, 1)] if nudge else [0.0]
    return max([4 * MACHINE * abs(value), *(move for move in moves if isfinite(move))])


def vouched_for(subject: Subject, x: float, given: float, measured: Estimate, factor: float) -> bool:
    """Whether second differences of the function itself speak for the given value and against the measured one."""
    if subject.witness is None:
        return False
    direct = measure(subject.witness, x, order=2).central
    return abs(given - direct.value) <= factor * direct.error and not direct.agrees(measured, factor)


def is_staircase(subject: Subject, x: float, given: float) -> bool:
    """Whether the given slope is that of wider steps while narrow ones find another nearly everywhere around x.

    That is how rounding inside a function looks, e.g. (exp(x) − 1)/x near zero: many small treads, not one fault.
    """
    slopes = measure(subject.line, x, order=subject.order)
    near = abs(slopes.sweep - given) <= 1e-2 * abs(given)
    runs = [k for k in range(3, near.size) if near[k - 3 : k + 1].all()]
    if not runs:
        return False
    reach = 2 * float(slopes.steps[runs[-1]])
    others = [measure(subject.line, x + reach * part, order=subject.order).central for part in PARTS]
    return sum(abs(other.value - given) > 1e-2 * abs(given) for other in others) > len(PARTS) // 2


def is_below_resolution(subject: Subject, x: float, given: float, measured: float) -> bool:
    """Whether double precision could hide the difference between the given and the measured value at x.

    So it is where the difference moves the function by less than 10⁻¹⁰ of its size, where treads of a few units in
    the last place of x are seen, and for a zero that underflowed or belongs to treads finer than the function's grain.
    """
    size = abs(subject.line(x))
    if abs(given - measured) * max(abs(x), 1.0) ** subject.order <= 1e-10 * size:
        return True
    if given == 0 and (size >= WIDEST_INTEGERS or abs(measured) < UNDERFLOW):
        return True
    if subject.order == 2:
        return False
    nudges = [side * places * MACHINE * abs(x) for side in (-1, 1) for places in (1, 8, 64)]
    visible = [nudge for nudge in nudges if abs(measured * nudge) > 4 * MACHINE * size]
    return any(subject.line(x + nudge) == subject.line(x) for nudge in visible)
