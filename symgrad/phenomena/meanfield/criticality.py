"""The critical line χ₁ = 1, solved: every σ_w² at which the squared gradient keeps its mean size at a fixed length.

The line is explicit in the length q: σ_w² = 1/S(q) and σ_b² = q - W(q)/S(q), with W = Eφ² and S = Eφ'².

References
----------
Poole et al. (2016), arXiv 1606.05340; Schoenholz et al. (2017), arXiv 1611.01232 (χ₁ and criticality).
"""

import math
from dataclasses import dataclass

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.length_maps import check_variances, roots, scanned
from symgrad.phenomena.meanfield.moments import check_resolved, moments
from symgrad.phenomena.meanfield.nonlinearities import Nonlinearity, Phi, nonlinearity
from symgrad.phenomena.meanfield.quadrature import Array


@dataclass(frozen=True)
class CriticalPoint:
    """A point of the critical line.

    Parameters
    ----------
    sigma_w2, sigma_b2 : the variances
    q : the fixed length there; None where any length will do, or none does
    slope : derivative of the length map at q
    stable : whether lengths tend to q
    error : relative error estimate of the averages
    sentence : what is special about it, "" for nothing
    """

    sigma_w2: float
    sigma_b2: float
    q: float | None
    slope: float
    stable: bool
    error: float
    sentence: str = ""


@dataclass(frozen=True)
class CriticalLine:
    """The critical line over a range of lengths, arrays of one shape; σ_b² is negative where there is no such net."""

    q: Array
    sigma_w2: Array
    sigma_b2: Array


def critical_line(phi: Phi, q: Array) -> CriticalLine:
    """Return σ_w² and σ_b² at which a length q is fixed and χ₁ = 1.

    >>> line = critical_line("tanh", np.array([0.5700478816]))
    >>> line.sigma_w2.round(9), line.sigma_b2.round(9)
    (array([1.76095464]), array([0.05]))
    """
    phi = nonlinearity(phi)
    found = moments(phi, q)
    with np.errstate(divide="ignore", invalid="ignore"):
        return CriticalLine(np.asarray(q), 1.0 / found.slope_square, q - found.square / found.slope_square)


def critical_points(phi: Phi, *, sigma_b2: float) -> tuple[CriticalPoint, ...]:
    """Return every critical point at a given σ_b², ascending in q.

    >>> (found,) = critical_points("tanh", sigma_b2=0.05)
    >>> round(found.sigma_w2, 10), round(found.q, 10), found.stable
    (1.7609546396, 0.5700478816, True)
    >>> (relu,) = critical_points("relu", sigma_b2=0.05)
    >>> relu.sigma_w2, relu.q, relu.sentence
    (2.0, None, 'with σ_b² > 0 no length is fixed there: it grows by 0.05 per layer')
    """
    phi = nonlinearity(phi)
    check_variances(1.0, sigma_b2)
    if phi.homogeneous:
        return (_scale_free(phi, sigma_b2),)
    grid, known = scanned(phi)
    usable = known.slope_square > 0
    grid, square, slopes = grid[usable], known.square[usable], known.slope_square[usable]

    def excess(q: Array) -> Array:
        found = moments(phi, q)
        return 1.0 - (found.square / found.slope_square + sigma_b2) / q

    places = roots(excess, grid, 1.0 - (square / slopes + sigma_b2) / grid)
    found = []
    if sigma_b2 == 0 and phi.at_zero == 0 and phi.sides != (0.0, 0.0):
        found.append(_at_zero(phi))
    return (*found, *(_point(phi, q, sigma_b2) for q in places))


def _point(phi: Nonlinearity, q: float, sigma_b2: float) -> CriticalPoint:
    at = moments(phi, np.array([q]))
    check_resolved(phi, float(at.error[0]), q)
    weight = float(1.0 / at.slope_square[0])
    slope = float(weight * at.growth[0])
    note = "" if abs(slope) < 1 else "the length is not stable there: lengths near it leave it"
    return CriticalPoint(weight, sigma_b2, q, slope, abs(slope) < 1, float(at.error[0]), note)


def _at_zero(phi: Nonlinearity) -> CriticalPoint:
    """Return the critical point at q = 0, where χ₁ and the derivative of the length map agree."""
    mean = 0.5 * (phi.sides[0] ** 2 + phi.sides[1] ** 2)
    small = np.array([1e-5])
    stable = bool(moments(phi, small).square[0] < mean * small[0])
    tail = "falls to 0, slower than exponentially" if stable else "grows away from 0"
    return CriticalPoint(1.0 / mean, 0.0, 0.0, 1.0, stable, 1e-16, f"the length {tail} there")


def _scale_free(phi: Nonlinearity, sigma_b2: float) -> CriticalPoint:
    mean = float(moments(phi, np.array(1.0)).slope_square)
    if mean == 0:
        raise InputError(f"{phi.text} is constant, so that every gradient is 0; give another φ")
    note = (
        "every length q is fixed there"
        if sigma_b2 == 0
        else f"with σ_b² > 0 no length is fixed there: it grows by {sigma_b2:.12g} per layer"
    )
    return CriticalPoint(1.0 / mean, sigma_b2, None, 1.0, sigma_b2 == 0, 4e-16, note)


def critical_point(phi: Phi, *, sigma_b2: float) -> CriticalPoint | None:
    """Return the critical point whose length is stable (that of the smallest σ_w²), else the first one, else None."""
    phi = nonlinearity(phi)
    found = critical_points(phi, sigma_b2=sigma_b2)
    good = [p for p in found if p.stable] or list(found)
    return min(good, key=lambda p: p.sigma_w2 if p.stable else math.inf, default=None)
