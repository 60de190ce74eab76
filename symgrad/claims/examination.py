"""How one comparison is decided: a point that refutes it, else an exact argument, else what the points support."""

from collections.abc import Sequence
from itertools import islice

import sympy
from sympy import Abs, Dummy, Expr, Rational, S, Symbol
from sympy.polys.polyerrors import BasePolynomialError

from symgrad.claims.components import analytic_pieces, derivative_proof
from symgrad.claims.conditions import Comparison
from symgrad.claims.constants import number_is_zero
from symgrad.claims.hunting import lower_points
from symgrad.claims.inequalities import inequality_proof
from symgrad.claims.inverses import inverse_proof, logarithmic_form
from symgrad.claims.operated import examine_operated
from symgrad.claims.operations import Operation
from symgrad.claims.perfect_squares import without_square_roots
from symgrad.claims.pieces import Piece
from symgrad.claims.points import Bounds, bounds_of, points, with_ends
from symgrad.claims.rays import ray_proof
from symgrad.claims.several import nonnegative
from symgrad.claims.signs import sign_of_number
from symgrad.claims.splitting import split
from symgrad.claims.statement import Statement
from symgrad.claims.structure import BASES, structural_refutation
from symgrad.claims.trials import try_points
from symgrad.claims.verdicts import refutation, verdict_of_points
from symgrad.claims.whole_numbers import integer_induction, residue_proof
from symgrad.derivation.identities.proofs import sign_proof, zero_proof
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import expand_activations
from symgrad.parsing import Condition

ATTEMPTS = 240
MAX_PARTS = 8
DEEPEST_SPLIT = 3


def examine_link(statement: Statement, link: Comparison, seed: int) -> Evidence:
    """Decide one comparison of a statement."""
    operations = _operations_of(statement, link)
    variables = _variables(statement, link, operations)
    requirements = [r for r in statement.requirements if not r.subject.free_symbols & _placeholders(statement)]
    tried = points(variables, statement.where, requirements, seed=seed, attempts=ATTEMPTS)
    candidates = with_ends(tried, variables, statement.where, requirements)
    if operations:
        return examine_operated(statement, link, operations, candidates, _exact_argument, seed)
    found = try_points(candidates, link.lhs, link.rhs, link.relation)
    if found.refuting is not None or not found.defined:
        return refutation(statement, link, found)
    method = _proof(statement, link, variables) or derivative_proof(statement, link, variables)
    method = method or ray_proof(statement, link, variables) or inverse_proof(statement, link, variables, _proof)
    if method is not None:
        return Evidence(link.text, Verdict.PROVED, method, None, statement.domain)
    bases = list(islice(points(variables, statement.where, requirements, seed=seed, attempts=ATTEMPTS), BASES))
    against = structural_refutation(statement, link, bases, requirements) if variables else None
    if against is not None:
        return against
    method = None if variables else number_is_zero(link.difference)
    if method is not None:
        verdict = Verdict.PROVED if link.relation in ("=", "<=", ">=") else Verdict.REFUTED
        return Evidence(link.text, verdict, method, {} if verdict is Verdict.REFUTED else None, statement.domain)
    argument = _tried_argument(statement, link, variables)
    if argument is not None:
        return Evidence(link.text, argument[1], argument[0], None, statement.domain)
    tried = points(variables, statement.where, requirements, seed=seed, attempts=ATTEMPTS)
    low = lower_points(link, statement.where, requirements, tried)
    deeper = try_points(low, link.lhs, link.rhs, link.relation)
    if deeper.refuting is not None:
        return refutation(statement, link, deeper)
    return verdict_of_points(statement, link, found, bool(variables), seed)


def _argument(
    statement: Statement, link: Comparison, variables: list[Symbol], depth: int
) -> tuple[str, Verdict] | None:
    """Return an argument beyond normal forms and how far it reaches: by signs of derivatives, or case by case."""
    if depth:
        if not variables:
            return _of_number(link)
        method = _proof(statement, link, variables) or derivative_proof(statement, link, variables)
        if method is not None:
            return method, Verdict.PROVED
    whole = residue_proof(link, variables) or (None if depth else integer_induction(statement, link, variables, _proof))
    if whole is not None:
        return whole, Verdict.PROVED
    argument = inequality_proof(statement, link, variables) or _by_mean_value(statement, link, variables, depth)
    if argument is not None or depth >= DEEPEST_SPLIT:
        return argument
    logged = logarithmic_form(link) if len(variables) == 1 else None
    argument = None if logged is None else _argument(statement, logged, variables, depth + 1)
    if argument is not None:
        return f"logarithms of both sides; {argument[0]}", argument[1]
    plain = Comparison(without_square_roots(link.lhs), link.relation, without_square_roots(link.rhs), link.text)
    if plain != link:
        argument = _argument(statement, plain, variables, depth + 1)
        return argument and (f"roots of squares; {argument[0]}", argument[1])
    parts = split(statement, link, variables)
    if parts is None:
        return None
    found = []
    for confined, part in parts:
        left = [v for v in variables if v in part.difference.free_symbols]
        found.append(_argument(confined, part, left, depth + 1))
        if found[-1] is None:
            return None
    certain = all(one is not None and one[1] is Verdict.PROVED for one in found)
    words = dict.fromkeys(one[0] for one in found if one is not None)
    return "by cases: " + "; ".join(words), Verdict.PROVED if certain else Verdict.CERTIFIED


def _tried_argument(statement: Statement, link: Comparison, variables: list[Symbol]) -> tuple[str, Verdict] | None:
    """Return the argument, None also where SymPy refuses a step of the search."""
    try:
        return _argument(statement, link, variables, 0)
    except (BasePolynomialError, NotImplementedError, RecursionError):
        return None


