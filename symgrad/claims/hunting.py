"""Walking downhill on lhs - rhs of an inequality that held at every point tried, to where it fails."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import isfinite

from sympy import Symbol

from symgrad.certify import UndefinedHere, enclose
from symgrad.claims.conditions import Comparison, Requirement
from symgrad.claims.points import Point
from symgrad.maps import expand_activations

STARTS = 60
WALKS = 3
ROUNDS = 30
FINEST = 2**40
FAR = tuple(Fraction(10) ** e for e in (4, 6, 9, 12))
MOST_VARIABLES = 3


def lower_points(
    link: Comparison,
    where: Sequence[Comparison],
    requirements: Sequence[Requirement],
    candidates: Iterable[Point],
) -> list[Point]:
    """Return allowed points at which the difference of an inequality's sides is near a local minimum."""
    difference = expand_activations(link.difference)

    def allowed(point: Point) -> bool:
        return all(c.holds(point) for c in where) and all(r.holds(point) for r in requirements)

    def height(point: Point) -> float:
        try:
            value = float(enclose(difference, point, bits=64).value)
        except (UndefinedHere, ValueError, OverflowError):
            return float("inf")
        return value if isfinite(value) else float("inf")

    starts = [p for p, _ in zip(candidates, range(STARTS), strict=False)]
    if not starts or len(starts[0]) > MOST_VARIABLES or link.relation in ("=", "!="):
        return []
    far = [p for p in _far(starts[0]) if allowed(p)]
    ranked = sorted(starts, key=height)[:WALKS]
    return far + [_downhill(p, height, allowed) for p in ranked]


def _far(start: Point) -> list[Point]:
    whole = [s for s in start if not s.is_integer]
    return [{**start, s: turn * size} for s in whole for size in FAR for turn in (1, -1)]


def _downhill(start: Point, height: Callable[[Point], float], allowed: Callable[[Point], bool]) -> Point:
    """Walk along the axes, halving the step where no neighbour is lower."""
    here, level = start, height(start)
    steps: dict[Symbol, Fraction] = {s: max(abs(v), Fraction(1)) / 4 for s, v in start.items() if not s.is_integer}
    for _ in range(ROUNDS):
        moved = False
        for symbol, step in steps.items():
            for turn in (1, -1):
                there = {**here, symbol: (here[symbol] + turn * step).limit_denominator(FINEST)}
                lower = height(there)
                if lower < level and allowed(there):
                    here, level, moved = there, lower, True
                    break
        if not moved:
            steps = {s: step / 4 for s, step in steps.items()}
    return here
