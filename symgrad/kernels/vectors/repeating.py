"""When the orbit of a vector state repeats after a block: to within rounding, while the block contracts."""

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.settling import CONTRACTION, NEARBY, TOLERANCE

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
SQUARINGS = 5


def nearly(before: Array, after: Array) -> Mask:
    """Return where the states at the two ends of a block, shape (d, points), nearly agree.

    >>> nearly(np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([[1.0, 1.0], [1e-12, 1e-3]])).tolist()
    [True, False]
    """
    scale = np.abs(before).max(axis=0)
    return np.asarray((np.abs(after - before) <= NEARBY * scale).all(axis=0))


def contracts(product: Array) -> Mask:
    """Return where a power of the product, shape (d, d, points), shows that all its eigenvalues lie below 1.

    >>> shear, turn = [[0.5, 9.0], [0.0, 0.5]], [[0.0, -1.0], [1.0, 0.0]]
    >>> contracts(np.stack([shear, turn], axis=-1)).tolist()
    [True, False]
    """
    times, power = 1, np.moveaxis(product, -1, 0)
    for _ in range(SQUARINGS):
        power, times = power @ power, 2 * times
    return np.asarray(np.sqrt((power**2).sum(axis=(1, 2))) <= CONTRACTION**times)


def within_noise(noise: Array, before: Array, middle: Array, after: Array) -> Mask:
    """Return where two blocks in a row repeat to within their own rounding, all of shape (d, points)."""
    limit = TOLERANCE * noise
    near = (np.abs(middle - before) <= limit) & (np.abs(after - middle) <= limit)
    return np.asarray(near.all(axis=0))
