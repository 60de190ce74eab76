"""Refuting a comparison where its structure changes: at kinks, zeros and turning points, beside them, and far out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import islice, pairwise

import sympy
from sympy import Expr, Rational, S, Symbol

from symgrad.certify import UndefinedHere, enclose
from symgrad.claims.conditions import Comparison, Requirement
from symgrad.claims.constants import number_is_zero
from symgrad.claims.places import places
from symgrad.claims.points import Point, allowed_value
from symgrad.claims.statement import Statement
from symgrad.claims.trials import try_points
from symgrad.claims.verdicts import refutation
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import expand_activations

MOST_VARIABLES = 4
BASES = 3
MOST_EXACT = 60
MOST_AROUND = 240
FINEST = 2**60
OFFSETS = tuple(Fraction(sign, 10**e) for e in (2, 5, 8, 12) for sign in (1, -1))
FAR = tuple(Fraction(10) ** e for e in (3, 4, 6, 9, 12, 30))
LARGE_INTEGERS = (128, 200, 365, 1000, 1001, 2520, 4096, 9973, 10**4, 65537, 10**5, 10**6 + 3, 10**9 + 7)
EQUAL_VALUES = (0, 1, 2, -1, 3)
Exact = Mapping[Symbol, Expr]


def exact_points(link: Comparison, statement: Statement, bases: Iterable[Point]) -> list[dict[Symbol, Expr]]:
    """Return points, numbers exact, at which the sides, the conditions or the domain of a comparison change.

    Parameters
    ----------
    link, statement : the comparison and its conditions
    bases : points that satisfy the conditions; all variables but one keep the values they have there
    """
    difference = expand_activations(link.lhs - link.rhs)
    borders = [c.difference for c in statement.where] + [r.subject for r in statement.requirements]
    found: list[dict[Symbol, Expr]] = []
    known: dict[tuple[Expr, Symbol], list[Expr]] = {}
    for base in islice(bases, BASES):
        numbers = {s: Rational(q.numerator, q.denominator) for s, q in base.items()}
        if len(numbers) > MOST_VARIABLES:
            return []
        for x in numbers:
            others = {s: q for s, q in numbers.items() if s != x}
            for expr in (difference, *borders):
                there = expr.xreplace(others)
                if x in there.free_symbols:
                    if (there, x) not in known:
                        known[there, x] = list(places(there, x))
                    found += [{**numbers, x: place} for place in known[there, x]]
        if len(numbers) > 1:
            found += _of_several(difference, numbers)
    return _distinct(found)


def _of_several(difference: Expr, numbers: Exact) -> Iterator[dict[Symbol, Expr]]:
    """Yield points at which all variables are equal, and those where a part in one variable and another then change."""
    for value in EQUAL_VALUES:
        yield dict.fromkeys(numbers, sympy.Integer(value))
    for x in numbers:
        alone = [node for node in sympy.preorder_traversal(difference) if getattr(node, "free_symbols", 0) == {x}]
        for place in dict.fromkeys(p for node in alone[:8] for p in islice(places(node, x), 4)):
            there = difference.xreplace({x: place})
            for y in numbers:
                others = {s: q for s, q in numbers.items() if s not in (x, y)}
                if y != x:
                    yield from ({**others, x: place, y: p} for p in islice(places(there.xreplace(others), y), 4))


def _distinct(found: Iterable[dict[Symbol, Expr]]) -> list[dict[Symbol, Expr]]:
    return list({tuple(p.items()): p for p in found}.values())[:MOST_EXACT]


def points_around(exact: Sequence[Exact], bases: Iterable[Point]) -> Iterator[Point]:
    """Yield rational points at the exact ones, between them and beside them, then far out and at large integers."""
    rows: dict[tuple[Symbol, tuple[tuple[Symbol, Fraction], ...]], list[Fraction]] = {}
    for point in exact:
        numbers = {s: _fraction(v) for s, v in point.items()}
        near = {s: v for s, v in numbers.items() if v is not None}
        if len(near) < len(numbers):
            continue
        yield near
        for x in near:
            others = tuple((s, v) for s, v in near.items() if s != x)
            rows.setdefault((x, others), []).append(near[x])
    for (x, others), values in rows.items():
        for value in _beside(sorted(set(values)), whole=bool(x.is_integer)):
            yield {**dict(others), x: value}
    for base in islice(bases, BASES):
        for x in base:
            far = LARGE_INTEGERS if x.is_integer else [sign * size for size in FAR for sign in (1, -1)]
            yield from ({**base, x: Fraction(value)} for value in far)


def _beside(values: Sequence[Fraction], *, whole: bool) -> Iterator[Fraction]:
    if whole:
        yield from (Fraction(round(v) + step) for v in values for step in (0, 1, -1, 2))
        return
    yield from ((a + b) / 2 for a, b in pairwise(values))
    if values:
        yield from (values[0] - 1, values[-1] + 1, 2 * values[-1], 2 * values[0])
    yield from (v + step for v in values for step in OFFSETS)


def _fraction(value: Expr) -> Fraction | None:
    if value.is_Rational:
        return Fraction(int(value.p), int(value.q))
    try:
        number = value.evalf(30)
    except (ValueError, TypeError, ZeroDivisionError):
        return None
    if not number.is_Float or not number.is_finite or abs(number) > 10**40:
        return None
    return Fraction(*map(int, Rational(number).as_numer_denom())).limit_denominator(FINEST)


def allowed(point: Point, where: Sequence[Comparison], requirements: Sequence[Requirement]) -> bool:
    """Say whether a point certainly satisfies the assumptions, the conditions and the requirements."""
    if not all(allowed_value(s, q) for s, q in point.items()):
        return False
    return all(c.holds(point) for c in where) and all(r.holds(point) for r in requirements)


def exact_refutation(statement: Statement, link: Comparison, exact: Sequence[Exact]) -> Evidence | None:
    """Return the refutation of a comparison at a point with irrational numbers, None where none of the points is one.

    For ``<``, ``>`` and ``!=`` that is a point at which the sides are proved to be equal.
    """
    lhs, rhs = expand_activations(link.lhs), expand_activations(link.rhs)
    strict = link.relation in ("<", ">", "!=")
    for point in exact:
        if not strict and all(v.is_Rational for v in point.values()):
            continue
        if not _certainly_allowed(point, statement):
            continue
        sides = [side.xreplace(dict(point)) for side in (lhs, rhs)]
        if any(side.has(S.NaN, S.ComplexInfinity, S.Infinity, S.NegativeInfinity) for side in sides):
            continue
        words = _against(sides, link.relation)
        if words:
            shown = {s.name: sympy.sstr(v) for s, v in point.items()}
            return Evidence(link.text, Verdict.REFUTED, words, shown, statement.domain)
    return None


def _against(sides: Sequence[Expr], relation: str) -> str:
    """Return the sentence that refutes a comparison of two numbers, empty where there is none."""
    try:
        balls = [enclose(side, {}, bits=192) for side in sides]
        sign = enclose(sides[0] - sides[1], {}, bits=576).sign
    except UndefinedHere:
        return ""
    if not all(ball.is_known for ball in balls):
        return ""
    if sign is None and relation in ("<", ">", "!="):
        method = number_is_zero(sides[0] - sides[1])
        return f"both sides are {balls[0].text()}, exactly: {method}" if method else ""
    if sign is None or {"=": sign == 0, "!=": sign != 0, "<": sign < 0, "<=": sign <= 0}.get(
        relation, sign > 0 if relation == ">" else sign >= 0
    ):
        return ""
    if sign == 0:
        return f"both sides are {balls[0].text()}, exactly"
    return f"balls that exclude it: left side {balls[0].text()}, right side {balls[1].text()}"


def _certainly_allowed(point: Exact, statement: Statement) -> bool:
    """Say whether an irrational point certainly satisfies the assumptions, the conditions and the requirements."""
    rational = {s: Fraction(int(v.p), int(v.q)) for s, v in point.items() if v.is_Rational}
    if not all(allowed_value(symbol, value) for symbol, value in rational.items()):
        return False
    if any(symbol.is_integer and not value.is_Integer for symbol, value in point.items()):
        return False
    if any(symbol.is_nonnegative and not value.is_nonnegative for symbol, value in point.items()):
        return False
    there = dict(point)
    return all(_holds_at(c, there) for c in statement.where) and all(
        Requirement(r.subject.xreplace(there), r.condition, r.text).holds({}) for r in statement.requirements
    )


def _holds_at(condition: Comparison, point: dict[Symbol, Expr]) -> bool:
    lhs, rhs = condition.lhs.xreplace(point), condition.rhs.xreplace(point)
    held = Comparison(lhs, condition.relation, rhs, condition.text).holds({})
    if held is None and condition.relation in ("=", "<=", ">="):
        return number_is_zero(lhs - rhs) is not None
    return bool(held)


def structural_refutation(
    statement: Statement, link: Comparison, bases: Sequence[Point], requirements: Sequence[Requirement]
) -> Evidence | None:
    """Return the refutation of a comparison where its structure changes, None where none of those points refutes it."""
    exact = exact_points(link, statement, bases)
    around = (p for p in points_around(exact, bases) if allowed(p, statement.where, requirements))
    found = try_points(islice(around, MOST_AROUND), link.lhs, link.rhs, link.relation, wanted=MOST_AROUND)
    if found.refuting is not None:
        return refutation(statement, link, found)
    return exact_refutation(statement, link, exact)
