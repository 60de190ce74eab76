"""Equations in several variables: constant along the rays from the origin, and true at the origin."""

from collections.abc import Sequence

import sympy
from sympy import Dummy, Expr, Pow, S, Symbol

from symgrad.claims.components import is_analytic, plain_functions
from symgrad.claims.conditions import Comparison
from symgrad.claims.facts import Facts
from symgrad.claims.signs import sign_of_number
from symgrad.claims.statement import Statement
from symgrad.derivation.identities.proofs import zero_proof
from symgrad.parsing import Condition

LARGEST = 80


def ray_proof(statement: Statement, link: Comparison, variables: Sequence[Symbol]) -> str | None:
    """Return the argument by which an equation holds on a domain that contains each segment to the origin."""
    difference = plain_functions(link.lhs - link.rhs)
    if link.relation != "=" or len(variables) < 2 or any(v.is_integer or v.is_zero is False for v in variables):
        return None
    if sympy.count_ops(difference) > LARGEST or not is_analytic(difference):
        return None
    s = Dummy("s", positive=True)
    shrunk = {v: v / (1 + s) for v in variables}
    facts = Facts(statement.where, statement.requirements)
    start = dict.fromkeys(variables, S.Zero)
    borders = _borders(statement, difference)
    if not all(sign_of_number(part.xreplace(start)) and _stays(part, shrunk, facts) for part in borders):
        return None
    t = Dummy("t", positive=True)
    slope = sympy.diff(difference.xreplace({v: t * v for v in variables}), t)
    origin = difference.xreplace(start)
    if origin.has(S.NaN, S.ComplexInfinity) or zero_proof(origin) is None or zero_proof(slope) is None:
        return None
    return "the difference of the sides is constant along each segment to the origin, and 0 there"


def _stays(part: Expr, shrunk: dict[Symbol, Expr], facts: Facts) -> bool:
    """Say whether an expression that is not 0 in the domain is proved to be positive, or negative, on the segment."""
    on_segment = part.xreplace(shrunk)
    top, bottom = sympy.fraction(sympy.together(on_segment))
    return any(
        facts.positive(sympy.expand(turn * top)) and facts.positive(bottom) and facts.positive(turn * part)
        for turn in (1, -1)
    )


def _borders(statement: Statement, expr: Expr) -> list[Expr]:
    """Return what must stay away from 0 for the domain to be kept and the expression to be analytic."""
    found = [c.difference for c in statement.where]
    for requirement in statement.requirements:
        if requirement.condition in (Condition.NONZERO, Condition.POSITIVE, Condition.NONNEGATIVE):
            found.append(requirement.subject)
        else:
            found += [1 - requirement.subject, 1 + requirement.subject]
    for node in sympy.preorder_traversal(expr):
        if isinstance(node, Pow) and node.base.free_symbols and not (node.exp.is_Integer and node.exp > 0):
            found.append(node.base)
        elif isinstance(node, sympy.log):
            found.append(node.args[0])
        elif isinstance(node, sympy.asin | sympy.acos | sympy.atanh | sympy.acosh):
            found += [1 - node.args[0], 1 + node.args[0], node.args[0] - 1]
    return list(dict.fromkeys(found))
