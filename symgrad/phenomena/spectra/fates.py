"""What became of an orbit: bounded, settled on a cycle, ended by binary arithmetic, left float64 or its domain.

The doubling map shifts the binary digits of its state out to the left: after about 53 steps none is left, and the
orbit sits exactly on a fixed point that repels every other orbit. A growth rate measured there says nothing about the
map's orbits, so it is not returned as a number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from symgrad.phenomena.spectra.frames import TangentFrame
from symgrad.phenomena.spectra.jacobians import Array, Jacobian, applied, identity
from symgrad.phenomena.spectra.runs import LONGEST_CYCLE
from symgrad.phenomena.spectra.systems import System, Values, log_factors

EXPANDING = 1e-9
SEARCHED = 4096
ROUNDS = 200
NARROW = 12.0
CRITICAL = -25.0


class OrbitFate(Enum):
    """What became of one orbit; the value is the sentence."""

    BOUNDED = "the orbit stayed bounded and did not repeat"
    SETTLED = "the orbit settled on a cycle that repeats exactly in float64"
    DIED = "the orbit died in binary arithmetic: it landed exactly on a repelling cycle, as typical orbits never do"
    EXPLODED = "the orbit left float64"
    UNDEFINED = "the orbit left the domain of the map"

    @property
    def word(self) -> str:
        """The lower-case name, as JSON and tables print it."""
        return self.name.lower()


FATES = tuple(OrbitFate)
CODE = {fate: code for code, fate in enumerate(FATES)}


@dataclass(frozen=True)
class Cycle:
    """Orbits that repeat exactly.

    Parameters
    ----------
    period : least period of each point, 0 where the state did not come back, shape (points,)
    exponents : of the cycle, largest first, shape (d, points), nan where there is none
    """

    period: NDArray[np.intp]
    exponents: Array


def find_cycles(system: System, state: Array, values: Values, period: NDArray[np.intp]) -> Cycle:
    """Return the exponents of the cycles on which states lie.

    Parameters
    ----------
    state : shape (d, points), finite
    period : after how many steps each comes back exactly, 0 where it does not, shape (points,)
    """
    exponents = np.full(state.shape, np.nan)
    for p in np.unique(period[period > 0]):
        where = np.flatnonzero(period == p)
        own = {name: v[where] if np.ndim(v) else v for name, v in values.items()}
        exponents[:, where] = _of_cycle(system, state[:, where], own, int(p))
    return Cycle(period, exponents)


def _of_cycle(system: System, state: Array, values: Values, period: int) -> Array:
    """Return the exponents of cycles of one period through states of shape (d, points)."""
    factors, logs = [], []
    for _ in range(period):
        before = state
        state, step = system.advance(before, values)
        factors.append(step)
        if len(state) == 1:
            logs.append(_resolved_logs(system, step, before, values))
    return np.asarray(np.mean(logs, axis=0)) if logs else multipliers(factors, *state.shape)


def _resolved_logs(system: System, factors: list[Jacobian], state: Array, values: Values) -> Array:
    """Return log|f'| on a cycle of a scalar map; -inf where float64 cannot tell the factor from zero.

    That is where log|f'| changes by more than a half between neighbouring floats: the cycle passes a critical point.
    """
    logs = log_factors(system, factors, state, values)
    for side in (-np.inf, np.inf):
        beside = np.nextafter(state, side)
        other = log_factors(system, system.advance(beside, values)[1], beside, values)
        logs = np.where((np.abs(other - logs) > 0.5) & (logs < CRITICAL), -np.inf, logs)
    return logs


def multipliers(factors: Sequence[Sequence[Jacobian]], d: int, points: int) -> Array:
    """Return log|eigenvalue|/period of the product around a cycle, largest first, shape (d, points).

    Eigenvalues of a matrix are right relative to its norm; where they lie further apart the frame that has gone
    round the cycle many times gives them instead.

    Parameters
    ----------
    factors : for each step of the cycle the Jacobians of its layers
    """
    period = len(factors)
    product = identity(d, points)
    with np.errstate(all="ignore"):
        for step in factors:
            product = applied(step, product)
        usable = np.isfinite(product).all(axis=(0, 1))
        stacked = np.where(usable, product, np.eye(d)[:, :, None])
        exact = np.log(np.abs(np.linalg.eigvals(np.moveaxis(stacked, -1, 0)))).T / period
        exact = -np.sort(-exact, axis=0)
        narrow = usable & ((exact[0] - exact[-1]) * period < NARROW)
    if narrow.all():
        return exact
    frame, around = TangentFrame.unit(d, points), max(2, ROUNDS // period)
    for _ in range(2):
        frame.take()
        for _ in range(around):
            for step in factors:
                frame.push(step)
    measured = -np.sort(-frame.take() / (around * period), axis=0)
    return np.where(narrow, exact, measured)


def fate_codes(system: System, start: Array, last: Array, values: Values, cycle: Cycle) -> NDArray[np.intp]:
    """Return the fate of orbits that stayed finite, as places in ``FATES``: bounded, settled or died.

    An orbit that began on its cycle has not died, however much the cycle repels.
    """
    repeats = cycle.period > 0
    repels = repeats & (cycle.exponents[0] > EXPANDING)
    began = np.zeros(repels.shape, dtype=bool)
    if repels.any():
        here = last
        for _ in range(int(cycle.period.max())):
            began |= (here == start).all(axis=0)
            here, _ = system.advance(here, values)
    codes = np.where(repeats, CODE[OrbitFate.SETTLED], CODE[OrbitFate.BOUNDED])
    return np.where(repels & ~began, CODE[OrbitFate.DIED], codes)


def landing_step(system: System, start: Array, last: Array, values: Values, steps: int) -> int | None:
    """Return the first step at which one orbit, shape (d, 1), is exactly on the cycle through its last state."""
    cycle, here = set(), last
    for _ in range(LONGEST_CYCLE):
        cycle.add(tuple((here[:, 0] + 0.0).tolist()))
        here, _ = system.advance(here, values)
    here = start
    for count in range(min(steps, SEARCHED) + 1):
        if tuple((here[:, 0] + 0.0).tolist()) in cycle:
            return count
        here, _ = system.advance(here, values)
    return None
