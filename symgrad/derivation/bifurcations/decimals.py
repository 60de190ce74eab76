"""Decimal values of exact constants, quickly also for roots of polynomials of high degree."""

from functools import lru_cache

import mpmath
import sympy
from sympy import CRootOf, Expr, Float

GUARD = 20
STEPS_PER_DIGIT = 3.4


def decimal_value(expr: Expr, digits: int = 40) -> Expr:
    """Return an exact constant to so many digits; what is no number stays as it is.

    >>> decimal_value(sympy.sqrt(2), 12)
    1.41421356237
    >>> from symgrad.symbols import x
    >>> decimal_value(CRootOf(x**5 - x - 1, 0), 12)
    1.16730397826
    """
    roots = {root: _root(root, digits) for root in expr.atoms(CRootOf) if root.is_real}
    return (expr.xreplace(roots) if roots else expr).evalf(digits)


@lru_cache(maxsize=1024)
def _root(root: CRootOf, digits: int) -> Expr:
    """Halve the isolating interval of a real root until it is narrow enough."""
    polynomial = root.poly
    (low, high), _ = polynomial.intervals()[root.index]
    coefficients = [int(a) for a in polynomial.all_coeffs()]
    with mpmath.workdps(digits + GUARD):
        a, b = (mpmath.mpf(int(end.p)) / int(end.q) for end in map(sympy.Rational, (low, high)))
        below = mpmath.sign(mpmath.polyval(coefficients, a))
        if below == 0 or a == b:
            return Float(a, digits)
        for _ in range(int(STEPS_PER_DIGIT * (digits + GUARD // 2))):
            middle = (a + b) / 2
            if mpmath.sign(mpmath.polyval(coefficients, middle)) == below:
                a = middle
            else:
                b = middle
        return Float(a, digits)
