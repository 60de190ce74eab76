"""One application of a scalar chain beside an exact curve: exact points, compiled steps, orbits with sensitivities."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy
from numpy.typing import NDArray
from sympy import Expr

from symgrad.derivation import CliffCurve, Gradient
from symgrad.errors import InputError
from symgrad.kernels import SignedLog
from symgrad.kernels.multiprecision import context, evaluate, to_mpf
from symgrad.maps import Map, checked_depth, differentiate, expand_activations, sigmoid, softplus, to_text
from symgrad.symbols import real

Array = NDArray[np.float64]
Numbers = Callable[..., Any]
BITS = 120
HALVINGS = 400
SECANTS, SPARE_BITS = 12, 12


@dataclass(frozen=True)
class Steps:
    """One application f and the loss as NumPy functions of (state, p, q), for the names p and q of a curve.

    Parameters
    ----------
    first : (f, f_x, f_θ), θ the solved parameter
    second : (f_xx, f_xθ, f_θθ)
    along : (f, f_x, f_xx)
    loss : (L, L_x, L_θ, L_xx, L_xθ, L_θθ)
    """

    first: Numbers
    second: Numbers
    along: Numbers
    loss: Numbers


def loss_of(target: Gradient) -> Expr:
    """Return the loss, the state itself where there is none."""
    return target.loss if target.loss is not None else target.composition.state[0]


def checked(curve: CliffCurve, target: Gradient, start: Any, depth: Any) -> int:
    """Return the depth as an integer if start, loss and curve belong together, or refuse them.

    Raises
    ------
    InputError : another start than the curve's, a loss with further parameters, a depth that is no positive integer
    """
    if sympy.sympify(start, strict=True) != curve.start:
        raise InputError(f"the curve belongs to the start {to_text(curve.start)}, got {start}; derive its curves again")
    names = {curve.solved, curve.along, curve.layer.state[0].name}
    if others := sorted({s.name for s in loss_of(target).free_symbols} - names):
        raise InputError(f"the loss contains {others[0]}, which has no value; give it a number")
    return int(checked_depth(depth))


def compiled_steps(curve: CliffCurve, target: Gradient) -> Steps:
    """Compile the chain's application and the loss, once for each pair."""
    return _compiled(curve.layer, loss_of(target), curve.along, curve.solved)


@lru_cache(maxsize=32)
def _compiled(layer: Map, loss: Expr, along: str, solved: str) -> Steps:
    x, p, theta = layer.state[0], real(along), real(solved)
    f = layer.expr
    fx, ft = differentiate(f, x), differentiate(f, theta)
    lx, lt = differentiate(loss, x), differentiate(loss, theta)
    second = [differentiate(fx, x), differentiate(fx, theta), differentiate(ft, theta)]
    losses = [loss, lx, lt, differentiate(lx, x), differentiate(lx, theta), differentiate(lt, theta)]

    def numbers(expressions: list[Expr]) -> Numbers:
        plain = [_numeric(e) for e in expressions]
        function: Numbers = sympy.lambdify([x, p, theta], plain, modules=[_stable(), "scipy", "numpy"], cse=True)
        return function

    return Steps(numbers([f, fx, ft]), numbers(second), numbers([f, fx, second[0]]), numbers(losses))


STAND_INS = {sigmoid: sympy.Function("stable_sigmoid"), softplus: sympy.Function("stable_softplus")}


def _stable() -> dict[str, Numbers]:
    from scipy.special import expit  # at start-up it would cost a tenth of a second

    return {"stable_sigmoid": expit, "stable_softplus": lambda u: np.logaddexp(0.0, u)}


def _numeric(expr: Expr) -> Expr:
    """Return an expression for floats, with the two activations that overflow when they are written out kept whole."""
    for function, stand_in in STAND_INS.items():
        expr = expr.replace(function, stand_in)
    return expand_activations(expr)


@lru_cache(maxsize=1024)
def _plain(expr: Expr) -> Expr:
    return expand_activations(expr)


@dataclass(frozen=True)
class Place:
    """A point exactly on a curve, to as many bits as its context has.

    Parameters
    ----------
    ctx : the mpmath context
    known : symbol → value of both parameters, and of the curve's own coordinate
    curve : the curve
    """

    ctx: Any
    known: Mapping[Any, Any]
    curve: CliffCurve

    def value(self, expr: Expr, state: Any = None) -> Any:
        """Return the value of an expression of parameters, coordinate and state."""
        at = dict(self.known) if state is None else {**self.known, self.curve.layer.state[0]: state}
        return evaluate(_plain(expr), at, self.ctx)

    @property
    def point(self) -> dict[str, float]:
        """Both parameters, rounded."""
        return {name: float(self.known[real(name)]) for name in (self.curve.along, self.curve.solved)}


def place_on(curve: CliffCurve, at: Any, *, bits: int = BITS) -> Place:
    """Return the point of a curve where ``along`` has the value ``at``, ends included.

    Of a parametric line without a span its own coordinate has that value.

    Raises
    ------
    InputError : a value at which the curve is no cliff
    """
    ctx = context(bits)
    if not isinstance(at, int | float | Fraction | Expr) or isinstance(at, bool):
        raise InputError(f"the place on the curve must be a number, got {str(at)[:40]!r}; give e.g. 5")
    value = to_mpf(at, ctx)
    if curve.span is not None:
        low, high = (_bound(e, ctx) for e in curve.span)
        if not low <= value <= high:
            raise InputError(
                f"{curve.along} = {at} is outside the curve, which needs {curve.valid}; give a value inside"
            )
    own = _coordinate(curve, value, ctx) if curve.parametric and curve.span is not None else value
    known = {curve.parameter: own}
    for name in (curve.along, curve.solved):
        known[real(name)] = evaluate(expand_activations(curve.expressions[name]), known, ctx)
    place = Place(ctx, known, curve)
    for condition in curve.conditions:
        if not place.value(condition) > 0:
            raise InputError(f"{curve.parameter} = {at} is outside the curve, which needs {to_text(condition)} > 0")
    return place


