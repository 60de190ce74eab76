"""Many scalar orbits between blocks: state, chain product and sensitivities, folded without overflow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
LOST_EXPONENT = -900
LOST, LARGE, FALLEN = 2.0**-900, 2.0**100, 2.0**-200
FURTHEST = 5000.0


@dataclass
class Orbits:
    """What travels with so many points, all arrays of shape (points,) unless said otherwise.

    Parameters
    ----------
    state : x
    mantissa, exponent : the chain product, mantissa · 2**exponent
    slopes : ∂x/∂name · 2**-scale for each name, shape (names, points)
    scale : the power of two taken out of the slopes, 0 until they explode
    flagged : where float64 has lost the point
    settled : where an orbit was finished in closed form
    factor : |product of the factors of a block| where the orbit was last looked at and had not settled, else nan
    """

    state: Array
    mantissa: Array
    exponent: Array
    slopes: Array
    scale: Array
    flagged: Mask
    settled: Mask
    factor: Array

    @classmethod
    def of(cls, start: Array, names: int) -> "Orbits":
        """Return the orbits before their first step."""
        n = len(start)
        none = np.zeros(n, dtype=bool)
        return cls(
            np.array(start, dtype=np.float64),
            np.ones(n),
            np.zeros(n),
            np.zeros((names, n)),
            np.zeros(n),
            none,
            none.copy(),
            np.full(n, np.nan),
        )

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
        )

    def put(self, index: Any, other: "Orbits") -> None:
        """Write points back."""
        self.state[index], self.mantissa[index], self.exponent[index] = other.state, other.mantissa, other.exponent
        self.slopes[:, index], self.scale[index], self.factor[index] = other.slopes, other.scale, other.factor
        self.flagged[index], self.settled[index] = other.flagged, other.settled

    def multiply(self, factor: Any, powers: NDArray[np.int32]) -> None:
        """Multiply the chain product by a factor, flagging those that float64 hardly holds."""
        np.multiply(self.mantissa, factor, out=self.mantissa)
        np.frexp(self.mantissa, self.mantissa, powers)
        np.add(self.exponent, powers, out=self.exponent)
        if powers.min() < LOST_EXPONENT:
            self.flagged |= powers < LOST_EXPONENT

    def extend(self, product: Any, own: Sequence[Any], live: int) -> None:
        """Take the slopes s to product·s + own; only the first ``live`` can have left zero."""
        if not len(self.slopes):
            return
        if self.scale.any():
            self._extend_scaled(product, own)
            return
        for row, added in zip(self.slopes, own, strict=True):
            np.multiply(row, product, out=row)
            np.add(row, added, out=row)
        if live and not (self.slopes.min() > -LARGE and self.slopes.max() < LARGE):
            self.rescale()

    def _extend_scaled(self, product: Any, own: Sequence[Any]) -> None:
        shift = -np.minimum(self.scale, FURTHEST).astype(np.intc)
        for row, added in zip(self.slopes, own, strict=True):
            np.multiply(row, product, out=row)
            np.add(row, np.ldexp(added, shift), out=row)
        self.rescale()

    def rescale(self) -> None:
        """Take powers of two out of exploding slopes, flagging those that came far back down."""
        size = np.abs(self.slopes).max(axis=0)
        self.flagged |= (self.scale > 0) & (size < FALLEN)
        off = np.isfinite(size) & (size > LARGE)
        powers = np.where(off, np.frexp(size)[1], 0).astype(np.intc)
        self.slopes = np.ldexp(self.slopes, -powers)
        self.scale += powers

    def flag_lost(self, product: Any, live: Sequence[int], zeros_exact: bool) -> None:
        """Flag points whose slopes in ``live`` are so small that float64 has lost digits, but for exact zeros."""
        for row in live:
            size = np.abs(self.slopes[row])
            if not size.min() >= LOST:  # also where one is nan
                exact = (size == 0.0) & (product == 0.0) if zeros_exact else False
                self.flagged |= (size < LOST) & ~np.asarray(exact)

    def flag_undefined(self, zeros_exact: bool) -> None:
        """Flag states, products and slopes that are no finite numbers, and products that underflowed to zero."""
        self.flagged |= ~np.isfinite(self.state) | ~np.isfinite(self.mantissa)
        whole = np.isfinite(self.exponent) & np.isfinite(self.scale)
        self.flagged |= ~np.isfinite(self.slopes).all(axis=0) | ~whole
        self.exponent[~whole] = self.scale[~whole] = 0.0
        if not zeros_exact:
            self.flagged |= self.mantissa == 0.0
