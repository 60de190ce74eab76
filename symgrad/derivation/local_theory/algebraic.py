"""The points of irreducible polynomials: isolated exactly, in decimals, in radicals where they have short ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mpmath
import sympy
from sympy import CRootOf, Expr, Poly, Symbol

DIGITS = 40
BITS = 150
LARGEST_NUMBERED = 10
LARGEST_COMPLEX = 40


@dataclass(frozen=True)
class AlgebraicPoint:
    """One root of an irreducible polynomial with integer coefficients.

    Parameters
    ----------
    minimal : the polynomial
    value : to 40 digits, an mpmath number
    exact : in radicals up to degree 2, else None
    """

    minimal: Poly
    value: Any
    exact: Expr | None

    @property
    def number(self) -> float | complex:
        """The value in float64, real where it is."""
        return float(self.value) if self.is_real else complex(self.value)

    @property
    def is_real(self) -> bool:
        """Whether the root is a real one."""
        return not hasattr(self.value, "_mpc_")


def context(digits: int = DIGITS) -> Any:
    """Return an mpmath context of its own, so that no global precision changes."""
    own = mpmath.MPContext()
    own.dps = digits
    return own


def short_forms(factor: Poly) -> list[Expr] | None:
    """Return the roots in radicals up to degree 2, the lesser first; None beyond.

    >>> x = Symbol("x", real=True)
    >>> short_forms(Poly(x**2 - x - 1, x))
    [1/2 - sqrt(5)/2, 1/2 + sqrt(5)/2]
    """
    if factor.degree() == 1:
        a, b = factor.all_coeffs()
        return [-b / a]
    if factor.degree() != 2:
        return None
    a, b, c = factor.all_coeffs()
    root = sympy.sqrt(b**2 - 4 * a * c) / (2 * abs(a))
    middle = -b / (2 * a)
    return [sympy.expand(middle - root), sympy.expand(middle + root)]


def real_points(factor: Poly) -> list[AlgebraicPoint]:
    """Return every real root of an irreducible polynomial, from low to high.

    >>> x = Symbol("x", real=True)
    >>> [point.number for point in real_points(Poly(x**3 - 2 * x + 2, x))]
    [-1.7692923542386314]
    """
    exact = short_forms(factor)
    if exact is not None:
        return [AlgebraicPoint(factor, _real(e), e) for e in exact if e.is_real]
    return [AlgebraicPoint(factor, _refined(factor, low, high), None) for (low, high), _ in factor.intervals()]


def complex_points(factor: Poly) -> list[AlgebraicPoint]:
    """Return every root of an irreducible polynomial, the real ones first."""
    exact = short_forms(factor)
    if exact is not None:
        return [AlgebraicPoint(factor, _real(e) if e.is_real else _complex(e), e) for e in exact]
    own = context(DIGITS + 20)
    reals = real_points(factor)
    coefficients = [int(a) for a in factor.all_coeffs()]
    found = own.polyroots(coefficients, maxsteps=500, extraprec=60 + 20 * factor.degree())
    others = sorted(found, key=lambda z: abs(z.imag), reverse=True)[: factor.degree() - len(reals)]
    others = sorted((own.mpc(z) for z in others), key=lambda z: (float(z.real), float(z.imag)))
    return [*reals, *(AlgebraicPoint(factor, z, None) for z in others)]


Points = Callable[[Poly], list[AlgebraicPoint]]


def numbered(point: AlgebraicPoint, state: Symbol) -> Expr | None:
    """Return a closed form: radicals, or a real root by its number; None for what has neither."""
    degree = point.minimal.degree()
    if point.exact is not None or not point.is_real or degree > LARGEST_NUMBERED:
        return point.exact
    intervals = point.minimal.intervals()
    index = sum(1 for (low, _), _ in intervals if low < sympy.Rational(str(mpmath.nstr(point.value, 30)))) - 1
    return CRootOf(point.minimal.as_expr(), index, radicals=False)


def _real(expr: Expr) -> Any:
    return context().make_mpf(sympy.Float(expr.evalf(DIGITS), DIGITS)._mpf_)


def _complex(expr: Expr) -> Any:
    re, im = expr.as_real_imag()
    return context().mpc(_real(re), _real(im))


def _refined(factor: Poly, low: Any, high: Any) -> Any:
    """Return the root in an isolating interval, by Newton's steps that stay inside it and bisection otherwise.

    The polynomial is evaluated in integers of B bits behind the point, B large enough for its condition.
    """
    coefficients, slopes = ([int(a) for a in p.all_coeffs()] for p in (factor, factor.diff()))
    reach = max(1, abs(int(low)), abs(int(high)) + 1).bit_length()
    bits = BITS + factor.degree() * (reach + 1) + max(abs(a) for a in coefficients).bit_length()
    a, b = ((int(end.numerator) << bits) // int(end.denominator) for end in (low, high))
    below, x = _horner(coefficients, a, bits) > 0, (a + b) // 2
    while b - a > 1 << (bits - BITS):
        value, slope = (_horner(c, x, bits) for c in (coefficients, slopes))
        if value == 0:
            break
        a, b = (x, b) if (value > 0) == below else (a, x)
        step = (value << bits) // slope if slope else b - a
        inside = a < x - step < b
        x = x - step if inside else (a + b) // 2
        if inside and abs(step) < 1 << (bits - BITS):
            break
    own = context()
    return own.ldexp(own.mpf(x), -bits)


def _horner(coefficients: list[int], x: int, bits: int) -> int:
    """Return the value at x/2**bits, times 2**bits."""
    value = 0
    for a in coefficients:
        value = (value * x >> bits) + (a << bits)
    return value
