"""Jacobians at many points side by side, as what they are made of, and their products with tangent columns.

Points come last: tangents have shape (d, c, points). A layer φ(Wx + b) has the Jacobian D·W with one diagonal D for
each point and one W for all, so that all tangents of all points are multiplied by W at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
ONE_BY_ONE = 12


@dataclass(frozen=True)
class Entries:
    """A Jacobian as d·d entries, row-major, each a number shared by all points or an array of shape (points,)."""

    rows: tuple[tuple[Any, ...], ...]

    def times(self, tangents: Array) -> Array:
        """Return J·Z for tangents Z of shape (d, c, points)."""
        result = np.empty_like(tangents)
        for i, row in enumerate(self.rows):
            target, started = result[i], False
            for j, entry in enumerate(row):
                if np.ndim(entry) == 0 and entry == 0:
                    continue
                if not started:
                    np.multiply(tangents[j], entry, out=target)
                    started = True
                elif np.ndim(entry) == 0 and entry == 1:
                    target += tangents[j]
                else:
                    target += tangents[j] * entry
            if not started:
                target[...] = 0.0
        return result

    def dense(self, points: int) -> Array:
        """Return the matrices, shape (d, d, points)."""
        d = len(self.rows)
        matrix = np.empty((d, d, points))
        for i, row in enumerate(self.rows):
            for j, entry in enumerate(row):
                matrix[i, j] = entry
        return matrix


@dataclass(frozen=True)
class Scaled:
    """A Jacobian diag(rows)·core·diag(columns): core (d, d) for all points, rows and columns (d, points) or None."""

    core: Array
    rows: Array | None = None
    columns: Array | None = None

    def times(self, tangents: Array) -> Array:
        """Return J·Z for tangents Z of shape (d, c, points)."""
        d, c, points = tangents.shape
        inner = tangents if self.columns is None else tangents * self.columns[:, None, :]
        result: Array = (self.core @ inner.reshape(d, c * points)).reshape(d, c, points)
        if self.rows is not None:
            result *= self.rows[:, None, :]
        return result

    def dense(self, points: int) -> Array:
        """Return the matrices, shape (d, d, points)."""
        return self.times(np.repeat(np.eye(len(self.core))[:, :, None], points, axis=2))


@dataclass(frozen=True)
class Dense:
    """Jacobians as one array, shape (d, d, points), or (d, d) for all points."""

    matrix: Array

    def times(self, tangents: Array) -> Array:
        """Return J·Z for tangents Z of shape (d, c, points)."""
        d, c, points = tangents.shape
        if self.matrix.ndim == 2:
            return np.asarray((self.matrix @ tangents.reshape(d, c * points)).reshape(d, c, points))
        if points == 1:
            return np.asarray((self.matrix[:, :, 0] @ tangents[:, :, 0])[:, :, None])
        if d > ONE_BY_ONE:
            product = np.moveaxis(self.matrix, -1, 0) @ np.moveaxis(tangents, -1, 0)
            return np.array(np.moveaxis(product, 0, -1))
        result = self.matrix[:, 0, None, :] * tangents[None, 0]
        for j in range(1, d):
            result += self.matrix[:, j, None, :] * tangents[None, j]
        return np.asarray(result)

    def dense(self, points: int) -> Array:
        """Return the matrices, shape (d, d, points)."""
        matrix = self.matrix if self.matrix.ndim == 3 else self.matrix[:, :, None]
        return np.array(np.broadcast_to(matrix, (*matrix.shape[:2], points)))


Jacobian: TypeAlias = Entries | Scaled | Dense


def applied(factors: Sequence[Jacobian], tangents: Array) -> Array:
    """Return J_m ⋯ J_1·Z, the first factor applied first."""
    for factor in factors:
        tangents = factor.times(tangents)
    return tangents


def identity(dimension: int, points: int) -> Array:
    """Return the unit frame at every point, shape (d, d, points)."""
    return np.repeat(np.eye(dimension)[:, :, None], points, axis=2)
