"""Where derivatives are tried: scales and signs around zero, around intervals and around points of interest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]


def draw_points(
    intervals: Sequence[Interval] = (), near: Sequence[float] = (), *, seed: int = 0
) -> NDArray[np.float64]:
    """Points of both signs, tiny and large, dense logarithmically near zero, interval ends and the points named.

    Parameters
    ----------
    intervals : where the function is of interest; its ends are approached from both sides
    near : points to approach from both sides, e.g. roots or joints of pieces
    seed : of the uniform draws

    Returns
    -------
    array of shape (points,), ascending, without repetition

    Examples
    --------
    >>> points = draw_points()
    >>> bool(points.min() < -100), bool(points.max() > 100), 0.0 in points
    (True, True, True)
    """
    generator = np.random.default_rng(seed)
    decades = 10.0 ** -np.arange(1, 9)
    blocks = [np.array([0.0, 1.0, -1.0]), decades * 1.7, -decades * 1.7, generator.uniform(-3, 3, 8)]
    blocks.append(np.array([7.3, -7.3, 31.0, -31.0, 412.0, -412.0, 1.3e4, -1.3e4]))
    for low, high in intervals:
        width = high - low
        blocks.append(generator.uniform(low, high, 12))
        for end in (low, high):
            blocks.append(np.concatenate([[end], end + width * decades[1:7:2], end - width * decades[1:7:2]]))
    for point in near:
        scale = abs(point) or 1.0
        blocks.append(np.concatenate([[point], point + scale * decades[1:7:2], point - scale * decades[1:7:2]]))
    points: NDArray[np.float64] = np.unique(np.concatenate(blocks))
    return points
