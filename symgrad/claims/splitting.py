"""A claim with moduli, signs, maxima or definitions by cases, split into claims without them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import sympy
from sympy import Abs, Expr, Max, Min, Piecewise, Rational, S, Symbol
from sympy.core.relational import Relational

from symgrad.claims.components import analytic_pieces, exact_bounds, held_at, plain_functions
from symgrad.claims.conditions import Comparison
from symgrad.claims.pieces import Piece
from symgrad.claims.places import solutions
from symgrad.claims.signs import sign_of_number, sign_on
from symgrad.claims.statement import Statement

MOST_CUTS = 6
LARGEST = 200
_SPLITTERS = (Abs, sympy.sign, sympy.Heaviside, Max, Min, Piecewise)
Part = tuple[Statement, Comparison]


def split(statement: Statement, link: Comparison, variables: Sequence[Symbol]) -> list[Part] | None:
    """Return claims that together say the same, each with fewer cases; None where there are none to split.

    A modulus or maximum that is bounded from above is bounded where each of its branches is; otherwise, in one
    variable, the domain is cut at the exact zeros of what decides the cases.
    """
    difference = plain_functions(link.difference)
    if (
        not (difference.has(*_SPLITTERS) or _branched(difference))
        or sympy.count_ops(difference) > LARGEST
        or link.relation == "!="
    ):
        return None
    branches = _branches(difference) if link.relation != "=" else None
    if branches is not None:
        return [
            (statement, Comparison(b, ">" if link.relation in ("<", ">") else ">=", S.Zero, link.text))
            for b in branches
        ]
    if len(variables) != 1 or variables[0].is_integer:
        return None
    return _pieces(statement, Comparison(difference, _turned(link.relation), S.Zero, link.text), variables[0])


def _turned(relation: str) -> str:
    return {"<": ">", "<=": ">="}.get(relation, relation)


def _branches(difference: Expr) -> list[Expr] | None:
    """Return expressions that are all at least 0 exactly where the difference is."""
    for node in difference.atoms(Abs, Max, Min):
        value = sympy.Dummy("value", real=True)
        poly = difference.xreplace({node: value})
        slope = sympy.diff(poly, value)
        if value in slope.free_symbols or not _is_turned(slope, node):
            continue
        choices = (node.args[0], -node.args[0]) if isinstance(node, Abs) else node.args
        return [poly.xreplace({value: choice}) for choice in choices]
    return None


def _is_turned(slope: Expr, node: Expr) -> bool:
    wanted = slope if isinstance(node, Min) else -slope
    return bool(wanted.is_positive)


def _pieces(statement: Statement, link: Comparison, x: Symbol) -> list[Part] | None:
    low, high = exact_bounds(x, statement)
    whole = Piece(low, high)
    cuts = _cuts(link.lhs, x, whole, statement)
    if cuts is None or not low < high:
        return None
    inner = sorted(cut for cut in cuts if whole.contains(cut))
    if len(inner) > MOST_CUTS:
        return None
    parts: list[Part] = []
    for a, b in pairwise([low, *inner, high]):
        piece = Piece(a, b)
        settled = _settled(link.lhs, {x: piece.inside()})
        if settled is None or settled.has(*_SPLITTERS) or _branched(settled):
            return None
        edges = [Comparison(x, ">", a, f"{x} > {a}")] if a.is_finite else []
        edges += [Comparison(x, "<", b, f"{x} < {b}")] if b.is_finite else []
        parts.append((replace(statement, where=(*statement.where, *edges)), replace(link, lhs=settled)))
    ends = [*inner, *(end for end in (low, high) if end.is_finite)]
    single = [end for end in ends if False not in held_at(statement, x, end)]
    return [*parts, *((statement, replace(link, lhs=link.lhs.subs(x, end))) for end in single)]


def _cuts(expr: Expr, x: Symbol, whole: Piece, statement: Statement) -> list[Expr] | None:
    """Return every zero of what decides the cases; None where not all of them are known to be found."""
    found: set[Expr] = set()
    for subject in _subjects(expr):
        if not subject.has(x) or sign_on(subject, whole, x):
            continue
        if subject.has(*_SPLITTERS):
            return None
        zeros = _all_zeros(subject, x, whole, replace(statement, requirements=()))
        if zeros is None:
            return None
        found |= zeros
    for node in _branched(expr):
        turns = _branch_cuts(node, x, whole)
        if turns is None:
            return None
        found |= turns
    return list(found)


def _branched(expr: Expr) -> list[Expr]:
    """Return the parts asin(sin(u)), acos(cos(u)) and atan(tan(u)), whose branch depends on u."""
    nodes = expr.atoms(sympy.asin, sympy.acos, sympy.atan)
    return [
        node
        for node in nodes
        if (isinstance(node.args[0], sympy.sin | sympy.cos) and not isinstance(node, sympy.atan))
        or _tangent(node) is not None
    ]


def _tangent(node: Expr) -> Expr | None:
    """Return u where a node is atan(sin(u)/cos(u))."""
    if not isinstance(node, sympy.atan):
        return None
    angles = {a.args[0] for a in node.args[0].atoms(sympy.sin, sympy.cos)}
    for u in angles:
        if node.args[0] == sympy.sin(u) / sympy.cos(u):
            return u
    return None


def _angle(node: Expr) -> Expr:
    return _tangent(node) if isinstance(node, sympy.atan) else node.args[0].args[0]


def _branch_cuts(node: Expr, x: Symbol, whole: Piece) -> set[Expr] | None:
    """Return where the branch changes: at multiples of π for acos, halfway between them for asin and atan."""
    u = _angle(node)
    slope = u.diff(x)
    if not slope.is_Rational or slope == 0 or whole.low.is_infinite or whole.high.is_infinite:
        return None
    shift = S.Zero if isinstance(node, sympy.acos) and isinstance(node.args[0], sympy.cos) else sympy.Rational(1, 2)
    ends = sorted(sympy.N(u.subs(x, end) / sympy.pi) for end in (whole.low, whole.high))
    first, last = int(sympy.floor(ends[0])) - 1, int(sympy.ceiling(ends[1])) + 1
    if last - first > 4 * MOST_CUTS:
        return None
    return {(sympy.pi * (m + shift) - u.subs(x, 0)) / slope for m in range(first, last + 1)}


def _branch(node: Expr, point: dict[Symbol, Expr]) -> Expr | None:
    """Return the linear expression a branched part equals around a point."""
    u = _angle(node)
    turns = u.subs(point) / sympy.pi
    if isinstance(node, sympy.acos):
        if not isinstance(node.args[0], sympy.cos):
            return None
        m = sympy.floor(turns)
        return u - m * sympy.pi if m % 2 == 0 else (m + 1) * sympy.pi - u
    if isinstance(node.args[0], sympy.cos):
        return None
    m = sympy.floor(turns + sympy.Rational(1, 2))
    turn = -1 if isinstance(node, sympy.asin) and m % 2 else 1
    return turn * (u - m * sympy.pi)


def _subjects(expr: Expr) -> list[Expr]:
    found: list[Expr] = []
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, Abs | sympy.sign | sympy.Heaviside):
            found.append(node.args[0])
        elif isinstance(node, Max | Min):
            found += [a - b for i, a in enumerate(node.args) for b in node.args[:i]]
        elif isinstance(node, Relational):
            found.append(node.lhs - node.rhs)
    return list(dict.fromkeys(found))


def _all_zeros(subject: Expr, x: Symbol, whole: Piece, statement: Statement) -> set[Expr] | None:
    """Return all zeros and poles of a rational function, or the one zero of a monotone function."""
    above, below = sympy.fraction(sympy.together(subject))
    if subject.is_rational_function(x):
        polys = [sympy.Poly(part, x) for part in (above, below)]
        if any(not (p.domain.is_QQ or p.domain.is_ZZ) for p in polys):
            return None
        zeros = {root for p in polys if p.degree() > 0 for root in sympy.real_roots(p)}
        return None if any(root.has(sympy.CRootOf) for root in zeros) else zeros
    if analytic_pieces(subject, statement, x) != [whole] or sign_on(sympy.diff(subject, x), whole, x) is None:
        return None
    exact = [s for s in solutions(subject, x) if s.is_real and sign_of_number(subject.subs(x, s)) == 0]
    return {exact[0]} if len(exact) == 1 else None


def _settled(expr: Expr, point: dict[Symbol, Expr]) -> Expr | None:
    """Return the expression with every case decided as at a point."""
    if not expr.args or not (expr.has(*_SPLITTERS) or _branched(expr)):
        return expr
    if isinstance(expr, sympy.asin | sympy.acos | sympy.atan) and expr in _branched(expr):
        return _branch(expr, point)
    if isinstance(expr, Piecewise):
        for value, condition in expr.args:
            held = condition == True or condition.xreplace(point)  # noqa: E712
            if held not in (sympy.true, sympy.false, True, False):
                return None
            if held:
                return _settled(value, point)
        return None
    args: list[Expr] = []
    for part in expr.args:
        argument = _settled(part, point)
        if argument is None:
            return None
        args.append(argument)
    if isinstance(expr, Abs | sympy.sign | sympy.Heaviside):
        sign = sign_of_number(args[0].subs(point))
        if not sign:
            return None
        return {Abs: sign * args[0], sympy.sign: sympy.Integer(sign)}.get(expr.func, Rational(1 + sign, 2))
    if isinstance(expr, Max | Min):
        turn = 1 if isinstance(expr, Max) else -1
        best = args[0]
        for other in args[1:]:
            sign = sign_of_number((other - best).subs(point))
            if sign is None:
                return None
            best = other if sign * turn > 0 else best
        return best
    return expr.func(*args)
