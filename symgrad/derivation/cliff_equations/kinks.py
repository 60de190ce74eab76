"""Escarpments at the kink of a rectifier: the kink is a fixed point that repels on its steep side only.

For x ↦ A·relu(αx + β) + B with A, α > 0 every start left of the kink k = −β/α goes to B at once. Below B = k it stays
there; above, with slope A·α > 1, no fixed point is ahead and it grows without bound. Border-collision fold (Nusse &
Yorke 1992, *Physica D* 57).
"""

from collections.abc import Iterator

import sympy
from sympy import Expr

from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.cliff_equations.curves import CliffCurve, Side
from symgrad.derivation.cliff_equations.linear_forms import LinearForm
from symgrad.derivation.cliff_equations.lines import repelling
from symgrad.derivation.cliff_equations.shapes import ZERO, ChainShape
from symgrad.derivation.identities.proofs import zero_proof
from symgrad.evidence import Verdict
from symgrad.maps import differentiate, relu, to_text
from symgrad.symbols import real


def kink_lines(form: LinearForm, shape: ChainShape | None, start: Expr) -> Iterator[CliffCurve]:
    """Yield the line on which the start, left of the kink of a rectified layer, lands on the kink and stays.

    >>> from symgrad.derivation.cliff_equations import cliff_curves
    >>> from symgrad.maps import Map
    >>> [(c.equation, c.valid) for c in cliff_curves(Map("w*relu(x) + b", "x"), ("w", "b"), -1)][:1]
    [('b = 0', 'w > 1')]
    """
    layer = None if shape is None else shape.single
    if layer is None or layer.name != "relu":
        return
    along, solved = form.names
    collision = sympy.expand(layer.offset * layer.scale + layer.inner)
    rate = differentiate(collision, real(solved))
    steep = sympy.expand(layer.outer * layer.scale)
    if not rate.is_number or compare(rate, ZERO) not in (1, -1) or real(solved) in steep.free_symbols:
        return
    value = sympy.expand(real(solved) - collision / rate)
    kink = layer.offset.xreplace({real(solved): value})
    interval, conditions = repelling(steep, real(along), 1)
    positive = [p for p in (layer.outer, layer.scale) if p.is_number]
    if not kink.is_number or interval is None or conditions or not positive or compare(positive[0], ZERO) != 1:
        return
    at = {real(solved): value}
    image = form.layer.expr.xreplace({form.state: start}).xreplace(at).replace(relu, lambda u: sympy.Max(0, u))
    stays = form.layer.expr.xreplace({form.state: kink}).xreplace(at).replace(relu, lambda u: sympy.Max(0, u))
    left = compare(start, kink) in (0, -1)
    flat = image if image.is_number else kink
    if not left or not zero_proof(stays - kink) or compare(flat, kink) != 0:
        return
    lift = compare(rate, ZERO)
    sides = (Side.ATTRACTOR, Side.PLUS_INFINITY) if lift == 1 else (Side.PLUS_INFINITY, Side.ATTRACTOR)
    yield CliffCurve(
        "basin line",
        form.layer,
        start,
        real(along),
        *interval,
        (),
        {along: real(along), solved: value, form.state.name: kink},
        solved,
        along,
        interval,
        steep,
        1,
        0 if start == kink else 1,
        (kink,) if start == kink else (start, kink),
        *sides,
        Verdict.PROVED,
        f"x0 lies on the flat side of the kink, which is the fixed point {to_text(kink)} there: of multiplier 0 to the "
        f"left, where the derivative is taken, and {to_text(steep)} > 1 to the right, beyond which no fixed point lies",
    )
