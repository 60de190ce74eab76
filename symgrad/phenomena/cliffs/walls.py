"""Height, width and shape of the wall beside a basin line, at any depth.

In the scaled distance u = c·μ^T·(b − line)/(μ − 1), c = ∂f/∂b, the last state is Φ(u), the Poincaré function, up to
terms of relative size T·μ^−T: the wall keeps its shape and its width shrinks like μ^−T.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import CliffCurve, Gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import SignedLog
from symgrad.maps import to_text
from symgrad.phenomena.cliffs.chain_steps import (
    BITS,
    Place,
    Steps,
    checked,
    compiled_steps,
    derivative_exprs,
    place_on,
    run_orbits,
    signed,
)
from symgrad.phenomena.cliffs.line_values import values_on as values_on
from symgrad.phenomena.cliffs.peaks import highest
from symgrad.phenomena.cliffs.poincare import Poincare, poincare_function

Array = NDArray[np.float64]
SHALLOW = math.log(5e8)
DEEPEST = 20_000
SETTLING_STEPS = 10_000
ASIDE = 1e-4
SCALED = np.concatenate([-np.logspace(6, -5, 166), [0.0], np.logspace(-5, 6, 166)])


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
    def width_log(self) -> float:
        """log of the full width at half height in b, in nats; nan without a peak."""
        return math.nan if self.width is None else float(self.width.log_abs)


@dataclass(frozen=True)
class Section:
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


def section_of(place: Place, steps: Steps, depth: int) -> Section:
    """Return the cross-section at a place of a basin line, through the Poincaré function where the wall is deep.

    Raises
    ------
    InputError : another kind of curve, its end, or a depth that does not reach the fixed point
    """
    curve = place.curve
    if curve.origin != "basin line" or curve.period != 1:
        raise InputError(
            f"a wall profile needs a basin line on which the start reaches a fixed point, got a {curve.origin} of "
            f"period {curve.period}; use fold_ridge for folds and flips"
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
    if abs(place.value(fx, fixed) - multiplier) > place.ctx.mpf(2) ** (-BITS // 2):
        raise InputError(
            f"the fixed point {to_text(curve.lands[-1])} is a kink, so the wall has two different sides; use values_on"
        )
    amplitude = s + place.value(ft[curve.solved], fixed) / (multiplier - 1)
    deep = (depth - curve.preimages) * float(place.ctx.log(abs(multiplier))) > SHALLOW
    if not deep and depth > DEEPEST:
        raise InputError(
            f"the multiplier {float(multiplier):.9g} is so near ±1 that {depth} steps would be run; go further from "
            "the end of the curve"
        )
    function = poincare_function(place, steps, fixed, multiplier) if deep else None
    return Section(place, steps, depth, float(multiplier), amplitude, function)


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
    section = section_of(place, steps, depth)
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


def _settled_losses(section: Section) -> tuple[float, float]:
    """Return the losses at which the start settles for b just below and just above the line."""
    turn = float(section.place.ctx.sign(section.scale))
    at = tuple(section.place.point[n] for n in (section.place.curve.along, section.place.curve.solved))
    fixed = float(section.place.value(section.place.curve.lands[-1]))
    below, above = (_settled(section, fixed, side * turn, at) for side in (-1, 1))
    return below, above


def _settled(section: Section, fixed: float, turn: float, at: tuple[float, ...]) -> float:
    """Follow every second state of the orbit that leaves the fixed point, and return the loss at its limit."""
    state = np.float64(fixed + turn * ASIDE * max(1.0, abs(fixed)))
    with np.errstate(all="ignore"):
        for _ in range(SETTLING_STEPS):
            once = section.steps.first(state, *at)[0]
            twice = section.steps.first(once, *at)[0]
            if not np.isfinite(twice) or abs(twice) > 1e150:
                state = np.float64(np.copysign(np.inf, twice)) if not np.isnan(twice) else twice
                break
            if abs(twice - state) <= 1e-15 * max(1.0, abs(twice)):
                break
            state = twice
        else:
            return math.nan
        return float(section.steps.loss(state, *at)[0])


def _exponent(section: Section, bounded: bool) -> float:
    """Return the slope of log max|d²L/db²| over log max|dL/db| between this depth and a deeper one.

    The deeper one doubles the height, or the depth if that takes longer. Both maxima are taken at the same scaled
    distances, where walls of two depths differ little; where the gradient has no peak the line itself is taken.
    """
    if section.poincare is not None:
        return 2.0
    doubling = math.ceil(math.log(2) / math.log(abs(section.multiplier)))
    further = max(1, min(doubling, section.depth))
    deeper = Section(section.place, section.steps, section.depth + further, section.multiplier, section.amplitude, None)
    (low, bend_low), (high, bend_high) = (
        _sizes(part, SCALED if bounded else np.zeros(1)) for part in (section, deeper)
    )
    rise = high - low
    return (bend_high - bend_low) / rise if math.isfinite(rise) and rise != 0 else math.nan


def _sizes(section: Section, u: Array) -> tuple[float, float]:
    """Return log max|dL/db| and log max|d²L/db²| over scaled distances."""
    _, _, slope, bend = section(u, second=True)
    sizes = []
    for values, power in ((slope, 1), (bend, 2)):
        largest = float(np.nanmax(np.abs(values), initial=0.0))
        sizes.append((math.log(largest) if largest > 0 else -math.inf) + power * section.log_scale)
    return sizes[0], sizes[1]
