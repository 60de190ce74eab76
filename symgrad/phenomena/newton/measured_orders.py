"""The order of convergence, measured: the end of a path in many digits, where each step multiplies the correct ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symgrad.phenomena.newton.residuals import Evaluator, NoValue, Residuals

MOST_STEPS = 80
LINEAR = 0.1
FARTHEST = 1e100


@dataclass(frozen=True)
class Ending:
    """The end of a path in many digits.

    Parameters
    ----------
    point : where it ends, rounded to float64
    order : log(s_{k+1}/s_k)/log(s_k/s_{k-1}) of its last three steps, None where there are no three
    rate : where the order is 1: s_{k+1}/s_k
    residuals_vanish : whether the residuals tend to 0
    gradient_vanishes : whether the gradient of the sum of squares does
    sentence : how fast, with what it rests on
    """

    point: tuple[float, ...]
    order: float | None
    rate: float | None
    residuals_vanish: bool
    gradient_vanishes: bool
    sentence: str


def follow_in_digits(residuals: Residuals, start: Sequence[float], rule: str, digits: int) -> Ending:
    """Follow a rule from a point of a path in ``digits`` digits and measure its order."""
    # At start-up mpmath would cost what most commands never use.
    import mpmath

    context = mpmath.mp.clone()
    context.dps = digits
    evaluator = residuals.compiled(context)
    least = context.mpf(10) ** -(digits - 15)
    point = [context.mpf(float(v)) for v in start]
    steps, norms, slopes = [], [], []
    exact = False
    for _ in range(MOST_STEPS):
        try:
            r, slope, step = _one_step(evaluator, point, rule, context)
        except (NoValue, ZeroDivisionError, ValueError):  # the last: mpmath's word for a singular matrix
            break
        norms.append(r)
        slopes.append(slope)
        if step is None:
            exact = True
            break
        size = max(abs(s) for s in step)
        scale = 1 + max(abs(x) for x in point)
        if size <= least * scale or size > FARTHEST:
            break
        steps.append(size)
        point = [x + s for x, s in zip(point, step, strict=True)]
    order = _order(steps, context)
    is_linear = order is not None and abs(order - 1) < LINEAR
    rate = float(steps[-1] / steps[-2]) if is_linear else None
    sentence = _sentence(order, rate, exact, digits)
    end = tuple(map(float, point))
    return Ending(end, order, rate, _vanish(norms, least), _vanish(slopes, least), sentence)


def _one_step(evaluator: Evaluator, point: list[Any], rule: str, context: Any) -> tuple[Any, Any, list[Any] | None]:
    """Return the norms of residuals and gradient, and the step, None where the residuals are exactly 0."""
    values, slopes = evaluator.values(point)
    r, jacobian = context.matrix(values), context.matrix(slopes)
    gradient = jacobian.T * r
    norms = context.norm(r), context.norm(gradient)
    if norms[0] == 0:
        return *norms, None
    if rule == "newton_minimum":
        solved = context.lu_solve(jacobian.T * jacobian + context.matrix(evaluator.curvature(point)), -gradient)
    elif evaluator.rows == evaluator.columns:
        solved = context.lu_solve(jacobian, -r)
    else:
        solved = context.qr_solve(jacobian, -r)[0]
    return *norms, [solved[i] for i in range(evaluator.columns)]


def _order(steps: list[Any], context: Any) -> float | None:
    if len(steps) < 3 or not steps[-1] < steps[-2] < steps[-3]:
        return None
    return float(context.log(steps[-1] / steps[-2]) / context.log(steps[-2] / steps[-3]))


def _vanish(sizes: list[Any], least: Any) -> bool:
    """Say whether sizes tend to 0: they have, or they still shrink by a constant factor at the end."""
    if not sizes:
        return False
    if sizes[-1] <= least ** (2 / 5):
        return True
    return len(sizes) == MOST_STEPS and all(b <= 0.99 * a for a, b in zip(sizes[-4:], sizes[-3:], strict=False))


def _sentence(order: float | None, rate: float | None, exact: bool, digits: int) -> str:
    basis = f"measured in {digits}-digit arithmetic"
    if rate is not None:
        return f"order 1 with rate {rate:.6g} a step, {basis}"
    if order is not None:
        return f"order {order:.3g}, {basis}"
    return "a root is met exactly, so that there is no order to measure" if exact else ""
