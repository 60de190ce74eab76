"""Advice with its evidence: the largest step that keeps a start safe, the smallest threshold that still arrives.

Neither need be monotone: a larger step may jump over a wall that a smaller one meets. So both are scanned on a
logarithmic scale and refined at the first change only, and what is said is what was seen on the values sampled.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import Gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.phenomena.descent.paths import Descent, descend

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

COUNT = 64
REFINEMENTS = 2


@dataclass(frozen=True, eq=False)
class Advice:
    """A step size or clipping threshold, and what it rests on.

    Parameters
    ----------
    value : the advised number, None if none of the sampled values does
    beyond : the nearest sampled value on the other side, where it no longer holds; None if it holds everywhere
    sampled : all values tried, increasing
    holds : whether it holds at each of them
    verdict : sampled, always
    statement : the advice and its evidence in one sentence
    """

    value: float | None
    beyond: float | None
    sampled: Array
    holds: Mask
    verdict: Verdict
    statement: str

    @property
    def monotone(self) -> bool:
        """Whether the sampled values change only once between holding and not holding."""
        return int(np.count_nonzero(np.diff(self.holds.astype(int)))) <= 1


def _scan(test: Callable[[Array], Mask], low: float, high: float, count: int) -> tuple[Array, Mask]:
    """Return the values tried, increasing, and where the test holds; refined about its first change."""
    if not 0 < low < high < np.inf:
        raise InputError(f"a scan needs 0 < low < high, got {low:g} and {high:g}; give e.g. low=1e-4, high=1")
    if isinstance(count, bool) or not isinstance(count, int) or count < 3:
        raise InputError(f"a scan needs at least 3 values, got {count!r}; give e.g. {COUNT}")
    values = np.geomspace(low, high, count)
    holds = test(values)
    for _ in range(REFINEMENTS):
        changes = np.flatnonzero(np.diff(holds.astype(int)))
        if not changes.size:
            break
        inner = np.geomspace(values[changes[0]], values[changes[0] + 1], 18)[1:-1]
        order = np.argsort(values := np.append(values, inner))
        values, holds = values[order], np.append(holds, test(inner))[order]
    return values, holds


def _columns(at: Mapping[str, Any]) -> dict[str, Array]:
    """Return the first values with the starts on the second axis, behind the scanned number."""
    return {name: np.asarray(value, dtype=np.float64).reshape(1, -1) for name, value in at.items()}


def largest_safe_step(
    target: Gradient,
    at: Mapping[str, Any],
    *,
    start: Any,
    steps: int,
    low: float,
    high: float,
    count: int = COUNT,
    **options: Any,
) -> Advice:
    """Return the largest step size below which no catapult was seen on the step sizes sampled.

    Parameters
    ----------
    at : the first values, name → number or array; the step must be safe for all of them
    low, high, count : the step sizes scanned, ``count`` of them equally spaced in their logarithm
    options : as for ``descend``: depth, parameters, rule, clip, clip_by, momentum, box

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.maps import Map
    >>> bowl = gradient(Map("w*x", "x"), "x**2", wrt="w")
    >>> advice = largest_safe_step(bowl, {"w": 1.0}, start=1, steps=50, low=0.01, high=10)
    >>> abs(advice.value - 1) < 1e-3, advice.monotone
    (True, True)
    """

    def safe(sizes: Array) -> Mask:
        walked = descend(target, _columns(at), start=start, step_size=sizes[:, None], steps=steps, **options)
        return np.asarray(~walked.catapulted.any(axis=-1))

    sampled, holds = _scan(safe, low, high, count)
    first = int(np.argmin(holds)) if not holds.all() else holds.size
    value = float(sampled[first - 1]) if first else None
    beyond = float(sampled[first]) if first < sampled.size else None
    again = int(np.count_nonzero(holds[first:]))
    if value is None:
        sentence = f"Already the smallest step size tried, {low:g}, is catapulted within {steps} steps."
    elif beyond is None:
        sentence = f"No catapult within {steps} steps at any of {sampled.size} step sizes up to {high:g}."
    else:
        sentence = (
            f"{value:.6g} is the largest step size below which no catapult was seen at {first} step sizes sampled from "
            f"{low:g} on, within {steps} steps; at {beyond:.6g} there is one; "
            + (f"{again} of the larger ones sampled are safe again." if again else "none of the larger ones is safe.")
        )
    return Advice(value, beyond, sampled, holds, Verdict.SAMPLED, sentence)


def smallest_crossing_threshold(
    target: Gradient,
    at: Mapping[str, Any],
    *,
    start: Any,
    step_size: float,
    steps: int,
    low: float,
    high: float,
    goal: float,
    count: int = COUNT,
    **options: Any,
) -> Advice:
    """Return the smallest clipping threshold with which the goal is reached at some step of the path.

    A clipped step is at most step size x threshold long, so below distance/(steps x step size) no threshold can do it.

    Parameters
    ----------
    at : the first values, name → number or array; all of them must arrive
    low, high, count : the thresholds scanned, ``count`` of them equally spaced in their logarithm
    goal : the loss that must be reached
    options : as for ``descend``: depth, parameters, rule, clip_by, momentum, box
    """

    def arrives(thresholds: Array) -> Mask:
        walked = descend(
            target,
            _columns(at),
            start=start,
            step_size=step_size,
            clip=thresholds[:, None],
            steps=steps,
            **options,
        )
        return np.asarray(reached(walked, goal).all(axis=-1))

    sampled, holds = _scan(arrives, low, high, count)
    first = int(np.argmax(holds)) if holds.any() else None
    value = None if first is None else float(sampled[first])
    beyond = float(sampled[first - 1]) if first else None
    if first is None:
        sentence = f"At none of {sampled.size} thresholds from {low:g} to {high:g} is a loss of {goal:g} reached."
    else:
        failing = int(np.count_nonzero(~holds[first:]))
        sentence = (
            f"{sampled[first]:.6g} is the smallest of {sampled.size} thresholds sampled from {low:g} to {high:g} that "
            f"reaches a loss of {goal:g} within {steps} steps of size {step_size:g}; "
            + (f"{failing} of the larger ones do not." if failing else "all larger ones do as well.")
        )
    return Advice(value, beyond, sampled, holds, Verdict.SAMPLED, sentence)


def reached(walked: Descent, goal: float) -> Mask:
    """Return where the loss is at the goal or below it at some point of the path inside box and float64."""
    losses = walked.losses.value
    steps = np.arange(losses.shape[0]).reshape(-1, *[1] * (losses.ndim - 1))
    inside = (walked.left < 0) | (steps <= walked.left)
    return np.asarray(((losses <= goal) & inside).any(axis=0))
