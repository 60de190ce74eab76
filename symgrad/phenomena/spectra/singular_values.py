"""All singular values of a product of any number of matrices, each to full relative accuracy, as logarithms.

The product is carried as Q·D·T: Q orthonormal, D diagonal in the log domain and sorted, T well conditioned. Each
factor meets only Q and D; scales that lie apart by thousands of nats are never added (graded decompositions: Stewart
1995, SIAM J. Matrix Anal. Appl. 16:1250; Loh et al. 1992). The singular values of D·T come from one-sided Jacobi
rotations, which keep the small ones to relative accuracy for such matrices (Demmel & Veselić 1992, SIAM J. Matrix
Anal. Appl. 13:1204).
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.spectra.frames import EPSILON, graded_qr
from symgrad.phenomena.spectra.jacobians import Array

MOST_SWEEPS = 40
LOWEST = -1e300


def singular_values_of_product(jacobians: Iterable[Any]) -> Array:
    """Return the natural logarithms of the singular values of J_n ⋯ J_1, largest first; -inf for a zero.

    Parameters
    ----------
    jacobians : J_1, J_2, …, the first applied first: each of shape (rows, columns), or (rows, columns, …) for the
        points (…); widths may change from one to the next

    Returns
    -------
    shape (r, …), r the least width

    Raises
    ------
    InputError : no matrix, widths that do not fit, entries that are not finite

    Examples
    --------
    >>> (singular_values_of_product([np.diag([0.5, 2.0])] * 800) / 800).round(12).tolist()
    [0.69314718056, -0.69314718056]
    >>> singular_values_of_product([np.ones((2, 3)), np.ones((1, 2))]).round(6).tolist()
    [1.242453]
    """
    product: _Graded | None = None
    shape: tuple[int, ...] = ()
    for count, given in enumerate(jacobians, start=1):
        matrix = np.asarray(given, dtype=float)
        if matrix.ndim < 2 or not np.isfinite(matrix).all():
            what = "has an entry that is not finite" if matrix.ndim >= 2 else f"has shape {matrix.shape}"
            raise InputError(f"Jacobian {count} {what}; give finite arrays of shape (rows, columns, points…)")
        flat = matrix.reshape(*matrix.shape[:2], -1)
        if product is None:
            shape = matrix.shape[2:]
            product = _Graded.unit(matrix.shape[1], flat.shape[2])
        elif matrix.shape[1] != len(product.frame) or flat.shape[2] not in (1, product.points):
            raise InputError(
                f"Jacobian {count} has shape {matrix.shape} and cannot follow a product with {len(product.frame)} rows "
                f"at points {shape}; give matrices that can be multiplied"
            )
        product = product.followed_by(flat)
    if product is None:
        raise InputError("a product needs at least one Jacobian, got none; give a list of matrices")
    return product.singular_values().reshape(-1, *shape)


class _Graded:
    """Q·diag(exp(scales))·T at every point: Q (rows, r, points), scales (r, points), T (r, columns, points)."""

    def __init__(self, frame: Array, scales: Array, mixing: Array) -> None:
        self.frame, self.scales, self.mixing = frame, scales, mixing

    @classmethod
    def unit(cls, width: int, points: int) -> "_Graded":
        """Return the unit matrix at every point."""
        eye = np.repeat(np.eye(width)[:, :, None], points, axis=2)
        return cls(eye, np.zeros((width, points)), eye.copy())

    @property
    def points(self) -> int:
        """How many products there are."""
        return int(self.frame.shape[2])

    def followed_by(self, matrix: Array) -> "_Graded":
        """Return J·Q·D·T, decomposed again: columns of J·Q sorted by their scales, then orthonormalised."""
        columns = np.moveaxis(np.moveaxis(matrix, -1, 0) @ np.moveaxis(self.frame, -1, 0), 0, -1)
        with np.errstate(divide="ignore"):
            sizes = np.log(np.sqrt((columns**2).sum(axis=0))) + self.scales
        order = np.argsort(-sizes, axis=0, kind="stable")
        columns = np.take_along_axis(columns, order[None], axis=1)
        scales = np.take_along_axis(self.scales, order, axis=0)
        mixing = np.take_along_axis(self.mixing, order[:, None, :], axis=0)
        frame, upper, share = graded_qr(columns)
        r = upper.shape[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            corner = np.where(share > 0, np.abs(upper[np.arange(r), np.arange(r)]), 0.0)
            new = np.log(corner) + scales[:r]
            steps = np.where(
                np.isfinite(new)[:, None], scales[None] - np.where(np.isfinite(new), new, 0.0)[:, None], 0.0
            )
            unit = np.where(upper == 0, 0.0, upper * np.exp(np.clip(steps, LOWEST, 700.0)))
        unit = np.where(np.isneginf(new)[:, None], 0.0, unit)
        mixed = np.moveaxis(np.moveaxis(unit, -1, 0) @ np.moveaxis(mixing, -1, 0), 0, -1)
        return _Graded(frame, new, mixed)

    def singular_values(self) -> Array:
        """Return the logarithms of the singular values, largest first, shape (r, points)."""
        r = min(self.mixing.shape[:2])
        logs = _one_sided_jacobi(self.scales, self.mixing.copy())
        return np.asarray(-np.sort(-logs, axis=0))[:r]


def _one_sided_jacobi(scales: Array, rows: Array) -> Array:
    """Return the logarithms of the singular values of diag(exp(scales))·rows by rotations of pairs of rows.

    Parameters
    ----------
    scales : shape (r, points); -inf where a row is zero
    rows : shape (r, columns, points); overwritten
    """
    r = len(scales)
    dead = np.isneginf(scales)
    scales = np.where(dead, LOWEST, scales)
    rows[np.repeat(dead[:, None], rows.shape[1], axis=1)] = 0.0
    order = np.argsort(-scales, axis=0, kind="stable")
    scales = np.take_along_axis(scales, order, axis=0)
    rows = np.take_along_axis(rows, order[:, None, :], axis=0)
    if r > 1:
        _preconditioned(scales, rows)
    for _ in range(MOST_SWEEPS):
        worst = 0.0
        for i in range(r - 1):
            for j in range(i + 1, r):
                worst = max(worst, _rotate(scales, rows, i, j))
        if worst < r * EPSILON:
            break
    with np.errstate(divide="ignore"):
        logs = scales + 0.5 * np.log((rows**2).sum(axis=1))
    return np.where(logs < LOWEST / 2, -np.inf, logs)


def _preconditioned(scales: Array, rows: Array) -> None:
    """Free later rows of the earlier ones where their scales lie far apart: the limit of a rotation, exact there."""
    for i in range(len(rows) - 1):
        far = np.exp(np.maximum(scales[i + 1 :] - scales[i], -745.0)) < EPSILON**2
        length = (rows[i] ** 2).sum(axis=0)
        shares = (rows[i + 1 :] * rows[i]).sum(axis=1) / np.where(length > 0, length, 1.0)
        rows[i + 1 :] -= np.where(far, shares, 0.0)[:, None, :] * rows[i]


def _rotate(scales: Array, rows: Array, i: int, j: int) -> float:
    """Make rows i and j orthogonal, with ratio = exp(scale_j - scale_i) kept apart; return the largest cosine met."""
    first, second = rows[i], rows[j]
    alpha, beta, gamma = (first**2).sum(axis=0), (second**2).sum(axis=0), (first * second).sum(axis=0)
    with np.errstate(all="ignore"):
        cosine = np.where((alpha > 0) & (beta > 0), np.abs(gamma) / np.sqrt(alpha * beta), 0.0)
        worst = float(np.max(cosine, initial=0.0))
        if worst < EPSILON:
            return worst
        gap = scales[j] - scales[i]
        swap = gap > 0
        ratio = np.exp(-np.abs(gap))
        large, small = np.where(swap, second, first), np.where(swap, first, second)
        alpha, beta = np.where(swap, beta, alpha), np.where(swap, alpha, beta) * ratio**2
        side = alpha - beta
        scaled = 2 * gamma / (np.abs(side) + np.sqrt(side**2 + (2 * gamma * ratio) ** 2))
        scaled = np.where(np.isfinite(scaled), scaled, 0.0) * np.where(side < 0, -1.0, 1.0)
        cos = 1 / np.sqrt(1 + (scaled * ratio) ** 2)
        new_large = cos * (large + scaled * ratio**2 * small)
        new_small = cos * (small - scaled * large)
    rows[i], rows[j] = np.where(swap, new_small, new_large), np.where(swap, new_large, new_small)
    return worst
