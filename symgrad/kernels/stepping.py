"""Update rules stepped by kernels: training as an orbit in parameter space, gradients and steps of any size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import UpdateMap
from symgrad.errors import InputError
from symgrad.kernels.kernel import Kernel
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import floats_of
from symgrad.kernels.signed_log import (
    SignedLog,
    absolute,
    add,
    compare,
    divide,
    multiply,
    negate,
    stack,
    where,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
NEVER_LONGER = 1 - 2.0**-50  # outweighs the roundings after it, so that no clipped step exceeds step size x threshold


@dataclass(frozen=True)
class StepRule:
    """The numbers of an update rule, each of a shape that broadcasts with the points.

    Parameters
    ----------
    name : "gradient", "momentum" or "newton"
    step_size : η
    threshold : the largest norm (or component) of the gradient; inf where it is not clipped
    clip_by : "norm" or "value"
    momentum : β of the heavy ball
    """

    name: str
    step_size: Any
    threshold: Any = np.inf
    clip_by: str = "norm"
    momentum: Any = 0.0

    @classmethod
    def of(cls, update: UpdateMap) -> "StepRule":
        """Return the numbers of an update map."""
        threshold = np.inf if update.threshold is None else float(update.threshold)
        return cls(update.rule, float(update.step_size), threshold, update.clip_by, float(update.momentum))


@dataclass(frozen=True)
class Change:
    """What one step of a rule does to the parameters.

    Parameters
    ----------
    by : θ⁺ - θ, shape (names, …), undefined where the rule is (a singular Hessian, a state that is undefined)
    clipped : where the gradient was longer than the threshold, shape (…)
    """

    by: SignedLog
    clipped: Mask

    @property
    def log_length(self) -> Array:
        """The natural logarithm of the step's Euclidean length, shape (…)."""
        sizes = np.where(np.isnan(self.by.mantissa), np.nan, self.by.log_abs)
        return np.asarray(0.5 * np.logaddexp.reduce(2 * sizes, axis=0))

    @property
    def length(self) -> Array:
        """The step's Euclidean length, shape (…), inf where it leaves float64."""
        return _norm(self.by).value


def _top(values: SignedLog) -> Array:
    """Return the largest exponent along the first axis, 0 where all numbers are zero."""
    top = np.max(np.where(values.mantissa == 0, -np.inf, values.exponent), axis=0)
    return np.where(np.isneginf(top), 0.0, top)


def _norm(values: SignedLog) -> SignedLog:
    """Return the Euclidean norm along the first axis."""
    top = _top(values)
    shift = np.where(np.isinf(top), 0.0, top)
    with np.errstate(all="ignore"):
        parts = SignedLog.from_parts(values.mantissa, np.where(np.isinf(top), 0.0, values.exponent - shift)).value
        return SignedLog.from_parts(np.sqrt(np.sum(parts**2, axis=0)), top)


def clip(gradient: SignedLog, threshold: Any, clip_by: str) -> tuple[SignedLog, Mask]:
    """Return the clipped gradient, shape (names, …), and where it was clipped; correct for gradients of any size.

    >>> huge = SignedLog.from_parts([[0.75], [1.0]], 4000)
    >>> clip(huge, 1.0, "norm")[0].value.ravel().round(6).tolist()
    [0.6, 0.8]
    >>> clip(huge, 1.0, "value")[0].value.ravel().tolist()
    [1.0, 1.0]
    """
    if np.all(np.isinf(threshold)):
        return gradient, np.zeros(gradient.shape[1:], dtype=bool)
    limit = SignedLog.from_float(np.broadcast_to(threshold, gradient.shape[1:]))
    if clip_by == "value":
        beyond = compare(absolute(gradient), limit) > 0
        cut = SignedLog(np.copysign(limit.mantissa, gradient.mantissa), np.broadcast_to(limit.exponent, gradient.shape))
        return where(beyond, cut, gradient), np.asarray(beyond.any(axis=0))
    size = _norm(gradient)
    beyond = compare(size, limit) > 0
    factor = multiply(divide(limit, size), SignedLog.from_float(NEVER_LONGER))
    return where(beyond, multiply(gradient, factor), gradient), beyond


def change_of(rule: StepRule, outcome: Outcome, names: Sequence[str], velocity: SignedLog | None = None) -> Change:
    """Return the step of a rule at the points of an outcome.

    Parameters
    ----------
    velocity : the previous step θ - θ⁻ of the heavy ball, shape (names, …); None at the first step
    """
    gradients = [outcome.gradient[name] for name in names]
    size = SignedLog.from_float(rule.step_size)
    if rule.name == "newton":
        step = negate(multiply(size, newton_step(gradients, outcome.hessian, names)))
        return Change(step, np.zeros(step.shape[1:], dtype=bool))
    kept, clipped = clip(stack(gradients), rule.threshold, rule.clip_by)
    step = negate(multiply(size, kept))
    if rule.name == "momentum" and velocity is not None:
        step = add(multiply(SignedLog.from_float(rule.momentum), velocity), step)
    return Change(step, clipped)


def moved(position: Array, change: Change) -> Array:
    """Return θ⁺, shape (names, …): ±inf where the step leaves float64, unchanged where it is undefined."""
    by = change.by.value
    with np.errstate(all="ignore"):
        return np.where(np.isinf(position) | np.isnan(by), position, position + by)


