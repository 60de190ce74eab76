"""Singular values of long Jacobian products, in logarithms: no direction is lost, however far they grow apart.

The product is carried as Q·diag(exp l)·U·Q₀ᵀ with orthonormal Q and rows of U of length 1, one QR per factor. Q₀ comes
from a first sweep over the transposed factors, so that the rows are graded from the start (Stewart 1995, "On graded QR
decompositions of products of matrices", Electron. Trans. Numer. Anal. 3:39). Where all singular values are within
float64's reach of one another one SVD ends it, otherwise QR steps on the graded matrix and its transpose.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError

Array = NDArray[np.float64]
DIRECT = 25.0
MOST_STEPS, CLOSE = 60, 1e-4
EPSILON = float(np.finfo(float).eps)


def log_singular_values(
    jacobians: Sequence[Array] | Array, depths: Sequence[int] | None = None, *, ranks: Sequence[Array] | None = None
) -> Array:
    """Return log σ of J_t ⋯ J_1 at each depth t, the largest first.

    Parameters
    ----------
    jacobians : J_1, J_2, …, shape (s, s, *members) each, rows = new state
    depths : the numbers of factors to stop at, increasing; None for all of them
    ranks : rank of each factor where it is known to be less than s, shape (members,) each: for factors in general
        position the product has the least of them, and the singular values beyond are exactly 0

    Returns
    -------
    logarithms in nats, shape (len(depths), s, *members); -inf for an exact zero. Where they lie within 25 nats of one
    another they are as right as one SVD, else within 0.01 nats: one sweep serves all depths, while
    ``symgrad.phenomena.spectra`` gives those of one product to full accuracy

    Raises
    ------
    InputError : a factor that is not square or not finite, or a depth beyond the factors

    Examples
    --------
    >>> factor = np.diag([2.0, 1e-3])
    >>> log_singular_values([factor] * 100, [1, 100]).round(4).tolist()
    [[0.6931, -6.9078], [69.3147, -690.7755]]
    """
    factors = [_entered(j, k) for k, j in enumerate(jacobians, start=1)]
    wanted = _checked(depths, len(factors))
    members = np.shape(jacobians[0])[2:]
    stacked = [np.ascontiguousarray(np.moveaxis(f, -1, 0)) for f in factors]
    frame = _aligned(stacked[: wanted[-1]])
    count, size = frame.shape[:2]
    logs, rows = np.zeros((count, size)), np.swapaxes(np.broadcast_to(np.eye(size), frame.shape), 1, 2).copy()
    found = np.empty((len(wanted), size, count))
    for depth, factor in enumerate(stacked[: wanted[-1]], start=1):
        frame, upper = _orthonormalised(factor @ frame)
        logs, rows = _scaled(upper, logs, rows)
        if depth in wanted:
            values = _graded(logs, rows)
            if ranks is not None:
                least = np.min([np.ravel(r) for r in ranks[:depth]], axis=0)
                values = np.where(np.arange(size) < least[:, None], values, -np.inf)
            found[wanted.index(depth)] = values.T
    return found.reshape(len(wanted), size, *members)


def _entered(jacobian: Array, number: int) -> Array:
    """Return one factor with a single axis of members, refusing what is not square or not finite."""
    array = np.asarray(jacobian, dtype=float)
    if array.ndim < 2 or array.shape[0] != array.shape[1] or not array.shape[0]:
        raise InputError(f"factor {number} has shape {array.shape}; singular values need square factors (s, s, …)")
    if not np.isfinite(array).all():
        raise InputError(f"factor {number} is not finite; the states left float64 there, stop before it")
    return array.reshape(*array.shape[:2], -1)


def _checked(depths: Sequence[int] | None, count: int) -> list[int]:
    wanted = [*range(1, count + 1)] if depths is None else [int(d) for d in depths]
    if not wanted or wanted != sorted(set(wanted)) or wanted[0] < 1 or wanted[-1] > count:
        raise InputError(f"depths must increase from 1 to at most {count}, got {wanted[:5]}; give e.g. [{count}]")
    return wanted


def _aligned(stacked: Sequence[Array]) -> Array:
    """Return orthonormal columns that the whole product stretches in decreasing order, by a sweep over transposes."""
    count, size, _ = stacked[0].shape
    frame = np.broadcast_to(np.eye(size), (count, size, size))
    for factor in reversed(stacked):
        frame = np.linalg.qr(np.swapaxes(factor, 1, 2) @ frame)[0]
    return np.asarray(frame)


def _orthonormalised(tangents: Array) -> tuple[Array, Array]:
    """Return QR, with diagonal entries below the rounding of their column set to exactly 0."""
    frame, upper = np.linalg.qr(tangents)
    size = upper.shape[1]
    corner = np.abs(np.diagonal(upper, axis1=1, axis2=2))
    lost = corner <= 4 * size * EPSILON * np.linalg.norm(upper, axis=1)
    if lost.any():
        member, place = np.nonzero(lost)
        upper[member, place, place] = 0.0
    return frame, upper


def _scaled(left: Array, logs: Array, rows: Array) -> tuple[Array, Array]:
    """Return left·diag(exp logs)·rows as (logarithms of the lengths of its rows, rows of length 1)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.log(np.abs(left)) + logs[:, None, :]
        largest = sizes.max(axis=2)
        safe = np.where(np.isfinite(largest), largest, 0.0)
        weights = np.sign(left) * np.exp(sizes - safe[:, :, None])
        product = weights @ rows
        lengths = np.linalg.norm(product, axis=2)
        logs = np.where(lengths > 0, safe + np.log(lengths), -np.inf)
        return logs, product / np.where(lengths > 0, lengths, 1.0)[:, :, None]


def _graded(logs: Array, rows: Array) -> Array:
    """Return the logarithms of the singular values of diag(exp logs)·rows, the largest first; shape (count, s)."""
    for _ in range(MOST_STEPS):
        before = logs
        logs, rows = _sorted(logs, rows)
        if _narrow(logs).all():
            break
        upper = np.asarray(np.linalg.qr(np.swapaxes(rows, 1, 2), mode="r"))
        logs, rows = _scaled(upper, logs, np.broadcast_to(np.eye(rows.shape[1]), rows.shape))
        with np.errstate(invalid="ignore"):
            if np.nanmax(np.abs(np.sort(logs) - np.sort(before)), initial=0.0) < CLOSE:
                break
    values = -np.sort(-logs, axis=1)
    for member in np.flatnonzero(_narrow(logs)):
        there = np.isfinite(logs[member])
        if there.any():
            top = logs[member].max()
            matrix = np.exp(logs[member, there] - top)[:, None] * rows[member, there]
            with np.errstate(divide="ignore"):
                values[member, : there.sum()] = np.log(np.linalg.svd(matrix, compute_uv=False)) + top
    return values


def _sorted(logs: Array, rows: Array) -> tuple[Array, Array]:
    order = np.argsort(-logs, axis=1, kind="stable")
    return np.take_along_axis(logs, order, axis=1), np.take_along_axis(rows, order[:, :, None], axis=1)


def _narrow(logs: Array) -> NDArray[np.bool_]:
    """Return where all singular values but exact zeros lie within reach of one SVD in float64."""
    least = np.where(np.isfinite(logs), logs, np.inf).min(axis=1)
    with np.errstate(invalid="ignore"):
        return np.asarray(~(logs.max(axis=1) - least >= DIRECT))
