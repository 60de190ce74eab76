"""Arrays of numbers mantissa · 2**exponent, every entry with an exponent of its own, and their matrix products.

Leaner than ``SignedLog``: mantissas are finite. Only in the normal form that sums and products need are they brought
to [0.5, 1), and has a zero the exponent ``NOTHING``, far below any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.signed_log import SignedLog

Array = NDArray[np.float64]
NOTHING = -1e18
FURTHEST = 2000.0


@dataclass(frozen=True)
class Wide:
    """Numbers mantissa · 2**exponent, both of shape (rows, columns, points)."""

    mantissa: Array
    exponent: Array

    @classmethod
    def of(cls, mantissa: Array, exponent: Any = 0.0) -> "Wide":
        """Return floats times powers of two, with mantissas in [0.5, 1) or 0.

        >>> wide = Wide.of(np.array([[[6.0, 0.0]]]))
        >>> wide.mantissa.tolist(), wide.exponent.tolist()
        ([[[0.75, 0.0]]], [[[3.0, -1e+18]]])
        """
        part, shift = np.frexp(mantissa)
        height = shift + np.asarray(exponent, dtype=np.float64)
        return cls(part, np.where(part == 0.0, NOTHING, height))

    @property
    def normal(self) -> "Wide":
        """The same numbers in normal form."""
        return Wide.of(self.mantissa, self.exponent)

    @classmethod
    def unit(cls, size: int, points: int) -> "Wide":
        """Return the unit matrix at every point."""
        return cls.of(np.repeat(np.eye(size)[:, :, None], points, axis=2))

    @classmethod
    def zeros(cls, rows: int, columns: int, points: int) -> "Wide":
        """Return matrices of zeros."""
        return cls(np.zeros((rows, columns, points)), np.full((rows, columns, points), NOTHING))

    def at(self, index: Any) -> "Wide":
        """Return some of the points."""
        return Wide(self.mantissa[:, :, index], self.exponent[:, :, index])

    def put(self, index: Any, other: "Wide") -> None:
        """Write points back."""
        self.mantissa[:, :, index], self.exponent[:, :, index] = other.mantissa, other.exponent

    def with_points(self, index: Any, other: "Wide") -> "Wide":
        """Return the same with some points taken from another."""
        found = Wide(self.mantissa.copy(), self.exponent.copy())
        found.put(index, other)
        return found

    @property
    def value(self) -> Array:
        """The numbers as floats: ±inf or 0 where they leave float64."""
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(np.ldexp(self.mantissa, np.clip(self.exponent, -FURTHEST, FURTHEST).astype(np.intc)))

    def signed_log(self) -> SignedLog:
        """Return the same numbers with the rows and columns in one row, shape (rows·columns, points)."""
        part, shift = np.frexp(self.mantissa.reshape(-1, self.mantissa.shape[2]))
        return SignedLog(part, np.where(part == 0.0, 0.0, shift + self.exponent.reshape(part.shape)))


def lowered(mantissa: Array, shift: Array) -> Array:
    """Return mantissa · 2**shift for whole shifts that are not positive; below 2**-1000 it vanishes beside others.

    >>> lowered(np.array([0.75, 0.75]), np.array([-1.0, -5000.0])).tolist()
    [0.375, 6.999477138774142e-302]
    """
    bits = np.maximum(shift, -1000.0)
    bits += 1023.0
    return np.asarray(mantissa * (bits.astype(np.int64) << 52).view(np.float64))


def total(terms: Sequence[tuple[Array, Array]]) -> Wide:
    """Return the sum of terms mantissa · 2**exponent of one shape, in normal form."""
    if len(terms) == 1:
        return Wide.of(*terms[0])
    top = reduce(np.maximum, (exponent for _, exponent in terms))
    return Wide.of(reduce(np.add, (lowered(mantissa, exponent - top) for mantissa, exponent in terms)), top)


def product_terms(a: Wide, b: Wide) -> list[tuple[Array, Array]]:
    """Return the terms a[:, k]·b[k, :] that make up the matrix product a·b."""
    return [
        (a.mantissa[:, k, None] * b.mantissa[None, k], a.exponent[:, k, None] + b.exponent[None, k])
        for k in range(a.mantissa.shape[1])
    ]


def product(a: Wide, b: Wide) -> Wide:
    """Return the matrix product a·b at every point.

    >>> tiny = Wide.of(np.full((1, 1, 1), 0.5), -5000.0)
    >>> product(tiny, tiny).exponent.tolist()
    [[[-10001.0]]]
    """
    return total(product_terms(a, b))
