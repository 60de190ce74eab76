"""The correlation map of two inputs, its fixed point c*, and the phase: ordered, critical or chaotic.

c' = (σ_w² Eφ(x₁)φ(x₂) + σ_b²)/q*. It is increasing and convex on [0, 1] (the Hermite coefficients of φ enter as
squares), so that c* = 1 attracts when χ₁ <= 1, and otherwise exactly one c* < 1 does.

References
----------
Poole et al. (2016), arXiv 1606.05340, section 2 (correlation map); Schoenholz et al. (2017), arXiv 1611.01232,
(depth scales ξ_q, ξ_c and that of the gradient).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.length_maps import FixedPoint, LengthMap, length_map
from symgrad.phenomena.meanfield.moments import PairMoments, moments, pair_moments
from symgrad.phenomena.meanfield.nonlinearities import Nonlinearity, Phi, nonlinearity
from symgrad.phenomena.meanfield.quadrature import EPS

CRITICAL = 1e-12
CLOSEST = 1e-9


class Phase(Enum):
    """The phase of a wide random network; the value is the sentence."""

    ORDERED = "ordered: gradients vanish in the mean, inputs become alike"
    CRITICAL = "critical: the mean squared gradient neither grows nor vanishes exponentially"
    CHAOTIC = "chaotic: gradients explode in the mean, alike inputs are driven apart"

    @property
    def word(self) -> str:
        """The name in lower case, as JSON prints it."""
        return self.name.lower()


def phase_of(chi1: float, error: float = 0.0) -> Phase:
    """Return the phase of χ₁, critical within 1e-12 or the error.

    >>> phase_of(1.2).word, phase_of(1.0).word
    ('chaotic', 'critical')
    """
    if abs(chi1 - 1.0) <= max(CRITICAL, 4.0 * error):
        return Phase.CRITICAL
    return Phase.CHAOTIC if chi1 > 1 else Phase.ORDERED


def depth_scale(rate: float) -> float:
    """Return ξ = 1/|log rate|, the number of layers that multiply by e or 1/e; infinite at 1, 0 at 0.

    >>> depth_scale(1.0), depth_scale(0.0), round(depth_scale(0.5), 6)
    (inf, 0.0, 1.442695)
    """
    if rate == 0:
        return 0.0
    return math.inf if abs(rate - 1.0) <= CRITICAL else 1.0 / abs(math.log(rate))


@dataclass(frozen=True)
class MeanField:
    """A wide random network at one (σ_w², σ_b²).

    Parameters
    ----------
    lengths : the length map with all its fixed points
    point : the fixed length that holds the answer; None if the length of q = 1 grows without bound
    chi1 : growth of the squared gradient per layer; for a φ without a scale also where no length is fixed
    c : the correlation that two different inputs tend to; None where no positive length is fixed
    chi_c : derivative of the correlation map at c
    xi_q, xi_gradient, xi_c : depth scales in layers, 1/|log| of V', χ₁ and χ_c; inf at 1
    phase : of χ₁
    error : relative error estimate of the averages behind these numbers
    source : where the averages come from
    """

    lengths: LengthMap
    point: FixedPoint | None
    chi1: float | None
    c: float | None
    chi_c: float | None
    xi_q: float | None
    xi_gradient: float | None
    xi_c: float | None
    phase: Phase | None
    error: float
    source: str


def mean_field(phi: Phi, *, sigma_w2: float, sigma_b2: float) -> MeanField:
    """Return lengths, correlations, depth scales and the phase of a wide random network.

    Examples
    --------
    >>> found = mean_field("tanh", sigma_w2=2.5, sigma_b2=0.05)
    >>> found.phase.word, round(found.chi1, 9), round(found.c, 10)
    ('chaotic', 1.133515699, 0.4468042323)
    """
    phi = nonlinearity(phi)
    lengths = length_map(phi, sigma_w2=sigma_w2, sigma_b2=sigma_b2)
    point = lengths.attractor
    source = moments(phi, np.array([1.0])).source
    if point is None:
        if not phi.homogeneous:
            return MeanField(lengths, None, *(None,) * 7, 0.0, source)
        chi1 = sigma_w2 * float(moments(phi, np.array(1.0)).slope_square)
        scale = depth_scale(chi1)
        return MeanField(lengths, None, chi1, None, None, None, scale, None, phase_of(chi1), 4.0 * EPS, source)
    scales = depth_scale(abs(point.slope)), depth_scale(point.chi1)
    phase = phase_of(point.chi1, point.error)
    if point.q == 0:
        return MeanField(lengths, point, point.chi1, None, None, *scales, None, phase, point.error, source)
    c, chi_c, error = fixed_correlation(phi, point, sigma_w2)
    found = max(point.error, error)
    return MeanField(lengths, point, point.chi1, c, chi_c, *scales, depth_scale(chi_c), phase, found, source)


def fixed_correlation(phi: Nonlinearity, point: FixedPoint, sigma_w2: float) -> tuple[float, float, float]:
    """Return c*, χ at c* and a relative error estimate, for a fixed length q > 0.

    The equation is solved in 1 - c, where σ_w²(W - K)/q = 1 - c. A search with about eight digits is followed by
    Newton's steps with full accuracy; the derivative of W - K in 1 - c is q Eφ'(x₁)φ'(x₂) (Price's theorem).
    """
    q = point.q

    def excess(distance: float, search: bool) -> tuple[float, PairMoments]:
        found = pair_moments(phi, q, distance, search=search)
        return sigma_w2 * found.gap / q - distance, found

    if point.chi1 <= 1.0 + CRITICAL or phi.homogeneous:
        return 1.0, min(point.chi1, 1.0), point.error
    ends, found = excess(1.0, False)
    if ends >= -1e-13:
        # An odd φ without biases: unrelated inputs stay unrelated.
        return 0.0, sigma_w2 * found.slope_kernel, found.error
    if point.chi1 <= 1.0 + CLOSEST:
        return 1.0, 1.0, point.error
    distance = _searched(lambda d: excess(d, True)[0] / d)
    for _ in range(3):
        value, found = excess(distance, False)
        step = value / (sigma_w2 * found.slope_kernel - 1.0)
        distance -= step
        if abs(step) < 1e-11 * distance:
            break
    return 1.0 - distance, sigma_w2 * found.slope_kernel, found.error


def _searched(excess: Callable[[float], float]) -> float:
    """Return the zero of a decreasing function of 1 - c to six digits."""
    from scipy import optimize  # at start-up it would cost 0.1 s

    return math.exp(optimize.brentq(lambda t: excess(math.exp(t)), math.log(CLOSEST), 0.0, xtol=1e-6))


def correlation_map(phi: Phi, q: float, *, sigma_w2: float, sigma_b2: float, c: float) -> float:
    """Return the correlation after one layer of two inputs of fixed length q and correlation c, 0 <= c <= 1.

    >>> round(correlation_map("relu", 1.0, sigma_w2=2.0, sigma_b2=0.0, c=0.0), 12)
    0.318309886184
    """
    phi = nonlinearity(phi)
    if not 0 <= c <= 1:
        raise InputError(f"c must be a correlation from 0 to 1, got {c:g}; give e.g. 0.5")
    if not 0 < q < math.inf:
        raise InputError(f"q must be a positive, finite variance, got {q:g}; give e.g. 1")
    square = float(moments(phi, np.array([q])).square[0])
    length = sigma_w2 * square + sigma_b2
    return 1.0 - sigma_w2 * pair_moments(phi, q, 1.0 - c).gap / length
