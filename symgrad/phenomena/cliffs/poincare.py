"""The Poincaré function of a repelling fixed point: Φ(μu) = f(Φ(u)), Φ(0) = p, Φ'(0) = 1.

Its power series follows from that of f by recursion, c_k (μ^k − μ) = [u^k] Σ_{m>=2} a_m (Φ − p)^m (Poincaré 1890;
Milnor 2006, *Dynamics in One Complex Variable*, § 8), and converges everywhere f is analytic on the orbit, for
Φ(u) = f^n(Φ(μ^−n u)). Every wall of every depth is this one curve in the scaled distance from its line.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.maps import expand_activations
from symgrad.phenomena.cliffs.chain_steps import Place, Steps
from symgrad.phenomena.cliffs.power_series import power_series

Array = NDArray[np.float64]
ORDER = 18
ROUNDING = 1e-18
MOST_STEPS = 20_000
TOLERANCE, RELATIVE, SMALLEST = 1e-12, 1e-9, 1e-4


@dataclass(frozen=True)
class Poincare:
    """The Poincaré function at one point of a basin line.

    Parameters
    ----------
    steps : compiled f, f_x, f_xx
    at : the values of the two parameters
    fixed : p
    multiplier : μ, with |μ| > 1
    taylor : a_0 … a_K of f at p
    series : c_0 … c_K of Φ
    radius : where the truncated series is exact to rounding
    """

    steps: Steps
    at: tuple[float, float]
    fixed: float
    multiplier: float
    taylor: Array
    series: Array
    radius: float

    def __call__(self, u: Array) -> tuple[Array, Array, Array]:
        """Return Φ, Φ' and Φ″ at scaled distances u."""
        largest = float(np.abs(u).max(initial=self.radius))
        count = max(0, int(np.ceil(np.log(largest / self.radius) / np.log(abs(self.multiplier)))))
        if count > MOST_STEPS:
            raise InputError(
                f"the multiplier {self.multiplier:.9g} is so near ±1 that the profile needs {count} steps; "
                "go further from the end of the curve"
            )
        small = u * self.multiplier ** float(-count)
        powers = np.arange(len(self.series))
        first = self.series[1:] * powers[1:]
        state, slope = np.polyval(self.series[::-1], small), np.polyval(first[::-1], small)
        bend = np.polyval((first[1:] * powers[1:-1])[::-1], small)
        step = 1 / self.multiplier
        with np.errstate(all="ignore"):
            # each step carries its share of the scale μ^-n, so that nothing overflows before it is known
            for _ in range(count):
                value, fx, fxx = self.steps.along(state, *self.at)
                bend = (fxx * slope**2 + fx * bend) * step**2
                slope, state = fx * slope * step, value
        return state, slope, bend

    def residual(self) -> float:
        """Return the largest error of Φ(μu) = f(Φ(u)) where the series gives both sides, relative to 1 and to |p|."""
        inside = np.linspace(-1, 1, 21) * self.radius / abs(self.multiplier)
        left = np.polyval(self.series[::-1], self.multiplier * inside)
        right = np.asarray(self.steps.along(np.polyval(self.series[::-1], inside), *self.at)[0])
        return float(np.max(np.abs(left - right))) / max(1.0, abs(self.fixed))


def poincare_function(place: Place, steps: Steps, fixed: Any, multiplier: Any) -> Poincare:
    """Compute the series of the Poincaré function at a point of a basin line.

    Parameters
    ----------
    place : the exact point
    fixed, multiplier : p and μ as numbers of its context

    Raises
    ------
    InputError : the functional equation does not hold to 1e-12, which is checked
    """
    taylor = _taylor(place, fixed)
    series = _series(taylor, multiplier, place.ctx)
    sizes = [abs(c) for c in series]
    bounds = [(ROUNDING / float(c)) ** (1 / k) for k, c in enumerate(sizes) if k >= ORDER // 2 and c > 0]
    radius = min([1.0, *bounds])
    point = place.point
    function = Poincare(
        steps,
        (point[place.curve.along], point[place.curve.solved]),
        float(fixed),
        float(multiplier),
        np.array([float(a) for a in taylor]),
        np.array([float(c) for c in series]),
        radius,
    )
    return held(function)


def held(function: Poincare) -> Poincare:
    """Return the function with a radius in which its equation holds to 1e-12: smaller where f has a kink beside p.

    Raises
    ------
    InputError : the functional equation holds in no usable radius
    """
    while (error := function.residual()) > min(TOLERANCE, RELATIVE * function.radius):
        if function.radius < SMALLEST:
            raise InputError(
                f"the Poincare series misses its functional equation by {error:.1e} near {function.fixed:.9g}; the map "
                "needs to be analytic at its fixed point"
            )
        function = replace(function, radius=function.radius / 2)
    return function


def _taylor(place: Place, fixed: Any) -> list[Any]:
    """Return the Taylor coefficients of f at the fixed point, by differences in raised precision where need be."""
    layer, ctx = place.curve.layer, place.ctx
    found = power_series(
        expand_activations(layer.expr), layer.state[0], fixed, ORDER, lambda e: place.value(e, fixed), ctx
    )
    return list(ctx.taylor(lambda s: place.value(layer.expr, s), fixed, ORDER)) if found is None else found


def _series(taylor: list[Any], multiplier: Any, ctx: Any) -> list[Any]:
    """Return the coefficients of Φ from those of f, by the functional equation; powers[m][k] = [u^k] (Φ − p)^m."""
    size = len(taylor)
    powers = [[ctx.mpf(0)] * size for _ in range(size)]
    powers[1][1] = ctx.mpf(1)
    for k in range(2, size):
        for m in range(2, k + 1):
            powers[m][k] = ctx.fsum(powers[1][i] * powers[m - 1][k - i] for i in range(1, k - m + 2))
        total = ctx.fsum(taylor[m] * powers[m][k] for m in range(2, k + 1))
        powers[1][k] = total / (multiplier**k - multiplier)
    return [taylor[0], *powers[1][1:]]
