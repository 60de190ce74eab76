"""The hull of each covered activation and of its derivative over intervals.

An activation is covered when two things are proved of it by algebra: φ' is nowhere negative, and φ'' keeps its sign
on each side of 0. Then φ is enclosed by its values at the two ends, and φ' by its values at the ends and, where 0 is
inside, by the values beside 0 (at a kink both one-sided ones). Nothing is typed in: a row added to the activation
table is covered as soon as the proofs succeed, and gelu, silu, mish and sin are not, because they fail.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import sympy
from sympy import Expr, Symbol

from symgrad.certify.boxes import EPSILON, LARGEST, Array, Intervals
from symgrad.certify.refusals import NotCovered
from symgrad.derivation.identities import sign_proof
from symgrad.kernels.stable import STABLE, ArrayFunction
from symgrad.maps import ACTIVATIONS, differentiate, expand_activations
from symgrad.symbols import real

ULPS = 32
SMALLEST = 2.0**-1022
BESIDE_ZERO = np.array([-5e-324, 0.0, 5e-324])


@dataclass(frozen=True)
class Shape:
    """An activation that is proved to be increasing, with a derivative that is monotone on each side of 0.

    Parameters
    ----------
    name : its name in the activation table
    value, slope : φ and φ' of arrays, each within ``ULPS`` units in the last place
    beside_zero : the lowest and the highest value of φ' at 0 and beside it
    positive : whether φ is nowhere negative
    proofs : the arguments, in words
    """

    name: str
    value: ArrayFunction = field(repr=False)
    slope: ArrayFunction = field(repr=False)
    beside_zero: tuple[float, float]
    positive: bool
    proofs: tuple[str, ...]

    def values(self, x: Intervals) -> Intervals:
        """Return the hull of φ over intervals.

        >>> hull = shape_of("tanh").values(Intervals(np.array([-1.0]), np.array([2.0])))
        >>> bool(hull.contains(np.tanh(-1.0))[0]), bool(hull.contains(0.9641)[0])
        (True, False)
        """
        low, high = _down(self.value(x.low)), _up(self.value(x.high))
        return Intervals(np.maximum(low, 0.0) if self.positive else low, high)

    def slopes(self, x: Intervals) -> Intervals:
        """Return the hull of φ' over intervals, of a kink's slopes too where it is inside.

        >>> hull = shape_of("sigmoid").slopes(Intervals(np.array([-1.0]), np.array([2.0])))
        >>> bool(hull.contains(0.25)[0]), bool(hull.contains(0.105)[0]), bool(hull.contains(0.104)[0])
        (True, True, False)
        """
        return self.slope_hull(x, self.slope(x.low), self.slope(x.high))

    def slope_hull(self, x: Intervals, at_low: Array, at_high: Array) -> Intervals:
        """Return the hull of φ' over intervals at whose ends it is known as ``slope`` computes it."""
        low, high = np.minimum(at_low, at_high), np.maximum(at_low, at_high)
        crosses = (x.low <= 0.0) & (x.high >= 0.0)
        if crosses.any():
            low = np.where(crosses, np.minimum(low, self.beside_zero[0]), low)
            high = np.where(crosses, np.maximum(high, self.beside_zero[1]), high)
        return Intervals(np.maximum(_down(low), 0.0), _up(high))


def _down(value: Array) -> Array:
    value = np.minimum(value, LARGEST)
    return np.asarray(value - (np.abs(value) * (ULPS * EPSILON) + SMALLEST))


def _up(value: Array) -> Array:
    value = np.maximum(value, -LARGEST)
    return np.asarray(value + (np.abs(value) * (ULPS * EPSILON) + SMALLEST))


@lru_cache
def shape_of(name: str) -> Shape:
    """Return the proved shape of an activation.

    Raises
    ------
    NotCovered : the function is not of the table, or a proof of its shape fails

    Examples
    --------
    >>> shape_of("softplus").proofs[0]
    "φ' >= 0: signs of the factors of the normal form"
    >>> shape_of("gelu")
    Traceback (most recent call last):
    ...
    symgrad.certify.refusals.NotCovered: not covered: gelu is not proved to be increasing everywhere
    """
    if name not in ACTIVATIONS or name not in STABLE:
        raise NotCovered(f"not covered: {name} is not one of the activations with proved hulls")
    u, q = real("u"), Symbol("q", positive=True)
    first = differentiate(ACTIVATIONS[name].formula(u), u)
    rising = sign_proof(first)
    if rising is None:
        raise NotCovered(f"not covered: {name} is not proved to be increasing everywhere")
    second = expand_activations(differentiate(first, u))
    proofs = [f"φ' >= 0: {rising}"]
    for side, sign in ((">", 1), ("<", -1)):
        argument = _one_sign(second, u, q, sign)
        if argument is None:
            raise NotCovered(f"not covered: the derivative of {name} is not proved to be monotone on both sides of 0")
        proofs.append(f"{argument[0]} for u {side} 0: {argument[1]}")
    value, slope, _ = STABLE[name].numpy
    with np.errstate(all="ignore"):
        beside = slope(BESIDE_ZERO)
    positive = sign_proof(ACTIVATIONS[name].formula(u)) is not None
    return Shape(name, value, slope, (float(beside.min()), float(beside.max())), positive, tuple(proofs))


def _one_sign(second: Expr, u: Symbol, q: Symbol, sign: int) -> tuple[str, str] | None:
    """Prove that φ'' keeps one sign on one side of 0: u = ±q, or u = ±log(1 + q), with q > 0."""
    for place in (sign * q, sign * sympy.log(1 + q)):
        there = sympy.together(second.xreplace({u: place}))
        for relation, expr in (("φ'' >= 0", there), ("φ'' <= 0", -there)):
            if argument := sign_proof(expr):
                return relation, argument
    return None
