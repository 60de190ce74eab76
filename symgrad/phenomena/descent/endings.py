"""How a path of descent ends: at the goal, on a plateau, bouncing between walls, out of the box, or still under way."""

from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels import SignedLog
from symgrad.kernels.signed_log import absolute, add, compare, multiply, negate, undefined
from symgrad.phenomena.descent.catapults import ROUNDING
from symgrad.phenomena.descent.paths import Descent, cannot_be_negative

Codes = NDArray[np.int64]

GOAL_SHARE = 0.01
PATIENCE = 10
WINDOW = 10


class PathEnd(Enum):
    """How a path ends; the value is the sentence a report prints."""

    CONVERGED = "the loss is at the goal or below it"
    STALLED = f"on a plateau: the loss falls so slowly that the goal is more than {PATIENCE} times as many steps away"
    BOUNCING = "the loss still goes up and down, above the goal"
    UNDER_WAY = "the loss still falls, above the goal"
    SETTLED = "no goal is known, and the loss no longer changes by more than rounding"
    LEFT_BOX = "the last step left the box"
    LEFT_FLOAT64 = "the last step left float64"
    UNDEFINED = "the loss or the step is undefined"

    @property
    def word(self) -> str:
        """The lower-case name, as JSON and tables print it."""
        return self.name.lower().replace("_", " ")


ENDS = tuple(PathEnd)


def goal_of(descent: Descent, goal: Any = None) -> SignedLog:
    """Return the loss that counts as converged, in the shape of the paths.

    It is the one given. Otherwise a loss that cannot be negative has the goal of a hundredth of its first value; any
    other loss has none (undefined), because its floor is not known.
    """
    shape = descent.losses.shape[1:]
    if goal is not None:
        return SignedLog.from_float(np.broadcast_to(np.asarray(goal, dtype=np.float64), shape))
    loss = descent.question.target.loss
    if loss is None or not cannot_be_negative(loss):
        return SignedLog.from_float(np.full(shape, np.nan))
    return multiply(SignedLog.from_float(GOAL_SHARE), descent.losses[0])


def ends_of(descent: Descent, goal: Any = None) -> Codes:
    """Return how each path ends, as places in ``ENDS``, in the shape of the paths.

    The pace of the loss is taken over the last tenth of the steps. A path has stalled if the loss did not rise there by
    more than rounding, and at that pace the goal is more than ``PATIENCE`` times as many steps away as were taken.
    """
    wanted, steps = goal_of(descent, goal), descent.steps
    last = descent.losses[steps]
    first = descent.losses[max(0, steps - max(1, steps // WINDOW))]
    window = min(steps, max(1, steps // WINDOW))
    faint = multiply(SignedLog.from_float(ROUNDING), absolute(first))
    fall = add(first, negate(last))
    rises = np.zeros(last.shape, dtype=bool)
    for step in range(steps - window, steps):
        rise = add(descent.losses[step + 1], negate(descent.losses[step]))
        rises |= compare(rise, faint) > 0
    unknown = undefined(wanted)
    missing = add(last, negate(wanted))
    reach = multiply(SignedLog.from_float(float(PATIENCE * steps) / window), fall)
    still = ~rises & (compare(absolute(fall), faint) <= 0)
    lost = np.isinf(descent.positions[-1]).any(axis=0)
    cases = [
        (PathEnd.LEFT_FLOAT64, lost),
        (PathEnd.LEFT_BOX, descent.left >= 0),
        (PathEnd.UNDEFINED, undefined(last) | np.isnan(descent.log_lengths).any(axis=0)),
        (PathEnd.CONVERGED, ~unknown & (compare(last, wanted) <= 0)),
        (PathEnd.BOUNCING, rises),
        (PathEnd.SETTLED, unknown & still),
        (PathEnd.STALLED, ~unknown & (compare(missing, reach) > 0)),
    ]
    codes = [ENDS.index(end) for end, _ in cases]
    return np.asarray(np.select([mask for _, mask in cases], codes, ENDS.index(PathEnd.UNDER_WAY)))
