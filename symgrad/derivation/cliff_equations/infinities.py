"""Escarpments of unbounded activations: infinity is a fixed point of the state in [−∞, ∞], and its multiplier is ±1."""

from collections.abc import Iterator

import sympy
from sympy import Expr, Integer

from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.cliff_equations.curves import CliffCurve, Side
from symgrad.derivation.cliff_equations.linear_forms import LinearForm
from symgrad.derivation.cliff_equations.shapes import CONVEX, ENDS, ChainShape, LayerShape, slope_sign
from symgrad.evidence import Verdict
from symgrad.maps import differentiate, to_text
from symgrad.symbols import real

ZERO, ONE = Integer(0), Integer(1)


def infinity_lines(form: LinearForm, shape: ChainShape | None, start: Expr) -> Iterator[CliffCurve]:
    """Yield the lines on which infinity has multiplier 1 (for affine layers also −1), for convex increasing layers.

    Just beyond the line the map grows like x + k with k > 0 at every state, so that every start leaves; just before it
    the fixed point that takes the start lies at k/(1 − slope), as far away as one likes.
    """
    layer = None if shape is None else shape.single
    if layer is None or layer.name not in ENDS or layer.name not in CONVEX:
        return
    affine = layer.name == "identity"
    ends = (1, -1) if affine else (1,)
    for multiplier in (1, -1) if affine else (1,):
        found = _slope_line(form, layer, multiplier)
        if found is None:
            continue
        steep, value, drift = found
        other = form.names[1 - form.names.index(steep)]
        for end in ends if multiplier == 1 else (1,):
            line = _line(form, start, steep, other, value, drift, multiplier, end * _turn(layer))
            if line is not None:
                yield line


def slope_one(form: LinearForm, shape: ChainShape, name: str) -> Expr | None:
    """Return the value of a parameter at which the multiplier at infinity is 1, None where it does not set it."""
    layer = shape.single
    found = None if layer is None or layer.name not in ENDS else _slope_line(form, layer, 1)
    return found[1] if found is not None and found[0] == name else None


def _turn(layer: LayerShape) -> int:
    return 1 if layer.name == "identity" else slope_sign(layer) or 1


def _slope_line(form: LinearForm, layer: LayerShape, multiplier: int) -> tuple[str, Expr, Expr] | None:
    """Return the parameter that sets the slope at infinity, its value for the multiplier, and what is added there."""
    slope, constant = ENDS[layer.name][1]
    at_end = sympy.expand(layer.outer * layer.scale * slope)
    added = layer.outer * (slope * layer.inner + constant) + layer.offset
    for name in form.names:
        rate = differentiate(at_end, real(name))
        if rate.is_number and compare(rate, ZERO) in (1, -1) and (at_end - rate * real(name)).expand().is_number:
            value = (multiplier - at_end.xreplace({real(name): ZERO})) / rate
            return name, value, sympy.expand(added.xreplace({real(name): value}))
    return None


def _line(
    form: LinearForm,
    start: Expr,
    steep: str,
    other: str,
    value: Expr,
    drift: Expr,
    multiplier: int,
    end: int,
) -> CliffCurve | None:
    symbol = real(other)
    rate = differentiate(drift, symbol)
    if not rate.is_number or compare(rate, ZERO) not in (1, -1):
        return None
    level = -drift.xreplace({symbol: ZERO}) / rate
    upward = compare(rate, ZERO) == end
    interval = (-sympy.oo, sympy.oo) if multiplier == -1 else (level, sympy.oo) if upward else (-sympy.oo, level)
    beyond = (Side.PLUS_INFINITY if end == 1 else Side.MINUS_INFINITY) if multiplier == 1 else None
    grows = _grows(form, steep)
    below, above = (Side.ATTRACTOR, beyond) if grows == multiplier else (beyond, Side.ATTRACTOR)
    sense = "+infinity" if end == 1 else "-infinity"
    proof = (
        f"at {sense} the map is {'' if multiplier == 1 else '-'}x + {to_text(drift)} up to what vanishes there, and "
        + ("it lies beyond that line everywhere" if multiplier == 1 else "everywhere")
    )
    return CliffCurve(
        "infinity",
        form.layer,
        start,
        symbol,
        *interval,
        (),
        {steep: value, other: symbol},
        steep,
        other,
        interval,
        Integer(multiplier),
        1,
        0,
        (),
        below,
        above,
        Verdict.PROVED,
        proof,
    )


def _grows(form: LinearForm, steep: str) -> int:
    """Return the sign with which the slope at infinity grows with its parameter."""
    slope = differentiate(form.layer.jacobian[0][0], real(steep))
    probe = slope.subs({form.state: 3, **{real(n): 1 for n in form.names}})
    return compare(probe, ZERO) or 1
