"""How rough the boundary of basins is: the uncertainty exponent and the dimension it gives.

A start is ε-uncertain if starts ε beside it have another label. Their share goes like ε^α, and the box-counting
dimension of the boundary is D = 2 − α in the plane, 1 − α on a line (Grebogi, McDonald, Ott & Yorke 1983, *Phys. Lett.
A* 99; McDonald et al. 1985, *Physica D* 17).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.phenomena.basins.basin_maps import Basins

Reals = NDArray[np.float64]
FEWEST_SCALES = 4
LARGEST_SHARE = 0.05  # of the window, the largest ε
FEWEST_UNCERTAIN = 100


@dataclass(frozen=True, eq=False)
class BoundaryDimension:
    """The dimension of the boundary between basins, fitted over the scales that a grid resolves.

    Parameters
    ----------
    dimension : D
    exponent : the uncertainty exponent α
    error : standard error of the fitted slope; what the finite range of scales hides is not in it
    scales : ε, in units of the axes, shape (scales,)
    shares : of ε-uncertain starts, shape (scales,)
    """

    dimension: float
    exponent: float
    error: float
    scales: Reals = field(repr=False)
    shares: Reals = field(repr=False)

    @property
    def verdict(self) -> Verdict:
        """What the dimension rests on: a fit over the scales of one grid."""
        return Verdict.SAMPLED

    @property
    def statement(self) -> str:
        """What was measured, in one sentence."""
        return (
            f"the boundary has dimension {self.dimension:.3f} ± {self.error:.3f} (uncertainty exponent "
            f"{self.exponent:.3f}, {self.scales.size} scales from {self.scales[0]:.2g} to {self.scales[-1]:.2g}; "
            f"{self.verdict.word})"
        )


def boundary_dimension(basins: Basins) -> BoundaryDimension:
    """Return the dimension of the boundary between all the labels of a grid.

    Raises
    ------
    InputError : no boundary in the window, or too coarse a grid for ``FEWEST_SCALES`` scales

    Examples
    --------
    >>> from symgrad.derivation import newton
    >>> from symgrad.phenomena.basins.basin_maps import find_basins
    >>> halves = find_basins(newton("z**2 - 1", "z"), ((-2, 2.1), (-2, 2)), points=400)
    >>> round(boundary_dimension(halves).dimension, 2)
    1.0
    """
    labels, axes = basins.labels, basins.axes
    if basins.branches is not None:
        raise InputError("over a swept parameter the axes have different units; give basins of one parameter value")
    shifts, shift = [], 1
    while shift <= LARGEST_SHARE * labels.shape[0]:
        shifts.append(shift)
        shift *= 2
    if len(shifts) < FEWEST_SCALES:
        need = int(np.ceil(2 ** (FEWEST_SCALES - 1) / LARGEST_SHARE))
        raise InputError(f"a dimension needs {need} starts along an axis or more, got {labels.shape[0]}")
    uncertain = [_uncertain(labels, shift, shifts[-1]) for shift in shifts]
    shares = np.array([float(np.mean(mask)) for mask in uncertain])
    if np.sum(uncertain[0]) < (FEWEST_UNCERTAIN if labels.ndim == 2 else 1):
        raise InputError("the window has too little boundary between basins to measure; give another window")
    scales = axes[0].spacing * np.array(shifts, dtype=float)
    (slope, _), covariance = np.polyfit(np.log(scales), np.log(shares), 1, cov=True)
    dimension = labels.ndim - float(slope)
    return BoundaryDimension(dimension, float(slope), float(np.sqrt(covariance[0, 0])), scales, shares)


def _uncertain(labels: NDArray[np.int32], shift: int, margin: int) -> NDArray[np.bool_]:
    """Return which starts have another label ε beside them along the first axis, but for a margin at its ends."""
    last = labels.shape[0] - margin
    middle = labels[margin:last]
    before, after = labels[margin - shift : last - shift], labels[margin + shift : last + shift]
    return np.asarray((middle != before) | (middle != after))
