"""Claims about finite sums, products and iterates with a symbolic last index, by induction on it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil

from sympy import Dummy, Expr, Function, Integer, Mul, Poly, S, Symbol, atan, cos, cosh, exp, sin, sinh, tanh

from symgrad.claims.conditions import Comparison, Requirement
from symgrad.claims.facts import Facts
from symgrad.claims.operations import Operation
from symgrad.claims.points import bounds_of
from symgrad.claims.signs import sign_of_number
from symgrad.claims.statement import Statement
from symgrad.derivation.identities.proofs import sign_proof, zero_proof
from symgrad.parsing import Condition

LONGEST_BASE = 60
Prove = Callable[[Statement, Comparison, list[Symbol]], str | None]
_CONTINUOUS = (sin, cos, exp, sinh, cosh, tanh, atan)


def induction_proof(
    statement: Statement, link: Comparison, operations: Sequence[Operation], prove: Prove
) -> str | None:
    """Return the argument that proves a comparison for every n, None where there is none.

    With D(n) the difference of the sides: for ``=`` the value of one operator is eliminated by D(n) = 0 and D(n+1)
    must vanish; for an inequality D(n+1) - D(n) must be at least 0.
    """
    steps = {n for operation in operations for n in operation.high.free_symbols}
    if len(steps) != 1 or any(operation.is_infinite for operation in operations):
        return None
    (n,) = steps
    first = _first(statement, operations, n)
    if first is None:
        return None
    base = _written_out(link.difference, operations, n, first)
    if base is None:
        return None
    known = Facts(statement.where)
    positive = {s: Dummy(s.name, positive=True) for s in link.difference.free_symbols - {n} if known.positive(s)}
    grown = link.difference.subs(n, n + 1)
    after = {o.symbol: o.after(o.symbol, o.high.subs(n, n + 1)) for o in operations}
    later = grown.xreplace(after)
    start = f"induction on {n.name} from {first}"
    if link.relation == "=":
        positive = {s: d for s, d in positive.items() if s not in {o.symbol for o in operations}}
        method = zero_proof(base.xreplace(positive))
        return None if method is None else _equal(link.difference, later, operations, start, positive)
    strict = link.relation in ("<", ">")
    if link.relation == "!=" or not (sign_proof(base, strict=strict) or _is_above(base, strict)):
        return None
    without = replace(statement, where=tuple(c for c in statement.where if n not in c.difference.free_symbols))
    if _bounded_product(without, link, later, operations, (n, first), prove):
        return f"{start}: each factor keeps the bound"
    facts = Facts(statement.where, statement.requirements)
    growth = (later - link.difference).subs(n, first - 1 + Dummy(n.name, integer=True, positive=True))
    grows = facts.positive(growth, strict=False) or _holds(without, growth, ">=", prove)
    return f"{start}: what is added is never negative" if grows else None


def _is_above(base: Expr, strict: bool) -> bool:
    sign = None if base.free_symbols else sign_of_number(base)
    return sign == 1 or (sign == 0 and not strict)


def _holds(statement: Statement, expr: Expr, relation: str, prove: Prove) -> bool:
    return prove(statement, Comparison(expr, relation, S.Zero, ""), sorted(expr.free_symbols, key=str)) is not None


def _bounded_product(
    statement: Statement,
    link: Comparison,
    later: Expr,
    operations: Sequence[Operation],
    start: tuple[Symbol, int],
    prove: Prove,
) -> bool:
    """Prove ±(P - g) >= 0 for a product P of factors that are at least 0, from ±(g(n)·f(n + 1) - g(n + 1)) >= 0."""
    n, first = start
    if len(operations) != 1 or operations[0].kind != "product":
        return False
    (operation,) = operations
    slope = link.difference.diff(operation.symbol)
    if slope not in (S.One, S.NegativeOne):
        return False
    bound = operation.symbol - link.difference / slope
    m = Dummy(n.name, integer=True, positive=True)
    factor = operation.body.xreplace({operation.index: operation.high + 1}).subs(n, first - 1 + m)
    step = later.xreplace({operation.symbol: bound.expand()}).subs(n, first - 1 + m)
    if operation.symbol in step.free_symbols:
        return False
    above = ">" if link.relation in ("<", ">") else ">="
    return _holds(statement, factor, above, prove) and _holds(statement, step, ">=", prove)


def _equal(
    difference: Expr, later: Expr, operations: Sequence[Operation], start: str, positive: dict[Symbol, Symbol]
) -> str | None:
    method = zero_proof((later - difference).xreplace(positive))
    if method is not None:
        return f"{start}: both sides grow by the same, {method}"
    for operation in operations:
        slope = difference.diff(operation.symbol)
        if not (slope.is_Rational and slope != 0):
            continue
        value = (operation.symbol - difference / slope).expand()
        if operation.symbol in value.free_symbols:
            continue
        method = zero_proof(later.xreplace({operation.symbol: value}).xreplace(positive))
        if method is not None:
            return f"{start}: the step from n to n + 1 by {method}"
    return None


def _first(statement: Statement, operations: Sequence[Operation], n: Symbol) -> int | None:
    """Return the least n of the claim; None where n is no integer, or more is said about it than bounds."""
    if not n.is_integer or any(n in (o.body.free_symbols | o.low.free_symbols) - {o.index} for o in operations):
        return None
    if any(o.kind != "iterate" and o.index == n for o in operations) or any(o.high.diff(n) != 1 for o in operations):
        return None
    if n.is_even is not None or n.is_prime is not None:
        return None
    bounds = bounds_of(n, statement.where)
    for condition in statement.where:
        if (
            n in condition.lhs.free_symbols | condition.rhs.free_symbols
            and (condition.relation not in (">", ">=") or condition.lhs != n or not condition.rhs.is_Rational)
            and (condition.relation not in ("<", "<=") or condition.rhs != n or not condition.lhs.is_Rational)
        ):
            return None
    holes = [r for r in statement.requirements if n in r.subject.free_symbols and not _is_whole_power(r, n, statement)]
    if not all(_is_thin(hole, n, statement, operations) for hole in holes):
        return None
    ends = [(o.empty_end - o.high.subs(n, 0)) for o in operations]
    if not all(end.is_Integer for end in ends):
        return None
    lows = [int(end) for end in ends]
    if bounds.low is not None:
        low = ceil(bounds.low)
        lows.append(low + 1 if low == bounds.low and not bounds.low_closed else low)
    return max(lows)


def _is_whole_power(hole: Requirement, n: Symbol, statement: Statement) -> bool:
    """Say whether a power has a value for all n >= 1: its base is positive, or its exponents positive and whole."""
    base, exponent = hole.subject.as_base_exp()
    if hole.condition is Condition.REAL_POWER and Facts(statement.where).positive(base):
        return True
    if hole.condition is not Condition.REAL_POWER or not n.is_positive or not exponent.is_polynomial(n):
        return False
    coefficients = Poly(exponent, n).all_coeffs()
    if exponent.free_symbols != {n} or any(not c.is_Rational or c < 0 for c in coefficients):
        return False
    return all(exponent.subs(n, j).is_Integer for j in range(1, len(coefficients) + 1))


def _is_thin(hole: Requirement, n: Symbol, statement: Statement, operations: Sequence[Operation]) -> bool:
    """Say whether a hole that depends on n closes by continuity: for every n it is where a polynomial is 0.

    Away from the zeros for all smaller n the induction runs; what holds there holds at the zeros too, where both sides
    are defined and continuous.
    """
    if hole.condition is not Condition.NONZERO or any(c.relation in ("=", "!=") for c in statement.where):
        return False
    exprs = [*(o.body for o in operations), *(side for link in statement.links for side in (link.lhs, link.rhs))]
    if any(not isinstance(f, _CONTINUOUS) for e in exprs for f in e.atoms(Function)):
        return False
    for parameter in hole.subject.free_symbols - {n}:
        waves = [f for f in Mul.make_args(hole.subject) if not sign_proof(f, strict=True)]
        if len(waves) == 1 and isinstance(waves[0], sin | cos) and not parameter.is_integer:
            slope = waves[0].args[0].diff(parameter)
            if parameter not in slope.free_symbols and (
                sign_proof(slope, strict=True) or sign_proof(-slope, strict=True)
            ):
                return not any(parameter in c.difference.free_symbols for c in statement.where)
        if parameter.is_integer or not hole.subject.is_polynomial(parameter):
            continue
        if any(c.is_Rational and c != 0 for c in Poly(hole.subject, parameter).all_coeffs()):
            return not any(parameter in c.difference.free_symbols for c in statement.where)
    return False


def _written_out(difference: Expr, operations: Sequence[Operation], n: Symbol, first: int) -> Expr | None:
    """Return the difference of the sides at the first n, every operator written out."""
    values = {}
    for operation in operations:
        value, end = operation.empty, operation.high.subs(n, first)
        count = end - operation.empty_end
        if not count.is_Integer or not 0 <= count <= LONGEST_BASE:
            return None
        for j in range(1, int(count) + 1):
            value = operation.after(value, operation.empty_end + Integer(j))
        values[operation.symbol] = value
    return difference.subs(n, first).xreplace(values)
