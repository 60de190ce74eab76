"""Orbits that have settled have a known future: what remains of them is a geometric series.

A state that repeats after a block has a block that repeats, so that m more blocks multiply the chain product by P**m
and take a sensitivity s to P**m s + Q (P**m - 1)/(P - 1). An orbit counts as settled if its state repeats bit for
bit, or to within rounding while the block contracts: then the distance to the cycle is that of any float64 run.
Rounding inside a cycle is amplified by the factors after it, which the tolerance allows for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.orbits import FALLEN, FURTHEST, Orbits

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
TOLERANCE = 1e-15
CONTRACTION = 1 - 2.0**-10
STILL = 0.5
NEARBY = 1e-8
MODERATE = 600.0
NOTHING = -1000.0  # the exponential of less is nothing beside any slope that float64 holds
ROOT_HALF, LN2 = 0.7071067811865476, 0.6931471805599453


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


def stands_still(before: Array, after: Array, factor: Any) -> Mask:
    """Return where one step has not moved the state: a fixed point that at least halves distances."""
    here = np.abs(after - before) <= TOLERANCE * np.abs(after)
    return np.asarray(here & (np.abs(factor) <= STILL))


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
        size = np.abs(part)
        low = size < ROOT_HALF
        size[low] *= 2.0
        powers = np.asarray(scale, dtype=np.float64) + (powers - low)
        dead = base == 0.0
        some = bool(dead.any())
        if some:
            size[dead] = 1.0
        octaves = np.log2(size)
        height = times * octaves
        whole = np.rint(height)
        mantissa, exponent = np.exp2(height - whole), times * powers + whole
        if times % 2 == 1:
            mantissa = np.copysign(mantissa, base)
        log = (times * LN2) * (octaves + powers)
        if some:
            mantissa[dead], exponent[dead], log[dead] = 0.0, 0.0, -np.inf
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

    @classmethod
    def of(cls, product: Array, factors: Sequence[Array], own: Sequence[Array], chosen: NDArray[np.intp]) -> "Block":
        """Return the block of some points from the outputs of its program, its factors one by one if there are any."""
        mantissa, exponent = np.ones(len(chosen)), np.zeros(len(chosen))
        for factor in factors or [product]:
            mantissa, more = np.frexp(mantissa * factor[chosen])
            exponent = exponent + more
        slopes = np.stack([q[chosen] for q in own]) if own else np.zeros((0, len(chosen)))
        return cls(product[chosen], mantissa, exponent, slopes)

    def at(self, index: Any) -> "Block":
        """Return the block of some of the points."""
        return Block(self.product[index], self.mantissa[index], self.exponent[index], self.own[:, index])


def finish(orbits: Orbits, chosen: NDArray[np.intp], block: Block, blocks: int) -> None:
    """Take the chosen points through so many more blocks that repeat."""
    with np.errstate(all="ignore"):
        power = Power.of(block.mantissa, block.exponent, blocks)
        mantissa, powers = np.frexp(orbits.mantissa[chosen] * power.mantissa)
        orbits.mantissa[chosen] = mantissa
        gone = mantissa == 0.0
        orbits.exponent[chosen] = np.where(gone, 0.0, orbits.exponent[chosen] + power.exponent + powers)
        orbits.settled[chosen], orbits.factor[chosen] = True, np.nan
        if not len(orbits.slopes):
            return
        slopes, added = orbits.slopes[:, chosen], block.own
        if orbits.scaled:
            added = np.ldexp(added, -np.minimum(orbits.scale[chosen], FURTHEST).astype(np.intc))
        if power.log.max() < NOTHING:
            moderate = added / (1.0 - block.product)
        else:
            moderate = power.value * slopes + added * _geometric(block.product, power, blocks)
        grows = power.log > MODERATE
        if grows.any():
            fixed = added / (block.product - 1.0)
            fading = np.ldexp(fixed, -np.clip(power.exponent, 0, FURTHEST).astype(np.intc))
            growing = power.mantissa * (slopes + fixed) - fading
            moderate = np.where(grows, growing, moderate)
            orbits.scale[chosen] += np.where(grows, power.exponent, 0.0)
            orbits.scaled = True
        if orbits.scaled:
            fallen = (np.abs(moderate).max(axis=0) < FALLEN) & (orbits.scale[chosen] > 0.0)
            orbits.flagged[chosen] |= fallen
        orbits.slopes[:, chosen] = moderate


def _geometric(product: Array, power: Power, blocks: int) -> Array:
    """Return 1 + P + … + P**(m - 1), without cancellation for P near 1."""
    gained = np.where(product > 0, np.expm1(power.log), power.value - 1.0)
    return np.where(product == 1.0, float(blocks), gained / (product - 1.0))
