"""Fixed points of the length map q' = σ_w² Eφ(√q z)² + σ_b², all of them with their stability, and the critical line.

References
----------
Poole et al. (2016), arXiv 1606.05340, section 2 (length map); Schoenholz et al. (2017), arXiv 1611.01232
(χ₁ and the critical line).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.moments import Moments, check_resolved, moments
from symgrad.phenomena.meanfield.nonlinearities import Nonlinearity, Phi, nonlinearity
from symgrad.phenomena.meanfield.quadrature import EPS, Array

GRID = np.logspace(-12, 12, 289)
START = 1.0
FLAT = 1e-10
NOISE = 1e-14
LARGEST = 1e200


class Stability(Enum):
    """What the length map does near a fixed point; the value is the sentence."""

    STABLE = "lengths near it tend to it"
    UNSTABLE = "lengths near it leave it"
    ONE_SIDED = "lengths tend to it from one side and leave it on the other"
    ANY = "every length is a fixed point"

    @property
    def word(self) -> str:
        """The name in lower case, as JSON prints it."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True)
class FixedPoint:
    """A fixed point of the length map.

    Parameters
    ----------
    q : the variance of the preactivations
    slope : derivative of the length map there
    stability : what lengths near it do
    chi1 : χ₁ = σ_w² Eφ'(√q z)², the growth of a squared gradient per layer
    error : relative error estimate of the averages used
    """

    q: float
    slope: float
    stability: Stability
    chi1: float
    error: float


@dataclass(frozen=True)
class LengthMap:
    """The fixed points of one length map, ascending, and where the orbit from q = 1 ends.

    Parameters
    ----------
    phi : the nonlinearity
    sigma_w2, sigma_b2 : the variances σ_w² and σ_b²
    fixed_points : ascending in q, those between 1e-12 and 1e12 and at 0
    attractor : the fixed point that the orbit of q = 1 tends to, None if it grows without bound
    sentence : what is special: no scale, no fixed point, growth
    """

    phi: Nonlinearity
    sigma_w2: float
    sigma_b2: float
    fixed_points: tuple[FixedPoint, ...]
    attractor: FixedPoint | None
    sentence: str


@lru_cache(maxsize=64)
def scanned(phi: Nonlinearity) -> tuple[Array, Moments]:
    """Return the scan's lengths at which the averages are finite, and the averages there."""
    found = moments(phi, GRID)
    usable = (found.square < LARGEST) & (found.slope_square < LARGEST)
    count = int(np.argmin(usable)) if not usable.all() else GRID.size
    if count == 0:
        raise InputError(
            f"E φ(√q z)² is not finite for any q: {phi.text} outgrows the Gaussian density or has a pole; "
            "give a φ with a second moment"
        )
    kept = slice(count)
    known = Moments(found.square[kept], found.growth[kept], found.slope_square[kept], found.error[kept], found.source)
    return GRID[kept], known


def end_of_moments(phi: Phi) -> float | None:
    """Return the length at which Eφ² has left every bound (1e200), None if it grows like a power.

    Where it has one, Eφ² averaged over the random length of a finite layer is infinite: E exp(a exp(z)) is for
    every a > 0. Such a network has no second moment from its second layer on, at whatever width.

    >>> end_of_moments("tanh"), round(end_of_moments("exp"))
    (None, 215)
    """
    phi = nonlinearity(phi)
    if phi.homogeneous:
        return None
    grid, _ = scanned(phi)
    return None if grid.size == GRID.size else float(grid[-1])


def check_variances(sigma_w2: float, sigma_b2: float) -> None:
    """Refuse a variance that is negative or not finite, and weights that are all zero.

    >>> check_variances(1.0, -0.1)
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: sigma_b2 must be a variance, at least 0 and finite, got -0.1; give e.g. 0.05
    """
    for name, value, usual in (("sigma_w2", sigma_w2, 1.5), ("sigma_b2", sigma_b2, 0.05)):
        if not 0 <= value < math.inf:
            raise InputError(f"{name} must be a variance, at least 0 and finite, got {value:g}; give e.g. {usual:g}")
    if sigma_w2 == 0:
        raise InputError(
            "sigma_w2 must be positive, got 0: without weights nothing depends on the input; give e.g. 1.5"
        )


def roots(function: Callable[[Array], Array], grid: Array, values: Array) -> list[float]:
    """Return the zeros of a function known on an ascending grid, pairs between two grid points included.

    Near each extremum that comes close to 0 without crossing it, the extremum itself is located first. The function
    is relative to its terms, of size 1, so that values below 1e-14 are rounding and take the sign of the next one.
    """
    from scipy import optimize  # at start-up it would cost 0.1 s

    def at(t: float) -> float:
        return float(function(np.array([math.exp(t)]))[0])

    logs = np.log(grid)
    signs = np.where(np.abs(values) < NOISE, 0.0, np.sign(values))
    for i in range(len(signs) - 2, -1, -1):
        signs[i] = signs[i] or signs[i + 1]
    brackets = [(logs[i], logs[i + 1]) for i in np.flatnonzero(signs[:-1] * signs[1:] < 0)]
    size = np.abs(values)
    for i in range(1, len(grid) - 1):
        if size[i] < min(size[i - 1], size[i + 1]) - 10.0 * NOISE and signs[i - 1] == signs[i] == signs[i + 1] != 0:
            sign = float(signs[i])
            inner = optimize.minimize_scalar(
                lambda t, sign=sign: sign * at(t),
                bounds=(logs[i - 1], logs[i + 1]),
                options={"xatol": 1e-12},
                method="bounded",
            )
            if inner.fun < -NOISE:
                brackets += [(logs[i - 1], float(inner.x)), (float(inner.x), logs[i + 1])]
    brackets = [pair for pair in brackets if at(pair[0]) * at(pair[1]) <= 0]
    return sorted(math.exp(optimize.brentq(at, *pair, xtol=1e-16, rtol=4.0 * EPS)) for pair in brackets)


