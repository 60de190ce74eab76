"""Many scalar orbits between blocks: state, chain product and sensitivities, folded without overflow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
LOST_EXPONENT = -900
REACH = 400.0
LOST, LARGE, FALLEN = 2.0**-900, 2.0**100, 2.0**-200
FURTHEST = 5000.0


def reach_of(size: Array) -> float:
    """Return how many powers of two some sizes are away from 1, inf where one is 0 or no finite number.

    >>> reach_of(np.array([0.25, 2.0]))
    2.0
    """
    low, high = float(size.min()), float(size.max())
    return max(-math.log2(low), math.log2(high)) if low > 0.0 and high < math.inf else math.inf


@dataclass
class Orbits:
    """What travels with so many points, all arrays of shape (points,) unless said otherwise.

    Parameters
    ----------
    state : x
    mantissa, exponent : the chain product, mantissa · 2**exponent, the mantissa between 2**-800 and 2**800 or 0
    slopes : ∂x/∂name · 2**-scale for each name, shape (names, points)
    scale : the power of two taken out of the slopes, 0 until they explode
    flagged : where float64 has lost the point
    settled : where an orbit was finished in closed form
    factor : |product of the factors of a block| where the orbit was last looked at and had not settled, else nan
    scaled : whether some scale may differ from 0
    """

    state: Array
    mantissa: Array
    exponent: Array
    slopes: Array
    scale: Array
    flagged: Mask
    settled: Mask
    factor: Array
    scaled: bool = False

    @classmethod
    def of(cls, start: Array, names: int, room: Array | None = None) -> "Orbits":
        """Return the orbits before their first step; ``room``, shape (5 + names, points), holds their numbers."""
        n = len(start)
        rows = np.empty((5 + names, n)) if room is None else room
        rows[0], rows[1], rows[2:4], rows[4], rows[5:] = start, 1.0, 0.0, np.nan, 0.0
        none = np.zeros(n, dtype=bool)
        return cls(rows[0], rows[1], rows[2], rows[5:], rows[3], none, none.copy(), rows[4])

    def at(self, index: Any) -> "Orbits":
        """Return copies of some points, contiguous in memory."""
        return Orbits(
            self.state[index].copy(),
            self.mantissa[index].copy(),
            self.exponent[index].copy(),
            np.ascontiguousarray(self.slopes[:, index]),
            self.scale[index].copy(),
            self.flagged[index].copy(),
            self.settled[index].copy(),
            self.factor[index].copy(),
            self.scaled,
        )

    @staticmethod
    def joined(parts: Sequence["Orbits"]) -> "Orbits":
        """Return the orbits of several parts in a row."""
        names = ("state", "mantissa", "exponent", "slopes", "scale", "flagged", "settled", "factor")
        rows = {name: np.concatenate([getattr(one, name) for one in parts], axis=-1) for name in names}
        return Orbits(**rows, scaled=any(one.scaled for one in parts))

    def put(self, index: Any, other: "Orbits") -> None:
        """Write points back."""
        self.state[index], self.mantissa[index], self.exponent[index] = other.state, other.mantissa, other.exponent
        self.slopes[:, index], self.scale[index], self.factor[index] = other.slopes, other.scale, other.factor
        self.flagged[index], self.settled[index] = other.flagged, other.settled
        self.scaled |= other.scaled

    def multiply(self, factor: Any, size: Array, reach: float) -> float:
        """Multiply the chain product by a factor, flagging those that float64 hardly holds.

        Parameters
        ----------
        size : room for one number per point
        reach : how many powers of two a mantissa may be away from 1; what it is afterwards is returned
        """
        np.abs(factor, out=size)
        step = reach_of(size)
        if step <= REACH and reach + step <= 2 * REACH:
            np.multiply(self.mantissa, factor, out=self.mantissa)
            return reach + step
        self.normalise()
        self.flagged |= (size < LOST) & (size > 0.0)
        np.multiply(self.mantissa, factor, out=self.mantissa)
        self.normalise()
        return 1.0

    def normalise(self) -> None:
        """Bring the mantissas between 1/2 and 1."""
        powers = np.empty(len(self.mantissa), dtype=np.intc)
        np.frexp(self.mantissa, self.mantissa, powers)
        self.exponent += powers

    def extend(self, product: Any, own: Sequence[Any], live: Sequence[int], zeros_exact: bool, size: Array) -> None:
        """Take the slopes s to product·s + own, but for those that have not left zero; flag what float64 has lost."""
        shift = -np.minimum(self.scale, FURTHEST).astype(np.intc) if self.scaled else None
        large, small = self.scaled and len(self.slopes) > 0, False
        for row in live:
            slope, added = self.slopes[row], own[row]
            np.multiply(slope, product, out=slope)
            np.add(slope, added if shift is None else np.ldexp(added, shift), out=slope)
            np.abs(slope, out=size)
            large |= not size.max() < LARGE  # also where one is nan
            small |= not size.min() >= LOST
        if large:
            self.rescale()
        if large or small:
            self._flag_lost(product, live, zeros_exact)

    def _flag_lost(self, product: Any, live: Sequence[int], zeros_exact: bool) -> None:
        """Flag points whose slopes in ``live`` are so small that float64 has lost digits, but for exact zeros."""
        for row in live:
            size = np.abs(self.slopes[row])
            exact = (size == 0.0) & (product == 0.0) if zeros_exact else False
            self.flagged |= (size < LOST) & ~np.asarray(exact)

    def rescale(self) -> None:
        """Take powers of two out of exploding slopes, flagging those that came far back down."""
        size = np.abs(self.slopes).max(axis=0)
        self.flagged |= (self.scale > 0) & (size < FALLEN)
        off = np.isfinite(size) & (size > LARGE)
        powers = np.where(off, np.frexp(size)[1], 0).astype(np.intc)
        self.slopes[...] = np.ldexp(self.slopes, -powers)
        self.scale += powers
        self.scaled |= bool(off.any())

    def flag_undefined(self, zeros_exact: bool) -> None:
        """Flag states, products and slopes that are no finite numbers, and products that underflowed to zero."""
        self.flagged |= ~np.isfinite(self.state) | ~np.isfinite(self.mantissa)
        whole = np.isfinite(self.exponent) & np.isfinite(self.scale)
        self.flagged |= ~np.isfinite(self.slopes).all(axis=0) | ~whole
        self.exponent[~whole] = self.scale[~whole] = 0.0
        if not zeros_exact:
            self.flagged |= self.mantissa == 0.0
