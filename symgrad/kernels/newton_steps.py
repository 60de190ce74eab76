"""Newton's steps of a composition in numbers that neither overflow nor underflow, at any depth and many points.

The residual F(x) - y is compiled as a loss of the last state, so that it, F' and F'' come from one fold, rounded
together: in any number of digits where these are asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import CompositionNewton, Gradient, LossNewton
from symgrad.errors import InputError
from symgrad.kernels.calls import gather
from symgrad.kernels.kernel import Kernel
from symgrad.kernels.lambdified import TILE
from symgrad.kernels.newton_fold import fold_newton
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import Points, floats_of
from symgrad.kernels.signed_log import SignedLog, add, broadcast_to, divide, multiply, negate
from symgrad.kernels.targets import to_kernel
from symgrad.maps import Composition

Array = NDArray[np.float64]


class StepStatus(IntEnum):
    """Whether Newton's step exists at a point."""

    DEFINED = 0
    CRITICAL = 1  # the slope divided by is exactly 0
    UNDEFINED = 2  # the chain itself has no value there


@dataclass(frozen=True)
class NewtonStep:
    """Newton's step of a composition at points of shape (…), every size as sign and logarithm.

    Parameters
    ----------
    step : N(x) - x = -(F(x) - y)/∏ f_k', or N(θ) - θ = -L'/L''; undefined (nan) at a critical point
    update : N(x), or N(θ)
    derivative : N' = (F - y)·(F''/F')/F', or L' L'''/L''²
    residual : F(x) - y, or L'
    product : the chain product F' (sign and log), or L''
    curvature : F''/F', or L'''/L''; undefined where the product is 0
    status : StepStatus of each point
    depth : how often the chain was applied

    Examples
    --------
    >>> from symgrad.derivation import newton_of_composition
    >>> from symgrad.maps import Map
    >>> from symgrad.symbols import n
    >>> rule = newton_of_composition(Map("w*x", "x") ** n, "y")
    >>> found = composition_newton_step(rule, 1.0, {"w": 0.5, "y": -1.0}, depth=20000)
    >>> int(found.step.sign), round(float(found.step.log_abs), 3)
    (-1, 13862.944)
    """

    step: SignedLog
    update: SignedLog
    derivative: SignedLog
    residual: SignedLog
    product: SignedLog
    curvature: SignedLog
    status: NDArray[np.int8]
    depth: int

    @property
    def log_step(self) -> Array:
        """log|N(x) - x| in nats, shape (…): -inf at a root, nan where the step is undefined."""
        return np.where(np.isnan(self.step.mantissa), np.nan, self.step.log_abs)

    def reshaped(self, shape: tuple[int, ...]) -> "NewtonStep":
        """Return the same steps with their points in another shape."""
        parts = (self.step, self.update, self.derivative, self.residual, self.product, self.curvature)
        step, update, derivative, residual, product, curvature = (
            SignedLog(part.mantissa.reshape(shape), part.exponent.reshape(shape)) for part in parts
        )
        status = self.status.reshape(shape)
        return NewtonStep(step, update, derivative, residual, product, curvature, status, self.depth)


@lru_cache(maxsize=32)
def newton_kernel(newton: CompositionNewton, digits: int | None = None) -> Kernel:
    """Return the kernel whose loss is the residual F(x) - y, with its first and second derivative in the start.

    >>> from symgrad.derivation import newton_of_composition
    >>> from symgrad.maps import Map
    >>> kernel = newton_kernel(newton_of_composition(Map("w*x", "x"), "y"))
    >>> float(kernel(3.0, {"w": 2.0, "y": 5.0}).loss.value)
    1.0
    """
    (state,) = newton.composition.state
    target = Gradient(newton.composition, state - newton.target, (state.name,), True)
    return to_kernel(target, digits=digits)


def composition_newton_step(
    newton: CompositionNewton,
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    depth: int | None = None,
    *,
    digits: int | None = None,
) -> NewtonStep:
    """Return Newton's step of a composition towards its target, in the input, at every point.

    Parameters
    ----------
    newton : from ``newton_of_composition``; symbols of the target are parameters
    start : x, a number or an array
    parameters : name → number or array
    depth : the value of the depth symbol
    digits : compute with so many digits by mpmath: near a root the residual cancels in float64

    Raises
    ------
    InputError : a parameter without a value, a start that is no number
    """
    kernel = newton_kernel(newton, digits)
    if digits is not None:
        return newton_step_of(kernel(start, parameters, depth=depth), newton, start)
    chain = newton.composition.at_depth(depth)
    points = gather(chain, kernel.needed, start, {str(name): value for name, value in (parameters or {}).items()})
    points.check_range()
    pieces = [
        _piece(kernel, chain, points, np.arange(first, min(first + TILE, points.size)))
        for first in range(0, points.size, TILE)
    ]
    here, residual, product, curvature = (_joined([piece[i] for piece in pieces], points.shape) for i in range(4))
    layers = int(chain.depth) if len(chain.blocks) == 1 else sum(int(b.layers) for b in chain.blocks)
    return _assembled(here, residual, product, curvature, layers)


def _joined(parts: Sequence[SignedLog], shape: tuple[int, ...]) -> SignedLog:
    return SignedLog(
        np.concatenate([part.mantissa for part in parts]).reshape(shape),
        np.concatenate([part.exponent for part in parts]).reshape(shape),
    )


