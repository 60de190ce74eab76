"""Paths of descent on the loss surface of a composition, many side by side, with the catapults on them.

The gradient is exact at any depth: it is carried with its logarithm, so that a gradient of 10^4000 is clipped like any
other, and unclipped is a step that leaves float64. A path ends where it leaves the box or float64; where it stands
still it is not computed again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Pow

from symgrad.derivation import Gradient
from symgrad.kernels import Change, SignedLog, StepRule, change_of, moved
from symgrad.kernels.signed_log import add
from symgrad.phenomena.descent.catapults import find_catapults
from symgrad.phenomena.descent.questions import Box, Question, compiled, question_of

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


OVERSHOOT = 100.0


def cannot_be_negative(loss: Expr) -> bool:
    """Say whether the loss is nonnegative by its form: an even power, or what SymPy knows to be nonnegative."""
    even = isinstance(loss, Pow) and loss.exp.is_even and loss.exp.is_positive
    return bool(even or loss.is_nonnegative)


@dataclass(frozen=True, eq=False)
class Descent:
    """Paths of one update rule, for (…) starts, step sizes and thresholds side by side.

    Parameters
    ----------
    question : what was asked: the loss, the rule and its numbers, the box
    positions : shape (steps + 1, names, …); after a path has ended its last point is repeated, ±inf beyond float64
    losses : shape (steps + 1, …); undefined beyond float64
    lengths : Euclidean length of each step, shape (steps, …); inf beyond float64, 0 after the end
    log_lengths : natural logarithms of the lengths, shape (steps, …); -inf after the end
    clipped : whether the gradient of a step was clipped, shape (steps, …)
    catapults : whether a step was a catapult, shape (steps, …)
    undone : the loss undone by catapults, shape (…)
    left : the number of the step that left the box or float64, -1 where none did, shape (…)
    exits : where a step beyond float64 led, shape (names, …); 0 for all other paths
    """

    question: Question
    positions: Array = field(repr=False)
    losses: SignedLog = field(repr=False)
    lengths: Array = field(repr=False)
    log_lengths: Array = field(repr=False)
    clipped: Mask = field(repr=False)
    catapults: Mask = field(repr=False)
    undone: SignedLog = field(repr=False)
    left: NDArray[np.int64] = field(repr=False)
    exits: SignedLog = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that move, in the order of ``positions``."""
        return self.question.target.wrt

    @property
    def steps(self) -> int:
        """The number of steps asked for."""
        return int(self.lengths.shape[0])

    @property
    def catapulted(self) -> Mask:
        """Where a path has at least one catapult, shape (…)."""
        return np.asarray(self.catapults.any(axis=0))

    @property
    def forfeited(self) -> Array:
        """The last loss less the least on the path: what was lost for good, shape (…); nan beyond float64."""
        losses = self.losses.value
        with np.errstate(all="ignore"):
            return np.asarray(losses[-1] - np.fmin.reduce(losses, axis=0))

    @property
    def log_overshoot(self) -> Array:
        """The logarithm of length²/(η L) of each step, shape (steps, …); nan where the loss could be negative.

        For a plain gradient step it is η over the step L/‖∇L‖² that would reach the floor 0, the step field of cliffs.
        """
        loss, rule = self.question.target.loss, self.question.rule
        if loss is None or rule.name == "newton" or not cannot_be_negative(loss):
            return np.full(self.lengths.shape, np.nan)
        with np.errstate(all="ignore"):
            return np.asarray(2 * self.log_lengths - np.log(rule.step_size) - self.losses[:-1].log_abs)

    @property
    def thrown(self) -> Mask:
        """Where a step overshoots by ``OVERSHOOT`` or more and is longer than the whole path before it."""
        before = np.concatenate([np.zeros_like(self.lengths[:1]), np.cumsum(self.lengths, axis=0)[:-1]])
        with np.errstate(all="ignore"):
            return np.asarray((self.log_overshoot >= np.log(OVERSHOOT)) & ~(self.lengths <= before))

    @property
    def longest_clipped_ratio(self) -> float:
        """The largest length of a clipped step over step size x threshold; 0 where nothing was clipped.

        By value every component is bounded, and the length by step size x threshold x √(number of parameters).
        """
        question = self.question
        names = len(self.names) if question.rule.clip_by == "value" else 1
        bound = np.asarray(question.rule.step_size * question.rule.threshold * np.sqrt(names))
        with np.errstate(all="ignore"):
            ratio = np.where(self.clipped, self.lengths / bound, 0.0)
        return float(np.max(ratio, initial=0.0))


