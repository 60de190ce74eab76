"""Height, width and profile of a cliff on a basin line, at any depth.

On the line the orbit is constant, so that every sensitivity is a geometric sum and exact at every depth. Beside it, in
the scaled distance u = c·μ^T·(b − line)/(μ − 1), c = ∂f/∂b, the last state is Φ(u), the Poincaré function, up to terms
of relative size T·μ^−T: the wall keeps its shape and its width shrinks like μ^−T.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import CliffCurve, Gradient, geometric_sum_proof
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import SignedLog
from symgrad.maps import differentiate
from symgrad.phenomena.cliffs.chain_steps import (
    Place,
    Steps,
    checked,
    compiled_steps,
    derivative_exprs,
    loss_of,
    place_on,
    run_orbits,
    signed,
)
from symgrad.phenomena.cliffs.peaks import highest
from symgrad.phenomena.cliffs.poincare import Poincare, poincare_function
from symgrad.symbols import real

Array = NDArray[np.float64]
SHALLOW = math.log(5e8)
DEVIATION = 1e-13
SETTLING_STEPS = 100_000
SCALED = np.concatenate([-np.logspace(6, -5, 166), [0.0], np.logspace(-5, 6, 166)])


@dataclass(frozen=True)
class OnCurve:
    """Values exactly on a basin line.

    Parameters
    ----------
    point : both parameters, rounded
    depth : applications of the chain
    state : the last state
    multiplier : μ of the fixed point
    loss : of the last state
    product : dx_T/dx₀
    gradient : name → derivative of the loss, both parameters
    verdict : proved; the numbers are evaluated with more bits than they have
    method : the argument
    """

    point: Mapping[str, float]
    depth: int
    state: float
    multiplier: float
    loss: float
    product: SignedLog
    gradient: Mapping[str, SignedLog]
    verdict: Verdict
    method: str


def values_on(curve: CliffCurve, target: Gradient, start: Any, at: Any, depth: int) -> OnCurve:
    """Return loss and gradient exactly on a basin line, in closed form, at a cost that does not grow with depth.

    Parameters
    ----------
    curve : of origin "basin line", from ``cliff_curves``
    target : the gradient of a loss of the last state (of the last state itself without a loss)
    start : x₀, that of the curve
    at : the value of ``curve.along``
    depth : applications of the chain

    Examples
    --------
    >>> from symgrad.derivation import cliff_curves, gradient
    >>> from symgrad.maps import Map
    >>> from symgrad.symbols import n
    >>> chain, start = Map("w*sigmoid(x) + b", "x") ** n, "1/2"
    >>> line = cliff_curves(chain, ("w", "b"), "1/2")[0]
    >>> found = values_on(line, gradient(chain, "(sigmoid(x) - 7/10)**2", wrt="w,b"), line.start, 5, 50)
    >>> found.point["b"], round(float(found.gradient["b"].value), 9)
    (-2.6122966560092728, -661.682801323)
    """
    steps = checked(curve, target, start, depth)
    if not curve.lands:
        raise InputError(
            f"closed forms hold on basin lines, this curve is a {curve.origin}; use fold_ridge for its height"
        )
    place = place_on(curve, at, bits=160 + 2 * steps.bit_length())
    state, product, sensitivity = _closed_forms(place, steps)
    loss, (x,) = loss_of(target), curve.layer.state
    outer = place.value(differentiate(loss, x), state)
    gradient = {
        name: signed(outer * s + place.value(differentiate(loss, real(name)), state), place.ctx)
        for name, s in sensitivity.items()
    }
    return OnCurve(
        place.point,
        steps,
        float(state),
        float(place.value(curve.multiplier)),
        float(place.value(loss, state)),
        signed(product, place.ctx),
        gradient,
        Verdict.PROVED,
        geometric_sum_proof(),
    )


def _closed_forms(place: Place, depth: int) -> tuple[Any, Any, dict[str, Any]]:
    """Return the last state, dx_T/dx₀ and dx_T/dθ on the curve: steps that lead in, whole periods, and what is left."""
    curve = place.curve
    fx, ft = derivative_exprs(curve)
    states = [place.value(e) for e in curve.lands]
    slopes = [place.value(fx, s) for s in states]
    local = {name: [place.value(e, s) for s in states] for name, e in ft.items()}
    lead, period = min(curve.preimages, depth), curve.period
    whole, rest = divmod(depth - lead, period)
    order = [*range(lead)] if depth <= lead else [*range(curve.preimages)]
    cycle = [curve.preimages + i for i in range(period)] if depth > lead or depth == curve.preimages else []
    multiplier = place.ctx.fprod(slopes[i] for i in cycle) if cycle else place.ctx.mpf(1)
    power = multiplier**whole
    product = place.ctx.fprod(slopes[i] for i in order) * power * place.ctx.fprod(slopes[i] for i in cycle[:rest])
    total = whole if multiplier == 1 else (power - 1) / (multiplier - 1)
    sensitivity = {}
    for name, values in local.items():
        s = place.ctx.mpf(0)
        for i in order:
            s = slopes[i] * s + values[i]
        round_trip = place.ctx.mpf(0)
        for i in cycle:
            round_trip = slopes[i] * round_trip + values[i]
        s = power * s + total * round_trip
        for i in cycle[:rest]:
            s = slopes[i] * s + values[i]
        sensitivity[name] = s
    last = states[cycle[rest]] if cycle else states[lead]
    return last, product, sensitivity


@dataclass(frozen=True)
class Profile:
    """The cross-section of a wall at one point of its line and one depth, in the direction of the solved parameter.

    Parameters
    ----------
    point : both parameters on the line, rounded
    depth : applications of the chain
    multiplier : μ
    scaled : u = c·μ^T·(b − line)/(μ − 1), shape (m,), in units of the state
    state, loss : there, shape (m,)
    slope : dL/db in units of ``scale``, shape (m,)
    scale : c·μ^T/(μ − 1), by which u is larger than b − line
    on_line : dL/db on the line
    bounded : whether |dL/db| has a peak; it has none where the loss grows without bound on a side
    peak : u of the largest |dL/db|, 0 where there is none
    height : dL/db there, on the line where there is no peak
    width : full width at half height in b, None without a peak
    loss_below, loss_above : the loss that the start settles at beside the line, nan where it does not settle
    exponent : α = d log‖H‖/d log‖∇L‖ with depth, of second and first derivative in the solved parameter
    growth : the law of the height
    accuracy : relative size of what the profile leaves out
    verdict, method : what it rests on
    """

    point: Mapping[str, float]
    depth: int
    multiplier: float
    scaled: Array
    state: Array
    loss: Array
    slope: Array
    scale: SignedLog
    on_line: SignedLog
    bounded: bool
    peak: float
    height: SignedLog
    width: SignedLog | None
    loss_below: float
    loss_above: float
    exponent: float
    growth: str
    accuracy: float
    verdict: Verdict
    method: str

    @property
    def height_log(self) -> float:
        """log of the largest |dL/db|, in nats."""
        return float(self.height.log_abs)

    @property
    def half_width_log(self) -> float:
        """log of the full width at half height in b, in nats; nan without a peak."""
        return math.nan if self.width is None else float(self.width.log_abs)


@dataclass(frozen=True)
class _Section:
    """Everything about one point of a line and one depth that evaluates its cross-section."""

    place: Place
    steps: Steps
    depth: int
    multiplier: float
    amplitude: Any
    poincare: Poincare | None

    @property
    def log_scale(self) -> float:
        """log|du/db|."""
        return float(self.place.ctx.log(abs(self.scale)))

    @property
    def scale(self) -> Any:
        """du/db."""
        lead = self.place.curve.preimages
        return self.amplitude * self.place.value(self.place.curve.multiplier) ** (self.depth - lead)

    def __call__(self, u: Array, *, second: bool = False) -> tuple[Array, Array, Array, Array]:
        """Return state, loss, dL/db and d²L/db², the derivatives in units of the scale and of its square."""
        curve, point = self.place.curve, self.place.point
        if self.poincare is None:
            scale = float(self.scale)
            start, along = float(self.place.value(curve.start)), point[curve.along]
            orbit = run_orbits(self.steps, start, along, point[curve.solved] + u / scale, self.depth, second=second)
            return orbit.state, orbit.loss, orbit.gradient / scale, orbit.hessian / scale**2
        state, slope, bend = self.poincare(u)
        with np.errstate(all="ignore"):
            loss, lx, _, lxx, _, _ = self.steps.loss(state, *self.poincare.at)
            return state, loss + 0 * u, lx * slope, lxx * slope**2 + lx * bend


def _section(place: Place, steps: Steps, depth: int) -> _Section:
    curve = place.curve
    if curve.origin != "basin line" or curve.period != 1:
        raise InputError(
            f"a wall profile needs a basin line on which the start reaches a fixed point, got a {curve.origin} of period "
            f"{curve.period}; use fold_ridge for folds and flips"
        )
    if depth <= curve.preimages:
        raise InputError(f"depth {depth} does not reach the fixed point, which takes {curve.preimages}; go deeper")
    fx, ft = derivative_exprs(curve)
    multiplier = place.value(curve.multiplier)
    if not abs(multiplier) > 1:
        raise InputError(
            f"the multiplier is {float(multiplier):g} here, the end of the curve; a wall needs one beyond ±1"
        )
    s = place.ctx.mpf(0)
    for land in curve.lands[:-1]:
        s = place.value(fx, place.value(land)) * s + place.value(ft[curve.solved], place.value(land))
    fixed = place.value(curve.lands[-1])
    amplitude = s + place.value(ft[curve.solved], fixed) / (multiplier - 1)
    deep = (depth - curve.preimages) * float(place.ctx.log(abs(multiplier))) > SHALLOW
    function = poincare_function(place, steps, fixed, multiplier) if deep else None
    return _Section(place, steps, depth, float(multiplier), amplitude, function)


def wall_profile(curve: CliffCurve, target: Gradient, start: Any, at: Any, depth: int) -> Profile:
    """Return height, width, shape and type of the cliff on a basin line at one of its points, for any depth.

    Deep walls are evaluated through the Poincaré function, which leaves out terms of relative size T·μ^−T; where that
    is above 1e-7 or so the orbits beside the line are run directly.

    Parameters
    ----------
    curve, target, start, at, depth : as for ``values_on``

    Raises
    ------
    InputError : a curve that is no basin line, or a point outside the part where it is a cliff
    """
    depth = checked(curve, target, start, depth)
    place, steps = place_on(curve, at, bits=160 + 2 * depth.bit_length()), compiled_steps(curve, target)
    section = _section(place, steps, depth)
    state, loss, slope, _ = section(SCALED)
    first = highest(lambda u: np.abs(section(u)[2]), SCALED)
    on_line = values_on(curve, target, start, at, depth).gradient[curve.solved]
    scale = signed(section.scale, place.ctx)
    bounded = first.inside
    peak = first.place if bounded else 0.0
    sign = np.sign(float(section(np.array([peak]))[2][0])) * float(scale.sign)
    height = SignedLog.from_log(sign, math.log(first.height) + section.log_scale) if bounded else on_line
    width = SignedLog.from_log(1, math.log(first.width) - section.log_scale) if bounded and first.width > 0 else None
    mu = section.multiplier
    deep = section.poincare is not None
    return Profile(
        place.point,
        depth,
        mu,
        SCALED,
        state,
        loss,
        slope,
        scale,
        on_line,
        bounded,
        peak,
        height,
        width,
        *_settled_losses(section),
        _exponent(section, bounded),
        f"mu^T with mu = {mu:.12g}",
        depth * math.exp(-(depth * math.log(abs(mu)))) if deep else 1e-16 * math.exp(depth * math.log(abs(mu))),
        Verdict.SUPPORTED,
        "Poincare function by power series, functional equation held to 1e-12"
        if deep
        else "orbits run beside the line",
    )


def _settled_losses(section: _Section) -> tuple[float, float]:
    """Return the losses at which the start settles for b just below and just above the line."""
    turn = float(section.place.ctx.sign(section.scale))
    at = tuple(section.place.point[n] for n in (section.place.curve.along, section.place.curve.solved))
    fixed = float(section.place.value(section.place.curve.lands[-1]))
    below, above = (_settled(section, fixed, side * turn, at) for side in (-1, 1))
    return below, above


def _settled(section: _Section, fixed: float, turn: float, at: tuple[float, ...]) -> float:
    """Follow every second state of the orbit that leaves the fixed point, and return the loss at its limit."""
    state = np.float64(fixed + turn * 1e-6 * max(1.0, abs(fixed)))
    with np.errstate(all="ignore"):
        for _ in range(SETTLING_STEPS):
            once = section.steps.first(state, *at)[0]
            twice = section.steps.first(once, *at)[0]
            if not np.isfinite(twice) or abs(twice) > 1e150:
                state = np.float64(np.copysign(np.inf, twice)) if not np.isnan(twice) else twice
                break
            if abs(twice - state) <= 1e-15 * max(1.0, abs(twice)) and abs(twice - fixed) > 1e-5 * max(1.0, abs(fixed)):
                break
            state = twice
        else:
            return math.nan
        return float(section.steps.loss(state, *at)[0])


def _exponent(section: _Section, bounded: bool) -> float:
    """Return the slope of log max|d²L/db²| over log max|dL/db| between this depth and one that doubles the height.

    Both maxima are taken at the same scaled distances, where walls of two depths differ little; where the gradient has
    no peak the line itself is taken.
    """
    if section.poincare is not None:
        return 2.0
    further = max(1, math.ceil(math.log(2) / math.log(abs(section.multiplier))))
    deeper = _Section(
        section.place, section.steps, section.depth + further, section.multiplier, section.amplitude, None
    )
    (low, bend_low), (high, bend_high) = (
        _sizes(part, SCALED if bounded else np.zeros(1)) for part in (section, deeper)
    )
    rise = high - low
    return (bend_high - bend_low) / rise if math.isfinite(rise) and rise != 0 else math.nan


def _sizes(section: _Section, u: Array) -> tuple[float, float]:
    """Return log max|dL/db| and log max|d²L/db²| over scaled distances."""
    _, _, slope, bend = section(u, second=True)
    sizes = []
    for values, power in ((slope, 1), (bend, 2)):
        largest = float(np.nanmax(np.abs(values), initial=0.0))
        sizes.append((math.log(largest) if largest > 0 else -math.inf) + power * section.log_scale)
    return sizes[0], sizes[1]


@dataclass(frozen=True)
class Collapse:
    """Walls of several depths in the scaled distance, beside the one curve they fall on.

    Parameters
    ----------
    depths : T, shape (k,)
    scaled : u, shape (m,)
    states : the last state at b = line + u·(μ − 1)/(c·μ^T), run for each depth, shape (k, m)
    poincare : Φ(u) by its power series, shape (m,)
    difference : the largest distance of each wall from it, shape (k,)
    """

    depths: tuple[int, ...]
    scaled: Array
    states: Array
    poincare: Array
    difference: Array


def collapse(
    curve: CliffCurve, target: Gradient, start: Any, at: Any, depths: Sequence[int], u: Sequence[float] | Array
) -> Collapse:
    """Return the states of walls of several depths at the same scaled distances, each from its own orbits.

    Shallow orbits are run as they are. Deep ones begin where the distance from the fixed point has grown to 1e-13, up
    to where the step is linear to rounding; from there the distance itself is iterated.

    Parameters
    ----------
    depths : the depths T
    u : scaled distances
    """
    checked(curve, target, start, 1)
    scaled = np.asarray(u, dtype=float)
    steps = compiled_steps(curve, target)
    rows = []
    function: Poincare | None = None
    for depth in depths:
        place = place_on(curve, at, bits=160 + 2 * int(depth).bit_length())
        section = _section(place, steps, checked(curve, target, start, depth))
        deepest = section.poincare or poincare_function(
            place, steps, place.value(curve.lands[-1]), place.value(curve.multiplier)
        )
        function = function or deepest
        rows.append(section(scaled)[0] if section.poincare is None else _deviations(section, deepest, scaled))
    if function is None:
        raise InputError("no depth was given; give e.g. depths=(20, 1000)")
    states, limit = np.array(rows), function(scaled)[0]
    return Collapse(tuple(map(int, depths)), scaled, states, limit, np.max(np.abs(states - limit), axis=1))


def _deviations(section: _Section, function: Poincare, u: Array) -> Array:
    """Iterate the distance from the fixed point, as a polynomial while it is small, then the state itself."""
    mu, fixed = section.multiplier, function.fixed
    largest = float(np.max(np.abs(u), initial=DEVIATION))
    count = min(section.depth, math.ceil(math.log(largest / DEVIATION) / math.log(abs(mu))))
    left = section.depth - section.place.curve.preimages
    constant = (mu - 1) * u * mu ** float(-min(left, 5000))
    distance = u * mu ** float(-count) - constant / (mu - 1)
    coefficients = np.concatenate([[0.0], function.taylor[1:]])[::-1]
    small = 0.05 * function.radius
    state: Array = fixed + distance
    with np.errstate(all="ignore"):
        for _ in range(count):
            near = np.abs(distance) < small
            state = np.where(near, fixed + distance, state)
            polynomial = np.polyval(coefficients, np.where(near, distance, 0.0)) + constant
            image = function.steps.along(state, *function.at)[0] + constant
            distance = np.where(near, polynomial, image - fixed)
            state = np.where(near, fixed + distance, image)
    return state
