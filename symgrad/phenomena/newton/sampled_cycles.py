"""Cycles of a map in an interval, found on a grid and each certified by an interval method.

Sign changes of N^P(x) - x bracket the points of a cycle; orbits that settle show the attracting ones. Each candidate
is proved to exist by an interval Newton step on N^P(x) = x; that no cycle was missed is not claimed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Integer

from symgrad.certify import Ball, UndefinedHere, enclose
from symgrad.derivation import is_zero
from symgrad.derivation.local_theory import Cycle, CycleKind, kind_of
from symgrad.evidence import Verdict
from symgrad.maps import Map, expand_activations

Array = NDArray[np.float64]
GRID = 8001
HALVINGS = 60
SETTLING = 600
MOST = 6
BITS = 128
RADII = (2.0**-44, 2.0**-36, 2.0**-28, 2.0**-20)
CLOSE = 1e-9


@dataclass(frozen=True)
class SampledCycles:
    """Certified cycles of one period, and how many the grid showed.

    Parameters
    ----------
    cycles : those of least multiplier, each proved to exist
    shown : the number of cycles that the grid showed
    """

    cycles: tuple[Cycle, ...]
    shown: int


def sampled_cycles(update: Map, period: int, low: float, high: float) -> SampledCycles:
    """Return certified real cycles of one period inside an interval.

    Parameters
    ----------
    update : a scalar real map without parameters
    period : at least 1
    low, high : every point of the cycle lies between them

    Examples
    --------
    >>> from symgrad.derivation import newton
    >>> (cycle,) = sampled_cycles(newton("atan(x)", "x"), 2, -10, 10).cycles
    >>> cycle.points, cycle.kind.value, cycle.verdict.name
    ((-1.391745200270735, 1.391745200270735), 'repelling', 'CERTIFIED')
    """
    (x,) = update.state
    expr = expand_activations(update.expr)
    slope = expand_activations(update.jacobian[0][0])
    step, rate = _compiled(expr, x), _compiled(slope, x)
    guesses = _distinct(_candidates(step, period, low, high), step, period, low, high)
    guesses.sort(key=lambda cycle: float(abs(np.prod(rate(np.array(cycle))))))
    found = [cycle for guess in guesses[:MOST] if (cycle := _certified(expr, slope, x, guess)) is not None]
    return SampledCycles(tuple(found), len(guesses))


def _compiled(expr: Expr, x: Any) -> Callable[[Array], Array]:
    # At start-up SciPy would cost half a second; only special functions need it.
    special = expr.has(sympy.erf, sympy.erfc, sympy.gamma, sympy.loggamma, sympy.LambertW)
    function = sympy.lambdify(x, expr, ["scipy", "numpy"] if special else "numpy")

    def call(points: Array) -> Array:
        with np.errstate(all="ignore"):
            values: Array = np.broadcast_to(np.asarray(function(points), dtype=float), np.shape(points))
        return values

    return call


def _iterated(step: Callable[[Array], Array], points: Array, period: int) -> Array:
    for _ in range(period):
        points = step(points)
    return points


def _candidates(step: Callable[[Array], Array], period: int, low: float, high: float) -> Array:
    """Return points that nearly return after the period: brackets halved, and ends of orbits that settled."""
    grid = np.linspace(low, high, GRID) + (high - low) * 1.234567e-7
    gap = _iterated(step, grid, period) - grid
    crossing = np.isfinite(gap[:-1]) & np.isfinite(gap[1:]) & (np.sign(gap[:-1]) != np.sign(gap[1:]))
    a, b, below = grid[:-1][crossing], grid[1:][crossing], np.sign(gap[:-1][crossing])
    for _ in range(HALVINGS):
        middle = (a + b) / 2
        left = np.sign(_iterated(step, middle, period) - middle) == below
        a, b = np.where(left, middle, a), np.where(left, b, middle)
    return np.concatenate([a, _iterated(step, grid[:: GRID // 200], SETTLING)])


def _distinct(
    starts: Array, step: Callable[[Array], Array], period: int, low: float, high: float
) -> list[tuple[float, ...]]:
    """Return the cycles of just this period that the points lie on, the least point first."""
    orbits = [starts]
    for _ in range(period):
        orbits.append(step(orbits[-1]))
    points = np.stack(orbits)
    with np.errstate(invalid="ignore"):
        inside = np.all(np.isfinite(points) & (points >= low) & (points <= high), axis=0)
        near = np.abs(points[1:] - starts) < 1e-5 * np.maximum(1, np.abs(starts))
    kept = points[:-1, inside & near[-1] & ~np.any(near[:-1], axis=0)]
    found: dict[tuple[float, ...], tuple[float, ...]] = {}
    for orbit in kept.T.tolist():
        first = int(np.argmin(orbit))
        cycle = (*orbit[first:], *orbit[:first])
        found.setdefault(tuple(round(p, 5) + 0.0 for p in cycle), cycle)
    return list(found.values())


def _certified(expr: Expr, slope: Expr, x: Any, guess: tuple[float, ...]) -> Cycle | None:
    """Return the cycle near a guess: exact where its points are simple numbers, else enclosed; None without a proof."""
    exact = _exact_points(expr, x, guess)
    if exact is not None:
        multiplier = sympy.simplify(sympy.prod([slope.xreplace({x: p}) for p in exact]))
        if multiplier.is_finite:
            return Cycle(len(guess), tuple(map(float, exact)), exact, multiplier, kind_of(multiplier), Verdict.PROVED)
    try:
        start = _interval_newton(expr, slope, x, guess)
        if start is None:
            return None
        balls, product = _along(expr, slope, x, start, len(guess))
    except UndefinedHere:
        return None
    if _any_meet(balls[:-1]):
        return None
    points = tuple(float(ball.value.mid()) for ball in balls[:-1])
    size = abs(product)
    kind = CycleKind.ATTRACTING if bool(size < 1) else CycleKind.REPELLING if bool(size > 1) else CycleKind.UNDECIDED
    verdict = Verdict.UNDECIDED if kind is CycleKind.UNDECIDED else Verdict.CERTIFIED
    return Cycle(len(points), points, None, float(product.mid()), kind, verdict, tuple(balls[:-1]))


def _along(expr: Expr, slope: Expr, x: Any, start: Ball, period: int) -> tuple[list[Ball], Any]:
    """Return enclosures of x, N(x), …, N^P(x) and of the derivative of N^P on a ball."""
    balls, product = [start], Ball.between(1, 1).value
    for _ in range(period):
        product = product * enclose(slope, {x: balls[-1]}, bits=BITS).value
        balls.append(enclose(expr, {x: balls[-1]}, bits=BITS))
    return balls, product


def _interval_newton(expr: Expr, slope: Expr, x: Any, guess: tuple[float, ...]) -> Ball | None:
    """Return a ball that holds exactly one solution of N^P(x) = x: m - G(m)/G'(B) lies inside B, with G = N^P - x."""
    middle, period = guess[0], len(guess)
    for radius in RADII:
        middle = _polished(expr, slope, x, middle, period)
        exact, reach = Fraction(middle), Fraction(radius * max(1.0, abs(middle)))
        wide = Ball.between(exact - reach, exact + reach)
        there = Ball.between(exact, exact)
        _, product = _along(expr, slope, x, wide, period)
        gain = product - 1
        if not gain.is_finite() or bool(gain.contains(0)):
            continue
        gap = _along(expr, slope, x, there, period)[0][-1].value - there.value
        inner = there.value - gap / gain
        if bool(wide.value.contains_interior(inner)):
            return Ball(inner)
    return None


