"""The fate of the start on the two sides of a cliff, where algebra knows it."""

from sympy import Expr

from symgrad.derivation.bifurcations.inversion import compare
from symgrad.derivation.cliff_equations.curves import Side
from symgrad.derivation.cliff_equations.shapes import BOUNDED, CONVEX, ENDS, ZERO, ChainShape, LayerShape, slope_sign

Sides = tuple[Side | None, Side | None]
UNKNOWN: Sides = (None, None)


def beside_repeller(shape: ChainShape | None, lift: int | None) -> Sides:
    """Return the fates below and above a basin line of multiplier above 1.

    An orbit of an increasing map is monotone. In a bounded map it ends on an attractor; where a convex map has
    multiplier above 1 it grows without bound, and on the flat side of a convex map it is bounded.

    Parameters
    ----------
    shape : of the chain
    lift : the sign of ∂f/∂(solved parameter) at the start
    """
    if shape is None or not shape.monotone or lift not in (1, -1):
        return UNKNOWN
    if shape.bounded:
        return Side.ATTRACTOR, Side.ATTRACTOR
    low, high = _ends(shape.single) if shape.single is not None else UNKNOWN
    return (low, high) if lift == 1 else (high, low)


def _ends(layer: LayerShape) -> Sides:
    """Return the fates of states just below and just above a repelling fixed point of an increasing layer."""
    if layer.name not in CONVEX or layer.name not in ENDS:
        return UNKNOWN
    if layer.name == "identity":
        return Side.MINUS_INFINITY, Side.PLUS_INFINITY
    turn = slope_sign(layer)
    flat = Side.ATTRACTOR if ENDS[layer.name][0][0] == 0 else None
    if turn == 1:
        return flat, Side.PLUS_INFINITY
    return (Side.MINUS_INFINITY, flat) if turn == -1 else UNKNOWN


def beside_flip(shape: ChainShape | None) -> Sides:
    """Return the fates beside a basin line of multiplier below −1: the two phases of the cycle f² is drawn to.

    f² is increasing, of negative Schwarzian derivative and bounded, with the fixed point as its one repeller.
    """
    if shape is None or not (shape.monotone and shape.negative and shape.bounded):
        return UNKNOWN
    return Side.CYCLE_PHASE, Side.CYCLE_PHASE


def beside_fold(shape: ChainShape, curvature: int, lift: int | None) -> Sides:
    """Return the fates beside a fold that attracts the start: on one side two fixed points, on the other none."""
    if lift not in (1, -1):
        return UNKNOWN
    passed: Side | None = Side.ATTRACTOR if shape.bounded else None
    layer = shape.single
    if layer is not None and layer.name in CONVEX and layer.name not in BOUNDED:
        passed = Side.PLUS_INFINITY if curvature == 1 else Side.MINUS_INFINITY
    below_exists = curvature * lift == 1
    return (Side.ATTRACTOR, passed) if below_exists else (passed, Side.ATTRACTOR)


def lift_of(slope: Expr) -> int | None:
    """Return the sign of the derivative of the map in the solved parameter, where it is a number.

    >>> from sympy import Integer
    >>> lift_of(Integer(1))
    1
    """
    return compare(slope, ZERO) if slope.is_number else None
