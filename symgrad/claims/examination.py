"""How one comparison is decided: a point that refutes it, else an exact argument, else what the points support."""

from dataclasses import dataclass

from sympy import Add, Dummy, Expr, Mul, Rational, S, Symbol

from symgrad.certify import Ball, UndefinedHere, enclose
from symgrad.claims.points import Bounds, Point, bounds_of, points, shown
from symgrad.claims.statement import Comparison, Statement
from symgrad.derivation.identities.proofs import sign_proof, zero_proof
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import expand_activations
from symgrad.parsing import Condition

ATTEMPTS = 240
WANTED = 40
ENOUGH = 20
DEEP = 6
BITS = (64, 576)
MAX_PARTS = 8
DEEPEST_BITS = 3300


@dataclass(frozen=True)
class Findings:
    """What the points showed: the point that refutes, how many agree, and how many had both sides defined."""

    refuting: Point | None
    values: str
    agreeing: int
    defined: int


def examine_link(statement: Statement, link: Comparison, seed: int) -> Evidence:
    """Decide one comparison of a statement."""
    variables = _variables(statement, link)
    found = _try_points(statement, link, variables, seed)

    def evidence(verdict: Verdict, method: str, witness: Point | None = None) -> Evidence:
        return Evidence(link.text, verdict, method, None if witness is None else shown(witness), statement.domain)

    if found.refuting is not None:
        return evidence(Verdict.REFUTED, found.values, found.refuting)
    if not found.defined:
        return evidence(Verdict.UNDECIDED, "no point was found where both sides are defined and the conditions hold")
    proof = _proof(statement, link, variables)
    if proof is not None:
        return evidence(Verdict.PROVED, proof)
    if not variables and found.agreeing:
        if link.relation != "=":
            return evidence(Verdict.CERTIFIED, "balls of both sides")
        return evidence(Verdict.SUPPORTED, f"the sides agree to {DEEPEST_BITS * 3 // 10} digits")
    if found.agreeing >= ENOUGH:
        return evidence(Verdict.SUPPORTED, f"it held at {found.agreeing} points (seed {seed})")
    return evidence(Verdict.UNDECIDED, f"only {found.agreeing} points could be decided (seed {seed})")


def _variables(statement: Statement, link: Comparison) -> list[Symbol]:
    sides = [side for c in (link, *statement.where) for side in (c.lhs, c.rhs)]
    sides += [r.subject for r in statement.requirements]
    return sorted(set().union(*(side.free_symbols for side in sides)), key=lambda s: str(s.name))


def _try_points(statement: Statement, link: Comparison, variables: list[Symbol], seed: int) -> Findings:
    """Try the comparison at points until one refutes it or enough agree."""
    agreeing = defined = 0
    lhs, rhs = expand_activations(link.lhs), expand_activations(link.rhs)
    for point in points(variables, statement.where, statement.requirements, seed=seed, attempts=ATTEMPTS):
        bits = (*BITS, DEEPEST_BITS) if defined < DEEP else BITS
        outcome = _outcome(lhs, rhs, link.relation, point, bits)
        if outcome is None:
            continue
        defined += 1
        if outcome is False:
            return Findings(point, _values(lhs, rhs, point), agreeing, defined)
        agreeing += outcome is True
        if agreeing >= WANTED:
            break
    return Findings(None, "", agreeing, defined)


class _Unclear:
    """Both sides are defined, but no precision tried decides the comparison."""


def _outcome(
    lhs: Expr, rhs: Expr, relation: str, point: Point, precisions: tuple[int, ...]
) -> bool | type[_Unclear] | None:
    """Say whether the comparison holds at a point: None where a side is not defined or not finite there."""
    difference = Add(lhs, Mul(S.NegativeOne, rhs, evaluate=False), evaluate=False)
    agrees = False
    for bits in precisions:
        try:
            left, right = enclose(lhs, point, bits=bits), enclose(rhs, point, bits=bits)
            if not (left.is_known and right.is_known):
                continue
            ball = enclose(difference, point, bits=bits)
        except UndefinedHere:
            return None
        if ball.sign is not None or ball.excludes_zero:
            return _decided(ball, relation)
        agrees = ball.is_known and ball.is_small_beside(left, bits // 3)
    if agrees:
        return True if relation in ("=", "<=", ">=") else _Unclear
    return None if not (left.is_known and right.is_known) else _Unclear


def _decided(ball: Ball, relation: str) -> bool:
    """Decide a relation from a ball around lhs - rhs whose sign, or being other than 0, is certain."""
    if relation in ("=", "!="):
        return ball.excludes_zero == (relation == "!=")
    sign = ball.sign
    if sign is None:
        return False
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[relation]


def _values(lhs: Expr, rhs: Expr, point: Point) -> str:
    left, right = (enclose(side, point, bits=192).text() for side in (lhs, rhs))
    return f"balls that exclude it: left side {left}, right side {right}"


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
    return sign_proof(difference, strict=relation in ("<", ">"), nonzero=nonzero)


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
