"""Derivatives measured by differences over a ladder of steps, each with a bar that every smaller step respects."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Line = Callable[[float], float]
Array = NDArray[np.float64]

MACHINE = float(np.finfo(np.float64).eps)
SMALLEST_NOISE = 1e-308


@dataclass(frozen=True)
class Estimate:
    """A measured derivative and the bar around it; the bar is infinite where no plateau was found."""

    value: float
    error: float

    def agrees(self, other: "Estimate", factor: float) -> bool:
        """Whether two estimates differ by less than ``factor`` times their bars together."""
        return abs(self.value - other.value) <= factor * (self.error + other.error)


NOTHING = Estimate(float("nan"), float("inf"))


@dataclass(frozen=True)
class Slopes:
    """One derivative measured from both sides together, from the right and from the left.

    Parameters
    ----------
    central, right, left : the three estimates
    jump : the gap f(x+0) − f(x−0) where the function jumps at the point, else 0
    flat : the largest step up to which no step changes the function, 0 where the smallest does
    resolved : whether the smallest steps change the function much less than the large ones do
    steps, sweep : the ladder, largest step first, and the extrapolated central difference at each; shape (steps,)
    """

    central: Estimate
    right: Estimate
    left: Estimate
    jump: float
    flat: float
    resolved: bool
    steps: Array
    sweep: Array


def step_sizes(x: float, stretch: float) -> Array:
    """Steps that halve from max(|x|, 1)/2 down to |x|·2⁻⁴², or to 2⁻⁹⁰ at zero; shape (steps,), in units of x.

    They are powers of two times ``stretch`` (1 or 0.75), so that x ± h is rounded as little as possible.
    """
    top = 2.0 ** np.floor(np.log2(max(abs(x), 1.0)) - 1)
    bottom = abs(x) * 2.0**-42 if x else 2.0**-90
    count = min(int(np.ceil(np.log2(top / bottom))) + 1, 120)
    steps: Array = top * stretch * 2.0 ** -np.arange(count, dtype=np.float64)
    return steps


def rounding_noise(line: Line, x: float, changes: Array, values: Array) -> tuple[float, float]:
    """A low and a high estimate of the rounding errors in ``line`` near x.

    Fourth differences at very small spacings contain nothing of a smooth function but its noise (Moré and Wild 2011,
    "Estimating computational noise"); where tiny steps change nothing, the smallest change seen is the grain. The
    high estimate looks at wider spacings too, where a pole or a fast oscillation passes for noise.
    """
    low = max(SMALLEST_NOISE, MACHINE * abs(line(x)))
    spacings = (16 * float(np.spacing(abs(x))), abs(x) * 2.0**-36) if x else (2.0**-96, 2.0**-44)
    found = []
    for spacing in spacings:
        table = np.diff(np.array([line(x + j * spacing) for j in range(-4, 5)]), 4)
        found.append(3 * float(np.sqrt(np.mean((table / np.sqrt(70)) ** 2))) if np.all(np.isfinite(table)) else 0.0)
    low = max(low, found[0])
    high = max(low, found[1])
    sizes = np.abs(changes[np.isfinite(changes)])
    if np.any(sizes == 0) and np.any(sizes > 0):
        grain = float(sizes[sizes > 0].min())
        if grain <= 1e-5 * float(np.nanmax(np.abs(values))):
            high = max(high, grain)
    return low, high


def settle(estimates: Array, amplification: Array, noise: tuple[float, float]) -> Estimate:
    """The plateau under the low estimate of the noise, with a bar that reaches the one under the high estimate."""
    low = plateau(estimates, amplification * noise[0])
    if noise[1] <= noise[0]:
        return low
    high = plateau(estimates, amplification * noise[1])
    if not np.isfinite(low.error + high.error):
        return NOTHING
    apart = abs(low.value - high.value)
    return Estimate(low.value, max(low.error, high.error) + (apart if apart > low.error + high.error else 0.0))


def plateau(estimates: Array, bars: Array) -> Estimate:
    """The estimate with the smallest bar among those no smaller step contradicts.

    Parameters
    ----------
    estimates : extrapolated differences, largest step first, shape (steps,)
    bars : the rounding error of each, shape (steps,)
    """
    if estimates.size < 4:
        return NOTHING
    moves = np.abs(np.diff(estimates))
    rates = np.minimum(np.divide(moves[1:], moves[:-1], out=np.zeros(moves.size - 1), where=moves[:-1] > 0), 0.99)
    tails = np.where(moves[:-1] > bars[:-2], moves[:-1] / (1 - rates), moves[:-1])
    gaps = np.abs(estimates[:, None] - estimates[None, :]) - 4 * bars[None, :]
    gaps[~np.isfinite(gaps)] = 0
    contradicted = np.triu(gaps, 1).max(axis=1)[:-2]
    errors = np.maximum(tails, moves[1:]) + bars[:-2] + np.maximum(contradicted, 0)
    errors[~np.isfinite(errors)] = np.inf
    best = int(np.argmin(errors))
    return Estimate(float(estimates[best]), float(errors[best])) if np.isfinite(errors[best]) else NOTHING


def jump_at(right: Array, left: Array, start: float, noise: float) -> float:
    """f(x+0) − f(x−0) where the smallest steps still find a gap that no longer shrinks, else 0."""
    gaps = right[-6:] - left[-6:]
    if not np.all(np.isfinite(gaps)) or np.any(np.abs(gaps) < 100 * noise):
        return 0.0
    still = np.all(np.abs(gaps - gaps[-1]) <= 1e-3 * abs(gaps[-1]))
    return float(gaps[-1]) if still else 0.0


def flat_reach(steps: Array, unchanged: NDArray[np.bool_]) -> float:
    """The largest step such that it and all smaller ones are marked, else 0."""
    reach = int(np.argmin(unchanged[::-1])) if not unchanged.all() else unchanged.size
    return float(steps[-reach]) if reach else 0.0


def is_resolved(right: Array, left: Array) -> bool:
    """Whether the changes at the six smallest steps are below a hundredth of the largest change."""
    small = np.concatenate([right[-6:], left[-6:]])
    changes = np.concatenate([right, left])
    largest = np.max(changes[np.isfinite(changes)], initial=0.0)
    return bool(np.median(small) <= 1e-2 * largest)


def one_sided(start: float, values: Array, steps: Array, order: int, noise: tuple[float, float]) -> Estimate:
    """The derivative from one side; ``steps`` are signed, shape (steps,)."""
    if order == 1:
        slopes = (values - start) / steps
        once = 2 * slopes[1:] - slopes[:-1]
        return settle((4 * once[1:] - once[:-1]) / 3, 8 / np.abs(steps[2:]), noise)
    curvatures = (start - 2 * values[1:] + values[:-1]) / steps[1:] ** 2
    return settle(2 * curvatures[1:] - curvatures[:-1], 16 / steps[2:] ** 2, noise)


def measure(line: Line, x: float, *, order: int = 1, stretch: float = 1.0) -> Slopes:
    """Measure the first or second derivative of a function of one number by a sweep of difference steps.

    Richardson's extrapolation (1911) is applied at every step of the ladder; the bar of an estimate covers its
    neighbours, the rounding noise and whatever smaller steps say against it, so a plateau of large steps that skip
    an oscillation is not believed.

    Examples
    --------
    >>> import math
    >>> found = measure(math.sin, 1.0).central
    >>> abs(found.value - math.cos(1.0)) <= found.error < 1e-8
    True
    """
    steps = step_sizes(x, stretch)
    above, below = x + steps, x - steps
    start = line(x)
    right, left = np.array([line(t) for t in above]), np.array([line(t) for t in below])
    values = np.concatenate([right, left, [start]])
    noise = rounding_noise(line, x, values[:-1] - start, values)
    if order == 1:
        slopes = (right - left) / (above - below)
        sweep, amplification = (4 * slopes[1:] - slopes[:-1]) / 3, 3 / steps[1:]
    else:
        curvatures = (right - 2 * start + left) / steps**2
        sweep, amplification = (4 * curvatures[1:] - curvatures[:-1]) / 3, 8 / steps[1:] ** 2
    return Slopes(
        settle(sweep, amplification, noise),
        one_sided(start, right, above - x, order, noise),
        one_sided(start, left, below - x, order, noise),
        jump_at(right, left, start, MACHINE * abs(start) + SMALLEST_NOISE),
        flat_reach(steps, (right == start) & (left == start)),
        is_resolved(np.abs(right - start), np.abs(left - start)),
        steps[1:],
        sweep,
    )


def quick_slope(line: Line, x: float, order: int) -> tuple[Estimate, float]:
    """A derivative from two central differences, and how far its two sides are apart (a sign of a kink)."""
    scale = abs(x) if abs(x) > 1e-100 else 1e-2
    wide = scale * 2.0 ** (-12 if order == 1 else -9)
    start = line(x)
    found, sides = [], 0.0
    for step in (wide, wide / 2):
        above, below = line(x + step), line(x - step)
        if order == 1:
            found.append((above - below) / ((x + step) - (x - step)))
            sides = abs(above - 2 * start + below) / step
        else:
            found.append((above - 2 * start + below) / step**2)
    value = (4 * found[1] - found[0]) / 3
    return Estimate(value, abs(value - found[1])), sides


def complex_step(function: Callable[[Any], Any], x: float) -> float | None:
    """Im f(x + ih)/h with h = 10⁻³⁰ (Squire and Trapp 1998), or None where the function refuses complex numbers."""
    step = 1e-30 * max(abs(x), 1e-8)
    try:
        value = function(np.complex128(complex(x, step)))
        if not np.iscomplexobj(value):
            return None
        slope = float(np.imag(value)) / step
    except (TypeError, ValueError, ArithmeticError):
        return None
    return slope if np.isfinite(slope) else None
