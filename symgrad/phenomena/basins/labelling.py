"""From starts to the attractors that take them: every orbit followed, its end examined, its steps counted smoothly."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from symgrad.phenomena.basins.attractors import Attractor, examined
from symgrad.phenomena.basins.following import (
    ESCAPED,
    MOVING,
    RETURNED,
    SETTLED,
    Ends,
    Pursuit,
    follow,
    receding,
)
from symgrad.phenomena.basins.step_functions import BoundStep, Values

MOST_ATTRACTORS, MOST_REJECTED = 256, 256
NOBODY, INFINITY = -1, -2
FINEST = 1e-14
ESCAPE = 1e12


@dataclass(frozen=True)
class Search:
    """How ends are looked for.

    Parameters
    ----------
    tolerance : smoothed counts say when the distance to the attractor is this
    scale : the largest size of a start, at least 1; orbits escape at a multiple of it
    unit : a quarter of the window's longest side; captures are multiples of it
    known : exact roots
    """

    tolerance: float
    scale: float
    unit: float
    steps: int
    longest_period: int
    known: tuple[complex, ...] = ()
    threads: int | None = None

    def pursuit(self, capture: float) -> Pursuit:
        """Return the rule to follow by, with a capture radius in units of the window."""
        return Pursuit(
            self.steps, max(capture * self.unit, FINEST * self.scale), ESCAPE * self.scale, self.longest_period
        )

    @property
    def captures(self) -> tuple[float, float]:
        """The capture radius of the first look and, for what it left open, of the second."""
        return float(np.sqrt(self.tolerance)), self.tolerance


@dataclass(frozen=True, eq=False)
class Labelled:
    """Whose every start is.

    Parameters
    ----------
    owners : index in ``attractors``, NOBODY, or INFINITY, shape (points,)
    smooth : real number of steps to within the tolerance; nan where no attractor was reached
    """

    owners: NDArray[np.int32]
    smooth: NDArray[np.float64]
    attractors: tuple[Attractor, ...]


def labelled(step: BoundStep, starts: Values, search: Search, found: tuple[Attractor, ...] = ()) -> Labelled:
    """Follow the starts and tell whose they are; attractors already found are looked at first.

    Examples
    --------
    >>> from symgrad.maps import Map
    >>> from symgrad.phenomena.basins.step_functions import step_function
    >>> heron = step_function(Map("(x + 2/x)/2", "x"), "real").bind({})
    >>> ours = labelled(heron, np.array([1.0, -3.0, 0.0]), Search(1e-10, 3.0, 1.0, 100, 8))
    >>> [round(a.points[0], 6) for a in ours.attractors], ours.owners.tolist()
    ([1.414214, -1.414214], [0, 1, -2])
    """
    owners = np.full(starts.size, NOBODY, np.int32)
    smooth = np.full(starts.size, np.nan)
    attractors, open_points = list(found), np.arange(starts.size)
    for capture in search.captures:
        pursuit = search.pursuit(capture)
        ends = follow(step, starts[open_points], pursuit, search.threads)
        mine = _assign(step, ends, pursuit.capture, search.known, attractors)
        owners[open_points] = np.where(ends.kinds == ESCAPED, INFINITY, mine)
        smooth[open_points] = _smoothed(step, starts[open_points], ends, mine, attractors, search)
        doubtful = (mine == NOBODY) & ((ends.kinds == SETTLED) | (ends.kinds == RETURNED))
        lost = open_points[ends.kinds == MOVING]
        owners[lost[receding(step, ends.at[ends.kinds == MOVING], 2 * search.scale)]] = INFINITY
        open_points = open_points[doubtful]
        if not open_points.size:
            break
    return Labelled(owners, smooth, tuple(attractors))


def _assign(
    step: BoundStep, ends: Ends, capture: float, known: tuple[complex, ...], attractors: list[Attractor]
) -> NDArray[np.int32]:
    """Return the attractor of every end, adding those not seen before; NOBODY's beyond the most that are examined."""
    owners = np.full(ends.at.size, NOBODY, np.int32)
    waiting = np.flatnonzero((ends.kinds == SETTLED) | (ends.kinds == RETURNED))
    for place, attractor in enumerate(attractors):
        waiting = _take(owners, waiting, ends.at, attractor, place)
    rejected = 0
    while waiting.size and len(attractors) < MOST_ATTRACTORS and rejected < MOST_REJECTED:
        first = waiting[0]
        period = int(ends.periods[first]) if ends.kinds[first] == RETURNED else 1
        attractor_here = examined(step, ends.at[first].item(), period, capture, known)
        if attractor_here is None:
            rejected += 1
            waiting = waiting[np.abs(ends.at[waiting] - ends.at[first]) > capture]
            continue
        attractors.append(attractor_here)
        waiting = _take(owners, waiting[1:], ends.at, attractor_here, len(attractors) - 1)
        owners[first] = len(attractors) - 1
    return owners


def _take(
    owners: NDArray[np.int32], waiting: NDArray[np.intp], at: Values, attractor: Attractor, place: int
) -> NDArray[np.intp]:
    """Give the ends that lie at an attractor to it; return the others."""
    inside = attractor.holds(at[waiting])
    owners[waiting[inside]] = place
    return waiting[~inside]


def _smoothed(
    step: BoundStep,
    starts: Values,
    ends: Ends,
    owners: NDArray[np.int32],
    attractors: list[Attractor],
    search: Search,
) -> NDArray[np.float64]:
    """Return smoothed counts; the time at which a cycle's first point is reached is found by following once more."""
    smooth = np.full(starts.size, np.nan)
    for place, attractor in enumerate(attractors):
        mine = np.flatnonzero(owners == place)
        if not mine.size:
            continue
        counts, at = ends.counts[mine], ends.at[mine]
        if attractor.period > 1:
            counts, at = arrivals(step, starts[mine], attractor, search.steps + attractor.period)
        times = attractor.smoothed(counts, np.abs(at - attractor.points[0]), search.tolerance)
        smooth[mine] = np.maximum(times, 0.0)
    return smooth


def arrivals(step: BoundStep, starts: Values, attractor: Attractor, steps: int) -> tuple[NDArray[np.int32], Values]:
    """Return when each start first comes within the radius of the attractor's first point, and where it is then.

    Examples
    --------
    >>> from symgrad.maps import Map
    >>> from symgrad.phenomena.basins.step_functions import step_function
    >>> turn = step_function(Map("-x/2", "x"), "real").bind({})
    >>> arrivals(turn, np.array([8.0]), Attractor((0.0,), -0.5, 1, 0.5, 1.5), 50)
    (array([3], dtype=int32), array([-1.]))
    """
    counts, at = np.full(starts.size, steps, np.int32), starts.copy()
    index, z = np.arange(starts.size), starts
    with np.errstate(all="ignore"):
        for count in range(steps + 1):
            here = np.abs(z - attractor.points[0]) <= attractor.radius
            if here.any():
                counts[index[here]], at[index[here]] = count, z[here]
                index, z = index[~here], z[~here]
            if not index.size:
                break
            z = step(z)
    return counts, at


def in_order(found: Labelled, order: list[int]) -> Labelled:
    """Return the same with the attractors in another order."""
    place = np.empty(len(order) + 2, np.int32)
    place[order] = np.arange(len(order))
    place[NOBODY], place[INFINITY] = NOBODY, INFINITY
    return replace(found, owners=place[found.owners], attractors=tuple(found.attractors[j] for j in order))
