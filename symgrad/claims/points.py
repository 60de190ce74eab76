"""Exact points to try a claim at: seeded, over scales and signs, inside the bounds the conditions state."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor

from sympy import Expr, Rational, Symbol

from symgrad.claims.conditions import Comparison, Requirement
from symgrad.parsing import Condition

Point = dict[Symbol, Fraction]

SPECIAL = tuple(
    Fraction(v)
    for v in (
        "1 -1 1/2 -1/2 2 -2 0 1/3 -3 3 -1/3 5 10 -10 1/10 -1/100 1/1000 -1/1000000 1/1000000000 "
        "25 -40 60 100 -100 700 1000 -1000 7 -5/7"
    ).split()
)
LARGEST_INTEGER = 60


@dataclass(frozen=True)
class Bounds:
    """The rational bounds of one variable; None where there is none, closed where the bound itself is allowed."""

    low: Fraction | None = None
    high: Fraction | None = None
    low_closed: bool = False
    high_closed: bool = False

    def above(self, value: Fraction, *, closed: bool) -> "Bounds":
        """Add a lower bound."""
        if self.low is None or value > self.low or (value == self.low and not closed):
            return replace(self, low=value, low_closed=closed)
        return self

    def below(self, value: Fraction, *, closed: bool) -> "Bounds":
        """Add an upper bound."""
        if self.high is None or value < self.high or (value == self.high and not closed):
            return replace(self, high=value, high_closed=closed)
        return self

    def place(self, raw: Fraction) -> Fraction:
        """Move a number of any size inside the bounds."""
        if self.low is not None and self.high is not None:
            return self.low + (self.high - self.low) * (1 + raw / (1 + abs(raw))) / 2
        if self.low is not None:
            return self.low + abs(raw)
        return raw if self.high is None else self.high - abs(raw)


def bounds_of(variable: Symbol, where: Sequence[Comparison], requirements: Sequence[Requirement] = ()) -> Bounds:
    """Collect the rational bounds that assumptions, conditions and requirements put on one variable."""
    bounds = Bounds()
    if variable.is_nonnegative:
        bounds = bounds.above(Fraction(0), closed=not variable.is_positive)
    if variable.is_nonpositive:
        bounds = bounds.below(Fraction(0), closed=not variable.is_negative)
    for condition in where:
        for side, other, relation in (
            (condition.lhs, condition.rhs, condition.relation),
            (condition.rhs, condition.lhs, condition.relation.translate(str.maketrans("<>", "><"))),
        ):
            if side != variable or not other.is_Rational:
                continue
            value, closed = _fraction(other), relation.endswith("=")
            if relation in (">", ">=", "="):
                bounds = bounds.above(value, closed=closed)
            if relation in ("<", "<=", "="):
                bounds = bounds.below(value, closed=closed)
    for requirement in requirements:
        if requirement.subject == variable:
            bounds = _required(bounds, requirement.condition)
    return bounds


def _required(bounds: Bounds, condition: Condition) -> Bounds:
    match condition:
        case Condition.POSITIVE | Condition.NONNEGATIVE:
            return bounds.above(Fraction(0), closed=condition is Condition.NONNEGATIVE)
        case Condition.AT_LEAST_ONE:
            return bounds.above(Fraction(1), closed=True)
        case Condition.WITHIN_ONE | Condition.INSIDE_ONE:
            closed = condition is Condition.WITHIN_ONE
            return bounds.above(Fraction(-1), closed=closed).below(Fraction(1), closed=closed)
    return bounds


def _fraction(value: Expr) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def points(
    variables: Sequence[Symbol],
    where: Sequence[Comparison],
    requirements: Sequence[Requirement],
    *,
    seed: int,
    attempts: int,
) -> Iterator[Point]:
    """Yield points that certainly satisfy every condition, special values first, then random ones over scales.

    Parameters
    ----------
    variables : what to give values to
    where : conditions of the claim
    requirements : conditions under which its text has a value
    seed : seed of the random part
    attempts : how many points are tried, those refused included
    """
    rng = random.Random(seed)
    bounds = {v: bounds_of(v, where, requirements) for v in variables}
    for attempt in range(attempts if variables else 1):
        point = {v: _value(v, bounds[v], _raw(rng, attempt, place)) for place, v in enumerate(variables)}
        _follow_equations(point, where)
        if not all(allowed_value(v, value) for v, value in point.items()):
            continue
        if all(c.holds(point) for c in where) and all(r.holds(point) for r in requirements):
            yield point


def with_ends(
    candidates: Iterable[Point],
    variables: Sequence[Symbol],
    where: Sequence[Comparison],
    requirements: Sequence[Requirement],
) -> Iterator[Point]:
    """Yield the points, each of the first ones also moved to the ends of a variable's bounds that belong to it."""
    ends = []
    for variable in variables:
        bounds = bounds_of(variable, where)
        ends += [(variable, bounds.low)] if bounds.low is not None and bounds.low_closed else []
        ends += [(variable, bounds.high)] if bounds.high is not None and bounds.high_closed else []
    for point in candidates:
        if ends:
            variable, value = ends.pop()
            moved = {**point, variable: value}
            _follow_equations(moved, where)
            allowed = all(allowed_value(v, q) for v, q in moved.items())
            if allowed and all(c.holds(moved) for c in where) and all(r.holds(moved) for r in requirements):
                yield moved
        yield point


def _follow_equations(point: Point, where: Sequence[Comparison]) -> None:
    """Give each variable that a condition equates with an expression the value of that expression."""
    for condition in where:
        for name, side in ((condition.lhs, condition.rhs), (condition.rhs, condition.lhs)):
            if condition.relation == "=" and name in point and name not in side.free_symbols:
                value = side.xreplace({v: Rational(q.numerator, q.denominator) for v, q in point.items()})
                if value.is_Rational:
                    point[name] = _fraction(value)
                break


def _raw(rng: random.Random, attempt: int, place: int) -> Fraction:
    """Return a special value on early attempts (each variable another one), then a random one of random scale."""
    if attempt < len(SPECIAL):
        return SPECIAL[(attempt * (2 * place + 1) + place) % len(SPECIAL)]
    if attempt % 3 == 0:
        return Fraction(rng.randint(-40, 40), 8)
    scale = Fraction(10) ** rng.randint(-3, 2)
    return scale * Fraction(rng.randint(-999, 999), 100)


def _value(variable: Symbol, bounds: Bounds, raw: Fraction) -> Fraction:
    value = bounds.place(raw)
    if not variable.is_integer:
        return value
    low = -LARGEST_INTEGER if bounds.low is None else ceil(bounds.low)
    high = low + 2 * LARGEST_INTEGER if bounds.high is None else floor(bounds.high)
    return Fraction(min(max(round(value), low), high))


def allowed_value(variable: Symbol, value: Fraction) -> bool:
    """Say whether a value agrees with the assumptions on its symbol."""
    refused = (
        (variable.is_zero is False and value == 0)
        or (variable.is_nonnegative and value < 0)
        or (variable.is_nonpositive and value > 0)
        or (variable.is_integer and value.denominator != 1)
        or (variable.is_even and value % 2 != 0)
        or (variable.is_odd and value % 2 != 1)
    )
    return not refused


def shown(point: Mapping[Symbol, Fraction]) -> dict[str, str]:
    """Return a point with exact values as text."""
    return {variable.name: str(value) for variable, value in point.items()}