def descend(
    target: Gradient,
    at: Mapping[str, Any],
    *,
    start: Any,
    depth: int | None = None,
    parameters: Mapping[str, Any] | None = None,
    rule: str = "gradient",
    step_size: Any = None,
    clip: Any = None,
    clip_by: str = "norm",
    momentum: Any = None,
    steps: int,
    box: Mapping[str, Box] | None = None,
) -> Descent:
    """Follow an update rule down the loss of a composition, from one or many starts.

    Parameters
    ----------
    target : the gradient of a loss in the parameters that move
    at : their first values, name → number or array
    start : the first state, a number or one for each component
    depth : the value of the composition's depth symbol
    parameters : the values of all other parameters
    rule : "gradient", "momentum" (heavy ball, Polyak 1964) or "newton" (towards a stationary point of the loss)
    step_size : η, a number or an array; needed but for Newton's rule, where 1 is the undamped step
    clip : the threshold of the gradient, a number or an array, inf or None for no clipping; not for Newton's rule
    clip_by : whether the threshold bounds the "norm" or each "value" of the gradient
    momentum : β, 0.9 unless given; only with rule "momentum"
    steps : how many steps
    box : name → (low, high); a path ends where it leaves the box

    Returns
    -------
    Descent : arrays in the shape to which ``at``, ``step_size``, ``clip`` and ``momentum`` broadcast

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.maps import Map
    >>> wall = gradient(Map("w*sigmoid(x) + b", "x") ** 50, "(sigmoid(x) - 0.7)**2", wrt="w,b")
    >>> at = {"w": 5.0, "b": -2.7}
    >>> plain = descend(wall, at, start=0.5, step_size=0.01, steps=60, box={"b": (-6, -1)})
    >>> clipped = descend(wall, at, start=0.5, step_size=0.01, clip=1, steps=60, box={"b": (-6, -1)})
    >>> int(plain.left), int(clipped.left)
    (46, -1)
    """
    question = question_of(
        target,
        at,
        start=start,
        depth=depth,
        parameters=parameters,
        rule=rule,
        step_size=step_size,
        clip=clip,
        clip_by=clip_by,
        momentum=momentum,
        steps=steps,
        box=box,
    )
    return _descent(question, _walk(question))


def _descent(question: Question, track: "_Track") -> Descent:
    """Bring what was recorded into the shape of the question, and find the catapults."""
    steps, shape = question.steps, question.first.shape[1:]
    positions = track.positions.reshape(steps + 1, len(question.target.wrt), *shape)
    losses = SignedLog(track.mantissas.reshape(steps + 1, *shape), track.exponents.reshape(steps + 1, *shape))
    left = _leaving(question, positions)
    catapults, undone = find_catapults(losses, left)
    return Descent(
        question,
        positions,
        losses,
        track.lengths.reshape(steps, *shape),
        track.log_lengths.reshape(steps, *shape),
        track.clipped.reshape(steps, *shape),
        catapults,
        undone,
        left,
        SignedLog(track.exits.mantissa.reshape(positions.shape[1:]), track.exits.exponent.reshape(positions.shape[1:])),
    )


def _leaving(question: Question, positions: Array) -> NDArray[np.int64]:
    """Return the number of the step that left the box or float64, -1 where none did."""
    outside = question.outside(np.moveaxis(positions, 1, 0))
    return np.where(outside.any(axis=0), outside.argmax(axis=0) - 1, -1)


@dataclass(frozen=True, eq=False)
class _Track:
    """What is recorded of flattened points; a point that stands still or has ended keeps its last values."""

    positions: Array
    mantissas: Array
    exponents: Array
    lengths: Array
    log_lengths: Array
    clipped: Mask
    exits: SignedLog

    @classmethod
    def empty(cls, steps: int, p: int, count: int) -> "_Track":
        return cls(
            np.empty((steps + 1, p, count)),
            np.empty((steps + 1, count)),
            np.empty((steps + 1, count)),
            np.zeros((steps, count)),
            np.full((steps, count), -np.inf),
            np.zeros((steps, count), dtype=bool),
            SignedLog.from_float(np.zeros((p, count))),
        )


def _walk(question: Question) -> _Track:
    """Walk all paths; only those that still move are computed."""
    names, steps = question.target.wrt, question.steps
    first = question.first.reshape(len(names), -1)
    track, kernel = _Track.empty(steps, *first.shape), compiled(question.target)
    track.positions[0] = first
    active, velocity = np.arange(first.shape[1]), None
    for step in range(steps + 1):
        if step:
            track.mantissas[step], track.exponents[step] = track.mantissas[step - 1], track.exponents[step - 1]
        if active.size:
            here = track.positions[step][:, active]
            outcome = kernel(question.start, question.at(here), depth=question.depth)
            assert outcome.loss is not None
            track.mantissas[step, active], track.exponents[step, active] = outcome.loss.mantissa, outcome.loss.exponent
        if step == steps:
            break
        track.positions[step + 1] = track.positions[step]
        if not active.size:
            continue
        change = change_of(_rule_at(question, active), outcome, names, velocity)
        after = moved(here, change)
        goes = ~question.outside(here) & (np.any(after != here, axis=0) | (question.rule.name == "momentum"))
        _record(track, step, active[goes], after[:, goes], change, goes)
        beyond = ~np.isfinite(after).all(axis=0)
        exit_point = add(SignedLog.from_float(here), change.by)[:, goes & beyond]
        gone = active[goes & beyond]
        track.exits.mantissa[:, gone], track.exits.exponent[:, gone] = exit_point.mantissa, exit_point.exponent
        active, velocity = active[goes & ~beyond], change.by[:, goes & ~beyond]
    lost = ~np.isfinite(track.positions).all(axis=1)
    track.mantissas[lost], track.exponents[lost] = np.nan, 0.0
    return track


def _record(track: _Track, step: int, who: NDArray[np.intp], after: Array, change: Change, goes: Mask) -> None:
    track.positions[step + 1][:, who] = after
    track.lengths[step, who] = change.length[goes]
    track.log_lengths[step, who] = change.log_length[goes]
    track.clipped[step, who] = change.clipped[goes]


def _rule_at(question: Question, active: NDArray[np.intp]) -> StepRule:
    """Return the numbers of the rule at some of the flattened points."""
    rule = question.rule
    size, threshold, beta = (
        np.ascontiguousarray(value).reshape(-1)[active] for value in (rule.step_size, rule.threshold, rule.momentum)
    )
    return StepRule(rule.name, size, threshold, rule.clip_by, beta)
