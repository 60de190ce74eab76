"""Factor sequences that repeat: (-1)**k, cos(pi*k/2), Mod(k, 3), floor(k/2) become ordinary on residue classes of k."""

from typing import Any

import sympy
from sympy import Expr, Integer, Mod, S, Symbol, cos, floor, sin

PERIODS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24)

step = Symbol("_m", integer=True, nonnegative=True)
"""The number m = 0, 1, 2, … of a period; a name that expressions read from text do not use with these assumptions."""


def residue_classes(factor: Expr, index: Symbol, start: int) -> tuple[Expr, ...]:
    """Return formulas in ``step`` of the factors k = start + p·m + r, r = 0…p-1, for the least p that settles signs.

    Where no p up to 24 does, the formulas for p = 1 or 2 are returned as they are.

    Examples
    --------
    >>> k = Symbol("k", integer=True)
    >>> residue_classes((-1) ** k / k, k, 1)
    (-1/(2*_m + 1), 1/(2*_m + 2))
    """
    for p in PERIODS:
        forms = _split(factor, index, start, p)
        if not any(oscillates(form) for form in forms):
            return forms
    forms = _split(factor, index, start, 2)
    return forms if factor.has(S.NegativeOne) else _split(factor, index, start, 1)


def _split(factor: Expr, index: Symbol, start: int, p: int) -> tuple[Expr, ...]:
    return tuple(settled(factor.xreplace({index: start + r + p * step})) for r in range(p))


def oscillates(expr: Expr) -> bool:
    """Say whether a part has no settled sign: a power of a negative number, a sine, a remainder or a floor."""
    for part in sympy.preorder_traversal(expr):
        if part.is_Pow and part.base.is_negative and part.exp.has(step):
            return True
        if isinstance(part, Mod | floor) and part.has(step):
            return True
        if isinstance(part, sin | cos | sympy.tan) and part.args[0].has(step) and part.args[0].has(sympy.pi):
            turns = _polynomial(part.args[0] / sympy.pi)
            if turns is not None:
                return True
    return False


def settled(expr: Expr) -> Expr:
    """Evaluate what does not depend on m although it is written with m."""
    if not expr.args or not expr.has(step):
        return expr
    parts = [settled(a) for a in expr.args]
    if expr.is_Pow and parts[0].is_negative and parts[0].is_number and parts[1].has(step):
        odd = _parity(parts[1])
        if odd is not None:
            return (1 - 2 * odd) * (-parts[0]) ** parts[1]
    if isinstance(expr, sin | cos | sympy.tan):
        return _whole_turns(expr.func, parts[0])
    if isinstance(expr, Mod) and parts[1].is_Rational:
        moving = _moving_part(parts[0])
        if moving is not None and _integer_valued(moving / parts[1]):
            return Mod(sympy.expand(parts[0] - moving), parts[1])
    if isinstance(expr, floor):
        moving = _moving_part(parts[0])
        if moving is not None and _integer_valued(moving):
            return moving + floor(sympy.expand(parts[0] - moving))
    return expr.func(*parts)


def _polynomial(expr: Expr) -> sympy.Poly | None:
    """Return a polynomial in m with rational coefficients, or None."""
    expr = sympy.expand(expr)
    if not expr.is_polynomial(step):
        return None
    polynomial = sympy.Poly(expr, step)
    return polynomial if all(c.is_Rational for c in polynomial.all_coeffs()[:-1]) else None


def _moving_part(expr: Expr) -> Expr | None:
    """Return p(m) - p(0)."""
    polynomial = _polynomial(expr)
    return None if polynomial is None else sympy.expand(polynomial.as_expr() - polynomial.eval(0))


def _integer_valued(expr: Expr) -> bool:
    """Say whether a polynomial takes integer values at all integers: it does if at degree + 1 consecutive ones."""
    polynomial = sympy.Poly(expr, step)
    return all(polynomial.eval(j).is_Integer for j in range(polynomial.degree() + 1 if polynomial else 1))


def is_whole(expr: Expr) -> bool:
    """Say whether an expression is proved to be an integer at every m."""
    if expr.is_integer:
        return True
    polynomial = _polynomial(expr)
    return polynomial is not None and _integer_valued(polynomial.as_expr())


def _parity(expr: Expr) -> Integer | None:
    """Return p(m) mod 2 where that is the same for all m."""
    moving = _moving_part(expr)
    if moving is None or not _integer_valued(moving / 2):
        return None
    start = sympy.expand(expr - moving)
    return start % 2 if start.is_Integer else None


def _whole_turns(function: Any, angle: Expr) -> Expr:
    """Leave out the multiples of π that an angle moves by."""
    turns = _polynomial(angle / sympy.pi)
    if turns is None:
        return function(angle)
    moving = sympy.expand(turns.as_expr() - turns.eval(0))
    for whole in (2, 1):
        if _integer_valued(moving / whole):
            odd = _parity(moving)
            if odd is not None:
                turn = S.One if function is sympy.tan else 1 - 2 * odd
                return turn * function(sympy.pi * turns.eval(0))
    return function(angle)


__all__ = ["is_whole", "oscillates", "residue_classes", "settled", "step"]
