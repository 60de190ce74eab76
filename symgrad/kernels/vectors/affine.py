"""What a piece of a chain does: s -> P·s + Q to the sensitivities, with the compound matrices of its product P."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symgrad.kernels.vectors.wide import Wide, product, product_terms, total


@dataclass(frozen=True)
class Affine:
    """The product P of a piece of a chain, its compound matrices, and what the piece adds to the sensitivities.

    Parameters
    ----------
    compounds : the compound matrices of P of the orders 1 … d, each (size, size, points); the first is P
    own : Q, a column for each name, shape (d, names, points)
    """

    compounds: tuple[Wide, ...]
    own: Wide

    @classmethod
    def unit(cls, sizes: Sequence[int], names: int, points: int) -> "Affine":
        """Return what an empty piece does; ``sizes`` are those of the compound matrices."""
        return cls(tuple(Wide.unit(size, points) for size in sizes), Wide.zeros(sizes[0], names, points))

    @property
    def normal(self) -> "Affine":
        """The same numbers in normal form."""
        return Affine(tuple(one.normal for one in self.compounds), self.own.normal)

    def then(self, later: "Affine") -> "Affine":
        """Return this piece followed by a later one, both in normal form."""
        compounds = tuple(product(b, a) for a, b in zip(self.compounds, later.compounds, strict=True))
        own = [*product_terms(later.compounds[0], self.own), (later.own.mantissa, later.own.exponent)]
        return Affine(compounds, total(own))

    def at(self, index: Any) -> "Affine":
        """Return some of the points."""
        return Affine(tuple(one.at(index) for one in self.compounds), self.own.at(index))

    def put(self, index: Any, other: "Affine") -> None:
        """Write points back."""
        for one, new in zip((*self.compounds, self.own), (*other.compounds, other.own), strict=True):
            one.put(index, new)

    def with_points(self, index: Any, other: "Affine") -> "Affine":
        """Return the same with some points taken from another."""
        pairs = zip((*self.compounds, self.own), (*other.compounds, other.own), strict=True)
        *compounds, own = (one.with_points(index, new) for one, new in pairs)
        return Affine(tuple(compounds), own)
