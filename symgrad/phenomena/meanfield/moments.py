"""W = Eφ², dW/dq and S = Eφ'² of a nonlinearity, and the averages of two correlated inputs.

The derivative of W in q needs no second derivative of φ: dW/dq = E[xφ(x)φ'(x)]/q with x = √q z (Stein's lemma).
Two inputs of variance q and correlation c ≥ 0 are x₁,₂ = √(qc) u + √(q(1 - c)) v₁,₂ with one shared u, so that
W - K is the average over u of the variance over v of φ: no two large numbers are subtracted near c = 1. Closer to 1
than rounding allows even that, W - K is q times the integral of Eφ'(x₁)φ'(x₂) over 1 - c (Price 1958).
"""

import math
from dataclasses import dataclass

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.nonlinearities import Nonlinearity
from symgrad.phenomena.meanfield.quadrature import (
    EPS,
    Array,
    ArrayFunction,
    averages,
    line_rule,
    unit_interval,
)

INNER_REACH = 9.5
BY_QUADRATURE = "quadrature, trapezoidal rule at two step sizes"
GOOD, POOR = 1e-11, 1e-6
CLOSE = 1e-3
ALIKE = 1e-7
FINER = (1, 4, 16)


@dataclass(frozen=True)
class Moments:
    """Averages over one Gaussian of variance q, arrays of the shape of q.

    Parameters
    ----------
    square : W = Eφ(√q z)²
    growth : dW/dq
    slope_square : S = Eφ'(√q z)²
    error : relative error estimate, the largest of the three
    source : where the numbers come from
    """

    square: Array
    growth: Array
    slope_square: Array
    error: Array
    source: str


def moments(phi: Nonlinearity, q: Array, *, search: bool = False) -> Moments:
    """Return W, dW/dq and S at every q >= 0, infinite where the average is.

    With ``search`` every second node is left out, for about ten digits on the way to a solution.

    >>> from symgrad.phenomena.meanfield.nonlinearities import nonlinearity
    >>> found = moments(nonlinearity("tanh"), np.array([0.0, 12.6]))
    >>> found.slope_square.round(9), bool((found.error < 1e-14).all())
    (array([1.        , 0.14797757]), True)
    """
    q = np.asarray(q, dtype=float)
    if phi.closed is not None:
        square, growth, slopes = (f(q) for f in (phi.closed.square, phi.closed.growth, phi.closed.slope_square))
        return Moments(square, growth, slopes, np.full(q.shape, 4.0 * EPS), phi.closed.source)
    flat = q.ravel()
    values = np.empty((3, flat.size))
    error = np.full(flat.size, EPS)
    inside = flat > 0
    mean = 0.5 * (phi.sides[0] ** 2 + phi.sides[1] ** 2)
    values[:, ~inside] = np.array([[phi.at_zero**2], [mean], [mean]])
    wanted = np.flatnonzero(inside)
    for finer in (0.5,) if search else FINER:
        if not wanted.size:
            break
        found = averages(phi.squares, flat[wanted], phi.kinks, finer=finer)
        values[:, wanted] = found.value
        values[1, wanted] /= flat[wanted]
        with np.errstate(invalid="ignore"):
            relative = found.error[[0, 2]] / np.maximum(np.abs(found.value[[0, 2]]), 1e-300)
        error[wanted] = np.where(np.isfinite(relative), relative, np.inf).max(axis=0)
        wanted = wanted[(error[wanted] > GOOD) & np.isfinite(found.value[0])]
    square, growth, slopes = (row.reshape(q.shape) for row in values)
    return Moments(square, growth, slopes, error.reshape(q.shape), BY_QUADRATURE)


def check_resolved(phi: Nonlinearity, error: float, q: float) -> None:
    """Refuse averages whose two step sizes disagree by more than 1e-6."""
    if not error <= POOR:
        raise InputError(
            f"the averages of {phi.text} at q = {q:.3g} are not resolved (two step sizes differ by {error:.1g}): it "
            "oscillates too fast or has a pole; give a smoother φ"
        )


def slope_fourth(phi: Nonlinearity, q: float) -> float:
    """Return Eφ'(√q z)⁴, q > 0 or, where φ' is defined there, q = 0."""
    if q == 0:
        return 0.5 * (phi.sides[0] ** 4 + phi.sides[1] ** 4)
    found = averages(lambda x: (phi.slope(x) ** 4)[None], np.array([q]), phi.kinks)
    return float(found.value[0, 0])


@dataclass(frozen=True)
class PairMoments:
    """Averages over two inputs of variance q and correlation c.

    Parameters
    ----------
    gap : W - K = E(φ(x₁) - φ(x₂))²/2
    slope_kernel : Eφ'(x₁)φ'(x₂)
    error : estimate of their errors, relative to the gap and to Eφ'²
    """

    gap: float
    slope_kernel: float
    error: float


