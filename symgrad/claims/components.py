"""Equations by equal derivatives: the difference of the sides is constant on each piece of the domain, and 0 once."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import sympy
from sympy import Expr, Pow, S, Symbol

from symgrad.certify import UndefinedHere, enclose
from symgrad.claims.conditions import Comparison, Requirement
from symgrad.claims.facts import Facts
from symgrad.claims.limits import Limits
from symgrad.claims.pieces import Piece
from symgrad.claims.points import bounds_of
from symgrad.claims.signs import sign_on
from symgrad.claims.statement import Statement
from symgrad.derivation.identities.proofs import sign_proof, zero_proof
from symgrad.maps import expand_activations
from symgrad.parsing import Condition

MOST_PIECES = 8
LARGEST = 120
_ANALYTIC = (
    *(sympy.exp, sympy.log, sympy.sin, sympy.cos, sympy.sinh, sympy.cosh, sympy.tanh),
    *(sympy.asin, sympy.acos, sympy.atan, sympy.asinh, sympy.acosh, sympy.atanh, sympy.erf),
)
_ENDED = (sympy.asin, sympy.acos, sympy.atanh)
_CANDIDATES = tuple(sympy.Rational(p, q) for p, q in ((0, 1), (1, 1), (-1, 1), (1, 2), (-1, 2), (2, 1), (-2, 1)))


def held_at(statement: Statement, x: Symbol, value: Expr) -> list[bool | None]:
    """Return for each condition and requirement whether it holds at a number."""
    if value.is_Rational:
        point = {x: value}
        return [*(c.holds(point) for c in statement.where), *(r.holds(point) for r in statement.requirements)]
    there = {x: value}
    where = [
        Comparison(c.lhs.xreplace(there), c.relation, c.rhs.xreplace(there), c.text).holds({}) for c in statement.where
    ]
    return [*where, *(replace(r, subject=r.subject.xreplace(there)).holds({}) for r in statement.requirements)]


def derivative_proof(statement: Statement, link: Comparison, variables: Sequence[Symbol]) -> str | None:
    """Return the argument by which the sides are equal on every piece of the domain, None where there is none."""
    if len(variables) != 1 or link.relation != "=":
        return None
    (x,) = variables
    difference = plain_functions(link.lhs - link.rhs)
    pieces = analytic_pieces(difference, statement, x)
    if not pieces:
        return None
    slope = sympy.diff(difference, x)
    if zero_proof(slope) is None and not all(_flat(slope, piece, x) for piece in pieces):
        return None
    met = [_exact_point(difference, slope, piece, x) for piece in pieces]
    if None in met:
        return None
    places = ", ".join(f"{x.name} = {point}" for point in met)
    return f"the sides have equal derivatives on {_pieces_named(pieces)}, and agree exactly at {places}"


def _pieces_named(pieces: Sequence[Piece]) -> str:
    return " and ".join(f"({piece.low}, {piece.high})" for piece in pieces)


def plain_functions(expr: Expr) -> Expr:
    """Return an expression with activations written out and tangents as quotients."""
    return expand_activations(expr).replace(sympy.tan, lambda u: sympy.sin(u) / sympy.cos(u))


def analytic_pieces(expr: Expr, statement: Statement, x: Symbol) -> list[Piece] | None:
    """Return open intervals that cover the domain up to isolated points and on which an expression is analytic.

    None where the domain is not known exactly, or the expression has a function that jumps, is not smooth, or is
    unknown.
    """
    if x.is_integer or expr.free_symbols - {x} or sympy.count_ops(expr) > LARGEST or not is_analytic(expr):
        return None
    if any(c.relation in ("=", "!=") for c in statement.where):
        return None
    if any(not _bounds_only(c, x) for c in statement.where):
        return None
    low, high = exact_bounds(x, statement)
    subjects = _subjects(expr, x, statement.requirements, Piece(low, high))
    if subjects is None or not low < high:
        return None
    roots = {root for subject in subjects for root in sympy.real_roots(sympy.Poly(subject, x, domain="QQ"))}
    cuts = sorted(root for root in roots if root > low and root < high)
    if len(cuts) >= MOST_PIECES or any(not cut.is_Rational for cut in cuts) or low >= high:
        return None
    found = [Piece(a, b) for a, b in pairwise([low, *cuts, high])]
    allowed = [_allowed(piece, statement.requirements, x) for piece in found]
    if None in allowed or _has_isolated_point(found, allowed, statement, x):
        return None
    return [p for p, inside in zip(found, allowed, strict=True) if inside]


def exact_bounds(x: Symbol, statement: Statement) -> tuple[Expr, Expr]:
    """Return the greatest lower and least upper bound that assumptions and conditions state."""
    bounds = bounds_of(x, statement.where, ())
    lows = [S.NegativeInfinity if bounds.low is None else sympy.Rational(bounds.low.numerator, bounds.low.denominator)]
    highs = [S.Infinity if bounds.high is None else sympy.Rational(bounds.high.numerator, bounds.high.denominator)]
    for condition in statement.where:
        rises = condition.relation in (">", ">=")
        for side, other, below in ((condition.lhs, condition.rhs, rises), (condition.rhs, condition.lhs, not rises)):
            if side == x and not other.free_symbols:
                (lows if below else highs).append(other)
    return max(lows, key=sympy.N), min(highs, key=sympy.N)


def _has_isolated_point(
    pieces: Sequence[Piece], allowed: Sequence[bool | None], statement: Statement, x: Symbol
) -> bool:
    """Say whether an end of pieces outside the domain may itself belong to the domain."""
    inner = {end for piece, inside in zip(pieces, allowed, strict=True) if inside for end in (piece.low, piece.high)}
    for piece, inside in zip(pieces, allowed, strict=True):
        for end in (piece.low, piece.high):
            if inside or end.is_infinite or end in inner:
                continue
            if False not in held_at(statement, x, end):
                return True
    return False


def _allowed(piece: Piece, requirements: Sequence[Requirement], x: Symbol) -> bool | None:
    """Say whether a piece belongs to the domain: at one point, as no requirement changes inside."""
    point = piece.inside()
    verdicts = [r.holds({x: point}) for r in requirements]
    return None if None in verdicts else all(verdicts)


def _bounds_only(condition: Comparison, x: Symbol) -> bool:
    sides = {condition.lhs, condition.rhs}
    return x in sides and all(side == x or (not side.free_symbols and side.is_real) for side in sides)


def is_analytic(expr: Expr) -> bool:
    """Say whether an expression is made of functions that are analytic inside their domains."""
    for node in sympy.preorder_traversal(expr):
        if node.is_Symbol or node.is_Number or node in (sympy.pi, S.Exp1) or node.is_Add or node.is_Mul:
            continue
        if isinstance(node, Pow):
            if node.base != S.Exp1 and not node.exp.is_Rational and not (node.base.is_Rational and node.base > 0):
                return False
            continue
        if not isinstance(node, _ANALYTIC):
            return False
    return True


def _subjects(expr: Expr, x: Symbol, requirements: Sequence[Requirement], whole: Piece) -> list[Expr] | None:
    """Return polynomials with rational coefficients whose zeros separate the pieces; None where one is none."""
    places: list[tuple[Expr, bool]] = []
    for requirement in requirements:
        subject = requirement.subject
        if requirement.condition is Condition.REAL_POWER:
            return None
        shifts = {Condition.WITHIN_ONE: (1, -1), Condition.INSIDE_ONE: (1, -1), Condition.AT_LEAST_ONE: (1,)}
        places += [(subject - s, False) for s in shifts.get(requirement.condition, (0,))]
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, Pow) and x in node.base.free_symbols and not (node.exp.is_Integer and node.exp > 0):
            places.append((node.base, True))
        elif isinstance(node, _ENDED) and x in node.free_symbols:
            places += [(node.args[0] - 1, True), (node.args[0] + 1, True)]
        elif isinstance(node, sympy.acosh | sympy.log) and x in node.free_symbols:
            places.append((node.args[0] - (1 if isinstance(node, sympy.acosh) else 0), True))
    found: list[Expr] = []
    for place, settled in dict.fromkeys(places):
        if settled and (sign_proof(place, strict=True) or sign_proof(-place, strict=True)):
            continue
        if place.has(sympy.sin, sympy.cos) and sign_on(place, whole, x):
            continue
        above, below = sympy.fraction(sympy.cancel(sympy.together(place))) if _is_rational(place, x) else (None, None)
        if above is None or below is None:
            return None
        found += [part for part in (above, below) if x in part.free_symbols]
    return found


def _is_rational(expr: Expr, x: Symbol) -> bool:
    if not expr.is_rational_function(x):
        return False
    above, below = sympy.fraction(sympy.together(expr))
    return all(
        part.is_polynomial(x) and all(c.is_Rational for c in sympy.Poly(part, x).all_coeffs())
        for part in (above, below)
    )


def _flat(slope: Expr, piece: Piece, x: Symbol) -> bool:
    """Say whether the derivative is proved to vanish on one piece, x written by a positive symbol."""
    t = sympy.Dummy("t", positive=True)
    if piece.low.is_Rational and piece.high.is_Rational:
        width = piece.high - piece.low
        return zero_proof(slope.subs(x, piece.low + width * t / (1 + t))) is not None
    if piece.low.is_Rational:
        return zero_proof(slope.subs(x, piece.low + t)) is not None
    return piece.high.is_Rational and zero_proof(slope.subs(x, piece.high - t)) is not None


def _exact_point(difference: Expr, slope: Expr, piece: Piece, x: Symbol) -> Expr | None:
    """Return a point of a piece, or an end at infinity, where the difference is exactly 0; None where none is found."""
    if not _is_defined(slope, piece.inside(), x):
        return None
    for value in (*_CANDIDATES, piece.inside(), sympy.sqrt(3), 1 / sympy.sqrt(3), -sympy.sqrt(3)):
        if piece.contains(value):
            there = difference.subs(x, value)
            if not there.has(S.NaN, S.ComplexInfinity) and zero_proof(there) and _is_defined(difference, value, x):
                return value
    for end, turn in ((piece.high, 1), (piece.low, -1)):
        if end.is_infinite:
            t = sympy.Dummy("t", positive=True)
            found = Limits(t, Facts()).of(difference.subs(x, turn * t))
            if found is not None and found.is_finite and zero_proof(found):
                return end
    return None


def _is_defined(expr: Expr, value: Expr, x: Symbol) -> bool:
    """Say whether an expression certainly has a value at a number."""
    try:
        return enclose(expr.subs(x, value), {}, bits=192).is_known
    except UndefinedHere:
        return False
