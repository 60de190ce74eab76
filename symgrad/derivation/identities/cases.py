"""Proof by cases: the sign of the argument of a modulus, sign, maximum or condition splits the real line."""

from collections.abc import Callable, Sequence
from typing import Any

import sympy
from sympy import Abs, Dummy, Expr, Heaviside, Integer, Max, Min, Piecewise, Pow, Rational, S
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

MAX_CASES = 60
MAX_EXPANDED_POWER = 12

_BINDERS = (sympy.Sum, sympy.Product, sympy.Integral, sympy.Derivative, sympy.Subs, sympy.Limit, AppliedUndef)
_SPLITTERS = (Abs, sympy.sign, Heaviside, Min, Max, Piecewise)


def by_cases(expr: Expr, prove: Callable[[Expr], bool | None], *, nonzero: Sequence[Expr] = ()) -> bool:
    """Say whether ``prove`` succeeds for each sign of the arguments of the moduli, signs, maxima and conditions.

    Nothing is claimed where an expression of ``nonzero`` is 0, nor in a case in which SymPy's value is nan or zoo:
    there the expression divides by zero and is not defined.
    """
    return expr.has(*_SPLITTERS) and not expr.has(*_BINDERS) and _split(expr, prove, nonzero, [MAX_CASES])


def _split(expr: Expr, prove: Callable[[Expr], bool | None], nonzero: Sequence[Expr], left: list[int]) -> bool:
    left[0] -= 1
    if left[0] < 0 or any(p.exp.is_Integer and abs(p.exp) > MAX_EXPANDED_POWER for p in expr.atoms(Pow)):
        return False
    if expr in (S.NaN, S.ComplexInfinity) or prove(expr):
        return True
    u = _deciding_argument(expr)
    if u is None:
        return False
    signs = (1, -1) if any(_ratio(u, v) for v in nonzero) else (1, -1, 0)
    return all(_split(_case(expr, u, sign), prove, nonzero, left) for sign in signs)


def _deciding_argument(expr: Expr) -> Expr | None:
    """Return a real expression, free of cases itself, whose sign decides a modulus, sign, maximum or condition."""
    for node in sympy.postorder_traversal(expr):
        if isinstance(node, Abs | sympy.sign | Heaviside):
            u = node.args[0]
        elif isinstance(node, Min | Max):
            u = node.args[0] - node.args[1]
        elif isinstance(node, Relational) and isinstance(node.lhs, Expr) and isinstance(node.rhs, Expr):
            u = node.lhs - node.rhs
        else:
            continue
        if u.is_extended_real and u.free_symbols and not u.has(*_SPLITTERS):
            return sympy.expand(u)
    return None


def _case(expr: Expr, u: Expr, sign: int) -> Expr:
    """Return the expression on the region where u has the given sign, one symbol written through a positive one."""
    found = None
    for x in sorted(u.free_symbols, key=str):
        slope = u.diff(x)
        if slope.is_Rational and slope and x.is_real:
            p = Dummy("p", positive=True)
            value = sympy.expand((sign * p - u.subs(x, 0)) / slope)
            if found is None or value.is_positive:
                found = (x, value)
            if not x.is_positive:
                break
    return _settled(expr, u, sign) if found is None else _settled(expr.subs(*found), u, 0)


def _settled(expr: Expr, u: Expr, sign: int) -> Expr:
    """Decide every modulus, sign, maximum and condition that the assumptions, or the sign of u (if not 0), decide."""
    if not expr.args or not expr.has(*_SPLITTERS):
        return expr
    if isinstance(expr, Piecewise):
        return Piecewise(*[(_settled(e, u, sign), _condition(c, u, sign)) for e, c in expr.args])
    args = [_settled(a, u, sign) for a in expr.args]
    if isinstance(expr, Abs | sympy.sign | Heaviside):
        inner = sympy.expand(args[0])
        ratio = _ratio(inner, u) if sign else None
        if ratio is not None:
            toward = sympy.sign(ratio) * sign
            if isinstance(expr, Abs):
                return toward * inner
            return toward if isinstance(expr, sympy.sign) else (1 + toward) / Integer(2)
        return expr.func(inner, *args[1:])
    if isinstance(expr, Min | Max):
        args = [sympy.expand(a) for a in args]
        ratio = _ratio(args[0] - args[1], u) if sign and len(args) == 2 else None
        if ratio is not None:
            return args[0] if (ratio * sign > 0) == isinstance(expr, Max) else args[1]
    return expr.func(*args)


def _condition(condition: Any, u: Expr, sign: int) -> Any:
    """Decide a condition as far as the assumptions, or the sign of u, decide it."""
    if isinstance(condition, Relational):
        difference = sympy.expand(_settled(condition.lhs - condition.rhs, u, sign))
        ratio = _ratio(difference, u) if sign else None
        return condition.func(difference if ratio is None else ratio * sign, 0)
    if getattr(condition, "args", None):
        return condition.func(*[_condition(c, u, sign) for c in condition.args])
    return condition


def _ratio(a: Expr, u: Expr) -> Rational | None:
    """Return a/u where it is a rational number other than 0."""
    ratio = sympy.cancel(a / u) if a.free_symbols == u.free_symbols else S.Zero
    return ratio if ratio.is_Rational and ratio else None
