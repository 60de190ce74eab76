"""Attracting fixed points and cycles, told from the ends of orbits: polished, their disc of capture checked.

An end is believed only if the map takes circles about the polished point closer to it, almost as much as its multiplier
says: for an analytic map Schwarz's lemma then gives convergence of everything inside (Milnor 2006, *Dynamics in One
Complex Variable*, sec. 1 and 8). The circles are sampled, so this is measured, not proved; attractors so close to one
another that one disc holds them count as one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symgrad.phenomena.basins.step_functions import BoundStep, Values

POLISHING = 60
DIRECTIONS = 16
INDIFFERENT, SLACK = 0.999, 0.25
LADDER = (1.0, 0.5, 0.25, 0.125)
SUPERATTRACTING = 1e-4
DIFFERENCE = 1e-4
LONGEST_ORDER = 8
SNAP, FIXED = 1e-6, 1e-3
EPSILON = 2.0**-52


@dataclass(frozen=True)
class Attractor:
    """An attracting cycle; a fixed point has period 1.

    Parameters
    ----------
    points : the cycle in the order it is run through, from the point that sorts first
    multiplier : derivative of the period-fold map at the points, from its values around one of them; below
        ``SUPERATTRACTING`` in size where it is 0 up to rounding
    order : order of convergence of the period-fold map at the first point (1 for a multiplier that is not 0), measured
    constant : C in |next error| ≈ C·|error|^order
    radius : every point this close to one of the points is captured
    """

    points: tuple[complex, ...]
    multiplier: complex
    order: int
    constant: float
    radius: float

    @property
    def period(self) -> int:
        """The number of points."""
        return len(self.points)

    @property
    def superattracting(self) -> bool:
        """Whether the multiplier is 0, up to rounding."""
        return self.order > 1

    def holds(self, z: Values) -> NDArray[np.bool_]:
        """Return which points lie within the radius of one of the points."""
        inside = np.zeros(z.shape, bool)
        for point in self.points:
            inside |= np.abs(z - point) <= self.radius
        return inside

    def smoothed(self, counts: Values, distances: NDArray[np.float64], tolerance: float) -> NDArray[np.float64]:
        """Return the real number of steps after which the distance to the first point is the tolerance.

        With |e⁺| = C|e|^q the size of log(C^{1/(q-1)}|e|) grows by q at each application (Böttcher's coordinate;
        Milnor 2006, sec. 9), with |e⁺| = |λ||e| log|e| falls by log(1/|λ|) (Koenigs' coordinate, sec. 8): both are
        continued to real times, so the count is continuous where the basin is.

        Parameters
        ----------
        counts : steps made
        distances : to the first point after so many steps, below ``radius``
        """
        tiny = np.maximum(distances, EPSILON**2)
        if self.order == 1:
            rate = np.log(max(abs(self.multiplier), EPSILON))
            return np.asarray(counts + self.period * np.log(tolerance / tiny) / rate)
        shift = np.log(self.constant) / (self.order - 1)
        reached, wanted = np.minimum(np.log(tiny) + shift, -EPSILON), min(np.log(tolerance) + shift, -EPSILON)
        return np.asarray(counts + self.period * np.log(wanted / reached) / np.log(self.order))


Iterate: TypeAlias = Callable[[Values], Values]
Scalar: TypeAlias = Any


def iterated(step: BoundStep, times: int) -> Iterate:
    """Return the map applied so many times."""

    def apply(z: Values) -> Values:
        for _ in range(times):
            z = step(z)
        return z

    return apply


def examined(
    step: BoundStep, end: complex, period: int, capture: float, known: tuple[complex, ...] = ()
) -> Attractor | None:
    """Return the attractor an orbit ended at, None if the end is none.

    Parameters
    ----------
    step : at numbers as parameters
    end : the last position
    period : after how many steps it came back, 1 for a point that settled
    capture : how close it came back
    known : exact places; the one nearby, if any, is taken as the centre

    Examples
    --------
    >>> from symgrad.maps import Map
    >>> from symgrad.phenomena.basins.step_functions import step_function
    >>> heron = step_function(Map("(x + 2/x)/2", "x"), "real").bind({})
    >>> found = examined(heron, 1.4142136, 1, 1e-5)
    >>> abs(found.points[0] - 2**0.5) < 1e-15, found.order, round(found.constant, 3)
    (True, 2, 0.354)
    """
    kind: Any = np.complex128 if np.iscomplexobj(end) else np.float64
    with np.errstate(all="ignore"):
        centre = _tidied(_polished(iterated(step, period), kind(end)))
        for place in known:
            if abs(place - centre) <= SNAP * max(1.0, abs(centre)):
                centre = kind(place)
        for divisor in (d for d in range(1, period) if period % d == 0):
            if abs(iterated(step, divisor)(np.array([centre]))[0] - centre) <= SNAP * max(1.0, abs(centre)):
                return examined(step, complex(centre) if kind is np.complex128 else float(centre), divisor, capture)
        apply = iterated(step, period)
        multiplier = _multiplier(apply, centre, min(DIFFERENCE, 8 * capture))
        size = abs(multiplier)
        moved = abs(apply(np.array([centre]))[0] - centre)
        if not size < INDIFFERENT or moved > FIXED * capture + 16 * EPSILON * abs(centre):
            return None
        radius = capture * max(8.0, 2.0 / (1.0 - size))
        points = _cycle(step, centre, period)
        crowded = sum(abs(place - centre) <= radius for place in known) > 1
        if crowded or abs(centre - end) > radius or not all(_captures(apply, point, radius, size) for point in points):
            return None
        order, constant = (1, size) if size > SUPERATTRACTING else _order(apply, points[0])
    return Attractor(tuple(p.item() for p in points), multiplier, order, constant, radius)


def _polished(apply: Iterate, z: Scalar) -> Scalar:
    """Return the fixed point near z: the map itself, or Aitken's extrapolation where that leaves a smaller step."""
    best, least = z, np.inf
    for _ in range(POLISHING):
        once = apply(np.array([z]))
        twice = apply(once)
        bend = twice - 2 * once + z
        tried = np.concatenate([twice, np.where(bend != 0, z - (once - z) ** 2 / bend, twice)])
        steps = np.abs(apply(tried) - tried)
        steps = np.where(np.isnan(steps), np.inf, steps)
        place = int(np.argmin(steps))
        if not steps[place] < least:
            break
        best, least = tried[place], float(steps[place])
        z = best
    return best


def _tidied(z: Scalar) -> Scalar:
    """Put 0 for a real or imaginary part that is rounding of the other."""
    if not np.iscomplexobj(z):
        return z
    small = 4 * EPSILON * max(1.0, abs(z))
    return np.complex128(complex(z.real if abs(z.real) > small else 0.0, z.imag if abs(z.imag) > small else 0.0))


def _cycle(step: BoundStep, centre: Scalar, period: int) -> list[Scalar]:
    """Return the cycle from the point that sorts first."""
    points = [centre]
    for _ in range(period - 1):
        points.append(_tidied(step(np.array([points[-1]]))[0]))
    first = min(range(period), key=lambda j: (round(points[j].real, 9), round(points[j].imag, 9)))
    return points[first:] + points[:first]


def _multiplier(apply: Iterate, centre: Scalar, h: float) -> complex:
    """Return the derivative at the centre: Cauchy's integral over a circle, Richardson's differences on the line."""
    h *= np.sqrt(max(1.0, abs(centre)))
    if np.iscomplexobj(centre):
        turns = np.exp(2j * np.pi * np.arange(DIRECTIONS) / DIRECTIONS)
        return complex(np.mean((apply(centre + h * turns) - centre) / turns) / h)
    values = apply(centre + h * np.array([1.0, -1.0, 0.5, -0.5]))
    wide, narrow = (values[0] - values[1]) / (2 * h), (values[2] - values[3]) / h
    return float((4 * narrow - wide) / 3)


def _circle(centre: Scalar, radius: float) -> Values:
    """Return points at that distance; on the real line the two, and two at half of it."""
    if np.iscomplexobj(centre):
        return np.asarray(centre + radius * np.exp(2j * np.pi * np.arange(DIRECTIONS) / DIRECTIONS))
    return np.asarray(centre + radius * np.array([-1.0, -0.5, 0.5, 1.0]))


def _captures(apply: Iterate, centre: Scalar, radius: float, multiplier: float) -> bool:
    """Return whether circles shrink nearly as the multiplier says: neither a pole nor another root is inside then."""
    around = np.concatenate([_circle(centre, radius * part) for part in LADDER])
    shrunk = np.abs(apply(around) - centre) / np.abs(around - centre)
    return bool(np.all(shrunk <= multiplier + SLACK * (1 - multiplier)))


def _order(apply: Iterate, centre: Scalar) -> tuple[int, float]:
    """Return q and C of |next error| ≈ C|error|^q from two radii."""
    outer = 1e-2 * max(1.0, abs(centre))
    while True:
        wide, narrow = (float(np.max(np.abs(apply(_circle(centre, r)) - centre))) for r in (outer, outer / 10))
        if wide < outer or outer < 1e-6:
            break
        outer /= 10
    if not 0 < narrow < np.inf or not wide < np.inf:
        return 2, 1.0
    order = int(np.clip(round(np.log10(wide / narrow)), 2, LONGEST_ORDER))
    return order, float(narrow / (outer / 10) ** order)
