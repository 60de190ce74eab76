"""The highest point of a positive function on an ordered grid, refined, with its full width at half height."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ROUNDS = 3
COUNT = 33


@dataclass(frozen=True)
class Peak:
    """A maximum.

    Parameters
    ----------
    place, height : where and how high
    low, high : the ends of its upper half, nan where they lie outside the grid
    inside : whether the maximum and both of its slopes lie inside the grid
    """

    place: float
    height: float
    low: float
    high: float
    inside: bool

    @property
    def width(self) -> float:
        """The full width at half height, nan where it is not inside."""
        return self.high - self.low


def highest(function: Callable[[Array], Array], grid: Array, *, width: bool = True) -> Peak:
    """Return the highest point of a function.

    Parameters
    ----------
    function : of an array of places, its values at least 0; nan counts as 0
    grid : increasing places, shape (m,)
    width : whether the half width is wanted

    Examples
    --------
    >>> peak = highest(lambda u: 1 / (1 + u**2), np.linspace(-9, 9, 50))
    >>> round(peak.place, 4), round(peak.height, 6), round(peak.width, 3), peak.inside
    (0.0, 1.0, 2.0, True)
    """
    values = np.nan_to_num(function(grid), nan=0.0, posinf=np.inf)
    best = int(np.argmax(values))
    inside = 0 < best < len(grid) - 1 and bool(np.isfinite(values[best]))
    place, height = float(grid[best]), float(values[best])
    if not inside:
        return Peak(place, height, np.nan, np.nan, False)
    low, high = float(grid[best - 1]), float(grid[best + 1])
    for _ in range(ROUNDS):
        fine = np.linspace(low, high, COUNT)
        refined = np.nan_to_num(function(fine), nan=0.0)
        middle = int(np.clip(np.argmax(refined), 1, COUNT - 2))
        if refined.max() >= height:
            place, height = float(fine[np.argmax(refined)]), float(refined.max())
        low, high = float(fine[middle - 1]), float(fine[middle + 1])
    if not width:
        return Peak(place, height, np.nan, np.nan, True)
    ends = [_half(function, grid, values, place, height / 2, turn) for turn in (-1, 1)]
    return Peak(place, height, ends[0], ends[1], bool(np.isfinite(ends).all()))


def _half(
    function: Callable[[Array], Array], grid: Array, values: Array, place: float, level: float, turn: int
) -> float:
    """Return the nearest place on one side of a maximum at which the function falls below a level."""
    beyond = np.flatnonzero(turn * (grid - place) > 0)[::turn]
    below = np.flatnonzero(~(values[beyond] >= level))
    if not below.size:
        return float("nan")
    outer = float(grid[beyond[below[0]]])
    inner = float(grid[beyond[below[0] - 1]]) if below[0] > 0 else place
    for _ in range(ROUNDS):
        fine = np.linspace(inner, outer, COUNT)
        down = np.flatnonzero(~(np.nan_to_num(function(fine), nan=0.0) >= level))
        first = int(down[0]) if down.size else COUNT - 1
        inner, outer = float(fine[max(first - 1, 0)]), float(fine[first])
    return (inner + outer) / 2
