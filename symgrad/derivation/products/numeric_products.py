"""The value of a convergent product to float64: the first factors by themselves, the rest by the expansion of log|a|.

Σ_{m≥M} m^(-s)·log(m)^f is a derivative of Hurwitz's zeta function, so the error is that of the remainder alone.
"""

from collections.abc import Sequence
from functools import reduce

import mpmath
import sympy
from sympy import Expr

from symgrad.derivation.products.asymptotics import Expander
from symgrad.derivation.products.expansions import Expansion, NoExpansionError, shrinks
from symgrad.derivation.products.residues import step

HEADS = (300, 500)
DIGITS = 30
FIRST_ORDER, ORDER = 3, 9
LARGEST_ERROR = 1e-13
"""Two lengths of the head must agree so well, because the constant in the remainder is not known."""


def product_value(forms: Sequence[Expr]) -> float | None:
    """Return the absolute value of Π_{m≥0} of the product of the forms, or None where it is not known so precisely.

    >>> round(product_value([1 - sympy.Rational(1, 2) ** (step + 1)]), 12)
    0.288788095087
    """
    try:
        # A cheap expansion first tells whether the terms have sums at all.
        _tail(_total(forms, FIRST_ORDER), 10**40)
        total = _total(forms, ORDER)
        with mpmath.workdps(DIGITS):
            values = [_logarithm(forms, total, head) for head in HEADS]
            if abs(values[0] - values[1]) > LARGEST_ERROR:
                return None
            return float(mpmath.exp(values[1]))
    except (NoExpansionError, ArithmeticError, ValueError, TypeError, NameError):
        return None


def _total(forms: Sequence[Expr], order: int) -> Expansion:
    """Return the expansion of the sum of log|a| over the forms."""
    expander = Expander(step, order, digits=2 * DIGITS)
    return reduce(expander.algebra.add, [expander.log_abs(form) for form in forms])


def _logarithm(forms: Sequence[Expr], total: Expansion, head: int) -> mpmath.mpf:
    functions = [sympy.lambdify(step, sympy.log(sympy.Abs(form)), "mpmath") for form in forms]
    return mpmath.fsum(f(mpmath.mpf(m)) for f in functions for m in range(head)) + _tail(total, head)


def _tail(a: Expansion, head: int) -> mpmath.mpf:
    """Return Σ_{m≥head} of the terms.

    Raises
    ------
    NoExpansionError : the remainder is not small enough, or a term has no such sum
    """
    if shrinks(a):
        return mpmath.mpf(0)
    if a.growth or (a.remainder is not None and head ** float(a.remainder[0] + 1) > LARGEST_ERROR):
        raise NoExpansionError("not precise enough")
    total = mpmath.mpf(0)
    for (e, f, g), c in a.terms.items():
        if g or f.denominator != 1 or f < 0 or e >= -1:
            raise NoExpansionError("no derivative of a zeta function")
        s = -mpmath.mpf(e.numerator) / e.denominator
        total += mpmath.mpf(c.evalf(DIGITS)) * mpmath.zeta(s, head, int(f)) * (-1) ** int(f)
    return total
