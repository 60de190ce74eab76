"""Claims with operators: refuted by exact evaluation, proved by induction or by limits that are themselves proved."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Any

import sympy
from sympy import Expr, S, Symbol

from symgrad.certify import Ball, UndefinedHere, enclose
from symgrad.claims.conditions import Comparison
from symgrad.claims.facts import Facts
from symgrad.claims.induction import induction_proof
from symgrad.claims.operations import Operation
from symgrad.claims.points import Point, bounds_of
from symgrad.claims.series import TERMS_STAY, UNKNOWN, Value, closed_sum, supported_limit, value_of
from symgrad.claims.statement import Statement
from symgrad.claims.structure import BASES, allowed, exact_points, points_around
from symgrad.claims.tails import sum_ball
from symgrad.claims.trials import DivergesError, Findings, try_points
from symgrad.claims.verdicts import refutation, verdict_of_points
from symgrad.evidence import Evidence, Verdict

FIRST_INTEGERS = 12
SPECIAL_CASES = {"product": 3, "sum": 8, "limit": 3}
OPERATED_POINTS = 24
LONGEST_WRITTEN = 60
MANY = {100: 100, 1000: 30, 10_000: 6}  # number of terms: the largest size of a term
FARTHEST_BESIDE = 100
MOST_FARTHER = 60
LARGEST_WRITTEN = 2000
_INFINITE = (S.Infinity, S.NegativeInfinity)
Proof = Callable[[Statement, Comparison, list[Symbol]], str | None]


@dataclass(frozen=True)
class _Meaning:
    """The operators of one comparison with what is known about their values under the conditions of the claim."""

    operations: Sequence[Operation]
    values: Mapping[Symbol, Value]
    special: dict[Any, Value]

    def at(self, point: Point, bits: int) -> dict[Symbol, Fraction | Ball]:
        """Return the point with the value of every operator there."""
        where: dict[Symbol, Fraction | Ball] = dict(point)
        for operation in self.operations:
            where[operation.symbol] = (
                self._limit_at(operation, point, where, bits)
                if operation.is_infinite
                else operation.value_at(where, bits)
            )
        return where

    def _limit_at(self, operation: Operation, point: Point, where: Mapping[Symbol, Any], bits: int) -> Ball:
        known = self.values[operation.symbol]
        if known.verdict is not Verdict.PROVED:
            key = (operation.symbol, tuple(point.items()))
            if key not in self.special:
                tried = [value.value for (symbol, _), value in self.special.items() if symbol == operation.symbol]
                # A product that resists at one point resists at the others too, and costs most.
                full = len(tried) >= SPECIAL_CASES[operation.kind] or (operation.kind == "product" and None in tried)
                self.special[key] = UNKNOWN if full else self._specialised(operation, point)
            known = self.special[key]
        if known.diverges:
            raise DivergesError(f"{operation.symbol.name} has no finite value: {known.method}")
        if known.value is None and operation.kind == "sum" and operation.low.is_Integer:
            ball = sum_ball(operation.body, operation.index, int(operation.low), bits)
            if ball is not None:
                return ball
        if known.value is None or known.verdict is not Verdict.PROVED:
            raise UndefinedHere("the value is not known")
        return enclose(known.value, where, bits=bits)

    def _specialised(self, operation: Operation, point: Point) -> Value:
        """Return the value at a point, found anew with its numbers written in."""
        numbers = {s: sympy.Rational(q.numerator, q.denominator) for s, q in point.items()}
        conditions = tuple((e.xreplace(numbers), need) for e, need in operation.conditions)
        body = operation.body.xreplace(numbers)
        others = {o.symbol for o in self.operations} & body.free_symbols
        if others or body in (S.NaN, S.ComplexInfinity):
            return UNKNOWN
        there = replace(operation, body=body, low=operation.low.xreplace(numbers), conditions=conditions)
        return value_of(there, Facts(), {})


def examine_operated(
    statement: Statement,
    link: Comparison,
    operations: Sequence[Operation],
    candidates: Iterable[Point],
    proof: Proof,
    seed: int = 0,
) -> Evidence:
    """Decide one comparison that contains operators.

    Parameters
    ----------
    statement, link : the comparison
    operations : its operators, the inner ones first
    candidates : points at which the conditions hold
    proof : proves a comparison without operators
    """
    facts = Facts(statement.where, statement.requirements)
    values = _values(operations, facts)
    infinite = _about_infinity(statement, link, values)
    if infinite is not None:
        return infinite
    meaning = _Meaning(operations, values, {})
    candidates = list(candidates)
    bases = candidates[:BASES]
    wanted = _with_first_integers(candidates, statement, operations)
    found = try_points(wanted, link.lhs, link.rhs, link.relation, meaning.at, wanted=OPERATED_POINTS)
    unproved = [o for o in operations if o.is_infinite and values[o.symbol].verdict is not Verdict.PROVED]
    if found.refuting is not None or (not found.defined and not unproved):
        return refutation(statement, link, found)
    if unproved:
        return _without_proof(statement, link, unproved, found, values, seed)
    plain, left = _written(link, operations, values)
    varies = bool((plain.lhs.free_symbols | plain.rhs.free_symbols) or statement.where)
    variables = sorted((plain.lhs.free_symbols | plain.rhs.free_symbols), key=str)
    method = induction_proof(statement, plain, left, proof) if left else proof(statement, plain, variables)
    if method is None and left:
        method = _by_closed_sums(statement, plain, left, facts, proof)
    if method is None:
        farther = list(_farther(link, statement, operations, bases))
        deeper = try_points(farther, link.lhs, link.rhs, link.relation, meaning.at, wanted=len(farther) + 1)
        if deeper.refuting is not None:
            return refutation(statement, link, deeper)
        return verdict_of_points(statement, link, found, varies, seed)
    limits = [values[o.symbol].method for o in operations if o.is_infinite]
    return Evidence(link.text, Verdict.PROVED, "; ".join(dict.fromkeys([*limits, method])), None, statement.domain)


def _by_closed_sums(
    statement: Statement, link: Comparison, operations: Sequence[Operation], facts: Facts, proof: Proof
) -> str | None:
    """Return the argument by which the comparison holds for closed forms of all its sums."""
    closed = {o.symbol: closed_sum(o, facts) for o in operations}
    if None in closed.values():
        return None
    sides = [side.xreplace(closed) for side in (link.lhs, link.rhs)]
    variables = sorted(sides[0].free_symbols | sides[1].free_symbols, key=str)
    method = proof(statement, Comparison(sides[0], link.relation, sides[1], link.text), variables)
    return None if method is None else f"sums by telescoping, proved by differences; {method}"


def _values(operations: Sequence[Operation], facts: Facts) -> dict[Symbol, Value]:
    """Return what is known about the infinite operators, each from those inside it."""
    values: dict[Symbol, Value] = {}
    placeholders = {o.symbol for o in operations}
    for operation in operations:
        if not operation.is_infinite:
            continue
        inside = operation.body.free_symbols & placeholders
        known = {
            s: v.value for s, v in values.items() if s in inside and v.verdict is Verdict.PROVED and not v.diverges
        }
        solved = inside == known.keys()
        values[operation.symbol] = (
            value_of(operation, facts, {s: v for s, v in known.items() if v is not None}) if solved else UNKNOWN
        )
    return values


def _about_infinity(statement: Statement, link: Comparison, values: Mapping[Symbol, Value]) -> Evidence | None:
    """Decide a comparison one side of which is oo or -oo and the other an operator alone."""
    for side, other in ((link.lhs, link.rhs), (link.rhs, link.lhs)):
        if other not in _INFINITE:
            continue
        known = values.get(side, UNKNOWN) if side.is_Symbol else UNKNOWN
        unclear = known.value is S.NaN and known.method == TERMS_STAY
        if link.relation != "=" or known.value is None or known.verdict is not Verdict.PROVED or unclear:
            words = "only whether a limit equals oo or -oo is examined"
            return Evidence(link.text, Verdict.UNDECIDED, words, None, statement.domain)
        verdict = Verdict.PROVED if known.value is other else Verdict.REFUTED
        words = known.method if verdict is Verdict.PROVED else f"the value is {known.value}: {known.method}"
        if verdict is Verdict.REFUTED and known.value.free_symbols:
            return Evidence(link.text, Verdict.UNDECIDED, words, None, statement.domain)
        return Evidence(link.text, verdict, words, None if verdict is Verdict.PROVED else {}, statement.domain)
    return None


def _with_first_integers(
    candidates: Iterable[Point], statement: Statement, operations: Sequence[Operation]
) -> Iterator[Point]:
    """Yield the points, the first twelve with the first integers for whatever counts terms or applications."""
    counts = {s for o in operations if not o.is_infinite for s in o.high.free_symbols if s.is_integer}
    for place, point in enumerate(candidates):
        if place >= FIRST_INTEGERS or not counts & point.keys():
            yield point
            continue
        lows = {s: bounds_of(s, statement.where).low or Fraction(0) for s in counts}
        early = {**point, **{s: Fraction(int(low) + place + 1) for s, low in lows.items()}}
        if all(c.holds(early) for c in statement.where):
            yield early
        yield point


def _farther(
    link: Comparison, statement: Statement, operations: Sequence[Operation], bases: Sequence[Point]
) -> Iterator[Point]:
    """Yield points with many terms, and points where the sides change in a variable of the claim."""
    symbols = {o.symbol for o in operations}
    requirements = [r for r in statement.requirements if not r.subject.free_symbols & symbols]
    counts = {s for o in operations if not o.is_infinite for s in o.high.free_symbols if s.is_integer}
    for base in bases[:1]:
        size = sum(sympy.count_ops(o.body) for o in operations)
        many = [count for count, most in MANY.items() if size <= most]
        far = [{**base, **dict.fromkeys(counts & base.keys(), Fraction(count))} for count in many]
        yield from (p for p in far if counts & base.keys() and allowed(p, statement.where, requirements))
    plain = Comparison(link.lhs, link.relation, link.rhs, link.text)
    exact = [p for p in exact_points(plain, statement, bases) if not symbols & p.keys()]
    around = (p for p in points_around(exact, bases) if all(abs(p[s]) <= FARTHEST_BESIDE for s in counts & p.keys()))
    yield from islice((p for p in around if allowed(p, statement.where, requirements)), MOST_FARTHER)


def _without_proof(
    statement: Statement,
    link: Comparison,
    unproved: Sequence[Operation],
    found: Findings,
    values: Mapping[Symbol, Value],
    seed: int,
) -> Evidence:
    """Return what can be said where the value of a limit is not proved: at most that SymPy's limit supports it."""
    guessed = {o.symbol: supported_limit(o) for o in unproved}
    exprs = {s: v.value for s, v in {**values, **guessed}.items() if v.value is not None}
    names = ", ".join(o.symbol.name for o in unproved)
    if all(v.value is not None for v in guessed.values()):
        difference = link.difference.xreplace(exprs)
        if link.relation == "=" and (difference == 0 or sympy.expand(difference) == 0):
            words = f"the value of {names} is SymPy's limit, which is not a proof"
            return Evidence(link.text, Verdict.SUPPORTED, words, None, statement.domain)
    words = f"the value of {names} is not known"
    if found.agreeing:
        return replace(verdict_of_points(statement, link, found, True, seed), method=f"{words}; held where it is")
    return Evidence(link.text, Verdict.UNDECIDED, words, None, statement.domain)


def _written(
    link: Comparison, operations: Sequence[Operation], values: Mapping[Symbol, Value]
) -> tuple[Comparison, list[Operation]]:
    """Return the comparison with values for the operators that have them, and the operators that are left."""
    replaced: dict[Symbol, Expr] = {}
    left = []
    for operation in operations:
        if operation.is_infinite:
            value = values[operation.symbol].value
            assert value is not None
            replaced[operation.symbol] = value
            continue
        operation = replace(operation, body=operation.body.xreplace(replaced))
        written = _written_out(operation)
        if written is None:
            left.append(operation)
        else:
            replaced[operation.symbol] = written
    sides = [side.xreplace(replaced) for side in (link.lhs, link.rhs)]
    return Comparison(sides[0], link.relation, sides[1], link.text), left


def _written_out(operation: Operation) -> Expr | None:
    """Return a short range of literal length written out."""
    count = operation.high - operation.empty_end
    if not count.is_Integer or not operation.low.is_Integer or not 0 <= count <= LONGEST_WRITTEN:
        return None
    value = operation.empty
    for j in range(1, int(count) + 1):
        value = operation.after(value, operation.empty_end + j)
        if sympy.count_ops(value) > LARGEST_WRITTEN:
            return None
    return value