@dataclass(frozen=True)
class Path:
    """The orbit of parameters under an update rule, for (…) starts side by side.

    Parameters
    ----------
    names : the parameters that move
    positions : shape (steps + 1, names, …); ±inf from the step on that leaves float64
    losses : the loss before each step and after the last, shape (steps + 1, …)
    lengths : the length of each step, shape (steps, …); inf where it leaves float64, nan where the step is undefined
    log_lengths : natural logarithms of the lengths, also of those beyond float64, shape (steps, …)
    clipped : whether the gradient of each step was clipped, shape (steps, …)
    """

    names: tuple[str, ...]
    positions: Array
    losses: Array
    lengths: Array
    log_lengths: Array
    clipped: Mask


def _no_shape(at: Mapping[str, Any]) -> InputError:
    listing = ", ".join(f"{name} {np.shape(value)}" for name, value in at.items())
    return InputError(f"the first values do not broadcast to one shape: {listing}; give arrays that do")


@dataclass(frozen=True)
class UpdateKernel:
    """A compiled update rule: calling it follows the rule for so many steps.

    Examples
    --------
    >>> from symgrad.derivation import gradient, gradient_step
    >>> from symgrad.kernels import to_kernel
    >>> from symgrad.maps import Map
    >>> rule = gradient_step(gradient(Map("w*x", "x"), "(x - 1)**2", wrt="w"), eta="1/4")
    >>> to_kernel(rule)({"w": 0.0}, 1.0, steps=2).positions[:, 0].tolist()
    [0.0, 0.5, 0.75]
    """

    update: UpdateMap
    kernel: Kernel

    def __call__(
        self,
        at: Mapping[str, Any],
        start: Any,
        parameters: Mapping[str, Any] | None = None,
        *,
        depth: int | None = None,
        steps: int,
    ) -> Path:
        """Follow the rule from ``at`` (name → number or array) for ``steps`` steps.

        A step that leaves float64 puts the parameter at ±inf, where it stays.
        """
        names = self.update.gradient.wrt
        if set(at) != set(names):
            raise InputError(
                f"the rule moves {', '.join(names)}, got values for {', '.join(at) or 'none'}; give each one"
            )
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise InputError(f"steps must be a positive integer, got {steps!r}; give e.g. 100")
        if both := set(names) & set(parameters or {}):
            raise InputError(f"the rule moves {sorted(both)[0]!r}; give its first value in the first argument only")
        try:
            here = np.stack(np.broadcast_arrays(*(floats_of(f"parameter {name!r}", at[name]) for name in names)))
        except ValueError as problem:
            raise problem if isinstance(problem, InputError) else _no_shape(at) from None
        rule, change = StepRule.of(self.update), None
        positions, losses, changes = [here], [], []
        for count in range(steps + 1):
            outcome = self.kernel(start, dict(parameters or {}) | self._inside(here), depth=depth)
            assert outcome.loss is not None
            losses.append(np.broadcast_to(outcome.loss.value, here.shape[1:]))
            if count < steps:
                change = change_of(rule, outcome, names, None if change is None else change.by)
                here = moved(here, change)
                positions.append(here)
                changes.append(change)
        return Path(
            names,
            np.stack(positions),
            np.stack(losses),
            np.stack([step.length for step in changes]),
            np.stack([step.log_length for step in changes]),
            np.stack([step.clipped for step in changes]),
        )

    def _inside(self, here: Array) -> dict[str, Array]:
        largest = np.finfo(float).max
        return {name: np.clip(here[i], -largest, largest) for i, name in enumerate(self.update.gradient.wrt)}


def newton_step(
    gradients: Sequence[SignedLog], hessian: Mapping[tuple[str, str], SignedLog], names: Sequence[str]
) -> SignedLog:
    """Return H⁻¹g, shape (names, …), scaled so that neither leaves float64; undefined where H is singular."""
    p = len(names)
    entries = [[hessian[names[min(i, j)], names[max(i, j)]] for j in range(p)] for i in range(p)]
    scale_h, scale_g = _top(stack([e for row in entries for e in row])), _top(stack(gradients))
    matrix = np.array([[SignedLog.from_parts(e.mantissa, e.exponent - scale_h).value for e in row] for row in entries])
    right = np.array([SignedLog.from_parts(g.mantissa, g.exponent - scale_g).value for g in gradients])
    matrix, right = np.moveaxis(matrix, (0, 1), (-2, -1)), np.moveaxis(right, 0, -1)[..., None]
    with np.errstate(all="ignore"):
        singular = ~(np.abs(np.linalg.det(matrix)) > 0)
    safe = np.where(singular[..., None, None], np.eye(p), matrix)
    solved = np.where(singular[..., None], np.nan, np.linalg.solve(safe, right)[..., 0])
    return SignedLog.from_parts(np.moveaxis(solved, -1, 0), scale_g - scale_h)


def newton_change(
    gradients: Sequence[SignedLog], hessian: Mapping[tuple[str, str], SignedLog], names: Sequence[str]
) -> Array:
    """Return H⁻¹g as floats, shape (names, …): ±inf where it leaves float64, nan where H is singular."""
    return newton_step(gradients, hessian, names).value
