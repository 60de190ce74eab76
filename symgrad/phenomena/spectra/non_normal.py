"""How far the powers of one matrix grow before they decay: what eigenvalues do not say."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.phenomena.spectra.jacobians import Array

MOST_POWERS = 20_000
SHOWN = 400
ANGLES = 72
RADII = 40
REFINEMENTS = 7
UNIT = 1e-12


@dataclass(frozen=True, eq=False)
class NonNormalGrowth:
    """The growth of the powers of a matrix.

    Parameters
    ----------
    norms : ‖J⁰‖₂, ‖J¹‖₂, … as far as they were computed, at most 400 of them
    peak : the largest ‖Jⁿ‖₂, n ≥ 0; inf where the powers grow without bound, nan where it was not settled
    peak_power : the n at which it is reached, None where there is none
    settled : whether a later power with norm at most 1 (or a spectral radius above 1) excludes a larger peak
    spectral_radius : max|eigenvalue|
    norm : the largest singular value
    numerical_radius : max|x*Jx| over unit vectors; ‖Jⁿ‖ ≤ 2·radiusⁿ
    numerical_abscissa : the largest eigenvalue of (J + Jᵀ)/2, the growth of exp(tJ) at t = 0
    kreiss : a lower bound of the Kreiss constant sup (|z| - 1)‖(z - J)⁻¹‖ over |z| > 1, hence of the peak
    normal : whether JᵀJ = JJᵀ to rounding; then ‖Jⁿ‖ is the spectral radius to the n-th
    """

    norms: Array
    peak: float
    peak_power: int | None
    settled: bool
    spectral_radius: float
    norm: float
    numerical_radius: float
    numerical_abscissa: float
    kreiss: float
    normal: bool

    @property
    def status(self) -> str:
        """One sentence: whether the powers decay, and how far they grow first."""
        if self.spectral_radius > 1 + UNIT:
            return f"the powers grow without bound: the spectral radius is {self.spectral_radius:.6g}"
        if not self.settled:
            return f"no power with norm at most 1 was met, so whether ‖Jⁿ‖ stays below {self.peak:.6g} is open"
        if self.peak_power == 0:
            return "the powers never grow: no ‖Jⁿ‖ exceeds 1"
        return f"the powers grow to {self.peak:.6g} at n = {self.peak_power} before they decay"


def non_normal_growth(matrix: Any) -> NonNormalGrowth:
    """Return how far ‖Jⁿ‖ grows, where, and the bounds that foretell it (Trefethen & Embree 2005, chapters 14–18).

    The peak is settled by the first power n > 0 with ‖Jⁿ‖ ≤ 1: every later one is at most an earlier one.

    Parameters
    ----------
    matrix : square, shape (d, d)

    Raises
    ------
    InputError : not square, empty, or not finite

    Examples
    --------
    >>> growth = non_normal_growth([[0.9, 10], [0, 0.9]])
    >>> round(growth.peak, 2), round(growth.spectral_radius, 3), growth.peak_power in (9, 10)
    (38.75, 0.9, True)
    """
    found = _checked(matrix)
    radius = float(np.abs(np.linalg.eigvals(found)).max())
    norms, peak, power, settled = _powers(found, radius)
    transposed = found.T @ found - found @ found.T
    scale = float(np.abs(found).max()) ** 2
    return NonNormalGrowth(
        norms,
        peak,
        power,
        settled,
        radius,
        float(np.linalg.norm(found, 2)),
        _numerical_radius(found),
        float(np.linalg.eigvalsh((found + found.T) / 2)[-1]),
        math.inf if radius > 1 + UNIT else _kreiss(found, radius),
        bool(np.abs(transposed).max() <= UNIT * scale),
    )


def _checked(matrix: Any) -> Array:
    try:
        found = np.asarray(matrix, dtype=float)
    except (TypeError, ValueError):
        raise InputError(
            f"a matrix of numbers is needed, got {str(matrix)[:40]!r}; give e.g. [[0.9, 10], [0, 0.9]]"
        ) from None
    if found.ndim != 2 or found.shape[0] != found.shape[1] or not found.size:
        raise InputError(f"the powers of a matrix need it square, got shape {found.shape}; give shape (d, d)")
    if not np.isfinite(found).all():
        raise InputError("the matrix has an entry that is not finite; give finite numbers")
    return found


def _powers(matrix: Array, radius: float) -> tuple[Array, float, int | None, bool]:
    """Return the norms of the powers, the peak with its power, and whether it is settled."""
    power, norms = np.eye(len(matrix)), [1.0]
    peak, place, settled = 1.0, 0, False
    for n in range(1, MOST_POWERS + 1):
        power = power @ matrix
        norm = float(np.linalg.norm(power, 2)) if np.isfinite(power).all() else math.inf
        if n <= SHOWN:
            norms.append(norm)
        if norm > peak * (1 + UNIT):
            peak, place = norm, n
        if norm <= 1:
            settled = True
            break
        if not math.isfinite(norm) or (radius > 1 + UNIT and n >= SHOWN):
            break
    while settled and len(norms) <= min(SHOWN, 4 * (place + 5)):
        power = power @ matrix
        norms.append(float(np.linalg.norm(power, 2)))
    if radius > 1 + UNIT:
        return np.array(norms), math.inf, None, True
    return np.array(norms), peak, place, settled


def _numerical_radius(matrix: Array) -> float:
    """Return max over angles of the largest eigenvalue of the Hermitian part of e^{it}J, refined at the best."""
    angles, width = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False), 2 * np.pi / ANGLES
    best = -math.inf
    for _ in range(REFINEMENTS):
        turned = np.exp(1j * angles)[:, None, None] * matrix
        tops = np.linalg.eigvalsh((turned + turned.conj().swapaxes(-1, -2)) / 2)[:, -1]
        top = int(np.argmax(tops))
        best = max(best, float(tops[top]))
        angles, width = angles[top] + np.linspace(-width, width, ANGLES), width / ANGLES * 3
    return best


def _kreiss(matrix: Array, radius: float) -> float:
    """Return the largest (|z| - 1)/σ_min(z - J) found on circles outside the unit circle, refined round the best."""
    eye = np.eye(len(matrix))
    logs, angles = np.linspace(-6, 1, RADII), np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    best, wide, turn = 1.0, 7 / RADII, 2 * np.pi / ANGLES
    for _ in range(REFINEMENTS):
        excess, values = 10.0**logs, []
        for one in excess:
            z = (1 + one) * np.exp(1j * angles)
            least = np.linalg.svd(z[:, None, None] * eye - matrix, compute_uv=False)[:, -1]
            values.append(one / np.maximum(least, 1e-300))
        grid: NDArray[Any] = np.array(values)
        place = np.unravel_index(int(np.argmax(grid)), grid.shape)
        best = max(best, float(grid[place]))
        logs = logs[place[0]] + np.linspace(-wide, wide, 9)
        angles = angles[place[1]] + np.linspace(-turn, turn, 9)
        wide, turn = wide / 3, turn / 3
    return best
