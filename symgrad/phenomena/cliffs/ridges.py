"""Height, place and width of the cliff along a fold arc or a flip ridge, found numerically at one depth.

Where the fixed points of a fold vanish, the start passes their ghost in T ~ π/√(c·κ·δ/2) steps, κ = f″, c = ∂f/∂b,
δ = b − fold, so that the steepest place of depth T lies at δ ~ 2π²/(c·κ·T²) and the height grows like T³ (Strogatz
2015, *Nonlinear Dynamics and Chaos*, § 4.3). Past a flip the state leaves its fixed point like √δ within 1/δ steps:
the height grows like √T at δ ~ 1/T.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import CliffCurve, Gradient
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.kernels import SignedLog
from symgrad.maps import differentiate
from symgrad.phenomena.cliffs.chain_steps import Place, Steps, checked, compiled_steps, place_on, run_orbits
from symgrad.phenomena.cliffs.peaks import Peak, highest

Array = NDArray[np.float64]
DEEPEST = 20_000
# the ridge of depth T lies at 1 - O(1/T) of its asymptotic distance and is O(1/T) of it wide
NEAR_FOLD = np.concatenate([np.logspace(-2, -0.6, 12), np.linspace(0.27, 1.15, 89), np.logspace(0.08, 1.2, 14)])
NEAR_FLIP = np.logspace(-3, 1.6, 61)
FARTHEST = 12.0
LAWS: Mapping[str, tuple[float, str]] = {
    "fold": (3.0, "T^3 asymptotically, at a distance from the fold that shrinks like 1/T^2"),
    "flip": (0.5, "sqrt(T) asymptotically, at a distance from the flip that shrinks like 1/T"),
    "infinity": (2.0, "T^2 for the state, which itself leaves like T; the loss decides the rest"),
}
NO_RIDGE = (math.nan, "no peak beside the curve at this depth: the values are those on the curve")


@dataclass(frozen=True)
class Ridge:
    """The cross-section of a fold arc or flip ridge at one of its points and one depth.

    Parameters
    ----------
    origin : "fold", "flip" or "infinity"
    on_curve : both parameters on the curve, rounded
    depth : applications of the chain
    point : both parameters where |dL/db| is largest beside the curve, b the solved parameter; on it without a ridge
    offset : b − curve there
    height : dL/db there
    gradient : name → derivative of the loss there, both parameters
    width : full width at half height in b, None where a half lies outside the bracket, and without a ridge
    loss_below, loss_above : the loss at this depth, 10 offsets below and above the curve
    stands_out : whether the steepest place and its two slopes lie inside the bracket; there is no ridge where not
    local_exponent : d log(height)/d log(T) between half the depth and this one
    exponent : α = d log‖H‖/d log‖∇L‖ over the same depths
    law_exponent : the exponent of T to which ``local_exponent`` of the state tends, nan without a ridge
    growth : the law in words
    verdict, method : what the numbers rest on
    """

    origin: str
    on_curve: Mapping[str, float]
    depth: int
    point: Mapping[str, float]
    offset: float
    height: SignedLog
    gradient: Mapping[str, SignedLog]
    width: SignedLog | None
    loss_below: float
    loss_above: float
    stands_out: bool
    local_exponent: float
    exponent: float
    law_exponent: float
    growth: str
    verdict: Verdict
    method: str

    @property
    def height_log(self) -> float:
        """log of the largest |dL/db|, in nats."""
        return float(self.height.log_abs)


@dataclass(frozen=True)
class _Bracket:
    """The distances from a curve among which the ridge of one depth is looked for."""

    place: Place
    steps: Steps
    grid: Array
    depth: int

    def gradient(self, offset: Array) -> Array:
        """Return dL/db at distances from the curve, shape (m,)."""
        return self.run(offset, second=False)[1]

    def run(self, offset: Array, *, second: bool) -> tuple[Array, Array, Array]:
        """Return loss, dL/db and d²L/db² at distances from the curve."""
        curve, point = self.place.curve, self.place.point
        start = float(self.place.value(curve.start))
        orbit = run_orbits(
            self.steps, start, point[curve.along], point[curve.solved] + offset, self.depth, second=second
        )
        return orbit.loss, orbit.gradient, orbit.hessian

    def peak(self, *, width: bool = True) -> Peak:
        """Return the steepest place of the bracket."""
        return highest(lambda offset: np.abs(self.gradient(offset)), self.grid, width=width)


def fold_ridge(curve: CliffCurve, target: Gradient, start: Any, at: Any, depth: int) -> Ridge:
    """Return height, place and width of the ridge beside a fold arc or flip curve, or on a line at infinity.

    Parameters
    ----------
    curve : of origin "fold", "flip" or "infinity"
    target : the gradient of a loss
    start : x₀, that of the curve
    at : the value of ``curve.along``
    depth : applications of the chain, at most 20 000: the orbits are run

    Raises
    ------
    InputError : another kind of curve, a depth out of reach, a point outside the curve

    Examples
    --------
    >>> from sympy import Rational
    >>> from symgrad.derivation import cliff_curves, gradient
    >>> from symgrad.maps import Map
    >>> from symgrad.symbols import n
    >>> chain = Map("w*sigmoid(x) + b", "x") ** n
    >>> fold = next(c for c in cliff_curves(chain, ("w", "b"), Rational(1, 2)) if c.origin == "fold")
    >>> ridge = fold_ridge(fold, gradient(chain, "(sigmoid(x) - 7/10)**2", wrt="w,b"), fold.start, 4.1, 400)
    >>> round(ridge.on_curve["b"], 9), ridge.growth.split()[0]
    (-2.055231455, 'T^3')
    """
    depth = checked(curve, target, start, depth)
    if curve.origin not in LAWS:
        raise InputError(f"a {curve.origin} has no ridge to be measured; use wall_profile or values_on")
    if depth > DEEPEST:
        raise InputError(f"depth {depth} is out of reach of orbits that are run; give at most {DEEPEST}")
    place, steps = place_on(curve, at), compiled_steps(curve, target)
    found = half = None
    if curve.origin != "infinity":
        unit = _unit(place)
        found = _bracket(place, steps, unit, depth).peak()
        half = _bracket(place, steps, unit, max(1, depth // 2)).peak(width=False)
    if found is None or half is None or not (found.inside and half.inside) or _is_another(curve, found, depth):
        found, half = (_on_line(place, steps, part) for part in (depth, max(1, depth // 2)))
    return _described(place, target, _Bracket(place, steps, np.zeros(0), depth), found, half)


def _is_another(curve: CliffCurve, found: Peak, depth: int) -> bool:
    """Say whether a steep place is too far from a flip to be its ridge, which lies at O(1/T)."""
    return curve.origin == "flip" and abs(found.place) * depth > FARTHEST


def _on_line(place: Place, steps: Steps, depth: int) -> Peak:
    """Return the gradient on the curve itself in the form of a peak that has no slopes."""
    height = abs(float(_Bracket(place, steps, np.zeros(0), depth).gradient(np.zeros(1))[0]))
    return Peak(0.0, height, math.nan, math.nan, False)


def _described(place: Place, target: Gradient, bracket: _Bracket, found: Peak, half: Peak) -> Ridge:
    """Put together what is known of a ridge from its steepest place at this depth and at half of it."""
    curve = place.curve
    reach = 10 * abs(found.place) if found.place else 1 / bracket.depth
    losses = bracket.run(np.array([-reach, reach]), second=False)[0]
    local, alpha = _growth(bracket, found, half)
    law, words = LAWS[curve.origin] if found.inside or curve.origin == "infinity" else NO_RIDGE
    on_curve, point = place.point, dict(place.point)
    point[curve.solved] += found.place
    gradient = _gradient(curve, target, float(place.value(curve.start)), point, bracket.depth)
    return Ridge(
        curve.origin,
        on_curve,
        bracket.depth,
        point,
        found.place,
        gradient[curve.solved],
        gradient,
        SignedLog.from_float(found.width) if found.inside else None,
        float(losses[0]),
        float(losses[1]),
        found.inside,
        local,
        alpha,
        law,
        words,
        Verdict.SAMPLED,
        "orbits run in float64, the steepest of a hundred places beside the curve refined"
        if found.inside
        else "orbits run in float64 on the curve",
    )


def _gradient(
    curve: CliffCurve, target: Gradient, start: float, point: Mapping[str, float], depth: int
) -> dict[str, SignedLog]:
    """Return the derivative of the loss in both parameters at one point."""
    found = {}
    for name, other in ((curve.along, curve.solved), (curve.solved, curve.along)):
        steps = compiled_steps(replace(curve, along=other, solved=name), target)
        orbit = run_orbits(steps, start, point[other], np.array([point[name]]), depth, second=False)
        found[name] = SignedLog.from_float(float(orbit.gradient[0]))
    return found


def _unit(place: Place) -> float:
    """Return the signed distance from the curve at which the ridge of depth 1 would lie by its law."""
    curve = place.curve
    (x,) = curve.layer.state
    fixed = place.value(curve.expressions[x.name])
    bend = float(place.value(differentiate(curve.layer.jacobian[0][0], x), fixed))
    lift = float(place.value(curve.layer.derivative(curve.solved)[0], fixed))
    if curve.origin == "flip":
        return 1.0
    if bend == 0 or lift == 0:
        raise InputError("the fold is degenerate here, a cusp; go along the curve")
    return 2 * math.pi**2 / (bend * lift)


def _bracket(place: Place, steps: Steps, unit: float, depth: int) -> _Bracket:
    """Return increasing distances from the curve: on the side without fixed points of a fold, on both of a flip."""
    if place.curve.origin == "flip":
        side = NEAR_FLIP * unit / depth
        return _Bracket(place, steps, np.concatenate([-side[::-1], side]), depth)
    grid = np.sort(NEAR_FOLD * unit / depth**2)
    return _Bracket(place, steps, grid, depth)


def _growth(bracket: _Bracket, found: Peak, half: Peak) -> tuple[float, float]:
    """Return d log(height)/d log(T) and α between half the depth and this one, nan where a height is 0 or infinite."""
    if bracket.depth < 4 or not 0 < half.height < math.inf or not 0 < found.height < math.inf:
        return math.nan, math.nan
    shallow = _Bracket(bracket.place, bracket.steps, bracket.grid, bracket.depth // 2)
    rise = math.log(found.height / half.height)
    bends = []
    for part, peak, reach in ((shallow, half, 8 * found.width), (bracket, found, found.width)):
        around = np.linspace(peak.place - reach, peak.place + reach, 81) if found.inside else np.zeros(1)
        hessian = part.run(around, second=True)[2]
        bends.append(float(np.nanmax(np.abs(hessian), initial=0.0)))
    alpha = math.log(bends[1] / bends[0]) / rise if min(bends) > 0 and rise > 0 else math.nan
    return rise / math.log(bracket.depth / shallow.depth), alpha