def _piece(
    kernel: Kernel, chain: Composition, points: Points, index: NDArray[np.intp]
) -> tuple[SignedLog, SignedLog, SignedLog, SignedLog]:
    """Return start, residual, product and relative curvature of some points, shape (points,) each."""
    (start,) = points.flat_start(index)
    fold, residual = fold_newton(kernel, start, points.at(index), chain.schedule())
    product = SignedLog.from_parts(np.where(fold.dead, 0.0, fold.product), fold.product_exponent)
    curvature = SignedLog.from_parts(np.where(fold.dead, np.nan, fold.curvature), fold.curvature_exponent)
    here = SignedLog.from_float(start)
    if not fold.flagged.any():
        return here, residual, product, curvature
    lost = np.flatnonzero(fold.flagged)
    again = _unlimited(kernel, chain, points, index[lost])
    found = zip((residual, product, curvature), again, strict=True)
    first, second, third = (_replaced(part, lost, other) for part, other in found)
    return here, first, second, third


def _unlimited(
    kernel: Kernel, chain: Composition, points: Points, index: NDArray[np.intp]
) -> tuple[SignedLog, SignedLog, SignedLog]:
    """Return residual, product and relative curvature of the points that float64 has lost."""
    values = {name: np.broadcast_to(v, points.shape).reshape(-1)[index] for name, v in points.shared.items()}
    for name, rows in points.layered.items():
        each = rows.reshape(rows.shape[0], *(1,) * (len(points.shape) + 1 - rows.ndim), *rows.shape[1:])
        whole = np.broadcast_to(each, (rows.shape[0], *points.shape)).reshape(rows.shape[0], -1)
        values[name] = whole[:, index]
    target = kernel.target
    literal = Kernel(Gradient(chain, target.loss, target.wrt, True), kernel.backend)
    outcome = literal(points.flat_start(index)[0], values)
    assert outcome.loss is not None
    (name,) = target.wrt
    slope, bend = outcome.gradient[name], outcome.hessian[name, name]
    return outcome.loss, slope, divide(bend, slope)


def _replaced(part: SignedLog, index: NDArray[np.intp], other: SignedLog) -> SignedLog:
    mantissa, exponent = part.mantissa.copy(), part.exponent.copy()
    mantissa[index], exponent[index] = other.mantissa, other.exponent
    return SignedLog(mantissa, exponent)


def newton_step_of(outcome: Outcome, newton: CompositionNewton, start: Any) -> NewtonStep:
    """Return Newton's step in the input from an outcome of ``newton_kernel`` at the same start."""
    assert outcome.loss is not None
    state, shape = newton.composition.state[0].name, outcome.status.shape
    slope, bend = (broadcast_to(part, shape) for part in (outcome.gradient[state], outcome.hessian[state, state]))
    here = SignedLog.from_float(np.broadcast_to(floats_of("the start", start), shape))
    return _assembled(here, broadcast_to(outcome.loss, shape), slope, divide(bend, slope), outcome.depth)


def _assembled(here: SignedLog, residual: SignedLog, slope: SignedLog, curvature: SignedLog, depth: int) -> NewtonStep:
    step = negate(divide(residual, slope))
    undefined = np.isnan(slope.mantissa) | np.isnan(residual.mantissa)
    status = np.where(undefined, StepStatus.UNDEFINED, np.where(slope.mantissa == 0, StepStatus.CRITICAL, 0))
    derivative = negate(multiply(step, curvature))
    return NewtonStep(
        step, add(here, step), derivative, residual, slope, curvature, np.asarray(status, dtype=np.int8), depth
    )


@lru_cache(maxsize=32)
def _loss_kernels(newton: LossNewton, digits: int | None) -> tuple[Kernel, Kernel]:
    """Return a kernel of the loss with two derivatives, and one of L''' through three sensitivities."""
    third = Gradient(newton.third_order_chain(), newton.third_derivative, (), False)
    return to_kernel(newton.gradient, digits=digits), to_kernel(third, digits=digits)


def loss_newton_step(
    newton: LossNewton,
    start: Any,
    parameters: Mapping[str, Any] | None = None,
    depth: int | None = None,
    *,
    digits: int | None = None,
) -> NewtonStep:
    """Return Newton's step towards a stationary point of the loss in its parameter, at every point.

    Parameters
    ----------
    newton : from ``newton_of_loss``
    start : the first state, a number or an array
    parameters : name → number or array, the moving parameter included
    depth : the value of the depth symbol
    digits : compute with so many digits by mpmath

    Examples
    --------
    >>> from symgrad.derivation import newton_of_loss
    >>> from symgrad.maps import Map
    >>> from symgrad.symbols import n
    >>> rule = newton_of_loss(Map("w*x + b", "x") ** n, "(x - 3)**2", wrt="b")
    >>> float(loss_newton_step(rule, 1.0, {"w": 0.5, "b": 0.0}, depth=3).update.value)
    1.6428571428571428
    """
    values = {str(name): value for name, value in (parameters or {}).items()}
    name = newton.wrt
    if name not in values:
        raise InputError(f"parameter {name!r} has no value; it is where the step starts, e.g. 0.5")
    second_order, third_order = _loss_kernels(newton, digits)
    outcome = second_order(start, values, depth=depth)
    known = {each: values[each] for each in third_order.needed}
    further = third_order((start, 0.0, 0.0, 0.0), known, depth=depth)
    assert further.loss is not None
    shape = outcome.status.shape
    here = SignedLog.from_float(np.broadcast_to(floats_of(f"parameter {name!r}", values[name]), shape))
    parts = (outcome.gradient[name], outcome.hessian[name, name], further.loss)
    first, second, third = (broadcast_to(part, shape) for part in parts)
    return _assembled(here, first, second, divide(third, second), outcome.depth)