def length_map(phi: Phi, *, sigma_w2: float, sigma_b2: float) -> LengthMap:
    """Find every fixed point of the length map with its stability.

    The scan covers 1e-12 <= q <= 1e12 in steps of a factor 1.21, with zeros refined to the last digit.

    Examples
    --------
    >>> found = length_map("tanh", sigma_w2=2.5, sigma_b2=0.05)
    >>> round(found.attractor.chi1, 9)
    1.133515699
    >>> gelu = length_map("gelu", sigma_w2=2.5, sigma_b2=0)
    >>> [(round(p.q, 6), p.stability.word) for p in gelu.fixed_points]
    [(0.0, 'stable'), (0.678091, 'unstable')]
    """
    phi = nonlinearity(phi)
    check_variances(sigma_w2, sigma_b2)
    if phi.homogeneous:
        return _scale_free(phi, sigma_w2, sigma_b2)
    grid, known = scanned(phi)

    def excess(q: Array) -> Array:
        found = moments(phi, q)
        return (sigma_w2 * found.square + sigma_b2) / q - 1.0

    values = (sigma_w2 * known.square + sigma_b2) / grid - 1.0
    places = roots(excess, grid, values)
    at_zero = sigma_b2 == 0 and phi.at_zero == 0
    _check_range(grid, values, sigma_w2 * float(known.growth[-1]), at_zero)
    if at_zero:
        places = [0.0, *places]
    points = tuple(_fixed_point(phi, q, sigma_w2, sigma_b2) for q in places)
    # What is rounding at the far end goes on as it did before.
    clear = values[np.abs(values) > NOISE]
    rising = bool(clear.size) and float(clear[-1]) > 0
    attractor = _reached(points, grid, values)
    sentence = ""
    if rising:
        top = f" from lengths above q = {points[-1].q:.6g}" if points else ""
        sentence = f"the length grows without bound{top}"
    return LengthMap(phi, sigma_w2, sigma_b2, points, attractor, sentence)


def _check_range(grid: Array, values: Array, last_slope: float, at_zero: bool) -> None:
    """Refuse variances whose fixed length lies outside the scan, instead of reporting none."""
    if values[0] < -NOISE and not at_zero:
        raise InputError(f"a fixed length lies below q = {grid[0]:g}; give sigma_b2 = 0, or a larger one")
    if values[-1] > NOISE and last_slope < 1.0 - 1e-9 and grid.size == GRID.size:
        raise InputError(f"a fixed length lies beyond q = {grid[-1]:g}; give smaller variances")


def _fixed_point(phi: Nonlinearity, q: float, sigma_w2: float, sigma_b2: float) -> FixedPoint:
    found = moments(phi, np.array([q]))
    check_resolved(phi, float(found.error[0]), q)
    slope, chi1 = float(sigma_w2 * found.growth[0]), float(sigma_w2 * found.slope_square[0])
    if abs(abs(slope) - 1.0) > (FLAT if q > 0 else 4.0 * EPS):
        stability = Stability.STABLE if abs(slope) < 1 else Stability.UNSTABLE
    else:
        step = 1e-4 * q if q > 0 else 1e-6
        sides = np.array([q + step, max(q - step, 0.0)])
        above, below = sigma_w2 * moments(phi, sides).square + sigma_b2 - sides
        if above < 0 and (below > 0 or q == 0):
            stability = Stability.STABLE
        elif above > 0 and (below < 0 or q == 0):
            stability = Stability.UNSTABLE
        else:
            stability = Stability.ONE_SIDED
    return FixedPoint(q, slope, stability, chi1, float(found.error[0]))


def _reached(points: tuple[FixedPoint, ...], grid: Array, values: Array) -> FixedPoint | None:
    """Return the fixed point next to q = 1 in the direction in which the length map moves it."""
    for point in points:
        if point.q == START:
            return point
    up = float(np.interp(0.0, np.log(grid), values)) > 0
    side = [p for p in points if (p.q > START) == up]
    if not side:
        return None
    return side[0] if up else side[-1]


def _scale_free(phi: Nonlinearity, sigma_w2: float, sigma_b2: float) -> LengthMap:
    """Solve the affine length map q' = χ₁ q + σ_b² of a φ without a scale."""
    mean = float(moments(phi, np.array(1.0)).square)
    chi1 = sigma_w2 * mean
    if abs(chi1 - 1.0) < 4.0 * EPS:
        chi1 = 1.0
    growth = f"the length map is q' = {chi1:.12g} q + {sigma_b2:.12g}"

    def point(q: float, stability: Stability) -> FixedPoint:
        return FixedPoint(q, chi1, stability, chi1, 4.0 * EPS)

    if chi1 < 1:
        only = point(sigma_b2 / (1.0 - chi1), Stability.STABLE)
        return LengthMap(phi, sigma_w2, sigma_b2, (only,), only, growth)
    if chi1 > 1:
        points = (point(0.0, Stability.UNSTABLE),) if sigma_b2 == 0 else ()
        note = f"{growth}: every length grows without bound, by a factor {chi1:.12g} per layer"
        return LengthMap(phi, sigma_w2, sigma_b2, points, None, note)
    if sigma_b2 > 0:
        note = f"{growth}: no fixed point, the length grows by {sigma_b2:.12g} per layer"
        return LengthMap(phi, sigma_w2, sigma_b2, (), None, note)
    any_length = point(START, Stability.ANY)
    note = "every q is a fixed point of the length map; q = 1 stands for all of them"
    return LengthMap(phi, sigma_w2, sigma_b2, (any_length,), any_length, note)
