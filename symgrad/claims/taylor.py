"""Limits at infinity of quotients that are analytic in 1/n, by the derivatives at 0 (Taylor's theorem)."""

import sympy
from sympy import Expr, Pow, S, Symbol

from symgrad.claims.facts import Facts
from symgrad.derivation.identities.proofs import is_zero, zero_proof

MOST_ORDERS = 6
LARGEST = 120
_ENTIRE = (sympy.exp, sympy.sin, sympy.cos, sympy.sinh, sympy.cosh)
_ON_THE_LINE = (sympy.tanh, sympy.atan, sympy.asinh, sympy.erf)


def taylor_limit(expr: Expr, n: Symbol, facts: Facts) -> Expr | None:
    """Return the limit of an expression as n tends to infinity, None where this argument does not give one.

    >>> n, x = Symbol("n", positive=True), Symbol("x", real=True)
    >>> taylor_limit(n**2 * (1 - sympy.cos(x / n)), n, Facts())
    x**2/2
    """
    t = sympy.Dummy("t", positive=True)
    above, below = sympy.fraction(sympy.together(expr.subs(n, 1 / t)))
    if sympy.count_ops(expr) > LARGEST or not all(_is_analytic(part, t, facts) for part in (above, below)):
        return None
    for _ in range(MOST_ORDERS):
        top, bottom = above.subs(t, 0), below.subs(t, 0)
        if any(value.has(S.NaN, S.ComplexInfinity, S.Infinity) for value in (top, bottom)):
            return None
        if _is_nonzero(bottom, facts):
            return sympy.expand(top / bottom)
        if not zero_proof(bottom) or not zero_proof(top):
            return None
        above, below = sympy.diff(above, t), sympy.diff(below, t)
        if max(sympy.count_ops(above), sympy.count_ops(below)) > 4 * LARGEST:
            return None
    return None


def _is_nonzero(value: Expr, facts: Facts) -> bool:
    if not value.free_symbols:
        return is_zero(value) is False
    return facts.positive(value) or facts.positive(-value)


def _is_analytic(expr: Expr, t: Symbol, facts: Facts) -> bool:
    """Say whether an expression is analytic in t around 0."""
    if t not in expr.free_symbols or expr == t:
        return True
    if expr.is_Add or expr.is_Mul or isinstance(expr, _ENTIRE):
        return all(_is_analytic(a, t, facts) for a in expr.args)
    if isinstance(expr, _ON_THE_LINE):
        return bool(expr.args[0].is_real) and _is_analytic(expr.args[0], t, facts)
    if isinstance(expr, sympy.log):
        return _is_analytic(expr.args[0], t, facts) and facts.positive(expr.args[0].subs(t, 0))
    if not isinstance(expr, Pow) or not all(_is_analytic(a, t, facts) for a in expr.args):
        return False
    if expr.exp.is_Integer:
        return bool(expr.exp > 0) or _is_nonzero(expr.base.subs(t, 0), facts)
    return expr.base == S.Exp1 or facts.positive(expr.base.subs(t, 0))
