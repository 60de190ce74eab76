"""The edge state of a net of two or three units: where the start lies on the boundary between two fates.

The change of fate along a line is bisected in float64 first. At its value of the parameter the orbit hovers at the edge
state s, a fixed point (or cycle) with one multiplier beyond 1 in size, before it leaves to either side; Newton's method
finds s from there. The start lies on the stable manifold of s where ℓ·(f^N(x_0) − s) = 0 for large N, ℓ the left
eigenvector of that multiplier: this is solved for the parameter in as many digits as asked for, N growing until the
digits stand. See Skufca, Yorke and Eckhardt (2006) for the edge state of a flow.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Symbol

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels.multiprecision import context, evaluate, to_mpf
from symgrad.kernels.steps import show_exact
from symgrad.maps import Composition, Map, as_composition
from symgrad.phenomena.cliffs.fates import around
from symgrad.phenomena.cliffs.location import Crossing, locate
from symgrad.phenomena.cliffs.tied_step import gathered, tied_step

Array = NDArray[np.float64]

DIGITS = 30
MOST_DIGITS = 1000
GUARD_DIGITS = 15
LONGEST_PERIOD = 4
HOVERING = 2000
NEWTON_STEPS = 60
SECANT_STEPS = 60
FIRST, MOST = 8, 4096
SHORT = 1e-4


@dataclass(frozen=True)
class EdgeState:
    """The state at which the orbit of the start hovers between two fates, and the parameter that puts it there.

    Parameters
    ----------
    along : the parameter
    value : its value, the nearest float64
    exact : the same as decimal text, with the digits asked for
    state : the edge state s, one number per component; of a cycle, the point the orbit meets at multiples of the period
    period : 1 for a fixed point
    multipliers : the eigenvalues of the Jacobian of one period at s, the unstable one first
    left : the left eigenvector ℓ of the unstable one, of length 1
    depth : the number of steps N at which the digits stood
    crossing : the change of fate in float64 that it refines
    verdict : supported: the equation was solved at growing N with one answer
    statement : what was done, in one sentence
    """

    along: str
    value: float
    exact: str
    state: tuple[float, ...]
    period: int
    multipliers: tuple[complex, ...]
    left: tuple[float, ...]
    depth: int
    crossing: Crossing
    verdict: Verdict
    statement: str


def find_edge_state(
    chain: Map | Composition,
    start: Sequence[Any],
    along: str,
    low: float,
    high: float,
    parameters: Mapping[Any, Any],
    *,
    digits: int = DIGITS,
    count: int = 65,
) -> EdgeState | None:
    """Return the edge state of the first jump of the settled state on a line, None where no jump is found.

    Parameters
    ----------
    chain : a tied chain of two components or more
    start : the first state, one number per component
    along : the parameter that varies
    low, high : its range
    parameters : name → number of the others
    digits : decimal digits of the parameter's value
    count : how many values are sampled on the line

    Raises
    ------
    InputError : one component, digits out of range, or an orbit that hovers at no fixed point or short cycle with
        exactly one unstable multiplier

    Examples
    --------
    >>> net = Map(("tanh(2*x + y/2 + b)", "tanh(x/4 + 3*y/2 - 1/10)"), ("x", "y"))
    >>> edge = find_edge_state(net, (0.3, -0.2), "b", -1, 1, {})
    >>> edge.exact[:20], edge.period, len(edge.multipliers)
    ('-0.10546602752971779', 1, 2)
    """
    whole = as_composition(chain)
    if whole.dimension < 2:
        raise InputError("an edge state is sought for two components or more, got one; use locate instead")
    if isinstance(digits, bool) or not isinstance(digits, int) or not 15 <= digits <= MOST_DIGITS:
        raise InputError(f"digits must be a whole number from 15 to {MOST_DIGITS}, got {digits!r}; give e.g. 30")
    found = [c for c in locate(whole, start, along, low, high, parameters, count=count) if c.is_cliff]
    if not found:
        return None
    crossing = found[0]
    hover = _hovering(whole, start, crossing, parameters)
    if hover is None:
        raise InputError(
            f"near {along} = {crossing.value:.10g} the orbit hovers at no fixed point or short cycle with one unstable "
            "multiplier; choose another line or start"
        )
    return _solved(whole, start, crossing, parameters, hover, digits)


@dataclass(frozen=True)
class _Hover:
    """An edge state in float64; ``phase`` is the number of steps after which the orbit is near ``state``."""

    state: Array
    period: int
    phase: int
    multipliers: tuple[complex, ...]
    left: Array


def _hovering(
    chain: Composition, start: Sequence[Any], crossing: Crossing, parameters: Mapping[Any, Any]
) -> _Hover | None:
    """Return the fixed point or cycle that the orbit comes closest to before it leaves, by Newton's method."""
    step = tied_step(chain)
    given = {str(name): value for name, value in parameters.items()} | {crossing.along: crossing.low}
    first, values = gathered(step, start, given)
    flat = {name: np.reshape(v, 1) for name, v in values.items()}
    move, linear = step.step(flat), step.linearised(flat)
    orbit = [first.reshape(-1, 1)]
    for _ in range(HOVERING):
        orbit.append(move(orbit[-1]))
    path = np.stack(orbit)[:, :, 0]
    for period in range(1, LONGEST_PERIOD + 1):
        gaps = np.linalg.norm(path[period:] - path[:-period], axis=1)
        for place in _closest(gaps):
            hover = _landed(linear, path[place], period, place)
            if hover is not None:
                return hover
    return None