def _polished(expr: Expr, slope: Expr, x: Any, middle: float, period: int) -> float:
    """Improve a guess by one step of Newton's method on N^P(x) - x, in balls of many bits."""
    exact = Fraction(middle)
    there = Ball.between(exact, exact)
    balls, product = _along(expr, slope, x, there, period)
    step = (balls[-1].value - there.value) / (product - 1)
    return middle - float(step.mid()) if step.is_finite() else middle


def _any_meet(balls: Sequence[Ball]) -> bool:
    """Say whether two points cannot be told apart: the period might be a shorter one."""
    return any(bool(a.value.overlaps(b.value)) for i, a in enumerate(balls) for b in balls[:i])


def _exact_points(expr: Expr, x: Any, guess: tuple[float, ...]) -> tuple[Expr, ...] | None:
    """Return the points as simple numbers where that they are a cycle is proved."""
    exact = tuple(simple_number(p) for p in guess)
    known = tuple(e for e in exact if e is not None)
    if len(known) < len(guess) or len(set(known)) < len(guess):
        return None
    images = [expr.xreplace({x: p}) for p in known]
    closed = all(
        is_zero(image - known[(i + 1) % len(known)]) for i, image in enumerate(images) if not image.has(sympy.zoo)
    )
    return known if closed and not any(image.has(sympy.zoo, sympy.nan) for image in images) else None


def simple_number(value: float) -> Expr | None:
    """Return the fraction, or the fraction of π, with a small divisor that a number is within 1e-9 of.

    >>> simple_number(1.0471975511965976), simple_number(0.7390851332151607)
    (pi/3, None)
    """
    for unit, size in ((Integer(1), 1.0), (sympy.pi, float(np.pi))):
        for divisor in (1, 2, 3, 4, 6):
            nearest = round(value / size * divisor)
            if abs(nearest * size / divisor - value) < CLOSE * max(1, abs(value)):
                return sympy.Rational(nearest, divisor) * unit
    return None
