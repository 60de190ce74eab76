"""The (step size, clipping threshold) diagram: what becomes of the same starts in every cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import Gradient
from symgrad.errors import InputError
from symgrad.kernels.points import floats_of
from symgrad.phenomena.descent.catapults import DEFINITION
from symgrad.phenomena.descent.endings import ENDS, PathEnd, ends_of
from symgrad.phenomena.descent.paths import Descent, descend
from symgrad.phenomena.descent.questions import Box

Array = NDArray[np.float64]
MOST_NUMBERS = 40_000_000


@dataclass(frozen=True, eq=False)
class DescentDiagram:
    """Shares of the same starts over step sizes (first axis) and clipping thresholds (second axis).

    Parameters
    ----------
    step_sizes, thresholds : the two axes, increasing; a threshold may be inf, which clips nothing
    catapulted : share of starts with at least one catapult, shape (step sizes, thresholds)
    ends : share of starts per way to end, of the same shape; they add up to 1
    undone : loss undone by catapults, the mean over the starts
    final : the median of the last losses
    starts, steps : how many
    goal : the loss that counts as converged
    longest_clipped_ratio : the largest length of a clipped step over its bound, at most 1
    """

    step_sizes: Array
    thresholds: Array
    catapulted: Array = field(repr=False)
    ends: Mapping[PathEnd, Array] = field(repr=False)
    undone: Array = field(repr=False)
    final: Array = field(repr=False)
    starts: int
    steps: int
    goal: float | None
    longest_clipped_ratio: float

    @property
    def statement(self) -> str:
        """What was done, in one sentence."""
        return (
            f"{self.step_sizes.size} x {self.thresholds.size} cells, in each the same {self.starts} starts and "
            f"{self.steps} steps; the longest clipped step has {self.longest_clipped_ratio:.16g} of step size x "
            f"threshold; a catapult is {DEFINITION}."
        )


def descent_diagram(
    target: Gradient,
    starts: Mapping[str, Any],
    step_sizes: Sequence[float] | Array,
    thresholds: Sequence[float] | Array,
    *,
    start: Any,
    depth: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    rule: str = "gradient",
    clip_by: str = "norm",
    momentum: float | None = None,
    steps: int,
    goal: float | None = None,
    box: Mapping[str, Box] | None = None,
) -> DescentDiagram:
    """Follow descent from the same starts with every pair of step size and clipping threshold.

    Parameters
    ----------
    starts : first values, name → shape (starts,)
    goal : the loss that counts as converged; a hundredth of the first loss unless given, where it cannot be negative
    start, depth, parameters, rule, clip_by, momentum, steps, box : as for ``descend``

    Raises
    ------
    InputError : axes that do not increase, or a diagram too large to hold
    """
    sizes, bounds = _axis("step sizes", step_sizes), _axis("thresholds", thresholds)
    first = {name: floats_of(f"the first value of {name!r}", value).reshape(-1) for name, value in starts.items()}
    count = max((value.size for value in first.values()), default=0)
    each = bounds.size * count * (steps + 1) * (len(first) + 5) if isinstance(steps, int) else 1
    if each > MOST_NUMBERS:
        raise InputError(f"one row of the diagram needs {each} numbers, at most {MOST_NUMBERS} fit; take fewer starts")
    rows = max(1, MOST_NUMBERS // max(each, 1))
    parts: list[dict[Any, Any]] = []
    for begin in range(0, sizes.size, rows):
        walked = descend(
            target,
            {name: value[None, None, :] for name, value in first.items()},
            start=start,
            depth=depth,
            parameters=parameters,
            rule=rule,
            step_size=sizes[begin : begin + rows, None, None],
            clip=bounds[None, :, None],
            clip_by=clip_by,
            momentum=momentum,
            steps=steps,
            box=box,
        )
        parts.append(_shares(walked, goal))
    whole = {key: np.concatenate([part[key] for part in parts]) for key in ("catapulted", "undone", "final", *ENDS)}
    return DescentDiagram(
        sizes,
        bounds,
        whole["catapulted"],
        {end: whole[end] for end in ENDS},
        whole["undone"],
        whole["final"],
        count,
        steps,
        goal,
        max(part["ratio"] for part in parts),
    )


def _shares(walked: Descent, goal: float | None) -> dict[Any, Any]:
    """Return what a diagram keeps of some of its rows."""
    codes, last = ends_of(walked, goal), walked.losses[walked.steps].value
    return {
        "catapulted": walked.catapulted.mean(axis=-1),
        "undone": walked.undone.value.mean(axis=-1),
        "final": np.median(np.where(np.isnan(last), np.inf, last), axis=-1),
        "ratio": walked.longest_clipped_ratio,
        **{end: (codes == code).mean(axis=-1) for code, end in enumerate(ENDS)},
    }


def _axis(what: str, values: Any) -> Array:
    array = floats_of(f"the {what}", values).reshape(-1)
    if not np.all(np.diff(array) > 0):
        raise InputError(f"the {what} must increase, got {array[:3]}…; sort them")
    return array