def _closest(gaps: Array) -> list[int]:
    """Return where the orbit moves least before it settles: the local minima, the smallest first, four at most."""
    inner = np.flatnonzero((gaps[1:-1] < gaps[:-2]) & (gaps[1:-1] <= gaps[2:])) + 1
    order: list[int] = inner[np.argsort(gaps[inner], kind="stable")][:4].tolist()
    return order


def _landed(linear: Any, near: Array, period: int, place: int) -> _Hover | None:
    """Return the cycle near a point of the orbit if it has exactly one multiplier beyond 1 in size."""
    state = near.reshape(-1, 1)
    with np.errstate(all="ignore"):
        for _ in range(NEWTON_STEPS):
            residual, product, _, _ = around(linear, state, period)
            matrix = np.eye(len(state)) - product[:, :, 0]
            if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-14:
                return None
            change = np.linalg.solve(matrix, residual)
            state = state + change
            if np.abs(change).max() <= 1e-14 * (1 + np.abs(state).max()):
                break
        else:
            return None
    if np.abs(state[:, 0] - near).max() > 0.1 * (1 + np.abs(near).max()):
        return None
    _, product, _, _ = around(linear, state, period)
    values, vectors = np.linalg.eig(product[:, :, 0].T)
    order = np.argsort(-np.abs(values))
    sizes = np.abs(values[order])
    if not sizes[0] > 1 > sizes[1]:
        return None
    left = np.real(vectors[:, order[0]])
    return _Hover(state[:, 0], period, place, tuple(complex(v) for v in values[order]), left / np.linalg.norm(left))


@dataclass(frozen=True)
class _Exact:
    """The chain in many digits at one value of the parameter."""

    layers: Sequence[tuple[tuple[Expr, ...], tuple[tuple[Expr, ...], ...]]]
    state: tuple[Symbol, ...]
    known: Mapping[Symbol, Any]
    ctx: Any

    def step(self, x: Sequence[Any]) -> list[Any]:
        """Return f(x)."""
        for exprs, _ in self.layers:
            at = {**self.known, **dict(zip(self.state, x, strict=True))}
            x = [evaluate(e, at, self.ctx) for e in exprs]
        return list(x)

    def cycle(self, x: Sequence[Any], period: int) -> tuple[list[Any], Any]:
        """Return f^p(x) and its Jacobian."""
        d, product = len(self.state), self.ctx.eye(len(self.state))
        for _ in range(period):
            for exprs, jacobian in self.layers:
                at = {**self.known, **dict(zip(self.state, x, strict=True))}
                rows = [[evaluate(jacobian[i][j], at, self.ctx) for j in range(d)] for i in range(d)]
                product = self.ctx.matrix(rows) * product
                x = [evaluate(e, at, self.ctx) for e in exprs]
        return list(x), product


