"""Orbits that have settled have a known future: what remains of them is a geometric series.

A state that repeats after a block has a block that repeats, so that m more blocks multiply the chain product by P**m
and take a sensitivity s to P**m s + Q (P**m - 1)/(P - 1). An orbit counts as settled if its state repeats bit for
bit, or to within rounding while the block contracts: then the distance to the cycle is that of any float64 run.
Rounding inside a cycle is amplified by the factors after it, which the tolerance allows for.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.orbits import FURTHEST, Orbits

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
TOLERANCE = 1e-15
CONTRACTION = 1 - 2.0**-10
NEARBY = 1e-8
MODERATE = 600.0


def repeats(before: Array, after: Array, product: Any) -> tuple[Mask, Mask]:
    """Return where an orbit has settled, and where it may have if rounding is amplified inside its cycle.

    Parameters
    ----------
    before, after : the state at the two ends of a block, shape (points,)
    product : P of the block

    Examples
    --------
    >>> settled, perhaps = repeats(np.array([1.0, 1.0, 1.0]), np.array([1.0, 1 + 4e-16, 1 + 1e-11]), 0.5)
    >>> settled.tolist(), perhaps.tolist()
    ([True, True, False], [False, False, True])
    """
    distance, size = np.abs(after - before), np.abs(before)
    contracts = np.abs(product) <= CONTRACTION
    settled = (distance == 0.0) | ((distance <= TOLERANCE * size) & contracts)
    return settled, ~settled & contracts & (distance <= NEARBY * size)


def repeats_within(noise: Array, before: Array, middle: Array, after: Array, product: Any) -> Mask:
    """Return where two blocks in a row repeat to within the rounding that the cycle amplifies.

    Parameters
    ----------
    noise : what one rounding per step, amplified by the later factors of the block, adds up to, in roundings
    before, middle, after : the state at the ends of two neighbouring blocks
    """
    limit = TOLERANCE * noise
    contracts = np.abs(product) <= CONTRACTION
    return np.asarray(contracts & (np.abs(middle - before) <= limit) & (np.abs(after - middle) <= limit))


@dataclass(frozen=True)
class Power:
    """P**m as mantissa · 2**exponent, and its natural logarithm."""

    mantissa: Array
    exponent: Array
    log: Array

    @classmethod
    def of(cls, base: Array, scale: Any, times: int) -> "Power":
        """Return powers of base · 2**scale; the exponents are multiplied exactly.

        >>> power = Power.of(np.array([-0.5]), 3, 1001)
        >>> power.mantissa.tolist(), power.exponent.tolist()
        ([-1.0], [2002.0])
        """
        part, powers = np.frexp(base)
        low = np.abs(part) < np.sqrt(0.5)
        part, powers = np.where(low, 2.0 * part, part), powers - low
        dead = base == 0.0
        size = np.where(dead, 1.0, np.abs(part))
        height = times * np.log2(size)
        whole = np.rint(height)
        sign = np.where((base < 0) & (times % 2 == 1), -1.0, 1.0)
        powers = powers + np.asarray(scale, dtype=np.float64)
        mantissa = np.where(dead, 0.0, sign * np.exp2(height - whole))
        exponent = np.where(dead, 0.0, times * powers + whole)
        log = np.where(dead, -np.inf, times * (np.log(size) + powers * np.log(2.0)))
        return cls(mantissa, exponent, log)

    @property
    def value(self) -> Array:
        """The powers as floats, 0 or inf where they leave float64."""
        return np.asarray(np.ldexp(self.mantissa, np.clip(self.exponent, -4000, 4000).astype(np.intc)))


@dataclass(frozen=True)
class Block:
    """The block that some points repeat: its product, also as mantissa · 2**exponent, and its own slopes.

    Parameters
    ----------
    product, mantissa, exponent : shape (points,)
    own : Q for each name, shape (names, points)
    """

    product: Array
    mantissa: Array
    exponent: Array
    own: Array


def finish(orbits: Orbits, chosen: NDArray[np.intp], block: Block, blocks: int) -> None:
    """Take the chosen points through so many more blocks that repeat."""
    with np.errstate(all="ignore"):
        power = Power.of(block.mantissa, block.exponent, blocks)
        mantissa, powers = np.frexp(orbits.mantissa[chosen] * power.mantissa)
        orbits.mantissa[chosen] = mantissa
        orbits.exponent[chosen] += np.where(mantissa == 0.0, 0.0, power.exponent + powers)
        slopes, scale = orbits.slopes[:, chosen], orbits.scale[chosen]
        added = np.ldexp(block.own, -np.minimum(scale, FURTHEST).astype(np.intc))
        moderate = power.value * slopes + added * _geometric(block.product, power, blocks)
        grows = power.log > MODERATE
        if grows.any():
            fixed = added / (block.product - 1.0)
            fading = np.ldexp(fixed, -np.clip(power.exponent, 0, FURTHEST).astype(np.intc))
            growing = power.mantissa * (slopes + fixed) - fading
            moderate = np.where(grows, growing, moderate)
            orbits.scale[chosen] = scale + np.where(grows, power.exponent, 0.0)
    orbits.slopes[:, chosen] = moderate
    orbits.settled[chosen] = True
    orbits.factor[chosen] = np.nan


def _geometric(product: Array, power: Power, blocks: int) -> Array:
    """Return 1 + P + … + P**(m - 1), without cancellation for P near 1."""
    gained = np.where(product > 0, np.expm1(power.log), power.value - 1.0)
    return np.where(product == 1.0, float(blocks), gained / (product - 1.0))
