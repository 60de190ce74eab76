"""Gaussian averages in closed form: W = Eφ², S = Eφ'² and the kernels of two correlated inputs.

Two inputs x₁, x₂ are Gaussian with variance q each and correlation c; θ = arccos c. ``gap`` is W - K, the half mean
square difference of φ(x₁) and φ(x₂), written with 1 - c so that it loses no digits near c = 1.

References
----------
Piecewise linear: Cho & Saul (2009), NIPS 22, section 2 (arc-cosine kernels of order 0 and 1). Error function:
Williams (1997), NIPS 9, section 3.1. Sine and exponential: the characteristic function of a Gaussian.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Average = Callable[[Array], Array]
Kernel = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class ClosedForm:
    """Exact averages of one nonlinearity.

    Parameters
    ----------
    source : where the formulas stand
    square : q → W(q) = Eφ(√q z)²
    growth : q → dW/dq
    slope_square : q → S(q) = Eφ'(√q z)²
    gap : (q, 1 - c) → W(q) - K(q, c), with K = Eφ(x₁)φ(x₂)
    slope_kernel : (q, 1 - c) → Eφ'(x₁)φ'(x₂)
    sides : for φ linear on both sides of 0: the slopes (right, left)
    homogeneous : whether φ is linear on both sides of 0, with φ(0) = 0
    """

    source: str
    square: Average
    growth: Average
    slope_square: Average
    gap: Kernel
    slope_kernel: Kernel
    sides: tuple[float, float] = (0.0, 0.0)
    homogeneous: bool = False


def angle(distance: Array) -> Array:
    """Return θ = arccos c from 1 - c, exact for small angles.

    >>> bool(abs(angle(np.array(2e-20)) / 2e-10 - 1) < 1e-15)
    True
    """
    half: Array = np.arcsin(np.sqrt(0.5 * np.clip(distance, 0.0, 2.0)))
    return 2.0 * half


def _turn(theta: Array) -> Array:
    """Return sin θ - θ cos θ without cancellation."""
    t = np.minimum(theta, 0.6)
    square = t * t
    series, term = np.zeros_like(t), t * square / 3.0
    for k in range(1, 12):
        series = series + term
        # The coefficients of sin t - t cos t are (-1)^(k+1) 2k/(2k+1)!.
        term = -term * square * (k + 1) / (k * (2 * k + 2) * (2 * k + 3))
    return np.where(theta < 0.6, series, np.sin(theta) - theta * np.cos(theta))


def piecewise_linear(right: Any, left: Any) -> ClosedForm:
    """Return the averages of φ(x) = right·x for x > 0, left·x for x < 0: identity, ReLU, leaky ReLU, |x|.

    With a = (right + left)/2 and d = (right - left)/2, φ = a x + d |x| and E|x₁x₂| = (2q/π)(sin θ + (π/2 - θ) cos θ).

    >>> relu = piecewise_linear(1, 0)
    >>> float(relu.slope_square(np.array(3.0))), float(relu.gap(np.array(1.0), np.array(1.0)).round(12))
    (0.5, 0.340845056908)
    """
    a, d = float((right + left) / 2), float((right - left) / 2)
    mean = float((right * right + left * left) / 2)

    def gap(q: Array, distance: Array) -> Array:
        theta = angle(distance)
        away = (2.0 / np.pi) * _turn(theta)
        return q * (mean * distance - d * d * away)

    def slope_kernel(q: Array, distance: Array) -> Array:
        return a * a + d * d * (1.0 - (2.0 / np.pi) * angle(distance)) + 0.0 * q

    def constant(q: Array) -> Array:
        return mean + 0.0 * q

    source = "exact: φ² is linear" if d == 0 else "Cho & Saul (2009), section 2"
    return ClosedForm(
        source, lambda q: mean * q, constant, constant, gap, slope_kernel, (float(right), float(left)), True
    )


def _erf() -> ClosedForm:
    def square(q: Array) -> Array:
        return (2.0 / np.pi) * np.arctan2(2.0 * q, np.sqrt(1.0 + 4.0 * q))

    def growth(q: Array) -> Array:
        return (4.0 / np.pi) / ((1.0 + 2.0 * q) * np.sqrt(1.0 + 4.0 * q))

    def slope_square(q: Array) -> Array:
        return (4.0 / np.pi) / np.sqrt(1.0 + 4.0 * q)

    def gap(q: Array, distance: Array) -> Array:
        cosine, rise = 1.0 - distance, 4.0 * q * q * distance * (2.0 - distance)
        first, second = np.sqrt(1.0 + 4.0 * q), np.sqrt(1.0 + 4.0 * q + rise)
        # The sine and cosine of the difference of two arcs, by products that keep the digits of 1 - c.
        sine = 2.0 * q * (distance * second + cosine * rise / (first + second))
        arc: Array = np.arctan2(sine, first * second + 4.0 * q * q * cosine)
        return (2.0 / np.pi) * arc

    def slope_kernel(q: Array, distance: Array) -> Array:
        rise = 4.0 * q * q * distance * (2.0 - distance)
        return (4.0 / np.pi) / np.sqrt(1.0 + 4.0 * q + rise)

    return ClosedForm("Williams (1997), section 3.1", square, growth, slope_square, gap, slope_kernel)


def _sin() -> ClosedForm:
    def square(q: Array) -> Array:
        return -0.5 * np.expm1(-2.0 * q)

    def gap(q: Array, distance: Array) -> Array:
        return -0.5 * np.expm1(-q * distance) * (1.0 + np.exp(-q * (2.0 - distance)))

    def slope_square(q: Array) -> Array:
        return 0.5 * (1.0 + np.exp(-2.0 * q))

    def slope_kernel(q: Array, distance: Array) -> Array:
        return 0.5 * (np.exp(-q * distance) + np.exp(-q * (2.0 - distance)))

    return ClosedForm(
        "the characteristic function", square, lambda q: np.exp(-2.0 * q), slope_square, gap, slope_kernel
    )


def _exp() -> ClosedForm:
    def square(q: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(2.0 * q)

    def growth(q: Array) -> Array:
        with np.errstate(over="ignore"):
            return 2.0 * np.exp(2.0 * q)

    def gap(q: Array, distance: Array) -> Array:
        return square(q) * -np.expm1(-q * distance)

    def slope_kernel(q: Array, distance: Array) -> Array:
        return square(q) * np.exp(-q * distance)

    return ClosedForm("the lognormal mean, E exp(2√q z) = exp(2q)", square, growth, square, gap, slope_kernel)


def closed_form(name: str | None) -> ClosedForm | None:
    """Return the exact averages of an activation that is not piecewise linear, where they are known.

    >>> closed_form("erf").source, closed_form("tanh")
    ('Williams (1997), section 3.1', None)
    """
    makers = {"erf": _erf, "sin": _sin, "exp": _exp}
    return makers[name]() if name in makers else None
