"""Claims for all integers n: by residues where n stands inside floor or Mod, else by induction on n."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import ceil, lcm

import sympy
from sympy import Dummy, Expr, Pow, S, Symbol

from symgrad.claims.conditions import Comparison
from symgrad.claims.points import bounds_of
from symgrad.claims.statement import Statement
from symgrad.derivation.identities.proofs import zero_proof

LARGEST_MODULUS = 64
LARGEST = 120
Prove = Callable[[Statement, Comparison, list[Symbol]], str | None]


def residue_proof(link: Comparison, variables: Sequence[Symbol]) -> str | None:
    """Prove an equation in one integer n, n = m·q + r put in for every remainder r."""
    difference = link.lhs - link.rhs
    if len(variables) != 1 or not variables[0].is_integer or link.relation != "=":
        return None
    (n,) = variables
    modulus = _modulus(difference, n)
    if modulus is None or not 1 < modulus <= LARGEST_MODULUS:
        return None
    q = Dummy("q", integer=True)
    for r in range(modulus):
        there = _settled(difference.subs(n, modulus * q + r), modulus)
        if there.has(sympy.floor, sympy.ceiling, sympy.Mod) or zero_proof(sympy.expand(there)) is None:
            return None
    return f"by the {modulus} remainders of {n.name} modulo {modulus}"


def _modulus(expr: Expr, n: Symbol) -> int | None:
    """Return a number m such that floors and remainders are polynomials in n on each class modulo m."""
    found = 1
    for node in expr.atoms(sympy.floor, sympy.ceiling, sympy.Mod, Pow):
        if n not in node.free_symbols:
            continue
        if isinstance(node, Pow):
            if n in node.exp.free_symbols and node.base != -1:
                return None
            found = lcm(found, 2 if n in node.exp.free_symbols else 1)
            continue
        inner = node.args[0] / node.args[1] if isinstance(node, sympy.Mod) else node.args[0]
        if not inner.is_polynomial(n):
            return None
        coefficients = sympy.Poly(inner, n).all_coeffs()
        if not all(c.is_Rational for c in coefficients):
            return None
        found = lcm(found, *(int(c.q) for c in coefficients))
    return found


def _settled(expr: Expr, modulus: int) -> Expr:
    """Take whole terms out of every floor and remainder."""

    def floored(u: Expr) -> Expr:
        u = sympy.expand(u)
        constant, moving = u.as_coeff_Add()
        return moving + sympy.floor(constant) if moving.is_integer else sympy.floor(u)

    expr = expr.replace(sympy.Mod, lambda a, b: a - b * floored(a / b))
    expr = expr.replace(sympy.floor, floored)
    return expr.replace(sympy.ceiling, lambda u: -floored(-u))


def integer_induction(statement: Statement, link: Comparison, variables: Sequence[Symbol], prove: Prove) -> str | None:
    """Prove D(n) >= 0 (> 0, = 0) for all integers n from the first by D(n + 1) >= c·D(n) with a c >= 0."""
    if link.relation == "!=" or sympy.count_ops(link.difference) > LARGEST:
        return None
    for n in variables:
        first = _first(statement, n) if n.is_integer else None
        if first is None:
            continue
        difference, rest = link.difference, [v for v in variables if v != n]
        relation = {"=": "="}.get(link.relation, ">" if link.relation in ("<", ">") else ">=")
        base = Comparison(difference.subs(n, first), relation, S.Zero, link.text)
        if base.lhs.has(S.NaN, S.ComplexInfinity) or prove(_at(statement, n, first), base, rest) is None:
            continue
        for c in _multipliers(difference, n):
            if not _is_allowed(statement, c, relation, rest, prove):
                continue
            step = sympy.expand(difference.subs(n, n + 1) - c * difference)
            later = Comparison(step, "=" if relation == "=" else ">=", S.Zero, link.text)
            if prove(statement, later, list(variables)) is not None:
                return f"induction on {n.name} from {first}, with the factor {sympy.sstr(c)}"
    return None


def _is_allowed(statement: Statement, c: Expr, relation: str, rest: list[Symbol], prove: Prove) -> bool:
    if relation == "=" or c.is_positive:
        return True
    above = Comparison(c, ">" if relation == ">" else ">=", S.Zero, "")
    return prove(statement, above, rest) is not None


def _multipliers(difference: Expr, n: Symbol) -> Iterator[Expr]:
    bases = {p.base for p in difference.atoms(Pow) if n in p.exp.free_symbols and n not in p.base.free_symbols}
    yield from sorted(bases, key=sympy.count_ops)
    yield S.One


def _first(statement: Statement, n: Symbol) -> int | None:
    """Return the least n of the claim; None where more is said about it than a lower bound."""
    if n.is_even is not None or n.is_prime is not None:
        return None
    for condition in statement.where:
        if n in condition.lhs.free_symbols | condition.rhs.free_symbols and not _is_lower_bound(condition, n):
            return None
    if any(n in r.subject.free_symbols for r in statement.requirements):
        return None
    bounds = bounds_of(n, statement.where)
    if bounds.low is None:
        return None
    low = ceil(bounds.low)
    return low + 1 if low == bounds.low and not bounds.low_closed else low


def _is_lower_bound(condition: Comparison, n: Symbol) -> bool:
    if condition.relation in (">", ">="):
        return condition.lhs == n and bool(condition.rhs.is_Rational)
    return condition.relation in ("<", "<=") and condition.rhs == n and bool(condition.lhs.is_Rational)


def _at(statement: Statement, n: Symbol, first: int) -> Statement:
    """Return the statement without the conditions on n."""
    where = tuple(c for c in statement.where if n not in c.lhs.free_symbols | c.rhs.free_symbols)
    return replace(statement, where=where)
