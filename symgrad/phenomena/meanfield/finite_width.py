"""What a finite width changes: the deviations to set, the typical gradient below the mean one, exact linear exponents.

References
----------
Newman (1986), Comm. Math. Phys. 103:121 (exponents of Gaussian products); Hanin & Nica (2020), Comm. Math.
Phys. 376:287 (log-normal gradients of ReLU networks, log-variance 5 Σ 1/n); Hanin (2018), NeurIPS 31.
"""

import math
from dataclasses import dataclass

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.length_maps import length_map
from symgrad.phenomena.meanfield.moments import moments, slope_fourth
from symgrad.phenomena.meanfield.nonlinearities import Phi, nonlinearity
from symgrad.phenomena.meanfield.quadrature import Array


def check_width(width: int) -> None:
    """Refuse a width that is no positive whole number.

    >>> check_width(0)
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: width must be a positive whole number of units, got 0; give e.g. 512
    """
    if isinstance(width, bool) or int(width) != width or width < 1:
        raise InputError(f"width must be a positive whole number of units, got {width}; give e.g. 512")


def gaussian_exponents(width: int, *, deviation: float) -> Array:
    """Return the Lyapunov exponents of products of Gaussian matrices, nats per layer, shape (width,), largest first.

    Entries are independent N(0, deviation²): λ_i = log deviation + (log 2 + ψ((n - i + 1)/2))/2 (Newman 1986).

    >>> gaussian_exponents(2, deviation=1.0).round(6)
    array([ 0.057966, -0.635181])
    """
    from scipy import special  # at start-up it would cost 0.1 s

    check_width(width)
    if not 0 < deviation < math.inf:
        raise InputError(f"deviation must be a positive, finite standard deviation, got {deviation:g}; give e.g. 1")
    order = np.arange(width, 0, -1)
    return np.asarray(math.log(deviation) + 0.5 * (math.log(2.0) + special.digamma(0.5 * order)))


def log_variance_per_layer(phi: Phi, q: float) -> float:
    """Return β = 3Eφ'⁴/(Eφ'²)² - 1: β/n is the variance that one layer of width n adds to the log squared gradient.

    It is the relative variance of |φ'∘Wu|² over the weights, at a fixed length: exact to first order in 1/n for
    φ without a scale (2 for linear layers, 5 for ReLU), without the fluctuations of the length for others.

    >>> log_variance_per_layer("identity", 1.0), log_variance_per_layer("relu", 1.0)
    (2.0, 5.0)
    """
    phi = nonlinearity(phi)
    if phi.homogeneous:
        right, left = phi.sides
        return 3.0 * 2.0 * (right**4 + left**4) / (right**2 + left**2) ** 2 - 1.0
    square = float(moments(phi, np.array([q])).slope_square[0])
    return 3.0 * slope_fourth(phi, q) / square**2 - 1.0


@dataclass(frozen=True)
class FiniteWidth:
    """What to set at a width, and how far the typical gradient then reaches.

    Parameters
    ----------
    width : units per layer, N
    weight_deviation : σ_w/√N, the standard deviation of each weight
    bias_deviation : σ_b, that of each bias
    mean_rate : ½ log χ₁, growth of the root mean square gradient, nats per layer
    typical_rate : growth of the median gradient, nats per layer
    log_variance : variance that one layer adds to the logarithm of the squared gradient
    depth : layers until the typical gradient has changed by a factor e
    exact : whether typical_rate is exact, or to first order in 1/N
    """

    width: int
    weight_deviation: float
    bias_deviation: float
    mean_rate: float
    typical_rate: float
    log_variance: float
    depth: float
    exact: bool


def finite_width(
    phi: Phi, width: int, *, sigma_w2: float, sigma_b2: float, q: float | None = None, chi1: float | None = None
) -> FiniteWidth:
    """Return the deviations to set at a width, and mean and typical gradient.

    Parameters
    ----------
    sigma_w2, sigma_b2 : the variances σ_w² and σ_b²
    q, chi1 : the length and χ₁ to take; those that the length of q = 1 tends to, if not given

    Raises
    ------
    InputError : a bad width or variance; no length is reached and none is given

    Examples
    --------
    >>> found = finite_width("identity", 512, sigma_w2=1.0, sigma_b2=0.0)
    >>> round(found.weight_deviation, 8), round(found.typical_rate * 2 * 512, 3), found.exact
    (0.04419417, -1.001, True)
    """
    phi = nonlinearity(phi)
    check_width(width)
    if q is None or chi1 is None:
        point = length_map(phi, sigma_w2=sigma_w2, sigma_b2=sigma_b2).attractor
        if point is None:
            raise InputError("no length is reached from q = 1, so that no gradient rate exists; give q and chi1")
        q, chi1 = point.q if q is None else q, point.chi1 if chi1 is None else chi1
    deviation = math.sqrt(sigma_w2 / width)
    spread = log_variance_per_layer(phi, q) / width
    mean = 0.5 * math.log(chi1) if chi1 > 0 else -math.inf
    linear = phi.homogeneous and phi.sides[0] == phi.sides[1]
    if linear:
        typical = float(gaussian_exponents(width, deviation=deviation * abs(phi.sides[0]))[0])
    else:
        typical = mean - 0.25 * spread
    depth = 1.0 / abs(typical) if typical else math.inf
    return FiniteWidth(width, deviation, math.sqrt(sigma_b2), mean, typical, spread, depth, linear)
