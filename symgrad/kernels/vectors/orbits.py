"""Many orbits of vector states: state, product with its compound matrices, and slopes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.vectors.affine import Affine
from symgrad.kernels.vectors.programs import sizes_of
from symgrad.kernels.vectors.wide import Wide

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]


@dataclass
class VectorOrbits:
    """What travels with so many points; the last axis is the point.

    Parameters
    ----------
    state : shape (d, points)
    affine : the chain product with its compound matrices, and the slopes by name
    flagged, settled : where float64 has lost the point; where an orbit was finished in closed form
    factor : the norm of the product of a block where the orbit had not settled in the end, else nan
    pattern : which entries of the products can differ from zero, shape (d, d)
    """

    state: Array
    affine: Affine
    flagged: Mask
    settled: Mask
    factor: Array
    pattern: Mask

    @classmethod
    def of(cls, start: Array, names: int) -> "VectorOrbits":
        """Return the orbits before their first step."""
        points, sizes = start.shape[1], sizes_of(len(start))
        none = np.zeros(points, dtype=bool)
        affine = Affine.unit(sizes, names, points)
        return cls(start.copy(), affine, none, none.copy(), np.full(points, np.nan), np.eye(len(start), dtype=bool))

    @property
    def alive(self) -> Index:
        """The points that float64 has not lost."""
        return np.flatnonzero(~self.flagged)

    def tile(self, part: Index, live: Sequence[int]) -> "VectorOrbits":
        """Return copies of some points, with the slopes of the live names only."""
        affine = self.affine.at(part)
        own = Wide(affine.own.mantissa[:, list(live)], affine.own.exponent[:, list(live)])
        arrays = self.flagged[part], self.settled[part], self.factor[part]
        return VectorOrbits(self.state[:, part], Affine(affine.compounds, own), *arrays, self.pattern)

    def put(self, part: Index, other: "VectorOrbits", live: Sequence[int]) -> None:
        """Write points back."""
        self.state[:, part] = other.state
        for one, new in zip(self.affine.compounds, other.affine.compounds, strict=True):
            one.put(part, new)
        own, new = self.affine.own, other.affine.own
        for row, name in enumerate(live):
            own.mantissa[:, name, part], own.exponent[:, name, part] = new.mantissa[:, row], new.exponent[:, row]
        self.flagged[part], self.settled[part], self.factor[part] = other.flagged, other.settled, other.factor
