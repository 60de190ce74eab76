"""Products and slopes on their way through blocks: plain floats, with powers of two taken out of columns that leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.orbits import FALLEN, FURTHEST, LOST
from symgrad.kernels.vectors.affine import Affine
from symgrad.kernels.vectors.wide import NOTHING, Wide

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
LARGE, SMALL = 2.0**300, 2.0**-300
EXPLODED, FARTHEST_APART = 100.0, -600.0


def filled(parts: Sequence[Any], rows: int, points: int) -> Array:
    """Return outputs of a program, row-major, as one array of shape (rows, columns, points)."""
    whole = np.empty((len(parts), points))
    for row, part in zip(whole, parts, strict=True):
        row[...] = part
    return whole.reshape(rows, -1, points)


@dataclass
class Matrix:
    """Floats times a power of two for each column.

    Parameters
    ----------
    entries : shape (rows, columns, points)
    exponent : shape (columns, points)
    """

    entries: Array
    exponent: Array

    @classmethod
    def of_product(cls, wide: Wide, flagged: Mask) -> "Matrix":
        """Return numbers with exponents of their own; flag columns whose entries lie too far apart."""
        exponent = wide.exponent.max(axis=0)
        exponent[exponent < NOTHING / 2] = 0.0
        shift = wide.exponent - exponent
        if not shift.any():
            return cls(wide.mantissa, exponent)
        flagged |= ((shift < FARTHEST_APART) & (wide.mantissa != 0.0)).any(axis=(0, 1))
        return cls(np.ldexp(wide.mantissa, np.maximum(shift, -FURTHEST).astype(np.intc)), exponent)

    @classmethod
    def of_slopes(cls, wide: Wide, flagged: Mask) -> "Matrix":
        """Return numbers with exponents of their own, counted in 1 unless they have exploded."""
        exponent = np.maximum(wide.exponent.max(axis=0, initial=NOTHING), 0.0)
        exponent[exponent < EXPLODED] = 0.0
        shift = wide.exponent - exponent
        if not shift.any():
            return cls(wide.mantissa, exponent)
        flagged |= ((shift < np.log2(FALLEN)) & (wide.mantissa != 0.0) & (exponent > 0)).any(axis=(0, 1))
        return cls(np.ldexp(wide.mantissa, np.maximum(shift, -FURTHEST).astype(np.intc)), exponent)

    def check(self, flagged: Mask, pattern: NDArray[np.bool_] | None, *, exact: bool) -> None:
        """Take powers of two out of columns that leave the middle of float64; flag what it has lost.

        Without a pattern only the norm of the matrix counts, else every entry of the pattern.
        """
        size = np.abs(self.entries)
        if not size.max() < LARGE or size.min() < SMALL:
            chosen = size.max(axis=(0, 1)) if pattern is None else size[pattern]
            lost = ~np.isfinite(chosen) | ((chosen < LOST) & ((chosen != 0.0) | (not exact)))
            flagged |= lost.reshape(-1, len(flagged)).any(axis=0)
            largest = size.max(axis=0)
            self._rescale(largest, np.isfinite(largest) & (largest > 0) & ((largest > LARGE) | (largest < SMALL)))

    def check_slopes(self, flagged: Mask) -> None:
        """Take powers of two out of exploding columns, flagging those that came far back down."""
        if self.exponent.any() or not np.abs(self.entries).max(initial=0.0) < LARGE:
            size = np.abs(self.entries)
            fallen = (self.exponent > 0) & (size < FALLEN) & (size > 0)
            flagged |= fallen.any(axis=(0, 1)) | ~np.isfinite(size).all(axis=(0, 1))
            largest = size.max(axis=0)
            self._rescale(largest, np.isfinite(largest) & (largest > LARGE))

    def _rescale(self, largest: Array, off: Mask) -> None:
        if off.any():
            powers = np.where(off, np.frexp(largest)[1], 0).astype(np.intc)
            self.entries = np.ldexp(self.entries, -powers)
            self.exponent = self.exponent + powers

    def wide(self, flagged: Mask) -> Wide:
        """Return the numbers as they are, with their exponents; flag what is not finite."""
        finite = np.isfinite(self.entries).all(axis=(0, 1))
        if not finite.all():
            flagged |= ~finite
            self.entries[:, :, ~finite] = 0.0
        return Wide(self.entries, np.broadcast_to(self.exponent, self.entries.shape))


@dataclass
class Frame:
    """The compound matrices and the slopes of a tile.

    Parameters
    ----------
    flagged : where float64 has lost the point
    pattern : which entries of the product can differ from zero
    alive : which compound matrices can differ from zero
    exact : whether what is computed as 0 is exactly 0
    """

    compounds: list[Matrix]
    slopes: Matrix
    flagged: Mask
    pattern: NDArray[np.bool_]
    alive: Sequence[bool]
    exact: bool

    @classmethod
    def of(
        cls, affine: Affine, flagged: Mask, pattern: NDArray[np.bool_], alive: Sequence[bool], *, exact: bool
    ) -> "Frame":
        """Return what was carried, in floats."""
        compounds = [Matrix.of_product(one, flagged) for one in affine.compounds]
        return cls(compounds, Matrix.of_slopes(affine.own, flagged), flagged, pattern, alive, exact)

    @property
    def scaled(self) -> bool:
        """Whether a power of two was taken out of some slopes."""
        return bool(self.slopes.exponent.any())

    @property
    def rows(self) -> list[Array]:
        """Every carried number in the order of a program's inputs."""
        found = [row for one in (*self.compounds, self.slopes) for entries in one.entries for row in entries]
        return found + (list(np.exp2(-np.minimum(self.slopes.exponent, FURTHEST))) if self.scaled else [])

    def follow(self, outer: Sequence[Any], local: Sequence[Any], reach: NDArray[np.bool_]) -> None:
        """Take over the outputs of a block."""
        first, points = 0, len(self.flagged)
        self.pattern = reach @ self.pattern
        for order, one in enumerate(self.compounds):
            size = len(one.entries)
            one.entries = filled(outer[first : first + size * size], size, points)
            first += size * size
            if self.alive[order]:
                one.check(self.flagged, None if order else self.pattern, exact=self.exact)
        if local:
            self.slopes.entries = filled(local, len(self.slopes.entries), points)
            self.slopes.check_slopes(self.flagged)

    def flag_lost(self) -> None:
        """Flag slopes so small that float64 has lost digits of their terms."""
        size = np.abs(self.slopes.entries).max(axis=0)
        if not size.min(initial=1.0) >= LOST:
            lost = (size < LOST) & (self.slopes.exponent == 0.0) & ((size > 0.0) | (not self.exact))
            self.flagged |= lost.any(axis=0)

    def affine(self) -> Affine:
        """Return what was carried as numbers with exponents of their own."""
        return Affine(tuple(one.wide(self.flagged) for one in self.compounds), self.slopes.wide(self.flagged))
