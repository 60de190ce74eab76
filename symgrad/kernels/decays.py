"""Orbits that die away linearly: near a fixed point at 0 a block multiplies the state by P, and all else follows.

Where F(x) = P x to rounding, with P no longer changing (Euler's relation of degree 1), what a block adds to a
sensitivity is A x + B. Then (x, s, 1) goes through the same matrix in every block, and its power is a closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.signed_log import SignedLog, absolute, add, compare, divide, multiply, negate, where

SMALL = SignedLog.from_parts(1.0, -60)
ROUNDING = SignedLog.from_float(1e-13)
LARGEST_FACTOR = SignedLog.from_float(1 - 1e-6)
ZERO = SignedLog.from_float(0.0)


def near(a: SignedLog, b: SignedLog) -> NDArray[np.bool_]:
    """Return where two numbers are equal to rounding."""
    return np.asarray(compare(absolute(add(a, negate(b))), multiply(absolute(b), ROUNDING)) <= 0)


@dataclass(frozen=True)
class Decay:
    """What a block does: x -> factor·x and s -> factor·s + slope·x + constant for each name."""

    factor: SignedLog
    slopes: tuple[SignedLog, ...]
    constants: tuple[SignedLog, ...]

    def then(self, later: "Decay") -> "Decay":
        """Return this followed by a later one."""
        slopes = (
            add(multiply(later.factor, a), multiply(c, self.factor))
            for a, c in zip(self.slopes, later.slopes, strict=True)
        )
        constants = (add(multiply(later.factor, b), d) for b, d in zip(self.constants, later.constants, strict=True))
        return Decay(multiply(later.factor, self.factor), tuple(slopes), tuple(constants))

    def at(self, index: NDArray[np.intp]) -> "Decay":
        """Return that of some points."""
        return Decay(self.factor[index], *(tuple(q[index] for q in part) for part in (self.slopes, self.constants)))


def dwindles(before: SignedLog, after: SignedLog) -> NDArray[np.bool_]:
    """Return where an orbit is near 0 and comes nearer."""
    shrinks = compare(absolute(after), multiply(absolute(before), LARGEST_FACTOR)) <= 0
    return np.asarray(shrinks & (compare(absolute(before), SMALL) <= 0) & (before.mantissa != 0.0))


def decay_of(
    states: Sequence[SignedLog], factors: Sequence[SignedLog], own: Sequence[Sequence[SignedLog]]
) -> tuple[Decay, NDArray[np.bool_]]:
    """Return the law of two blocks in a row, and for which points it holds.

    Parameters
    ----------
    states : x before, between and after the blocks
    factors : the product of each block
    own : what each block adds to the sensitivities, for each name
    """
    before, between, after = states
    first, second = factors
    holds = dwindles(before, between) & (first.mantissa != 0.0) & near(second, first)
    holds &= near(between, multiply(first, before)) & near(after, multiply(second, between))
    slopes, constants = [], []
    for one, two in zip(*own, strict=True):
        steady, grows = near(two, one), near(two, multiply(first, one))
        holds &= steady | grows
        slopes.append(where(steady, ZERO, divide(two, between)))
        constants.append(where(steady, two, ZERO))
    return Decay(second, tuple(slopes), tuple(constants)), np.asarray(holds)
