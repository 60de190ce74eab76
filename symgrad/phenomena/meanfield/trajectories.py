"""Length, correlation and gradient layer by layer in the limit of infinite width, with and without skip connections.

Plain layers are z' = Wφ(z) + b. Residual ones are z' = z + s(Wφ(z) + b), pre-activation with a branch scaled by s:
fresh W make the cross terms vanish, so that lengths add and gradients multiply by 1 + s²σ_w²Eφ'².

References
----------
Poole et al. (2016), arXiv 1606.05340; Yang & Schoenholz (2017), arXiv 1712.08969 (residual
networks); Balduzzi et al. (2017), arXiv 1702.08591 (correlation of gradients).
"""

import math
from dataclasses import dataclass
from enum import Enum

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.length_maps import check_variances, end_of_moments, scanned
from symgrad.phenomena.meanfield.moments import moments, pair_moments
from symgrad.phenomena.meanfield.nonlinearities import Phi, nonlinearity
from symgrad.phenomena.meanfield.quadrature import Array


@dataclass(frozen=True)
class Trajectory:
    """What two inputs and their gradients do along the layers, shape (depth + 1,) each, the start first.

    Parameters
    ----------
    lengths : variance q of the preactivations, the same for both inputs
    correlations : c between the two inputs
    log_gradients : log of the mean squared gradient, nats
    gradient_correlations : correlation of the gradients at the two inputs
    """

    lengths: Array
    correlations: Array
    log_gradients: Array
    gradient_correlations: Array


def check_start(length: float, correlation: float, depth: int) -> None:
    """Refuse a length that is no positive number, a correlation outside 0 to 1 and a depth below 1."""
    if not 0 < length < math.inf:
        raise InputError(f"length must be a positive, finite variance, got {length:g}; give e.g. 1")
    if not 0 <= correlation <= 1:
        raise InputError(f"correlation must lie between 0 and 1, got {correlation:g}; give e.g. 0.5")
    if isinstance(depth, bool) or int(depth) != depth or depth < 1:
        raise InputError(f"depth must be a positive whole number of layers, got {depth}; give e.g. 50")


def trajectory(
    phi: Phi,
    *,
    sigma_w2: float,
    sigma_b2: float,
    depth: int,
    length: float = 1.0,
    correlation: float = 0.5,
    branch: float | None = None,
) -> Trajectory:
    """Carry the length, the correlation and the gradients of two inputs through the layers.

    Parameters
    ----------
    phi : the nonlinearity
    sigma_w2, sigma_b2 : the variances σ_w² and σ_b²
    depth : number of layers
    length, correlation : those of the preactivations at the start
    branch : the scale s of residual branches, e.g. 1 or 1/√depth; None for plain layers

    Examples
    --------
    >>> relu = "relu"
    >>> found = trajectory(relu, sigma_w2=2, sigma_b2=0, depth=400, branch=0.05)
    >>> bool(abs(found.log_gradients[-1] - 400 * np.log1p(1 / 400)) < 1e-12)
    True
    """
    phi = nonlinearity(phi)
    check_variances(sigma_w2, sigma_b2)
    check_start(length, correlation, depth)
    keep, scale = (0.0, 1.0) if branch is None else (1.0, float(branch) ** 2)
    q, distance, log_gradient, alike = float(length), 1.0 - correlation, 0.0, 1.0
    rows = [(q, distance, log_gradient, alike)]
    for _ in range(depth):
        at = moments(phi, np.array([q]))
        pair = pair_moments(phi, q, distance) if q > 0 and distance > 0 else None
        gap, kernel = (pair.gap, pair.slope_kernel) if pair is not None else (0.0, float(at.slope_square[0]))
        longer = keep * q + scale * (sigma_w2 * float(at.square[0]) + sigma_b2)
        distance = (keep * q * distance + scale * sigma_w2 * gap) / longer if longer > 0 else distance
        growth = keep + scale * sigma_w2 * float(at.slope_square[0])
        log_gradient += math.log(growth) if growth > 0 else -math.inf
        alike *= (keep + scale * sigma_w2 * kernel) / growth if growth > 0 else 1.0
        q = longer
        rows.append((q, distance, log_gradient, alike))
    lengths, distances, log_gradients, likeness = np.array(rows).T
    return Trajectory(lengths, 1.0 - distances, log_gradients, likeness)


class ResidualGrowth(Enum):
    """How the gradient of a residual network grows with depth; the value is the sentence."""

    SQUARE_ROOT = "the log of the squared gradient grows like the square root of the depth"
    EXPONENTIAL = "the squared gradient grows by a constant factor per layer"


@dataclass(frozen=True)
class ResidualLaw:
    """Growth of a residual network with depth l, from the tail of φ.

    Parameters
    ----------
    kind : how the gradient grows
    coefficient : of √l or of l in the log of the mean squared gradient, nats
    length_rate : growth of the length per layer for bounded φ, None where it is exponential
    """

    kind: ResidualGrowth
    coefficient: float
    length_rate: float | None


def residual_law(phi: Phi, *, sigma_w2: float, sigma_b2: float, branch: float = 1.0) -> ResidualLaw:
    """Return how length and gradient of z + s(Wφ(z) + b) grow with depth (Yang & Schoenholz 2017).

    For bounded φ with ∫φ'² finite, q grows by r = s²(σ_w²φ(∞)² + σ_b²) per layer, Eφ'² falls like
    ∫φ'²/√(2πq), and the log of the squared gradient tends to 2s²σ_w²∫φ'²·√(l/(2πr)). For φ that is linear at both
    ends, or whose slope does not die out, the squared gradient grows by 1 + s²σ_w²Eφ'² at large length per layer.
    The limits of W and S are taken at the longest length of the scan, 1e12 or, for bounded φ, from their tails there.

    Examples
    --------
    >>> law = residual_law("tanh", sigma_w2=1, sigma_b2=0)
    >>> law.kind.name, round(law.coefficient / (2 * 4 / 3 / math.sqrt(2 * math.pi)), 5)
    ('SQUARE_ROOT', 1.0)
    >>> round(math.exp(residual_law("relu", sigma_w2=2, sigma_b2=0).coefficient), 12)
    2.0
    """
    phi = nonlinearity(phi)
    check_variances(sigma_w2, sigma_b2)
    strength = float(branch) ** 2 * sigma_w2
    if phi.homogeneous:
        mean = float(moments(phi, np.array(1.0)).slope_square)
        return ResidualLaw(ResidualGrowth.EXPONENTIAL, math.log1p(strength * mean), None)
    end = end_of_moments(phi)
    if end is not None:
        raise InputError(f"Eφ² of {phi.text} is beyond 1e200 from q = {end:.3g} on; give a φ that grows like a power")
    grid, known = scanned(phi)
    longest, square, slopes = float(grid[-1]), float(known.square[-1]), float(known.slope_square[-1])
    bounded = square < 1e-4 * longest
    rate = strength * square + float(branch) ** 2 * sigma_b2 if bounded else None
    if rate is None or slopes * math.sqrt(longest) > 1e4:
        return ResidualLaw(ResidualGrowth.EXPONENTIAL, math.log1p(strength * slopes), rate)
    return ResidualLaw(ResidualGrowth.SQUARE_ROOT, 2.0 * strength * slopes * math.sqrt(longest / rate), rate)