def _bound(expr: Expr, ctx: Any) -> Any:
    if expr in (sympy.oo, -sympy.oo):
        return ctx.inf if expr == sympy.oo else -ctx.inf
    return to_mpf(expr, ctx)


def _coordinate(curve: CliffCurve, value: Any, ctx: Any) -> Any:
    """Return the coordinate at which the monotone ``along`` has a value: a float's secant steps, else by bisection."""
    expr = expand_activations(curve.expressions[curve.along])
    low, high = (_bound(e, ctx) for e in (curve.low, curve.high))

    def excess(t: Any) -> Any:
        return evaluate(expr, {curve.parameter: t}, ctx) - value

    near = _float_root(expr, curve.parameter, float(value), float(low), float(high))
    root = None if near is None else _polished(excess, ctx.mpf(near), ctx)
    return root if root is not None and low < root < high else _bisected(excess, low, high)


def _float_root(expr: Expr, parameter: Expr, value: float, low: float, high: float) -> float | None:
    """Return where a monotone expression has a value in float64, None where it leaves float64 on the way."""
    function = _float_function(expr, parameter)
    try:
        root = _bisected(lambda t: function(t) - value, low, high)
    except (OverflowError, ValueError, ZeroDivisionError):
        return None
    return float(root) if np.isfinite(root) else None


@lru_cache(maxsize=64)
def _float_function(expr: Expr, parameter: Expr) -> Callable[[float], float]:
    function: Callable[[float], float] = sympy.lambdify([parameter], expr, modules="math")
    return function


def _polished(excess: Callable[[Any], Any], near: Any, ctx: Any) -> Any:
    """Return the root next to a float by secant steps, None unless signs enclose it to all but the last bits."""
    small = ctx.mpf(2) ** (SPARE_BITS - ctx.prec) * max(abs(near), ctx.mpf(2) ** -50)
    a, b = near, near + max(abs(near), ctx.mpf(2) ** -50) * ctx.mpf(2) ** -45
    fa, fb = excess(a), excess(b)
    for _ in range(SECANTS):
        if fa == fb or abs(b - a) <= small:
            break
        a, fa, b = b, fb, b - fb * (b - a) / (fb - fa)
        fb = excess(b)
    return b if (excess(b - small) > 0) != (excess(b + small) > 0) else None


def _bisected(excess: Callable[[Any], Any], low: Any, high: Any) -> Any:
    inside = _between(low, high)
    rising = excess(_between(inside, high)) > excess(inside)
    for _ in range(HALVINGS):
        middle = _between(low, high)
        if middle in (low, high):
            break
        low, high = (low, middle) if (excess(middle) > 0) == rising else (middle, high)
    return (low + high) / 2


def _between(low: Any, high: Any) -> Any:
    """Return a point between two ends, doubling the distance from 0 towards an infinite one."""
    if abs(low) < mpmath.inf and abs(high) < mpmath.inf:
        return (low + high) / 2
    if abs(low) < mpmath.inf:
        return max(2 * low, low + 1)
    return min(2 * high, high - 1) if abs(high) < mpmath.inf else high.__class__(0)


def signed(value: Any, ctx: Any) -> SignedLog:
    """Return an mpmath number as a number of unlimited size.

    >>> from symgrad.kernels.multiprecision import context
    >>> float(signed(context(60).mpf(2) ** 5000, context(60)).log_abs / np.log(2))
    5000.0
    """
    if not ctx.isfinite(value):
        return SignedLog.from_float(float(value))
    mantissa, exponent = ctx.frexp(value)
    return SignedLog.from_parts(float(mantissa), float(exponent))


def derivative_exprs(curve: CliffCurve) -> tuple[Expr, dict[str, Expr]]:
    """Return f_x and the derivatives of f in both parameters."""
    return curve.layer.jacobian[0][0], {n: curve.layer.derivative(n)[0] for n in (curve.along, curve.solved)}


@dataclass(frozen=True)
class Orbit:
    """The last state of orbits, with first and second derivatives of the loss in the solved parameter."""

    state: Array
    loss: Array
    gradient: Array
    hessian: Array


def run_orbits(steps: Steps, start: float, along: float, solved: Array, depth: int, *, second: bool = True) -> Orbit:
    """Iterate the chain directly at values of the solved parameter, in float64.

    Parameters
    ----------
    start : x₀
    along : the value of the other parameter
    solved : shape (m,)
    second : whether second derivatives travel along; where not, the Hessian is nan
    """
    state = np.full(solved.shape, start)
    s, h = np.zeros(solved.shape), np.zeros(solved.shape)
    with np.errstate(all="ignore"):
        for _ in range(depth):
            value, fx, ft = steps.first(state, along, solved)
            if second:
                fxx, fxt, ftt = steps.second(state, along, solved)
                h = fx * h + fxx * s**2 + 2 * fxt * s + ftt
            s, state = fx * s + ft, value
        loss, lx, lt, lxx, lxt, ltt = steps.loss(state, along, solved)
        gradient = lx * s + lt
        hessian = lx * h + lxx * s**2 + 2 * lxt * s + ltt if second else np.full(solved.shape, np.nan)
    shape = solved.shape
    return Orbit(state, *(np.broadcast_to(e, shape).astype(float) for e in (loss, gradient, hessian)))
