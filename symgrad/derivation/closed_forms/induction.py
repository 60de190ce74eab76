"""Proof by induction on the depth: laws of n-fold composition, and maps recognised as instances of them.

A ``Law`` states that the n-fold composition of x ↦ step is x ↦ iterate, with derivative slope. It is proved once,
in abstract symbols: F(0) = x (or F(1) = f(x)), F(n+1) = f(F(n)), and the derivative. A given map becomes a ``Branch``
when it is the law's map at some values of these symbols, in an affine coordinate αx+β, and under conditions; this
too is decided by ``zero_proof``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy
from sympy import Abs, Eq, Expr, Ge, Gt, Integer, Le, Lt, Ne, S, Symbol

from symgrad.derivation.identities.proofs import is_zero, sign_proof, zero_proof
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Map, differentiate, to_text
from symgrad.symbols import n

DIGITS = 40
WRITTEN_RELATION = {Eq: "=", Ne: "!=", Lt: "<", Le: "<=", Gt: ">", Ge: ">="}


@dataclass(frozen=True)
class Law:
    """For every depth n ≥ ``first``: the n-fold composition of state ↦ step is ``iterate``, its derivative ``slope``.

    Parameters
    ----------
    state : the state
    step, iterate, slope : in the state, in parameters, and (the last two) in n
    first : the smallest n for which it holds, 0 or 1
    coordinates : symbol → expression; the region where the law holds, written through symbols that are free
    abbreviations : symbol → expression in the other parameters; the symbol is short for it
    lemmas : (claim, expression that vanishes) that together are the step from n to n+1, where it is not shown directly
    start : (claim, expression that vanishes) that together are F(0) = x, where it is not shown directly
    at_a_point : the state is one point, and the slope is the product of the factors along its orbit
    """

    state: Symbol
    step: Expr
    iterate: Expr
    slope: Expr
    first: int = 0
    coordinates: tuple[tuple[Symbol, Expr], ...] = ()
    abbreviations: tuple[tuple[Symbol, Expr], ...] = ()
    lemmas: tuple[tuple[str, Expr], ...] = ()
    start: tuple[tuple[str, Expr], ...] = ()
    at_a_point: bool = False


@dataclass(frozen=True)
class Branch:
    """One form of the n-fold composition, and the conditions under which it holds.

    Parameters
    ----------
    conditions : relations between the state x that enters the first layer and the parameters; all of them hold
    iterates : x_n = F(n, x), one expression for each component
    jacobian : ∂x_n/∂x, rows = new
    steps : what was proved
    domain : further conditions, as sentences
    """

    conditions: tuple[Any, ...]
    iterates: tuple[Expr, ...]
    jacobian: tuple[tuple[Expr, ...], ...]
    steps: tuple[Evidence, ...]
    domain: tuple[str, ...] = ()

    @property
    def condition(self) -> str:
        """The conditions as text, "always" where there are none.

        >>> Branch((Ne(Symbol("w", real=True), 1),), (S.One,), ((S.One,),), ()).condition
        'w != 1'
        """
        return " and ".join([*map(relation_text, self.conditions), *self.domain]) or "always"

    @property
    def iterate(self) -> Expr:
        """F(n, x) of a scalar chain."""
        (expr,) = self.iterates
        return expr

    @property
    def derivative(self) -> Expr:
        """The chain product of a scalar chain."""
        ((expr,),) = self.jacobian
        return expr

    @property
    def special(self) -> bool:
        """Whether an equation must hold, so that the branch is no more than a boundary between others."""
        return any(isinstance(c, Eq) for c in self.conditions)

    def replaced(self, values: Mapping[Expr, Expr]) -> "Branch":
        """Return the branch with symbols replaced, without the conditions this settles."""
        conditions = settled([written_at(c, values) for c in self.conditions])
        return Branch(
            self.conditions if conditions is None else conditions,
            tuple(e.xreplace(values) for e in self.iterates),
            tuple(tuple(e.xreplace(values) for e in row) for row in self.jacobian),
            self.steps,
            self.domain,
        )


def relation_text(relation: Any) -> str:
    """Return a relation as text that ``parse_relation`` reads.

    >>> relation_text(Lt(Abs(Symbol("x", real=True)), 1))
    'abs(x) < 1'
    """
    return f"{to_text(relation.lhs)} {WRITTEN_RELATION[relation.func]} {to_text(relation.rhs)}"


def sign_of(expr: Expr) -> int | None:
    """Return the sign an expression is proved to have wherever it is defined, None where it is not known.

    >>> sign_of(sympy.sqrt(2) - 1), sign_of(Symbol("x", real=True) ** 2 + 1), sign_of(Symbol("x", real=True))
    (1, 1, None)
    """
    if is_zero(expr):
        return 0
    if not expr.free_symbols:
        value = expr.evalf(DIGITS)
        near = not value.is_Number or value.is_finite is not True or abs(value) < sympy.Float(10) ** (-DIGITS // 2)
        return None if near else (1 if value > 0 else -1)
    if expr.is_positive or expr.is_negative:
        return 1 if expr.is_positive else -1
    if sign_proof(expr, strict=True):
        return 1
    return -1 if sign_proof(-expr, strict=True) else None


def decided(relation: Any) -> bool | None:
    """Say whether a relation holds always (True), never (False), or neither is proved (None)."""
    if relation in (S.true, S.false):
        return bool(relation)
    difference = relation.lhs - relation.rhs
    sign = sign_of(difference)
    if isinstance(relation, Eq | Ne):
        if sign is None and sign_proof(difference**2, strict=True):
            sign = 1
        return None if sign is None else (sign == 0) == isinstance(relation, Eq)
    upward = 1 if isinstance(relation, Gt | Ge) else -1
    weak = isinstance(relation, Ge | Le)
    if sign is not None:
        return sign == upward or (weak and sign == 0)
    if sign_proof(upward * difference):
        return True if weak else None
    return False if not weak and sign_proof(-upward * difference) else None


def _plain(relation: Any) -> Any:
    """Return a relation without a number that is added to, or multiplies, its left side."""
    if relation in (S.true, S.false):
        return relation
    added, rest = relation.lhs.as_coeff_Add() if relation.rhs != 0 else (S.Zero, relation.lhs)
    factor, plain = rest.as_coeff_Mul()
    if not added.is_Rational or not factor.is_Rational or (added, factor) == (0, 1) or plain.is_number:
        return relation
    func = relation.func if factor > 0 else relation.reversed.func
    return func(plain, (relation.rhs - added) / factor, evaluate=False)


def settled(conditions: Iterable[Any]) -> tuple[Any, ...] | None:
    """Return the conditions that are not settled, None where they never hold together.

    >>> a = Symbol("a", real=True)
    >>> settled([Ne(2 * a, 0), Gt(3 * a, 0), Gt(a**2 + 1, 0)])
    (a > 0,)
    """
    remaining: list[Any] = []
    for condition in map(_plain, conditions):
        verdict = decided(condition)
        if verdict is False:
            return None
        if verdict is None and condition not in remaining:
            remaining.append(condition)
    strict = [c for c in remaining if isinstance(c, Gt | Lt)]
    equal = [c for c in remaining if isinstance(c, Eq)]
    implied = [Ne(c.lhs, c.rhs) for c in strict]
    if any(func(c.lhs, c.rhs) in remaining for c in equal for func in (Ne, Gt, Lt)):
        return None
    return tuple(c for c in remaining if c not in implied)


def written_at(relation: Any, values: Mapping[Expr, Expr]) -> Any:
    """Return a relation with values written in; false where a side has no value there.

    >>> written_at(Gt(1 / Symbol("a", real=True), 0), {Symbol("a", real=True): S.Zero})
    False
    """
    left, right = relation.lhs.xreplace(values), relation.rhs.xreplace(values)
    if left.has(S.NaN, S.ComplexInfinity) or right.has(S.NaN, S.ComplexInfinity):
        return S.false
    return relation.func(left, right)


def proof_steps(claims: Sequence[tuple[str, Expr]]) -> tuple[Evidence, ...] | None:
    """Prove that every expression vanishes; None where one of the proofs is missing."""
    steps = []
    for claim, difference in claims:
        method = zero_proof(difference)
        if method is None:
            return None
        steps.append(Evidence(claim, Verdict.PROVED, method))
    return tuple(steps)


@lru_cache(maxsize=256)
def proof_of(law: Law) -> tuple[Evidence, ...] | None:
    """Prove a law by induction on n; None where a step is not proved."""
    long, places = dict(law.abbreviations), dict(law.coordinates)

    def at(depth: Expr | int) -> Expr:
        return law.iterate.xreplace({n: sympy.sympify(depth, strict=True)})

    def after(value: Expr) -> Expr:
        return law.step.xreplace({law.state: value})

    if law.start:
        claims = list(law.start)
    elif law.first:
        claims = [("F(1) = f(x)", at(1) - law.step)]
    else:
        claims = [("F(0) = x", at(0) - law.state)]
    claims += law.lemmas or [("F(n+1) = f(F(n))", after(at(n)) - at(n + 1))]
    if law.at_a_point:
        factor = differentiate(law.step, law.state)
        one = Integer(1) if law.first == 0 else factor
        claims.append((f"D({law.first}) = {'f(x)' if law.first else 1}", law.slope.xreplace({n: law.first}) - one))
        grown = factor.xreplace({law.state: at(n)}) * law.slope - law.slope.xreplace({n: n + 1})
        claims.append(("D(n+1) = f'(F(n)) D(n)", grown))
    else:
        claims.append(("dF/dx = D", differentiate(law.iterate, law.state) - law.slope))
    return proof_steps([(claim, difference.xreplace(long).xreplace(places)) for claim, difference in claims])


def branch(
    f: Map,
    law: Law,
    values: Mapping[Symbol, Expr],
    *,
    change: tuple[Expr, Expr] = (S.One, S.Zero),
    conditions: Sequence[Any] = (),
    vanishing: Sequence[tuple[Expr, Expr]] = (),
    domain: Sequence[str] = (),
) -> Branch | None:
    """Return the n-fold composition of a scalar map as an instance of a law, None where it is not proved to be one.

    Parameters
    ----------
    f : the map
    law : the law
    values : the law's parameters, as expressions of the map's
    change : (α, β); the law's state is αx+β
    conditions : where the instance holds
    vanishing : (expression that the conditions make 0, cofactor); α f + β differs from the law's step at αx+β by the
        sum of their products, so that it is the same where the conditions hold
    domain : further conditions, as sentences
    """
    steps = proof_of(law)
    if steps is None:
        return None
    (x,) = f.state
    alpha, beta = change
    inside = {**values, law.state: alpha * x + beta}
    gap = sum((zero * cofactor for zero, cofactor in vanishing), S.Zero)
    same = zero_proof(alpha * f.expr + beta - law.step.xreplace(inside) - gap)
    if same is None or not all(is_zero(values[s] - e.xreplace(values)) for s, e in law.abbreviations):
        return None
    where = "" if inside[law.state] == x else f" in the coordinate {to_text(inside[law.state])}"
    matched = Evidence(f"f is the map {to_text(law.step)} of the law at its parameters{where}", Verdict.PROVED, same)
    iterate = (law.iterate.xreplace(inside) - beta) / alpha
    slope = law.slope.xreplace(inside)
    return Branch(tuple(map(_plain, conditions)), (iterate,), ((slope,),), (*steps, matched), tuple(domain))


def polynomial(expr: Expr, x: Symbol) -> tuple[Expr, ...] | None:
    """Return the coefficients of a polynomial in x, the constant one first; None for any other expression.

    >>> x = Symbol("x", real=True)
    >>> polynomial(4 * x * (1 - x), x)
    (0, 4, -4)
    """
    if not expr.is_polynomial(x):
        return None
    try:
        coefficients = sympy.Poly(expr, x).all_coeffs()
    except (sympy.PolynomialError, NotImplementedError):
        return None
    return tuple(sympy.factor_terms(c) if c.free_symbols else c for c in reversed(coefficients))


def fraction(expr: Expr, x: Symbol) -> tuple[tuple[Expr, ...], tuple[Expr, ...]] | None:
    """Return the coefficients of numerator and denominator of a rational function of x in lowest terms, or None."""
    if not expr.is_rational_function(x) or sympy.count_ops(expr) > 300:
        return None
    try:
        above, below = sympy.fraction(sympy.cancel(sympy.together(expr)))
    except (sympy.PolynomialError, NotImplementedError):
        return None
    num, den = polynomial(above, x), polynomial(below, x)
    return None if num is None or den is None else (num, den)


def between(coordinate: tuple[Expr, Expr], x: Symbol, low: Expr, high: Expr) -> tuple[Any, ...]:
    """Return low < αx+β < high as relations, in x itself where α and β are numbers (±oo for no bound)."""
    alpha, beta = coordinate
    y = alpha * x + beta
    if not alpha.free_symbols and not beta.free_symbols and (turn := sign_of(alpha)):
        ends = [(e - beta) / alpha for e in (low, high)]
        low, high = ends if turn > 0 else reversed(ends)
        y = x
    if low == -high and y != x:
        return (Lt(Abs(y), high),)
    return tuple(([Gt(y, low)] if low.is_finite else []) + ([Lt(y, high)] if high.is_finite else []))


def at_value(coordinate: tuple[Expr, Expr], x: Symbol, value: Expr) -> Any:
    """Return the equation αx+β = value, solved for x, where α is not 0.

    >>> at_value((Integer(-2), S.One), Symbol("x", real=True), S.One)
    Eq(x, 0)
    """
    alpha, beta = coordinate
    return Eq(x, sympy.cancel((value - beta) / alpha), evaluate=False)
