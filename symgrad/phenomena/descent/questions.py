"""What a descent is asked: the loss, where it starts, the rule and its numbers, the box; checked once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import Gradient, gradient_step, newton
from symgrad.errors import InputError
from symgrad.kernels import Kernel, StepRule, to_kernel
from symgrad.kernels.points import floats_of

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Box = tuple[float, float]

RULES = ("gradient", "newton", "momentum")
CLIPPINGS = ("norm", "value")
USUAL_MOMENTUM = 0.9


@lru_cache(maxsize=8)
def compiled(target: Gradient) -> Kernel:
    """Return the kernel of a gradient, compiled once however often descent asks for it."""
    return to_kernel(target)


@dataclass(frozen=True, eq=False)
class Question:
    """A checked question about descent.

    Parameters
    ----------
    target : the gradient of the loss in the parameters that move (second order for Newton's rule)
    first : their first values, shape (names, …), the common shape of starts, step sizes and thresholds
    start, depth, parameters : the first state, the depth, and the values of all other parameters
    rule : the rule and its numbers
    steps : how many steps are walked at most
    box : name → (low, high), or None
    """

    target: Gradient
    first: Array = field(repr=False)
    start: Any
    depth: int | None
    parameters: Mapping[str, Any]
    rule: StepRule
    steps: int
    box: Mapping[str, Box] | None

    def at(self, here: Array) -> dict[str, Any]:
        """Return all parameters of a kernel call at the positions given, shape (names, …)."""
        return dict(self.parameters) | dict(zip(self.target.wrt, here, strict=True))

    def outside(self, positions: Array) -> Mask:
        """Return where positions, the names on the axis before the points' last axes, lie outside the box or float64.

        Parameters
        ----------
        positions : shape (names, …)
        """
        beyond = ~np.isfinite(positions).all(axis=0)
        for name, (low, high) in (self.box or {}).items():
            value = positions[self.target.wrt.index(name)]
            beyond = beyond | (value < low) | (value > high)
        return np.asarray(beyond)


def question_of(
    target: Gradient,
    at: Mapping[str, Any],
    *,
    start: Any,
    depth: int | None,
    parameters: Mapping[str, Any] | None,
    rule: str,
    step_size: Any,
    clip: Any,
    clip_by: str,
    momentum: Any,
    steps: int,
    box: Mapping[str, Box] | None,
) -> Question:
    """Check what is asked and bring all arrays to one shape.

    Raises
    ------
    InputError : a name, number or combination that means nothing; the message says which
    """
    if rule not in RULES:
        raise InputError(f"there is no rule {str(rule)[:40]!r}; choose one of {', '.join(RULES)}")
    checked = _checked_target(target, rule)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps must be a positive whole number, got {steps!r}; give e.g. 100")
    numbers = _numbers(rule, step_size, clip, clip_by, momentum)
    names = checked.wrt
    if set(at) != set(names):
        given = ", ".join(at) or "none"
        raise InputError(f"descent moves {', '.join(names)}, got first values for {given}; give each one a value")
    if both := sorted(set(names) & set(parameters or {})):
        raise InputError(f"{both[0]!r} moves and cannot be set as well; give its first value only")
    values = [_finite(f"the first value of {name!r}", at[name]) for name in names]
    try:
        *places, size, threshold, beta = np.broadcast_arrays(*values, *numbers)
    except ValueError:
        shapes = ", ".join(str(np.shape(value)) for value in (*values, *numbers))
        raise InputError(f"starts, step sizes and thresholds do not broadcast to one shape: {shapes}") from None
    question = Question(
        checked,
        np.stack(places),
        start,
        depth,
        dict(parameters or {}),
        StepRule(rule, size, threshold, clip_by, beta),
        steps,
        _checked_box(box, names),
    )
    if question.outside(question.first).any():
        raise InputError("a start lies outside the box, so nothing is left to leave; start inside or widen the box")
    return question


def _checked_target(target: Gradient, rule: str) -> Gradient:
    if not isinstance(target, Gradient):
        raise InputError(
            f"descent needs the gradient of a loss, got {type(target).__name__}; give e.g. gradient(f, loss, wrt='w,b')"
        )
    update = newton(target) if rule == "newton" else gradient_step(target, eta=1)
    assert not hasattr(update, "exprs")
    checked: Gradient = update.gradient
    assert checked.loss is not None
    state = checked.composition.state
    if not set(state) & checked.loss.free_symbols:
        names = ", ".join(s.name for s in state)
        raise InputError(
            f"the loss {checked.loss} does not depend on the state {names}; write a loss of the last state"
        )
    if moving := {s.name for s in state} & set(checked.wrt):
        raise InputError(f"{moving.pop()!r} is the state, which no rule moves; take the gradient by parameters")
    return checked


def _finite(what: str, value: Any) -> Array:
    array = floats_of(what, value)
    if not np.isfinite(array).all():
        raise InputError(f"{what} must be finite, got {value}; give a number such as 0.5")
    return array


def _numbers(rule: str, step_size: Any, clip: Any, clip_by: str, momentum: Any) -> tuple[Array, Array, Array]:
    """Return step size, threshold and momentum as arrays."""
    if step_size is None and rule != "newton":
        raise InputError(f"the {rule} rule needs a step size; give e.g. step_size=0.01")
    size = _finite("the step size", 1.0 if step_size is None else step_size)
    if not (size > 0).all():
        raise InputError(f"the step size must be positive, got {np.min(size):g}; give e.g. 0.01")
    if clip_by not in CLIPPINGS:
        raise InputError(f"gradients are clipped by norm or by value, got {clip_by!r}; give one of them")
    if clip is not None and rule == "newton":
        raise InputError("clipping bounds the gradient, and Newton's step is long where that is short; leave clip out")
    threshold = floats_of("the clipping threshold", np.inf if clip is None else clip)
    if not (threshold > 0).all():
        raise InputError(f"the clipping threshold must be positive, got {np.min(threshold):g}; give e.g. 1")
    if momentum is not None and rule != "momentum":
        raise InputError(f"the {rule} rule has no momentum; leave it out or choose the rule momentum")
    beta = _finite("the momentum", USUAL_MOMENTUM if momentum is None else momentum)
    if not ((beta >= 0) & (beta < 1)).all():
        raise InputError(f"the momentum must be at least 0 and below 1, got {np.max(np.abs(beta)):g}; give e.g. 0.9")
    return size, threshold, beta if rule == "momentum" else np.zeros(())


def _checked_box(box: Mapping[str, Box] | None, names: tuple[str, ...]) -> Mapping[str, Box] | None:
    if box is None:
        return None
    checked = {}
    for name, ends in box.items():
        if name not in names:
            raise InputError(f"the box bounds {name!r}, which does not move; the rule moves {', '.join(names)}")
        low, high = (float(end) for end in ends)
        if not low < high:
            raise InputError(f"the box needs low < high for {name!r}, got {low:g} and {high:g}; exchange them")
        checked[name] = (low, high)
    return checked
