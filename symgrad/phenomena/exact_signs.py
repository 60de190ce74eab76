"""Exact signs of expressions at many exact points: a floating-point filter first, exact arithmetic for what it leaves.

The filter is that of computational geometry (Shewchuk 1997, *Adaptive precision floating-point arithmetic*): a value
larger than a bound of its own rounding error has the sign that was computed. The few points that remain are decided
with rational numbers and balls.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr, Poly, Symbol

from symgrad.certify import UndefinedHere, enclose
from symgrad.derivation import is_zero
from symgrad.maps import expand_activations

Array = NDArray[np.float64]
Signs = NDArray[np.int8]

UNKNOWN = 2
MOST_POINTWISE = 4096
PRECISIONS = (64, 256, 1024)
UNIT = 2.0**-52
TINY = 1e-280


def exact_signs(expr: Expr, values: Mapping[str, Array]) -> Signs:
    """Return the sign of an expression at every point of the broadcast values its names have.

    Parameters
    ----------
    expr : an expression with exact coefficients
    values : name → float array, each float read as the exact number it is

    Returns
    -------
    int8 of the broadcast shape of the names that occur: -1, 0, 1, or ``UNKNOWN`` where it is not decided

    Examples
    --------
    >>> from symgrad.symbols import w
    >>> exact_signs(10 * w - 1, {"w": np.array([0.1, 0.125, 0.0])}).tolist()
    [1, 1, -1]
    """
    names = sorted(s.name for s in expr.free_symbols)
    if not names:
        return np.asarray(sign_at(expr, {}), dtype=np.int8)
    arrays = [np.asarray(values[name], dtype=np.float64) for name in names]
    symbols = sorted(expr.free_symbols, key=lambda s: s.name)
    num, den = sympy.fraction(sympy.together(expr)) if expr.is_rational_function(*symbols) else (None, None)
    polynomials = [Poly(part, *symbols) for part in (num, den)] if num is not None else []
    if polynomials and all(p.domain.is_ZZ or p.domain.is_QQ for p in polynomials):
        above, below = (_polynomial_signs(p, symbols, arrays) for p in polynomials)
        known = (above != UNKNOWN) & (below != UNKNOWN) & (below != 0)
        return np.where(known, above * below, UNKNOWN).astype(np.int8)
    whole = np.broadcast_arrays(*arrays)
    signs = np.full(whole[0].shape, UNKNOWN, dtype=np.int8)
    return _pointwise(expr, symbols, whole, np.ones(signs.shape, dtype=bool), signs)


def sign_at(expr: Expr, point: Mapping[Symbol, Fraction]) -> int:
    """Return the sign of an expression at an exact point, ``UNKNOWN`` where neither balls nor algebra decide it.

    >>> from symgrad.symbols import x
    >>> sign_at(sympy.exp(x) - 1 - x, {x: Fraction(0)})
    0
    """
    try:
        for bits in PRECISIONS:
            sign = enclose(expr, point, bits=bits).sign
            if sign is not None:
                return sign
    except UndefinedHere:
        return UNKNOWN
    exact = {s: sympy.Rational(q.numerator, q.denominator) for s, q in point.items()}
    return 0 if is_zero(expr.xreplace(exact)) else UNKNOWN


def _pointwise(expr: Expr, symbols: Sequence[Symbol], arrays: Sequence[Array], open_: Any, signs: Signs) -> Signs:
    """Decide the open points one by one, unless there are too many."""
    places = np.flatnonzero(open_)
    if places.size > MOST_POINTWISE:
        return signs
    plain = expand_activations(expr)
    flat = [a.reshape(-1) for a in arrays]
    decided = signs.reshape(-1).copy()
    for place in places:
        point = {s: Fraction(float(a[place])) for s, a in zip(symbols, flat, strict=True)}
        decided[place] = sign_at(plain, point)
    return decided.reshape(signs.shape)


def _polynomial_signs(polynomial: Poly, symbols: Sequence[Symbol], arrays: Sequence[Array]) -> Signs:
    """Return the signs of a polynomial: floats where the error bound allows it, exact elsewhere."""
    whole = np.broadcast_arrays(*arrays)
    total, size = np.zeros(whole[0].shape), np.zeros(whole[0].shape)
    terms = polynomial.terms()
    with np.errstate(all="ignore"):
        for powers, coefficient in terms:
            term = np.full(total.shape, float(coefficient))
            for array, power in zip(whole, powers, strict=True):
                for _ in range(power):
                    term = term * array
            total, size = total + term, size + np.abs(term)
        bound = (polynomial.total_degree() + len(terms) + 4) * UNIT * size
        clear = (np.abs(total) > bound) & (bound > TINY) & np.isfinite(bound)
    signs = np.where(clear, np.sign(total), UNKNOWN).astype(np.int8)
    if polynomial.is_zero:
        return np.zeros_like(signs)
    return _pointwise(polynomial.as_expr(), symbols, whole, ~clear, signs)
