"""What an update that is no rational function does far out, measured at growing distances."""

import itertools
from typing import Any

import mpmath
import sympy
from sympy.functions.elementary.trigonometric import TrigonometricFunction

from symgrad.derivation.local_theory import CycleKind, Infinity
from symgrad.evidence import Verdict
from symgrad.maps import Map, expand_activations

DISTANCES = (10, 100, 1000)
DIGITS = 60
STEADY = 0.04
STEEP = 30.0


def sampled_infinity(update: Map) -> Infinity | None:
    """Return what N(x)/x does at x = ±10, ±100, ±1000 where that is a clear trend on both sides; else None.

    Parameters
    ----------
    update : a scalar real map without parameters

    Examples
    --------
    >>> from symgrad.derivation import newton
    >>> found = sampled_infinity(newton("atan(x)", "x"))
    >>> found.kind.value, found.verdict.name
    ('attracting', 'SAMPLED')
    >>> sampled_infinity(newton("sin(x)", "x")) is None
    True
    """
    oscillates = update.expr.has(TrigonometricFunction)
    if update.parameters or update.domain != "real" or oscillates:
        return None
    sides = [_ratios(update, turn) for turn in (1, -1)]
    if any(side is None for side in sides):
        return None
    right, left = (side for side in sides if side is not None)
    if all(_grows(side) for side in (right, left)):
        return _answer(True, CycleKind.ATTRACTING, "far out |N(x)| grows faster than |x|: infinity attracts")
    if not all(_settles(side) for side in (right, left)) or abs(right[-1] - left[-1]) > STEADY:
        return None
    ratio = right[-1]
    size = abs(ratio)
    if size < STEADY:
        return _answer(False, CycleKind.UNDECIDED, "far out |N(x)| is small beside |x|: infinity is no fixed point")
    if abs(size - 1) < STEADY:
        return _answer(True, CycleKind.UNDECIDED, f"far out N(x) is about {ratio:.3g}*x: the kind is undecided")
    kind = CycleKind.ATTRACTING if size > 1 else CycleKind.REPELLING
    word = "attracts" if size > 1 else "repels"
    return _answer(True, kind, f"far out N(x) is about {ratio:.3g}*x: infinity {word}")


def _answer(is_fixed: bool, kind: CycleKind, statement: str) -> Infinity:
    return Infinity(is_fixed, None, None, kind, None, f"{statement} (measured at 10, 100 and 1000)", Verdict.SAMPLED)


def _ratios(update: Map, turn: int) -> list[float] | None:
    """Return N(x)/x on one side, None where it has no value; what is beyond float64 counts as infinite."""
    own: Any = mpmath.MPContext()
    own.dps = DIGITS
    own.prec = max(own.prec, 10 * DISTANCES[-1] if update.expr.has(sympy.exp, sympy.tanh, sympy.cosh) else 0)
    step = sympy.lambdify(update.state[0], expand_activations(update.expr), modules=[{"log": own.log}, own])
    found = []
    for distance in DISTANCES:
        try:
            value = own.mpmathify(step(own.mpf(turn * distance))) / (turn * distance)
        except (ZeroDivisionError, ValueError, TypeError, OverflowError, NameError):
            return None
        if not isinstance(value, own.mpf) or own.isnan(value):
            return None
        found.append(float(value))
    return found


def _grows(ratios: list[float]) -> bool:
    sizes = [abs(r) for r in ratios]
    return sizes[-1] > STEEP and all(b == float("inf") or b > 2 * a for a, b in itertools.pairwise(sizes))


def _settles(ratios: list[float]) -> bool:
    return abs(ratios[-1] - ratios[-2]) < STEADY and abs(ratios[-2] - ratios[-3]) < 5 * STEADY
