"""Many orbits of one map at once: tiles shared by threads, and in each tile only the points still under way.

A point leaves when its step is shorter than the capture radius (it has settled), when it comes back to an earlier
position after p steps (Brent 1980, *BIT* 20: the earlier position is renewed at growing intervals), when its step is
longer than the escape radius, or when the map has no value there.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.phenomena.basins.step_functions import BoundStep, Mask, Values

TILE = 65536
FIRST_LOOK = 12
DRIFT = 32
MOVING, SETTLED, RETURNED, ESCAPED, UNDEFINED = range(5)


@dataclass(frozen=True)
class Pursuit:
    """When orbits are left alone.

    Parameters
    ----------
    steps : how many are made, at most
    capture : a step, or a distance from an earlier position, shorter than this ends the orbit
    escape : a step longer than this ends the orbit, unless infinity is known to send it back
    longest_period : of the returns looked for
    """

    steps: int
    capture: float
    escape: float
    longest_period: int

    def looks(self) -> frozenset[int]:
        """Return the times from which returns are looked for."""
        times, last = set(), self.steps - self.longest_period - 1
        at = FIRST_LOOK
        while at < last:
            times.add(at)
            at = 2 * at + self.longest_period
        return frozenset(times | {max(last, 0)})


@dataclass(frozen=True, eq=False)
class Ends:
    """How each orbit ended, shape (points,).

    Parameters
    ----------
    kinds : MOVING, SETTLED, RETURNED, ESCAPED or UNDEFINED
    counts : steps made to reach ``at``
    at : the last position (a settled point's before its short step)
    periods : of the returned points
    """

    kinds: NDArray[np.int8]
    counts: NDArray[np.int32]
    at: Values
    periods: NDArray[np.int8]


def squared(z: Values) -> NDArray[np.float64]:
    """Return |z|² without a square root."""
    return np.asarray(z.real**2 + z.imag**2 if np.iscomplexobj(z) else z * z)


def tiles(count: int) -> Iterator[slice]:
    """Yield the ranges of points that one thread follows at a time."""
    for first in range(0, count, TILE):
        yield slice(first, min(first + TILE, count))


def on_threads(function: Any, parts: list[Any], threads: int | None = None) -> list[Any]:
    """Return the function's values on all parts, computed by several threads (default: the processors, at most 4)."""
    count = threads if threads is not None else min(4, os.cpu_count() or 1)
    if count == 1 or len(parts) == 1:
        return [function(part) for part in parts]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(function, parts))


def follow(step: BoundStep, starts: Values, pursuit: Pursuit, threads: int | None = None) -> Ends:
    """Follow every start until it ends; parameters given per point follow their points.

    Examples
    --------
    >>> from symgrad.maps import Map
    >>> from symgrad.phenomena.basins.step_functions import step_function
    >>> halving = step_function(Map("x/2", "x"), "real").bind({})
    >>> follow(halving, np.array([1.0, 0.0]), Pursuit(100, 0.01, 1e12, 8)).counts.tolist()
    [6, 0]
    """
    count = starts.size
    ends = Ends(
        np.zeros(count, np.int8), np.full(count, pursuit.steps, np.int32), starts.copy(), np.zeros(count, np.int8)
    )

    def one(part: slice) -> None:
        with np.errstate(all="ignore"):
            _follow_tile(step.kept(part), starts[part], np.arange(part.start, part.stop), pursuit, ends)

    on_threads(one, list(tiles(count)), threads)
    return ends


def _follow_tile(step: BoundStep, z: Values, index: NDArray[np.intp], pursuit: Pursuit, ends: Ends) -> None:
    near, far = pursuit.capture**2, np.inf if step.returns else pursuit.escape**2
    looks, reference, lag = pursuit.looks(), None, 0
    for count in range(pursuit.steps):
        new = step(z)
        size = squared(new - z)
        moving = (size > near) & (size < far)
        if not moving.all():
            _leave(ends, step, z, index, count, size <= near, moving)
            new, index, step = new[moving], index[moving], step.kept(moving)
            reference = None if reference is None else reference[moving]
        if reference is not None:
            lag += 1
            back = squared(new - reference) <= near
            if lag > 1 and back.any():
                _note(ends, index[back], RETURNED, count + 1, new[back])
                ends.periods[index[back]] = lag
                new, index, step, reference = new[~back], index[~back], step.kept(~back), reference[~back]
        z = new
        if not index.size:
            return
        if count in looks:
            reference, lag = z, 0
        elif lag == pursuit.longest_period:
            reference, lag = None, 0
    ends.at[index] = z


def _note(ends: Ends, index: NDArray[np.intp], kind: int, count: int, at: Values) -> None:
    ends.kinds[index], ends.counts[index], ends.at[index] = kind, count, at


def _leave(
    ends: Ends, step: BoundStep, z: Values, index: NDArray[np.intp], count: int, settled: Mask, moving: Mask
) -> None:
    """Write down the points that settled, and those whose step is too long or has no value."""
    _note(ends, index[settled], SETTLED, count, z[settled])
    gone = ~settled & ~moving
    if gone.any():
        here, there = z[gone], step.kept(gone)
        undefined = np.isnan(there(here)) & ~there.at_pole(here) if not step.returns else ~there.at_pole(here)
        _note(ends, index[gone], ESCAPED, count, here)
        ends.kinds[index[gone][undefined]] = UNDEFINED


def receding(step: BoundStep, z: Values, beyond: float) -> Mask:
    """Return which orbits walk away: outside ``beyond``, farther at each of ``DRIFT`` steps that do not shrink.

    Examples
    --------
    >>> from symgrad.maps import Map
    >>> from symgrad.phenomena.basins.step_functions import step_function
    >>> receding(step_function(Map("x + 1", "x"), "real").bind({}), np.array([9.0, -9.0, 0.0]), 5.0).tolist()
    [True, False, False]
    """
    sizes = [np.abs(z)]
    with np.errstate(all="ignore"):
        for _ in range(DRIFT):
            z = step(z)
            sizes.append(np.abs(z))
        gains = np.diff(np.array(sizes), axis=0)
        return np.asarray((sizes[0] > beyond) & (gains > 0).all(axis=0) & (gains[-1] >= 0.5 * gains[0]))
