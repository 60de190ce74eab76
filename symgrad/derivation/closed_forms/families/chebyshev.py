"""Chebyshev polynomials Tₘ and their affine disguises, among them every quadratic conjugate to x² - 2."""

from functools import lru_cache

import sympy
from sympy import Expr, Integer, Ne, S, Symbol, acos, acosh, chebyshevt, cos, cosh, oo, sin, sinh, sqrt

from symgrad.derivation.closed_forms.families.affine import straight
from symgrad.derivation.closed_forms.families.registry import all_or_none, family
from symgrad.derivation.closed_forms.induction import (
    Branch,
    Law,
    at_value,
    between,
    branch,
    polynomial,
    settled,
    sign_of,
)
from symgrad.derivation.identities.proofs import is_zero
from symgrad.maps import Map
from symgrad.symbols import n

LARGEST_DEGREE = 12

_x = Symbol("x", real=True)
_p = Symbol("p", positive=True)


@lru_cache(maxsize=64)
def _laws(m: int, turn: int) -> tuple[Law, Law, Law, Law, Law]:
    """Return the laws of ±Tₘ on (-1, 1), above 1, below -1, at 1 and at -1."""
    step = turn * chebyshevt(m, _x)
    sign = Integer(turn) ** n
    order = Integer(m) ** n
    even = m % 2 == 0
    wide = sqrt(_x**2 - 1)
    angle, above, below = order * acos(_x), order * acosh(_x), order * acosh(-_x)
    side = sign if even else -sign
    square = Integer(m * m) ** n
    first = int(even)
    return (
        Law(_x, step, sign * cos(angle), sign * order * sin(angle) / sqrt(1 - _x**2)),
        Law(_x, step, sign * cosh(above), sign * order * sinh(above) / wide, coordinates=((_x, 1 + _p),)),
        Law(_x, step, side * cosh(below), -side * order * sinh(below) / wide, first, coordinates=((_x, -1 - _p),)),
        Law(_x, step, sign, sign * square, coordinates=((_x, S.One),), at_a_point=True),
        Law(_x, step, side, -side * square if even else sign * square, first, ((_x, -S.One),), at_a_point=True),
    )


def _coordinate(coefficients: tuple[Expr, ...]) -> tuple[Expr, Expr, int] | None:
    """Return (α, β, ±1) where the polynomial may be ±Tₘ in the coordinate αx+β, by its two leading coefficients."""
    m = len(coefficients) - 1
    lead, next_to_lead = coefficients[-1], coefficients[-2]
    scaled = lead / Integer(2) ** (m - 1)
    if m == 2:
        alpha, turn = scaled, 1
    else:
        sign = sign_of(scaled)
        if not sign:
            return None
        turn = sign if m % 2 else 1
        root = sympy.root(abs(scaled) if scaled.is_number else sign * scaled, m - 1)
        alpha = root if m % 2 else sign * root
    return alpha, sympy.cancel(next_to_lead * alpha / (m * lead)), turn


def _expanded(expr: Expr) -> tuple[Expr, list[Expr]]:
    """Write each cos(m acos u), m an integer, as Tₘ(u); return the arguments u as well."""
    inner = []
    for cosine in expr.atoms(cos):
        m, angle = cosine.args[0].as_coeff_Mul()
        if isinstance(angle, acos) and m.is_Integer and abs(m) <= LARGEST_DEGREE:
            inner.append(angle.args[0])
            expr = expr.xreplace({cosine: chebyshevt(abs(m), angle.args[0])})
    return expr, inner


@family("Chebyshev")
def chebyshev(f: Map) -> tuple[Branch, ...]:
    """Chebyshev maps Tₘ in an affine coordinate y: yₙ = cos(mⁿ acos y) where |y| < 1.

    Outside they are ±cosh(mⁿ acosh |y|). The logistic map is one for r = 4 and r = -2.
    """
    (x,) = f.state
    expr, inner = _expanded(f.expr)
    given = Map(expr, x)
    coefficients = polynomial(expr, x)
    if coefficients is None or not 2 <= len(coefficients) - 1 <= LARGEST_DEGREE:
        return ()
    m = len(coefficients) - 1
    place = _coordinate(coefficients)
    if place is None:
        return ()
    alpha, beta, turn = place
    y = alpha * x + beta
    if any(not is_zero(u**2 - y**2) for u in inner) or not is_zero(
        alpha * expr + beta - turn * chebyshevt(m, y).expand()
    ):
        return ()
    inside, above, below, top, bottom = _laws(m, turn)
    nonzero = settled([Ne(alpha, 0)])
    if nonzero is None:
        return ()
    change = (alpha, beta)
    regions = [
        (inside, between(change, x, -S.One, S.One)),
        (above, between(change, x, S.One, oo)),
        (below, between(change, x, -oo, -S.One)),
        (top, (at_value(change, x, S.One),)),
        (bottom, (at_value(change, x, -S.One),)),
    ]
    here = regions[:1] if inner else regions
    found = [branch(given, law, {}, change=change, conditions=(*nonzero, *region)) for law, region in here]
    if nonzero and not inner:
        found += straight(f, coefficients)
    return all_or_none(*found)
