"""Equations in one function of the unknown, solved through its inverse; comparison of exact constants."""

from collections.abc import Callable, Mapping

import sympy
from sympy import Dummy, Expr, Poly, Symbol
from sympy.core.function import AppliedUndef

from symgrad.derivation.bifurcations.cycles import real_roots
from symgrad.derivation.bifurcations.decimals import decimal_value
from symgrad.derivation.identities.proofs import is_zero

DIGITS = 40
HALF_TURN = sympy.pi / 2

# Name → the values of the argument at which the function takes the value v, and the bounds between which those are all.
PREIMAGES: Mapping[str, tuple[Callable[[Expr], tuple[Expr, ...]], Expr, Expr]] = {
    "exp": (lambda v: (sympy.log(v),), -sympy.oo, sympy.oo),
    "log": (lambda v: (sympy.exp(v),), -sympy.oo, sympy.oo),
    "tanh": (lambda v: (sympy.atanh(v),), -sympy.oo, sympy.oo),
    "atanh": (lambda v: (sympy.tanh(v),), -sympy.oo, sympy.oo),
    "sinh": (lambda v: (sympy.asinh(v),), -sympy.oo, sympy.oo),
    "atan": (lambda v: (sympy.tan(v),), -sympy.oo, sympy.oo),
    "tan": (lambda v: (sympy.atan(v),), -HALF_TURN, HALF_TURN),
    "sin": (lambda v: (sympy.asin(v),), -HALF_TURN, HALF_TURN),
    "cos": (lambda v: tuple(dict.fromkeys((sympy.acos(v), -sympy.acos(v)))), -sympy.pi, sympy.pi),
}


def functions_of(expr: Expr, symbol: Symbol) -> set[Expr]:
    """Return the function calls in an expression that contain a symbol.

    >>> from symgrad.symbols import x
    >>> functions_of(sympy.exp(x) + x + sympy.sin(1), x)
    {exp(x)}
    """
    return {f for f in expr.atoms(sympy.Function) | expr.atoms(AppliedUndef) if symbol in f.free_symbols}


def inverse_roots(expr: Expr, symbol: Symbol, low: Expr = -sympy.oo, high: Expr = sympy.oo) -> list[Expr] | None:
    """Return all roots between two bounds of a polynomial in g(a·t + b) or g(a·t² + b), None for another equation.

    Examples
    --------
    >>> from symgrad.symbols import y
    >>> inverse_roots(sympy.cos(y) ** 2 - sympy.Rational(1, 4), y, -HALF_TURN, HALF_TURN)
    [-pi/3, pi/3]
    >>> inverse_roots(sympy.exp(y**2) - 2, y)
    [-sqrt(log(2)), sqrt(log(2))]
    """
    calls = functions_of(expr, symbol)
    if len(calls) != 1:
        return None
    (call,) = calls
    value = Dummy("v")
    outer = expr.xreplace({call: value})
    row = PREIMAGES.get(call.func.__name__)
    if row is None or symbol in outer.free_symbols or not outer.is_polynomial(value):
        return None
    polynomial, (inner,) = Poly(outer, value), call.args
    preimages, lowest, highest = row
    if polynomial.domain not in (sympy.ZZ, sympy.QQ) or not inner.is_polynomial(symbol):
        return None
    if lowest != -sympy.oo and not (
        inner == symbol and compare(low, lowest) in (0, 1) and compare(highest, high) in (0, 1)
    ):
        return None
    found: list[Expr] = []
    for level, _ in real_roots(polynomial):
        for image in preimages(level):
            solutions = _of_argument(inner, symbol, image) if image.is_real else []
            if solutions is None:
                return None
            found += solutions
    between = [t for t in dict.fromkeys(found) if compare(t, low) == 1 and compare(high, t) == 1]
    return sorted(between, key=lambda t: float(decimal_value(t)))


def _of_argument(inner: Expr, symbol: Symbol, image: Expr) -> list[Expr] | None:
    """Solve a·t + b = image or a·t² + b = image."""
    coefficients = Poly(inner, symbol).all_coeffs()
    if len(coefficients) == 2:
        return [(image - coefficients[1]) / coefficients[0]]
    if len(coefficients) != 3 or coefficients[1] != 0:
        return None
    square = (image - coefficients[2]) / coefficients[0]
    sign = compare(square, sympy.S.Zero)
    if sign is None:
        return None
    return [] if sign < 0 else [sympy.S.Zero] if sign == 0 else [-sympy.sqrt(square), sympy.sqrt(square)]


def compare(a: Expr, b: Expr) -> int | None:
    """Return the sign of a − b for two constants, None where forty digits do not tell.

    >>> compare(sympy.sqrt(2), sympy.S.One)
    1
    """
    if a == b:
        return 0
    if a == sympy.oo or b == -sympy.oo:
        return 1
    if a == -sympy.oo or b == sympy.oo:
        return -1
    value = decimal_value(a - b, DIGITS)
    if value.is_Number and value.is_finite and abs(value) > sympy.Float(10) ** (-DIGITS // 2):
        return 1 if value > 0 else -1
    return 0 if not (a - b).free_symbols and is_zero(a - b) else None
