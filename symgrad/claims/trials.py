"""Trying a comparison at exact points: balls of both sides refute it, agree with it, or do not tell."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sympy import Add, Expr, Mul, S, Symbol

from symgrad.certify import Ball, UndefinedHere, enclose
from symgrad.claims.points import Point
from symgrad.maps import expand_activations

WANTED = 40
DEEP = 6
BITS = (64, 576)
DEEPEST_BITS = 3300
Values = Mapping[Symbol, Fraction | Ball]
Extension = Callable[[Point, int], Values]


class DivergesError(Exception):
    """An operator provably has no finite value at a point; the message says why."""


@dataclass(frozen=True)
class Findings:
    """What the points showed: the point that refutes, how many agree, and how many had both sides defined."""

    refuting: Point | None
    values: str
    agreeing: int
    defined: int


def try_points(
    candidates: Iterable[Point],
    lhs: Expr,
    rhs: Expr,
    relation: str,
    extension: Extension | None = None,
    *,
    wanted: int = WANTED,
) -> Findings:
    """Try the comparison at points until one refutes it or enough agree.

    Parameters
    ----------
    candidates : points at which the conditions hold
    lhs, rhs, relation : the comparison
    extension : (point, bits) → the point with the values of the operators that the sides contain
    wanted : how many points that agree are enough
    """
    agreeing = defined = skipped = 0
    lhs, rhs = expand_activations(lhs), expand_activations(rhs)
    sides = (lhs, rhs, Add(lhs, Mul(S.NegativeOne, rhs, evaluate=False), evaluate=False))
    extension = extension or _as_it_is
    for point in candidates:
        bits = (*BITS, DEEPEST_BITS) if defined < DEEP else BITS[skipped:]
        try:
            outcome = _outcome(sides, relation, point, bits, extension)
        except DivergesError as reason:
            return Findings(point, str(reason), agreeing, defined + 1)
        if outcome is None:
            continue
        defined += 1
        if outcome is False:
            return Findings(point, _values(lhs, rhs, extension(point, 192)), agreeing, defined)
        agreeing += outcome is True
        # Sides that agree to all digits are not told apart by few bits at the next point.
        skipped = int(outcome is True and relation == "=" and defined >= DEEP)
        if agreeing >= wanted:
            break
    return Findings(None, "", agreeing, defined)


def _as_it_is(point: Point, bits: int) -> Any:
    return point


class _Unclear:
    """Both sides are defined, but no precision tried decides the comparison."""


def _outcome(
    sides: tuple[Expr, Expr, Expr], relation: str, point: Point, precisions: tuple[int, ...], extension: Extension
) -> bool | type[_Unclear] | None:
    """Say whether the comparison holds at a point: None where a side is not defined or not finite there."""
    lhs, rhs, difference = sides
    for bits in precisions:
        try:
            # Not finite where one of the sides is not.
            ball = enclose(difference, extension(point, bits), bits=bits)
        except UndefinedHere:
            return None
        if ball.is_known and (ball.sign is not None or ball.excludes_zero):
            return _decided(ball, relation)
    if not ball.is_known:
        return _Unclear if _have_values((lhs, rhs), extension(point, bits), bits) else None
    if relation not in ("=", "<=", ">="):
        return _Unclear
    if ball.is_small_beside(ball, bits // 3):
        return True
    left = enclose(lhs, extension(point, bits), bits=bits)
    return True if ball.is_small_beside(left, bits // 3) else _Unclear


def _have_values(sides: tuple[Expr, Expr], where: Values, bits: int) -> bool:
    return all(enclose(side, where, bits=bits).is_known for side in sides)


def _decided(ball: Ball, relation: str) -> bool:
    """Decide a relation from a ball around lhs - rhs whose sign, or being other than 0, is certain."""
    if relation in ("=", "!="):
        return ball.excludes_zero == (relation == "!=")
    sign = ball.sign
    if sign is None:
        return False
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[relation]


def _values(lhs: Expr, rhs: Expr, point: Values) -> str:
    left, right = (enclose(side, point, bits=192).text() for side in (lhs, rhs))
    return f"balls that exclude it: left side {left}, right side {right}"
