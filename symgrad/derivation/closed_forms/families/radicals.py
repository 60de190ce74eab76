"""Maps ax/(1 + c xᵖ)^(1/p), which are affine in the coordinate x⁻ᵖ: x/√(1+x²) among them."""

from dataclasses import replace
from functools import lru_cache

import sympy
from sympy import Abs, Eq, Expr, Gt, Ne, Pow, Rational, Symbol

from symgrad.derivation.closed_forms.families.registry import all_or_none, family
from symgrad.derivation.closed_forms.induction import Branch, Law, branch, decided, polynomial, settled, sign_of
from symgrad.maps import Map, expand_activations, to_text
from symgrad.symbols import n

LARGEST_ROOT = 8

_x, _a, _c, _s = (Symbol(name, real=True) for name in "xacs")
_here, _next, _size = (Symbol(name, positive=True) for name in ("q", "r", "size"))


@lru_cache(maxsize=64)
def _law(p: int, *, growing: bool) -> Law:
    """x ↦ ax/(1 + c xᵖ)^(1/p), where aᵖ is not 1 (``growing``) or is 1."""
    power = _a**p
    total = (power**n - 1) / (power - 1) if growing else n
    below = 1 + _c * total * _x**p
    root = Rational(-1, p)
    iterate = _a**n * _x * below**root
    slope = _a**n * below ** (root - 1)
    law = Law(_x, _a * _x * (1 + _c * _x**p) ** root, iterate, slope)
    added = total.xreplace({n: n + 1}) - total - (power**n if growing else 1)
    state = _s * _here**root
    step = _a * state * (1 + (_next - _here) / _here) ** root - _a * _s * _next**root
    lemmas = (
        ("with F(n) = s q^(-1/p) and q' = q + c s^p, positive both: f(F(n)) = a s q'^(-1/p)", step),
        ("q is the 1 + c x^p (1 + … + a^(p(n-1))) stated: q' - q = c x^p a^(pn)", added),
    )
    return replace(law, lemmas=lemmas)


def _parts(expr: Expr, x: Symbol) -> tuple[Expr, Expr, Expr, int] | None:
    """Return (A, q₀, q, p) where the expression is A·x·(q₀ + q xᵖ)^(-1/p), p ≥ 2, else None."""
    for power in expr.atoms(Pow):
        if not (power.exp.is_Rational and power.exp.is_negative and power.exp.p == -1 and x in power.free_symbols):
            continue
        p = int(power.exp.q)
        coefficients = polynomial(power.base, x)
        if not 2 <= p <= LARGEST_ROOT or coefficients is None or len(coefficients) != p + 1 or any(coefficients[1:-1]):
            continue
        factor = sympy.cancel(expr / power / x)
        if x not in factor.free_symbols:
            return factor, coefficients[0], coefficients[-1], p
    return None


@family("radical")
def radical(f: Map) -> tuple[Branch, ...]:
    """Maps ax/(1 + c xᵖ)^(1/p): xₙ = aⁿx/(1 + c(1 + aᵖ + … + aᵖ⁽ⁿ⁻¹⁾)xᵖ)^(1/p), x/√(1 + nx²) for x/√(1 + x²)."""
    (x,) = f.state
    parts = _parts(f.expr, x)
    if parts is None:
        return ()
    factor, constant, lead, p = parts
    a, c = factor * constant ** Rational(-1, p), lead / constant
    base = settled([Gt(constant, 0)])
    if base is None:
        return ()
    everywhere = p % 2 == 0 and sign_of(c) in (0, 1)
    domain = () if everywhere else (f"{to_text(1 + c * x**p)} > 0 at x and at every later state",)
    one = decided(Eq(a**p, 1))
    found: list[Branch | None] = []
    if one is not True:
        kept = base if one is False else (*base, Ne(a**p, 1))
        found.append(branch(f, _law(p, growing=True), {_a: a, _c: c}, conditions=kept, domain=domain))
    if one is not False:
        kept = base if one else (*base, Eq(a**p, 1))
        found.append(branch(f, _law(p, growing=False), {_a: a, _c: c}, conditions=kept, domain=domain))
    return all_or_none(*found)


def _softsign_law(*, growing: bool) -> Law:
    """x ↦ ax/(1 + c|x|) for a > 0 or a < 0, where |a| is not 1 (``growing``) or is 1."""
    total = (Abs(_a) ** n - 1) / (Abs(_a) - 1) if growing else n
    below = 1 + _c * total * Abs(_x)
    step = _a * _s / _here / (1 + _c * _size / _here) - _a * _s / (_here + _c * _size)
    added = total.xreplace({n: n + 1}) - total - (Abs(_a) ** n if growing else 1)
    lemmas = (
        ("with F(n) = s/q, q > 0: f(F(n)) = a s/(q + c|s|)", step),
        ("q is the 1 + c|x|(1 + … + |a|^(n-1)) stated: q' - q = c|x||a|^n", added),
    )
    return Law(_x, _a * _x / (1 + _c * Abs(_x)), _a**n * _x / below, _a**n / below**2, lemmas=lemmas)


@family("softsign")
def softsign(f: Map) -> tuple[Branch, ...]:
    """Maps ax/(1 + c|x|) with c ≥ 0: xₙ = aⁿx/(1 + c(1 + |a| + … + |a|ⁿ⁻¹)|x|)."""
    (x,) = f.state
    expr = expand_activations(f.expr)
    moduli = [m for m in expr.atoms(Abs) if x in m.free_symbols]
    if len(moduli) != 1:
        return ()
    stand_in = sympy.Dummy("modulus", positive=True)
    above, below = sympy.fraction(sympy.together(expr.xreplace({moduli[0]: stand_in})))
    inner = sympy.cancel(moduli[0].args[0] / x)
    top, bottom = polynomial(above, x), polynomial(below, stand_in)
    if top is None or bottom is None or len(top) != 2 or len(bottom) != 2 or top[0] != 0 or x in inner.free_symbols:
        return ()
    a, c = top[1] / bottom[0], Abs(inner) * bottom[1] / bottom[0]
    if x in a.free_symbols | c.free_symbols or stand_in in a.free_symbols or not c.is_nonnegative:
        return ()
    one = decided(Eq(Abs(a), 1))
    given = Map(expr, x)
    found: list[Branch | None] = []
    if one is not True:
        kept = () if one is False else (Ne(Abs(a), 1),)
        found.append(branch(given, _softsign_law(growing=True), {_a: a, _c: c}, conditions=kept))
    if one is not False:
        kept = () if one else (Eq(Abs(a), 1),)
        found.append(branch(given, _softsign_law(growing=False), {_a: a, _c: c}, conditions=kept))
    return all_or_none(*found)
