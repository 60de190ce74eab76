"""The (σ_w, σ_b) plane at once: fixed lengths, χ₁, correlations and depth scales on a grid.

References
----------
Poole et al. (2016), arXiv 1606.05340 (the plane); Schoenholz et al. (2017), arXiv 1611.01232 (the depth scales).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.length_maps import NOISE, START, scanned
from symgrad.phenomena.meanfield.moments import moments, pair_moments
from symgrad.phenomena.meanfield.nonlinearities import Nonlinearity, Phi, nonlinearity
from symgrad.phenomena.meanfield.quadrature import Array

STEPS, ROUGH = 6, 2
LENGTHS, DISTANCES = 32, 20
NEAREST = 1e-2


@dataclass(frozen=True)
class PhasePlane:
    """Wide random networks on a grid of deviations, arrays of shape (σ_w, σ_b).

    Parameters
    ----------
    phi : the nonlinearity
    sigma_w, sigma_b : the deviations, shape (nw,) and (nb,)
    q : the fixed length that q = 1 tends to, nan where it grows without bound or beyond 1e12
    chi1 : χ₁ there
    xi_gradient : 1/|log χ₁| in layers
    c, xi_c : the fixed correlation and its depth scale, None unless asked for; interpolated, to about 1e-4
    residual : largest relative residual of the length map's fixed points
    """

    phi: Nonlinearity
    sigma_w: Array
    sigma_b: Array
    q: Array
    chi1: Array
    xi_gradient: Array
    c: Array | None
    xi_c: Array | None
    residual: float


def phase_plane(phi: Phi, sigma_w: Array, sigma_b: Array, *, correlations: bool = False) -> PhasePlane:
    """Solve the length map, and if asked the correlation map, on a grid of (σ_w, σ_b).

    Brackets come from one scan of Eφ² that all points share; Newton's steps in log q with the full quadrature follow.

    Examples
    --------
    >>> plane = phase_plane("tanh", np.sqrt([1.0, 2.5]), np.sqrt([0.0, 0.05]))
    >>> plane.chi1.round(9)[1], bool(plane.residual < 1e-10)
    (array([1.1729704, 1.1335157]), True)
    """
    phi = nonlinearity(phi)
    wide, biased = _axis(sigma_w, "sigma_w"), _axis(sigma_b, "sigma_b")
    weights, biases = np.broadcast_arrays(wide[:, None] ** 2, biased[None, :] ** 2)
    shape = weights.shape
    flat = weights.ravel(), biases.ravel()
    q, residual = _scale_free(phi, *flat) if phi.homogeneous else _fixed_lengths(phi, *flat)
    chi1 = np.full(q.shape, np.nan)
    known = ~np.isnan(q)
    chi1[known] = flat[0][known] * moments(phi, q[known]).slope_square
    if phi.homogeneous:
        chi1 = flat[0] * float(moments(phi, np.array(1.0)).slope_square)
    with np.errstate(divide="ignore"):
        scale = 1.0 / np.abs(np.log(chi1))
    c = xi_c = None
    if correlations:
        c, xi_c = (part.reshape(shape) for part in _correlations(phi, flat[0], q, chi1))
    return PhasePlane(phi, wide, biased, q.reshape(shape), chi1.reshape(shape), scale.reshape(shape), c, xi_c, residual)


def _axis(values: Array, name: str) -> Array:
    """Return the deviations of one axis, or refuse them."""
    axis = np.asarray(values, dtype=float)
    least = "positive" if name == "sigma_w" else "at least 0"
    bad = ~np.isfinite(axis) | ((axis <= 0) if name == "sigma_w" else (axis < 0))
    if axis.ndim != 1 or not axis.size or bad.any():
        raise InputError(f"{name} must be a row of finite numbers, {least}, got {np.array2string(axis, threshold=4)}")
    return axis


def _scale_free(phi: Nonlinearity, weights: Array, biases: Array) -> tuple[Array, float]:
    chi1 = weights * float(moments(phi, np.array(1.0)).square)
    with np.errstate(divide="ignore", invalid="ignore"):
        lengths = np.where(chi1 < 1, biases / (1.0 - chi1), np.nan)
    return np.where((chi1 == 1) & (biases == 0), START, lengths), 0.0


def _fixed_lengths(phi: Nonlinearity, weights: Array, biases: Array) -> tuple[Array, float]:
    """Return the fixed length next to q = 1 in the direction of the first step, nan if there is none."""
    grid, known = scanned(phi)
    logs = np.log(grid)
    first = int(np.searchsorted(grid, START))
    excess = weights[:, None] * (known.square / grid) + biases[:, None] / grid - 1.0
    up = excess[:, first] > NOISE
    above = np.argmax(excess[:, first:] <= NOISE, axis=1) + first
    below = first - np.argmax(excess[:, first::-1] >= -NOISE, axis=1)
    found_above = (excess[:, first:] <= NOISE).any(axis=1)
    found_below = (excess[:, first::-1] >= -NOISE).any(axis=1)
    low = np.where(up, above - 1, below)
    low = np.clip(low, 0, len(grid) - 2)
    at_zero = ~up & ~found_below & (phi.at_zero == 0)
    usable = np.where(up, found_above, found_below)
    t = np.full(weights.shape, np.nan)
    rows = np.flatnonzero(usable)
    left, right = excess[rows, low[rows]], excess[rows, low[rows] + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(left == right, 0.5, left / (left - right))
    lower, upper = logs[low[rows]], logs[low[rows] + 1]
    t[rows] = lower + np.clip(share, 0.0, 1.0) * (upper - lower)
    residual = 0.0
    for step in range(STEPS):
        length = np.exp(t[rows])
        at = moments(phi, length, search=step < ROUGH)
        value = (weights[rows] * at.square + biases[rows]) / length
        residual = float(np.max(np.abs(value - 1.0), initial=0.0))
        if step == STEPS - 1 or (step >= ROUGH and residual < NOISE):
            break
        slope = weights[rows] * at.growth - value
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = t[rows] - np.where(slope != 0, (value - 1.0) / slope, 0.0)
        t[rows] = np.clip(moved, lower, upper)
    return np.where(at_zero, 0.0, np.exp(t)), residual


def _correlations(phi: Nonlinearity, weights: Array, q: Array, chi1: Array) -> tuple[Array, Array]:
    """Return c* and ξ_c by interpolation of (W - K)/(q(1 - c)) and Eφ'φ' over (log q, √(1 - c)).

    Where χ₁ <= 1, c* = 1. Elsewhere σ_w²(W - K)/(q(1 - c)) = 1 is solved by bisection in √(1 - c), all points at once.
    """
    c = np.where(np.isnan(q) | (q == 0), np.nan, 1.0)
    chi_c = np.where(np.isnan(c), np.nan, chi1)
    rows = np.flatnonzero(~np.isnan(c) & (chi1 > 1))
    if rows.size:
        inside = np.log(q[rows])
        chord, kernel = _tables(phi, inside.min() - 1e-6, inside.max() + 1e-6)
        low, high = np.full(rows.size, NEAREST), np.ones(rows.size)
        goal = -np.log(weights[rows])
        for _ in range(40):
            middle = 0.5 * (low + high)
            over = chord.ev(inside, middle) > goal
            low, high = np.where(over, middle, low), np.where(over, high, middle)
        c[rows] = 1.0 - high**2
        chi_c[rows] = weights[rows] * kernel.ev(inside, high)
    with np.errstate(divide="ignore", invalid="ignore"):
        return c, 1.0 / np.abs(np.log(chi_c))


def _tables(phi: Nonlinearity, shortest: float, longest: float) -> tuple[Any, Any]:
    """Return splines over (log q, √(1 - c)): the log of (W - K)/(q(1 - c)), and Eφ'φ'."""
    from scipy import interpolate  # at start-up it would cost 0.1 s

    lengths, roots = np.linspace(shortest, longest, LENGTHS), np.linspace(NEAREST, 1.0, DISTANCES)
    pairs = [[pair_moments(phi, math.exp(a), r * r, search=True) for r in roots] for a in lengths]
    gaps = np.array([[p.gap for p in row] for row in pairs]) / (np.exp(lengths)[:, None] * roots**2)
    slopes = np.array([[p.slope_kernel for p in row] for row in pairs])
    make = interpolate.RectBivariateSpline
    return make(lengths, roots, np.log(gaps)), make(lengths, roots, slopes)
