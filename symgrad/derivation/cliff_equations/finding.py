"""Every cliff of a tied scalar chain that algebra gives, for one start and two parameters."""

from collections.abc import Iterator, Sequence
from typing import Any

import sympy
from sympy import Expr

from symgrad.derivation.cliff_equations.curves import CliffCurve
from symgrad.derivation.cliff_equations.folds import flip_ridges, fold_arcs
from symgrad.derivation.cliff_equations.infinities import infinity_lines
from symgrad.derivation.cliff_equations.kinks import kink_lines
from symgrad.derivation.cliff_equations.linear_forms import LinearForm, linear_form
from symgrad.derivation.cliff_equations.lines import basin_lines, cycle_curves, preimage_lines
from symgrad.derivation.cliff_equations.shapes import ChainShape, shape_of_chain
from symgrad.derivation.equilibria import body_map
from symgrad.errors import InputError
from symgrad.maps import Composition, Map, as_composition, entered


def cliff_curves(chain: Map | Composition, names: Sequence[str], start: Any) -> tuple[CliffCurve, ...]:
    """Return the exact cliffs of a tied chain of a scalar state: basin lines, fold arcs, flip ridges and escarpments.

    Two parameters must enter linearly, or inside invertible activations whose argument they enter linearly; where they
    do not, or the chain is driven, untied or of several components, there are no exact candidates and the answer is
    empty. A monotone map reaches a repelling fixed point only by starting on it, so it has no further pre-images.

    Parameters
    ----------
    chain : one layer, or the layers of one application; its depth does not matter
    names : the two parameters; the second is preferred to be solved for
    start : x₀, an exact number

    Raises
    ------
    InputError : a start that is no exact real number, or names that are not the two free parameters of the chain

    Examples
    --------
    >>> for curve in cliff_curves(Map("w*sigmoid(x) + b", "x"), ("w", "b"), sympy.Rational(1, 2)):
    ...     print(curve.origin, curve.valid)
    basin line w > 4.2552519304127616
    basin line w < -4.2552519304127616
    fold 4 < w < 4.2552519304127616
    flip w < -4
    flip w < -4
    >>> [c.equation for c in cliff_curves(Map("tanh(w*x + b)", "x"), ("w", "b"), 0)][:1]
    ['b = 0']
    """
    composition, begin = as_composition(chain), _exact_start(start)
    layer = body_map(composition)
    pair = tuple(map(str, names))
    _check(composition, pair)
    form = None if layer is None else linear_form(layer, pair)
    if layer is None or form is None:
        return ()
    return tuple(_curves(form, shape_of_chain(composition), begin))


def _curves(form: LinearForm, shape: ChainShape | None, start: Expr) -> Iterator[CliffCurve]:
    yield from basin_lines(form, shape, start)
    yield from kink_lines(form, shape, start)
    if shape is None or not shape.monotone:
        yield from preimage_lines(form, start)
        yield from cycle_curves(form, start)
    yield from fold_arcs(form, shape, start)
    yield from flip_ridges(form, shape, start)
    yield from infinity_lines(form, shape, start)


def _exact_start(start: Any) -> Expr:
    value = None if isinstance(start, float) else entered(start)
    if value is None or not value.is_number or value.is_real is not True or value.has(sympy.Float):
        raise InputError(
            f"an exact start is needed, got {str(start)[:40]!r}; give e.g. Rational(1, 2) or Fraction(1, 2)"
        )
    return value


def _check(chain: Composition, names: tuple[str, ...]) -> None:
    known = {p.name for p in chain.parameters} | set(chain.layered)
    if len(names) != 2 or names[0] == names[1]:
        raise InputError(f"cliffs are curves of two parameters, got {', '.join(names) or 'none'}; give e.g. w, b")
    for name in names:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise InputError(f"the parameter {name} does not enter the chain; its parameters are {listed}")
    if others := sorted(known - set(names) - set(chain.layered)):
        raise InputError(f"{', '.join(others)} has no value; name it as an axis or give it a number with --set")