def _exact_argument(statement: Statement, link: Comparison, variables: list[Symbol]) -> str | None:
    """Return the argument that proves a comparison without operators, None also where it rests on enclosures."""
    method = _proof(statement, link, variables)
    if method is not None:
        return method
    try:
        argument = _argument(statement, link, variables, 1)
    except (BasePolynomialError, NotImplementedError, RecursionError):
        return None
    return argument[0] if argument is not None and argument[1] is Verdict.PROVED else None


def _by_mean_value(
    statement: Statement, link: Comparison, variables: list[Symbol], depth: int
) -> tuple[str, Verdict] | None:
    """Prove |f(x) - f(y)| <= c·|x - y| from |f'| <= c on the whole line."""
    if len(variables) != 2 or link.relation not in ("<=", ">=") or statement.where or statement.requirements:
        return None
    x, y = variables
    distance, value = Abs(x - y), Dummy("distance", positive=True)
    difference = expand_activations(link.difference).subs(distance, value)
    c = difference.diff(value)
    moved = sympy.factor_terms(value * c - difference)
    inner = moved.args[0] if isinstance(moved, Abs) else None
    if inner is None or c.free_symbols or inner.diff(x, y) != 0 or zero_proof(inner.subs(y, x)) is None:
        return None
    slope = inner.diff(x)
    if analytic_pieces(inner.subs(y, 0), statement, x) != [Piece(S.NegativeInfinity, S.Infinity)]:
        return None
    found = _argument(statement, Comparison(Abs(slope), "<=", c, link.text), [x], depth + 1)
    return found and (f"the mean value theorem; {found[0]}", found[1])


def _of_number(link: Comparison) -> tuple[str, Verdict] | None:
    sign = sign_of_number(link.difference)
    holds = sign is not None and (sign > 0 if link.relation in ("<", ">") else sign == 0 or link.relation != "=")
    return ("exact values", Verdict.PROVED) if holds and sign is not None and sign >= 0 else None


def _placeholders(statement: Statement) -> set[Symbol]:
    return {operation.symbol for operation in statement.operations}


def _operations_of(statement: Statement, link: Comparison) -> list[Operation]:
    """Return the operators a comparison contains, and those inside them, the inner ones first."""
    wanted = link.lhs.free_symbols | link.rhs.free_symbols
    found = []
    for operation in reversed(statement.operations):
        if operation.symbol in wanted:
            found.append(operation)
            wanted |= operation.free_symbols
    return found[::-1]


def _variables(statement: Statement, link: Comparison, operations: Sequence[Operation]) -> list[Symbol]:
    sides = [side for c in (link, *statement.where) for side in (c.lhs, c.rhs)]
    sides += [r.subject for r in statement.requirements]
    found = set().union(*(side.free_symbols for side in sides), *(o.free_symbols for o in operations))
    return sorted(found - _placeholders(statement), key=lambda s: str(s.name))


def _proof(statement: Statement, link: Comparison, variables: list[Symbol]) -> str | None:
    """Return the argument that proves a comparison on its domain, or None."""
    difference = link.difference
    nonzero = (
        *(r.subject for r in statement.requirements if r.condition is Condition.NONZERO),
        *(c.difference for c in statement.where if c.relation in ("!=", "<", ">")),
    )
    proof = _plain_proof(difference, link.relation, nonzero)
    if proof is not None:
        return proof
    confined = [difference]
    for condition in statement.where:
        for name, value in ((condition.lhs, condition.rhs), (condition.rhs, condition.lhs)):
            if condition.relation == "=" and name.is_Symbol and name not in value.free_symbols:
                confined = [part.subs(name, value) for part in confined]
                break
    for condition in statement.where:
        low, high = (condition.rhs, condition.lhs) if condition.relation == ">" else (condition.lhs, condition.rhs)
        if condition.relation in ("<", ">") and low.is_Symbol and high.is_Symbol:
            gap = Dummy("gap", positive=True, integer=low.is_integer and high.is_integer)
            confined = [part.subs(high, low + gap) for part in confined]
    for variable in variables:
        bounds = bounds_of(variable, statement.where, statement.requirements)
        confined = [placed for part in confined for placed in _confined(part, variable, bounds)]
        if len(confined) > MAX_PARTS:
            return None
    if confined == [difference]:
        return None
    proofs = [_plain_proof(part, link.relation, ()) for part in confined]
    return proofs[0] if None not in proofs else None


def _plain_proof(difference: Expr, relation: str, nonzero: tuple[Expr, ...]) -> str | None:
    if relation == "=":
        return zero_proof(difference, nonzero=nonzero)
    if relation == "!=":
        return sign_proof(difference, strict=True) or sign_proof(-difference, strict=True)
    strict = relation in ("<", ">")
    return sign_proof(difference, strict=strict, nonzero=nonzero) or nonnegative(difference, strict=strict)


def _confined(expr: Expr, variable: Symbol, bounds: Bounds) -> list[Expr]:
    """Return the expressions that cover ``expr`` for a variable on one side of a bound, written by positive symbols."""
    if variable not in expr.free_symbols or (bounds.low is None and bounds.high is None):
        return [expr]
    bound, side, closed = (
        (bounds.low, 1, bounds.low_closed) if bounds.low is not None else (bounds.high, -1, bounds.high_closed)
    )
    assert bound is not None
    edge = Rational(bound.numerator, bound.denominator)
    beyond = Dummy(variable.name, positive=True, integer=bool(variable.is_integer and edge.is_Integer) or None)
    inside = expr.subs(variable, edge + side * beyond)
    return [inside, expr.subs(variable, edge)] if closed else [inside]
