"""Power maps c·xᵃ and their affine disguises, among them every quadratic conjugate to x²."""

from dataclasses import replace

import sympy
from sympy import Eq, Expr, Gt, Integer, Ne, Pow, S, Symbol

from symgrad.derivation.closed_forms.families.affine import LINEAR, SLOPE, affine_parts, straight
from symgrad.derivation.closed_forms.families.registry import all_or_none, family
from symgrad.derivation.closed_forms.induction import Branch, Law, branch, decided, polynomial, settled
from symgrad.derivation.identities.proofs import is_zero
from symgrad.maps import Map
from symgrad.symbols import n

_x, _a, _c, _u, _v = (Symbol(name, real=True) for name in "xacuv")
_e = Symbol("e", real=True, nonzero=True)
_q = Symbol("q", positive=True)


def _power_law(exponent: Expr) -> Law:
    """x ↦ c·xᵃ for a number a, or a symbol a = 1 + e with x = exp(u), c = exp(v), whose logarithms are affine."""
    grown = exponent**n
    total = (grown - 1) / (exponent - 1)
    slope = _c**total * grown * _x ** (grown - 1)
    law = Law(_x, _c * _x**exponent, _c**total * _x**grown, slope)
    if exponent.is_Integer:
        return law
    logarithm = total * _v + grown * _u
    onward = exponent * logarithm + _v - logarithm.xreplace({n: n + 1})
    places = ((_x, sympy.exp(_u)), (_c, sympy.exp(_v)), (_a, 1 + _e))
    return replace(law, coordinates=places, lemmas=(("log F(n+1) = log c + a log F(n)", onward),))


def _negative_law(m: Expr) -> Law:
    """x ↦ -q·xᵐ for an integer m and q > 0: 1 + m + … + mⁿ⁻¹ has the parity of n for odd m, and is odd for even m."""
    grown = m**n
    size = (S.NegativeOne**n if m % 2 else S.NegativeOne) * _q ** ((grown - 1) / (m - 1))
    return Law(_x, -_q * _x**m, size * _x**grown, size * grown * _x ** (grown - 1), first=int(m % 2 == 0))


def _square(coefficients: tuple[Expr, ...]) -> tuple[Expr, Expr] | None:
    """Return (α, β) for a quadratic that is X ↦ X² in the coordinate X = αx+β, else None."""
    if len(coefficients) != 3:
        return None
    constant, linear, square = coefficients
    half = linear / 2
    return (square, half) if is_zero(square * constant + half - half**2) else None


def _shifted_power(expr: Expr, x: Symbol) -> tuple[Expr, Expr, Expr] | None:
    """Return (c, a, p) where the expression is p + c·(x - p)**a, else None."""
    coefficients = polynomial(expr, x)
    if coefficients is not None:
        degree = len(coefficients) - 1
        if degree < 2:
            return None
        lead = coefficients[-1]
        centre = sympy.cancel(-coefficients[-2] / (degree * lead))
        return (lead, sympy.Integer(degree), centre) if is_zero(expr - centre - lead * (x - centre) ** degree) else None
    constant, rest = expr.as_independent(x, as_Add=True)
    factor, power = rest.as_independent(x, as_Add=False)
    if not isinstance(power, Pow) or x in power.exp.free_symbols:
        return None
    parts = affine_parts(power.base, x)
    if parts is None or not is_zero(constant + parts[1] / parts[0]):
        return None
    scale = abs(parts[0]) if power.exp.is_Integer is not True else parts[0]
    return (factor * scale**power.exp, power.exp, constant) if scale == parts[0] else None


@family("power")
def power(f: Map) -> tuple[Branch, ...]:
    """Power maps p + c(x-p)ᵃ: xₙ - p = c^((aⁿ-1)/(a-1)) (x-p)^(aⁿ), or cⁿ(x-p) for a = 1.

    Where a is no integer, x > p and c > 0.
    """
    (x,) = f.state
    coefficients = polynomial(f.expr, x)
    square = None if coefficients is None else _square(coefficients)
    if square is not None and square[0].is_number:
        return all_or_none(branch(f, _power_law(Integer(2)), {_c: S.One}, change=square))
    found = _shifted_power(f.expr, x)
    if found is None:
        return ()
    c, a, centre = found
    change = (S.One, -centre)
    if a.is_Integer:
        away = settled([Ne(x, centre), Ne(c, 0)]) if a.is_negative else ()
        if away is None:
            return ()
        if coefficients is not None and not centre.is_polynomial() and decided(Ne(c, 0)) is None:
            return all_or_none(
                branch(f, _power_law(a), {_c: c}, change=change, conditions=(Ne(c, 0),)), *straight(f, coefficients)
            )
        law, values = (_negative_law(a), {_q: -c}) if c.is_negative else (_power_law(a), {_c: c})
        return all_or_none(branch(f, law, values, change=change, conditions=away))
    region = settled([Gt(c, 0), Gt(x, centre)])
    if region is None or a.is_real is not True:
        return ()
    one = decided(Eq(a, 1))
    general = branch(
        f,
        _power_law(a if a.is_number else _a),
        {_c: c} if a.is_number else {_c: c, _a: a},
        change=change,
        conditions=region if one is False else (*region, Ne(a, 1)),
    )
    if one is False:
        return all_or_none(general)
    # An entire function of a: its pole at a = 1 is removable.
    gap = c * ((x - centre) ** a - (x - centre)) / (a - 1)
    return all_or_none(
        general, branch(f, LINEAR, {SLOPE: c}, change=change, conditions=(*region, Eq(a, 1)), vanishing=((a - 1, gap),))
    )
