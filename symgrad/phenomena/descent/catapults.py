"""Catapults: the steps that throw a descent back, told apart from a harmless rise of the loss.

Lewkowycz et al. (2020) call a rise of the loss under a large step a catapult. A plain gradient step of size η is one at
θ if it leaves the box or raises the loss. On a path that definition needs a scale, because near a minimum the loss may
rise by 1e-16. A step is a catapult here if it

1. leaves the box (where one is given), or float64; or
2. raises the loss by more than half of what had been won since the start or the last catapult, and by more than 1e-9
   of the loss.

Where nothing has been won yet, any rise above rounding undoes all of it. Loss undone is the sum of these rises.

References
----------
Lewkowycz, Bahri, Dyer, Sohl-Dickstein & Gur-Ari (2020), The large learning rate phase of deep learning: the catapult
mechanism, arXiv 2003.02218.
"""

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels import SignedLog
from symgrad.kernels.signed_log import absolute, add, compare, multiply, negate, undefined, where

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

UNDONE_SHARE = 0.5
ROUNDING = 1e-9
DEFINITION = (
    "a step that leaves the box or float64, or that raises the loss by more than half of what had been won since the "
    "start or the last catapult (and by more than 1e-9 of the loss)"
)
ZERO = SignedLog.from_float(0.0)


def find_catapults(losses: SignedLog, left: NDArray[np.int64]) -> tuple[Mask, SignedLog]:
    """Return which steps are catapults, shape (steps, …), and the loss each path had undone, shape (…).

    Parameters
    ----------
    losses : the loss before the first and after every step, shape (steps + 1, …); undefined beyond float64
    left : the number of the step that left the box or float64, -1 where none did, shape (…)

    Examples
    --------
    >>> catapults, undone = find_catapults(SignedLog.from_float([1.0, 0.2, 0.25, 0.9]), np.array(-1))
    >>> catapults.tolist(), round(float(undone.value), 12)
    ([False, False, True], 0.65)
    """
    reference = best = losses[0]
    undone = SignedLog.from_float(np.zeros(best.shape))
    found = []
    for step in range(losses.shape[0] - 1):
        before, after = losses[step], losses[step + 1]
        known = ~undefined(after)
        rise = add(after, negate(before))
        half = multiply(SignedLog.from_float(UNDONE_SHARE), add(reference, negate(best)))
        faint = multiply(SignedLog.from_float(ROUNDING), absolute(before))
        risen = known & (compare(rise, half) > 0) & (compare(rise, faint) > 0)
        catapult = risen | (left == step)
        undone = where(catapult & known & (compare(rise, ZERO) > 0), add(undone, rise), undone)
        reference = where(catapult & known, after, reference)
        best = where(known & (catapult | (compare(after, best) < 0)), after, best)
        found.append(catapult)
    return np.stack(found), undone
