"""Layers A·φ(αx + β) + B of a sigmoidal φ, whose attractors are known for every value of the parameters.

In u = αx + β the layer is u ↦ g·φ(u) + k with gain g = A·α and shift k = β + α·B. If φ' > 0 is even and Sφ < 0,
then 1/√φ' is convex with its least value at 0, so φ' falls from its peak M = φ'(0) to both sides, at least like 1/u²,
and φ is bounded. Hence for g > 0 the map has one attracting fixed point, or two with a repeller between them exactly
where g·M > 1 and k lies between the values on the two folds; for g < 0 it has one fixed point, which attracts except
between the two flips, where its second iterate has two attractors: one cycle of period 2.
"""

from dataclasses import dataclass
from functools import lru_cache

import sympy
from sympy import Dummy, Expr, Integer, Poly, Symbol

from symgrad.derivation.bifurcations.inversion import PREIMAGES, compare, functions_of
from symgrad.derivation.bifurcations.schwarzian import schwarzian_of
from symgrad.derivation.bifurcations.triangular import numerator
from symgrad.derivation.equilibria import INVERSES
from symgrad.derivation.identities.proofs import is_zero, sign_proof
from symgrad.maps import ACTIVATIONS, Map, differentiate
from symgrad.symbols import real

GAIN = real("g")


@dataclass(frozen=True)
class Sigmoidal:
    """A layer A·φ(αx + β) + B with the proved properties of its φ.

    Parameters
    ----------
    name : the activation
    gain, shift : g and k, expressions of the parameters
    outer, scale, inner, offset : A, α, β and B
    peak : M, the greatest slope of φ
    turns : (u, φ(u)) at the two inputs with |g|·φ'(u) = 1, lower first, as expressions of |g| > 1/M; None where there
        is no closed form
    odd : whether φ(−u) = −φ(u)
    """

    name: str
    gain: Expr
    shift: Expr
    outer: Expr
    scale: Expr
    inner: Expr
    offset: Expr
    peak: Expr
    turns: tuple[tuple[Expr, Expr], ...] | None
    odd: bool


def sigmoidal_form(layer: Map) -> Sigmoidal | None:
    """Return the layer as A·φ(αx + β) + B, None where it is no such layer or φ is not proved to be sigmoidal.

    Examples
    --------
    >>> found = sigmoidal_form(Map("v*tanh(w*x + b) + c", "x"))
    >>> found.gain, found.shift
    (v*w, b + c*w)
    >>> sigmoidal_form(Map("w*gelu(x) + b", "x")) is None
    True
    """
    if layer.dimension != 1 or layer.layered:
        return None
    (x,) = layer.state
    calls = [f for f in layer.expr.atoms(sympy.Function) if x in f.free_symbols]
    if len(calls) != 1 or calls[0].func.__name__ not in ACTIVATIONS or not _is_sigmoidal(calls[0].func.__name__):
        return None
    output = Dummy("y", real=True)
    form, argument = layer.expr.xreplace({calls[0]: output}), calls[0].args[0]
    outer, scale = differentiate(form, output), differentiate(argument, x)
    inner, offset = argument.xreplace({x: Integer(0)}), form.xreplace({output: Integer(0)})
    if {x, output} & (outer.free_symbols | scale.free_symbols | offset.free_symbols):
        return None
    name = calls[0].func.__name__
    gain, shift = sympy.expand(outer * scale), sympy.expand(inner + scale * offset)
    function, u = ACTIVATIONS[name].function, real("u")
    odd = bool(is_zero(function(u) + function(-u)))
    return Sigmoidal(name, gain, shift, outer, scale, inner, offset, _peak(name), turning_inputs(name), odd)


@lru_cache
def _is_sigmoidal(name: str) -> bool:
    row, u = ACTIVATIONS[name], real("u")
    if row.kinks or not schwarzian_of(name).is_negative:
        return False
    slope = differentiate(row.function(u), u)
    flat = differentiate(slope, u).xreplace({u: Integer(0)})
    even = is_zero(slope - slope.xreplace({u: -u}))
    return bool(sign_proof(slope, strict=True)) and bool(is_zero(flat)) and bool(even)


def _peak(name: str) -> Expr:
    u = real("u")
    return differentiate(ACTIVATIONS[name].function(u), u).xreplace({u: Integer(0)})


@lru_cache
def turning_inputs(name: str) -> tuple[tuple[Expr, Expr], ...] | None:
    """Return (u, φ(u)) with g·φ'(u) = 1 as expressions of g, lower first, checked by putting them back.

    >>> turning_inputs("erf")[1]
    (sqrt(-log(sqrt(pi)/(2*g))), erf(sqrt(-log(sqrt(pi)/(2*g)))))
    """
    row, g, t = ACTIVATIONS[name], Symbol("g", positive=True), Symbol("t", real=True)
    output = row.derivative_of_output if name in INVERSES else None
    slope = differentiate(row.function(t), t) if output is None else output(t)
    solutions = _solutions(g * slope - 1, t)
    low, high = (-sympy.oo, sympy.oo) if output is None else INVERSES[name][1:]
    found: dict[int, tuple[Expr, Expr]] = {}
    for solution in dict.fromkeys(solutions):
        there = solution.xreplace({g: 3 / _peak(name)})
        inside = compare(there, low) == 1 and compare(high, there) == 1
        if inside and is_zero((g * slope - 1).xreplace({t: solution})):
            u, y = (solution, row.function(solution)) if output is None else (INVERSES[name][0](solution), solution)
            side = compare(u.xreplace({g: 3 / _peak(name)}), Integer(0)) or 0
            found[side] = (u.xreplace({g: GAIN}), y.xreplace({g: GAIN}))
    if 1 not in found:
        return None
    u = found[1][0]
    return found.get(-1, (-u, row.function(-u))), found[1]


def _solutions(equation: Expr, t: Symbol) -> list[Expr]:
    """Solve a polynomial in t, or in one function of ±t or ±t², with the gain as its other symbol."""
    calls = functions_of(equation, t)
    if not calls:
        return list(sympy.roots(Poly(numerator(equation), t)))
    (call, *others), value = sorted(calls, key=str), Dummy("v")
    outer = equation.xreplace({call: value})
    row = PREIMAGES.get(call.func.__name__)
    if others or row is None or t in outer.free_symbols or not outer.is_polynomial(value):
        return []
    images = [image for level in sympy.roots(Poly(outer, value)) for image in row[0](level)]
    linear, square = sympy.Wild("a", exclude=[t]) * t, sympy.Wild("a", exclude=[t]) * t**2
    (inner,) = call.args
    if match := inner.match(linear):
        return [image / next(iter(match.values())) for image in images]
    if match := inner.match(square):
        return [turn * sympy.sqrt(image / next(iter(match.values()))) for image in images for turn in (1, -1)]
    return []
