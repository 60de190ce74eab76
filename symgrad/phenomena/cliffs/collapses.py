"""The collapse: walls of every depth, each run by itself, fall on one curve in the scaled distance from their line."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.derivation import CliffCurve, Gradient
from symgrad.errors import InputError
from symgrad.phenomena.cliffs.chain_steps import checked, compiled_steps, place_on
from symgrad.phenomena.cliffs.poincare import Poincare, poincare_function
from symgrad.phenomena.cliffs.walls import Section, section_of

Array = NDArray[np.float64]
DEVIATION = 1e-13


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
        section = section_of(place, steps, checked(curve, target, start, depth))
        deepest = section.poincare or poincare_function(
            place, steps, place.value(curve.lands[-1]), place.value(curve.multiplier)
        )
        function = function or deepest
        rows.append(section(scaled)[0] if section.poincare is None else _deviations(section, deepest, scaled))
    if function is None:
        raise InputError("no depth was given; give e.g. depths=(20, 1000)")
    states, limit = np.array(rows), function(scaled)[0]
    return Collapse(tuple(map(int, depths)), scaled, states, limit, np.max(np.abs(states - limit), axis=1))


def _deviations(section: Section, function: Poincare, u: Array) -> Array:
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