def _solved(
    chain: Composition,
    start: Sequence[Any],
    crossing: Crossing,
    parameters: Mapping[Any, Any],
    hover: _Hover,
    digits: int,
) -> EdgeState:
    """Solve ℓ·(f^N(x_0) − s) = 0 for the parameter at growing N until the digits stand."""
    ctx = context(int((2 * digits + GUARD_DIGITS) * math.log2(10)))
    exactly = _with_parameter(chain, crossing.along, parameters, ctx)
    first = [to_mpf(_plain(v), ctx) for v in start]
    guess = [ctx.mpf(float(v)) for v in hover.state]

    def gap(theta: Any, steps: int) -> Any:
        exact = exactly(theta)
        s, left = _edge(exact, guess, hover)
        x = first
        for _ in range(steps):
            x = exact.step(x)
        return sum(a * (b - c) for a, b, c in zip(left, x, s, strict=True))

    theta, small = ctx.mpf(crossing.value), ctx.mpf(10) ** (-digits - 3)
    steps = hover.phase % hover.period + hover.period * max(1, FIRST // hover.period)
    growth = ctx.mpf(abs(hover.multipliers[0])) ** (ctx.mpf(1) / hover.period)
    before = None
    while steps <= MOST:
        width = SHORT * growth**-steps
        theta = _secant(lambda t, n=steps: gap(t, n), theta, width, small)
        if before is not None and abs(theta - before) <= small * (1 + abs(theta)):
            break
        before, steps = theta, steps + hover.period * max(1, steps // (2 * hover.period))
    else:
        raise InputError(f"the edge state was not found to {digits} digits in {MOST} steps; ask for fewer digits")
    size = 1 + abs(crossing.value)
    if abs(float(theta) - crossing.value) > 1e-9 * size:
        raise InputError(
            f"the edge state puts {crossing.along} at {float(theta):.10g}, the fate changes at {crossing.value:.10g}; "
            "choose another line or start"
        )
    return _described(crossing, hover, digits, steps, theta, ctx)


def _with_parameter(chain: Composition, along: str, parameters: Mapping[Any, Any], ctx: Any) -> Callable[[Any], _Exact]:
    """Return θ ↦ the chain in many digits at that value of the parameter."""
    layers = [
        (tuple(show_exact(e) for e in m.exprs), tuple(tuple(show_exact(e) for e in row) for row in m.jacobian))
        for m in chain.blocks[0].body
    ]
    others = {Symbol(str(name), real=True): to_mpf(_plain(value), ctx) for name, value in parameters.items()}
    return lambda theta: _Exact(layers, chain.state, {**others, Symbol(along, real=True): theta}, ctx)


def _plain(value: Any) -> Any:
    """Return NumPy scalars as floats, other numbers as they are."""
    return value.item() if isinstance(value, np.generic) else value


def _edge(exact: _Exact, guess: Sequence[Any], hover: _Hover) -> tuple[list[Any], list[Any]]:
    """Return the edge state and its left unstable vector in many digits, from those in float64."""
    ctx, s = exact.ctx, list(guess)
    for _ in range(NEWTON_STEPS):
        image, product = exact.cycle(s, hover.period)
        change = ctx.lu_solve(ctx.eye(len(s)) - product, ctx.matrix([a - b for a, b in zip(image, s, strict=True)]))
        s = [a + c for a, c in zip(s, change, strict=True)]
        if max(abs(c) for c in change) <= ctx.eps * 2**10:
            break
    _, product = exact.cycle(s, hover.period)
    left, shift = ctx.matrix([float(v) for v in hover.left]), ctx.mpf(hover.multipliers[0].real)
    for _ in range(NEWTON_STEPS):
        left = ctx.lu_solve(product.T - (shift + ctx.mpf(2) ** -30) * ctx.eye(len(s)), left)
        left = left / ctx.norm(left)
        image = product.T * left
        if ctx.norm(image - _quotient(image, left) * left) <= ctx.eps * 2**20:
            break
    turn = 1 if sum(a * float(b) for a, b in zip(left, hover.left, strict=True)) > 0 else -1
    return s, [turn * v for v in left]


def _quotient(image: Any, left: Any) -> Any:
    """Return the Rayleigh quotient of a vector of length 1 and its image."""
    return sum(a * b for a, b in zip(image, left, strict=True))


def _secant(function: Any, theta: Any, width: Any, small: Any) -> Any:
    """Return the root of a function near a value by the secant method."""
    a, b = theta, theta + width
    fa, fb = function(a), function(b)
    for _ in range(SECANT_STEPS):
        if fa == fb or abs(b - a) <= small * (1 + abs(b)):
            break
        a, fa, b = b, fb, b - fb * (b - a) / (fb - fa)
        fb = function(b)
    return b


def _described(crossing: Crossing, hover: _Hover, digits: int, steps: int, theta: Any, ctx: Any) -> EdgeState:
    """Say what was found."""
    kind = "fixed point" if hover.period == 1 else f"cycle of period {hover.period}"
    text = str(ctx.nstr(theta, digits, strip_zeros=False))
    statement = (
        f"the orbit hovers at a {kind} with one unstable multiplier {hover.multipliers[0].real:.6g}; l.(f^N(x_0) - s) "
        f"= 0 was solved for {crossing.along} in {digits} digits, which stood at N = {steps}"
    )
    return EdgeState(
        crossing.along,
        float(theta),
        text,
        tuple(float(v) for v in hover.state),
        hover.period,
        hover.multipliers,
        tuple(float(v) for v in hover.left),
        steps,
        crossing,
        Verdict.SUPPORTED,
        statement,
    )
