"""Tent maps d ± 2|x - c|: full on an interval, doubled outside it.

The laws are shown where their inequalities are strict; both sides are continuous, so they hold on the boundary.
"""

import sympy
from sympy import Abs, Expr, Ge, Gt, Le, Lt, Max, Min, Mod, S, Symbol, sign

from symgrad.derivation.closed_forms.families.registry import all_or_none, family
from symgrad.derivation.closed_forms.induction import Branch, Law, branch, settled
from symgrad.maps import Map, expand_activations, to_text
from symgrad.symbols import n

_x, _u = (Symbol(name, real=True) for name in "xu")
_j = Symbol("j", integer=True)
_q, _g, _s, _v, _delta = (Symbol(name, positive=True) for name in ("q", "g", "s", "v", "delta"))

UNIT = 1 - Abs(2 * _x - 1)
TENT = 2 * _s - 2 * Abs(_x - _s)


def _full() -> Law:
    """On (0, 2s) the tent is 2s times the triangle wave t(u) = 1 - |u mod 2 - 1|, and doubles u mod 2, u = x/s."""
    wave = 2 * _s * (1 - Abs(Mod(2**n * _x / (2 * _s), 2) - 1))
    part = _q / (1 + _q)
    start = (("F(0) = x, as u mod 2 = u on (0, 1)", 1 - Abs(part - 1) - part),)
    lemmas = [
        ("f(2s u) = 2s(1 - |2u - 1|)", TENT.xreplace({_x: 2 * _s * _x}) - 2 * _s * UNIT),
        ("2(u mod 2) mod 2 = 2u mod 2", Mod(2 * (_u - 2 * _j), 2) - Mod(2 * _u, 2)),
    ]
    for quarter in range(4):
        inside = (quarter + part) / 2
        doubled = quarter % 2 + part
        difference = UNIT.xreplace({_x: 1 - Abs(inside - 1)}) - (1 - Abs(doubled - 1))
        lemmas.append((f"f(t(u)) = t(2u) for {quarter} < 2u < {quarter + 1}", difference))
    slope = 2**n * sign(1 - Mod(2**n * _x / (2 * _s), 2))
    return Law(_x, TENT, wave, slope, lemmas=tuple(lemmas), start=start)


FULL = _full()
BELOW = Law(_x, TENT, 2**n * _x, 2**n, coordinates=((_x, -_delta),))
ABOVE = Law(_x, TENT, 2**n * (2 * _s - _x), -(2**n), first=1, coordinates=((_x, 2 * _s + _delta),))


def _folded() -> Law:
    """x ↦ -δ - 2|x| stays at or below 0 from its first value on, where it is x ↦ -δ + 2x."""
    step = -_delta - 2 * Abs(_x)
    iterate = _delta - 2**n * (_delta + Abs(_x))
    reached = _delta - (2 + _g) * (_delta + _v)
    lemmas = (
        ("F(n+1) = f(F(n)), with 2^n = 2 + g", step.xreplace({_x: reached}) - _delta + 2 * (2 + _g) * (_delta + _v)),
    )
    return Law(_x, step, iterate, -(2**n) * sign(_x), first=1, lemmas=lemmas)


FOLDED = _folded()


def _kink(expr: Expr, x: Symbol) -> tuple[Expr, Expr, int] | None:
    """Return (c, d, ±1) where the expression is d ± 2|x - c|, else None."""
    expr = expand_activations(expr)
    for function, turn in ((Max, 1), (Min, -1)):
        for pair in expr.atoms(function):
            if len(pair.args) != 2:
                return None
            u, v = pair.args
            expr = expr.xreplace({pair: (u + v) / 2 + turn * Abs(u - v) / 2})
    moduli = [m for m in expr.atoms(Abs) if x in m.free_symbols]
    if len(moduli) != 1:
        return None
    inner = sympy.expand(moduli[0].args[0])
    slope = sympy.diff(inner, x)
    stand_in = sympy.Dummy("modulus", real=True)
    plain = sympy.expand(expr.xreplace({moduli[0]: stand_in}))
    weight = plain.coeff(stand_in, 1)
    offset = sympy.expand(plain - weight * stand_in)
    if x in slope.free_symbols | offset.free_symbols | weight.free_symbols or not slope.is_number:
        return None
    height = sympy.expand(weight * abs(slope))
    if height not in (2, -2):
        return None
    return sympy.expand(x - inner / slope), offset, int(height) // 2


@family("tent")
def tent(f: Map) -> tuple[Branch, ...]:
    """Tent maps d - 2|x-c| (or d + 2|x-c|): a triangle wave of 2ⁿx on their invariant interval, doubling outside."""
    (x,) = f.state
    found = _kink(f.expr, x)
    if found is None:
        return ()
    centre, peak, turn = found
    size = sympy.expand(-turn * (peak - centre))
    given = Map(peak + 2 * turn * Abs(x - centre), x)
    kink = (f"for the derivative, no iterate before the last is {to_text(centre)}",)
    branches: list[Branch | None] = []
    full = settled([Gt(size, 0)])
    if full is not None:
        low, high = centre - size, centre + size
        change = (S.One, -low) if turn < 0 else (-S.One, high)
        outer = (Le(x, low), Ge(x, high)) if turn < 0 else (Ge(x, high), Le(x, low))
        plans = ((FULL, (Gt(x, low), Lt(x, high)), kink), (BELOW, outer[:1], ()), (ABOVE, outer[1:], ()))
        branches += [
            branch(given, law, {_s: size}, change=change, conditions=(*full, *region), domain=note)
            for law, region, note in plans
        ]
    flat = settled([Le(size, 0)])
    if flat is not None:
        change = (S.One, -centre) if turn < 0 else (-S.One, centre)
        branches.append(branch(given, FOLDED, {_delta: -size}, change=change, conditions=flat, domain=kink))
    return all_or_none(*branches)
