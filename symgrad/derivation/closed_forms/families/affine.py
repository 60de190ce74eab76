"""Affine maps wx + b, the doubling map and rotations: affine maps modulo a period."""

from collections.abc import Sequence

import sympy
from sympy import Eq, Expr, Mod, Ne, S, Symbol, floor

from symgrad.derivation.closed_forms.families.registry import all_or_none, family
from symgrad.derivation.closed_forms.induction import Branch, Law, branch, decided, polynomial, settled, sign_of
from symgrad.maps import Map
from symgrad.symbols import n

_x, _a, _b = (Symbol(name, real=True) for name in "xab")
_u = Symbol("u", real=True)
_p = Symbol("p", positive=True)
_j = Symbol("j", integer=True)

SLOPE, OFFSET = _a, _b
LINEAR = Law(_x, _a * _x, _a**n * _x, _a**n)
GEOMETRIC = Law(_x, _a * _x + _b, _a**n * _x + _b * (_a**n - 1) / (_a - 1), _a**n)
TRANSLATION = Law(_x, _x + _b, _x + n * _b, S.One)


def affine_parts(expr: Expr, x: Symbol) -> tuple[Expr, Expr] | None:
    """Return (a, b) where the expression is a x + b with both free of x, else None."""
    coefficients = polynomial(expr, x)
    if coefficients is None or len(coefficients) > 2:
        return None
    return (coefficients[1] if len(coefficients) == 2 else S.Zero), coefficients[0]


@family("affine")
def affine(f: Map) -> tuple[Branch, ...]:
    """Affine maps: x ↦ wx + b, xₙ = wⁿx + b(wⁿ-1)/(w-1), and x + nb for w = 1."""
    (x,) = f.state
    parts = affine_parts(f.expr, x)
    if parts is None:
        return ()
    a, b = parts
    found: list[Branch | None] = []
    one = decided(Eq(a, 1))
    if b == 0:
        return all_or_none(branch(f, LINEAR, {_a: a}))
    if one is not True:
        found.append(branch(f, GEOMETRIC, {_a: a, _b: b}, conditions=() if one is False else (Ne(a, 1),)))
    if one is not False:
        equation = () if one else (Eq(a, 1),)
        found.append(branch(f, TRANSLATION, {_b: b}, conditions=equation, vanishing=((a - 1, x),)))
    return all_or_none(*found)


def straight(f: Map, coefficients: Sequence[Expr]) -> list[Branch | None]:
    """Return the affine branches of a quadratic where its leading coefficient vanishes, as far as it can."""
    (x,) = f.state
    if len(coefficients) != 3 or not all(c.is_polynomial() for c in coefficients):
        return []
    offset, slope, square = coefficients
    found: list[Branch | None] = []
    for law, values, relation in ((GEOMETRIC, {_a: slope, _b: offset}, Ne), (TRANSLATION, {_b: offset}, Eq)):
        kept = settled([Eq(square, 0), relation(slope, 1)])
        if kept is not None:
            zeros = [(square, x**2), *([(slope - 1, x)] if relation is Eq else [])]
            found.append(branch(f, law, values, conditions=kept, vanishing=zeros))
    return found


def _modular(expr: Expr) -> tuple[Expr, Expr] | None:
    """Return (y, p) where the expression is y modulo p, written with Mod or with floor; else None."""
    if isinstance(expr, Mod):
        return expr.args[0], expr.args[1]
    scale, inner = expr.as_coeff_Mul()
    if isinstance(inner, Mod) and scale.is_positive:
        return scale * inner.args[0], scale * inner.args[1]
    floors = list(expr.atoms(floor))
    if len(floors) != 1:
        return None
    stand_in = sympy.Dummy("floor", real=True)
    plain = expr.xreplace({floors[0]: stand_in})
    period = -sympy.diff(plain, stand_in)
    y = plain.xreplace({stand_in: S.Zero})
    same = stand_in not in period.free_symbols and sympy.expand(floors[0].args[0] * period - y) == 0
    return (y, period) if same else None


def _modulo(factor: Expr) -> Law:
    """Return the law of y ↦ (factor·y + b) mod p for an integer factor."""
    inner = factor * (_u - _p * _j) + _b
    shifted = ("f(u - p j) = f(u) for every integer j", Mod(inner, _p) - Mod(factor * _u + _b, _p))
    below = GEOMETRIC if factor != 1 else TRANSLATION
    iterate = below.iterate.xreplace({_a: factor})
    onward = (factor * iterate + _b - iterate.xreplace({n: n + 1})).expand()
    lemmas = (shifted, ("the iterate of the affine map below the modulus: F(n+1) = f(F(n))", onward))
    return Law(_x, Mod(factor * _x + _b, _p), Mod(iterate, _p), factor**n, first=1, lemmas=lemmas)


@family("affine modulo a period")
def modular(f: Map) -> tuple[Branch, ...]:
    """Doubling, rotations and their like: x ↦ (mx + b) mod p with an integer m, on all real x; xₙ = (…) mod p."""
    (x,) = f.state
    found = _modular(f.expr)
    parts = None if found is None else affine_parts(found[0], x)
    if found is None or parts is None or x in found[1].free_symbols:
        return ()
    (factor, offset), period = parts, found[1]
    if not factor.is_Integer or factor == 0 or sign_of(period) != 1:
        return ()
    return all_or_none(branch(f, _modulo(factor), {_b: offset, _p: period}))