def pair_moments(phi: Nonlinearity, q: float, distance: float, *, search: bool = False) -> PairMoments:
    """Return the averages of two inputs at 1 - c = distance, 0 <= distance <= 1.

    Parameters
    ----------
    phi : the nonlinearity
    q : the variance of both inputs, positive
    distance : 1 - c
    search : take fewer nodes, about eight digits, for a first search

    Examples
    --------
    >>> from symgrad.phenomena.meanfield.nonlinearities import nonlinearity
    >>> found = pair_moments(nonlinearity("relu"), 1.0, 1.0)
    >>> round(found.gap, 12), round(found.slope_kernel, 12)
    (0.340845056908, 0.25)
    """
    if phi.closed is not None:
        at = np.array(q), np.array(distance)
        return PairMoments(float(phi.closed.gap(*at)), float(phi.closed.slope_kernel(*at)), 8.0 * EPS)
    rough = _pair(phi, q, distance, 4)
    if search:
        return PairMoments(float(rough[0]), float(rough[1]), 1e-6)
    # Beside a kink, alike inputs smooth it over √(1 - c) only, which takes the closest nodes.
    for stride in (1,) if phi.kinks and distance < CLOSE else (2, 1):
        fine = _pair(phi, q, distance, stride)
        # The error of these rules is squared when their steps are halved.
        change = float(np.max(np.abs(rough - fine)[:2] / np.maximum(fine[[0, 2]], 1e-300))) ** 2
        if change < 1e-13:
            break
        rough = fine
    check_resolved(phi, change, q)
    return PairMoments(float(fine[0]), float(fine[1]), change + 16.0 * EPS)


def _pair(phi: Nonlinearity, q: float, distance: float, stride: int) -> Array:
    """Return gap, slope kernel and S from every so many nodes of both rules."""
    centres, weights = _shared(phi, q, distance, stride)
    spread = math.sqrt(q * distance)
    rest, slope = _conditional(phi.slope, centres, spread, phi.kinks, stride)
    kernel, square = float(weights @ (slope * slope)), float(weights @ (rest + slope * slope))
    if distance < ALIKE:
        return np.array([_integrated(phi, q, distance, stride), kernel, square])
    variance, _ = _conditional(phi.value, centres, spread, phi.kinks, stride)
    return np.array([float(weights @ variance), kernel, square])


def _shared(phi: Nonlinearity, q: float, distance: float, stride: int) -> tuple[Array, Array]:
    """Return nodes and weights of what both inputs share."""
    if distance >= 1.0:
        return np.zeros(1), np.ones(1)
    centres, weights = line_rule(q * (1.0 - distance), phi.kinks)
    return centres[::stride], stride * weights[::stride]


def _integrated(phi: Nonlinearity, q: float, distance: float, stride: int) -> float:
    """Return W - K = q ∫ Eφ'φ' dt over 0 < t < 1 - c, by Gauss's rule in √t, in which the integrand is smooth."""
    total = 0.0
    for node, weight in zip(*np.polynomial.legendre.leggauss(4), strict=True):
        root = 0.5 * (1.0 + node)
        centres, shares = _shared(phi, q, distance * root * root, stride)
        _, slope = _conditional(phi.slope, centres, math.sqrt(q * distance) * root, phi.kinks, stride)
        total += weight * root * float(shares @ (slope * slope))
    return q * distance * total


def _conditional(
    function: ArrayFunction, centres: Array, spread: float, kinks: tuple[float, ...], thin: int
) -> tuple[Array, Array]:
    """Return the variance and the mean over v of f(centre + spread v), shape (centres,)."""
    if spread == 0.0:
        return np.zeros_like(centres), function(centres)
    nodes, pace = (part[::thin] for part in unit_interval())
    cuts = np.stack([np.clip((k - centres) / spread, -INNER_REACH, INNER_REACH) for k in sorted({0.0, *kinks})])
    ends = np.full((1, centres.size), INNER_REACH)
    cuts = np.sort(np.concatenate([-ends, 0.0 * ends, cuts, ends]), axis=0)
    length = np.diff(cuts, axis=0)
    v = cuts[:-1] + nodes[:, None, None] * length
    weights = np.exp(-0.5 * v * v) * pace[:, None, None] * length
    weights /= weights.sum(axis=(0, 1))
    with np.errstate(all="ignore"):
        values = function(centres + spread * v)
    mean = (weights * values).sum(axis=(0, 1))
    return (weights * (values - mean) ** 2).sum(axis=(0, 1)), mean
