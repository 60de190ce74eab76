"""Orbits with their tangent frames: many side by side, or one long one cut into stretches that run side by side."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.phenomena.spectra.frames import TangentFrame
from symgrad.phenomena.spectra.jacobians import Array, Jacobian
from symgrad.phenomena.spectra.linear_algebra_threads import single_threaded
from symgrad.phenomena.spectra.systems import ScalarOrbit, System, Values, log_factors, scalar_orbit

TILE_ENTRIES = 65536
BATCHES = 32
ALIGNING = 200
LONG = 4096
STRETCH = 256
CHUNK = 1_000_000
SWEEPS = 4
AGREED = 1e-12
LONGEST_CYCLE = 64
SHORT_CYCLE = 16


@dataclass
class Run:
    """What orbits showed.

    Parameters
    ----------
    sums : sums of log r_jj of each batch of steps, shape (batches, d, points)
    lengths : steps of each batch, shape (batches,)
    last : the last states, shape (d, points)
    exploded : the step after which a state was not finite, 0 where none, shape (points,)
    undefined : whether that state was no number at all (nan), shape (points,)
    rounding : bound of Gram–Schmidt's rounding in each exponent, nats per step, shape (d, points)
    orthonormalisations : how many there were (the most of any tile)
    period : after how many steps the last state comes back exactly, 0 where it was not seen to, shape (points,)
    """

    sums: Array
    lengths: Array
    last: Array
    exploded: NDArray[np.intp]
    undefined: NDArray[np.bool_]
    rounding: Array
    orthonormalisations: int
    period: NDArray[np.intp]


class _Orbits:
    """States of many points, those that left float64 held at their start with the step noted."""

    def __init__(self, system: System, start: Array, values: Values) -> None:
        self.system, self.start, self.values = system, start, values
        self.state, self.before, self.step = start, start, 0
        self.exploded = np.zeros(start.shape[1], dtype=np.intp)
        self.undefined = np.zeros(start.shape[1], dtype=bool)
        self.period = np.zeros(start.shape[1], dtype=np.intp)
        self.marked, self.mark = start, 0

    def set_mark(self) -> None:
        """Watch from here on for the states to come back."""
        self.marked, self.mark = self.state, self.step
        self.period[...] = 0

    def look_back(self) -> None:
        """Note the period where the state is again that of the mark."""
        back = (self.state == self.marked).all(axis=0) & (self.period == 0)
        self.period[back] = self.step - self.mark

    def advance(self) -> list[Jacobian]:
        """Make one step and return the Jacobians of its layers."""
        self.step += 1
        self.before = self.state
        with np.errstate(all="ignore"):
            self.state, factors = self.system.advance(self.state, self.values)
            total = self.state.sum(axis=0)
        if not np.isfinite(total).all():
            self._hold()
        return factors

    def _hold(self) -> None:
        bad = ~np.isfinite(self.state).all(axis=0)
        fresh = bad & (self.exploded == 0)
        self.exploded[fresh] = self.step
        self.undefined[fresh] = ~np.isinf(self.state[:, fresh]).any(axis=0)
        self.state = np.where(bad, self.start, self.state)


def batch_ends(steps: int) -> list[int]:
    """Return the steps at which batches for the standard error end: at most 32, none shorter than 16 steps.

    >>> batch_ends(100)
    [16, 33, 50, 66, 83, 100]
    """
    count = max(1, min(BATCHES, steps // 16))
    return [steps * (i + 1) // count for i in range(count)]


@single_threaded()
def run_many(system: System, start: Array, values: Values, *, steps: int, transient: int, batched: bool = True) -> Run:
    """Follow many orbits side by side, in tiles that stay in cache, on at most two threads.

    Parameters
    ----------
    start : shape (d, points)
    values : parameters, numbers or arrays of shape (points,)
    """
    d, points = start.shape
    size = max(64, TILE_ENTRIES // (d * d)) if d < 64 else 1
    size = -(-points // max(1, round(points / size)))
    parts = [slice(i, min(points, i + size)) for i in range(0, points, size)]

    def tile(part: slice) -> Run:
        own = {name: v[part] if np.ndim(v) else v for name, v in values.items()}
        return _run_tile(system, start[:, part], own, steps, transient, batched)

    threads = min(len(parts), os.cpu_count() or 1, 4)
    if threads == 1:
        return joined([tile(part) for part in parts])
    tile_first = tile(parts[0])
    with ThreadPoolExecutor(threads) as pool:
        return joined([tile_first, *pool.map(tile, parts[1:])])


def joined(runs: list[Run]) -> Run:
    """Put runs of different points side by side."""
    return Run(
        np.concatenate([r.sums for r in runs], axis=2),
        runs[0].lengths,
        np.concatenate([r.last for r in runs], axis=1),
        np.concatenate([r.exploded for r in runs]),
        np.concatenate([r.undefined for r in runs]),
        np.concatenate([r.rounding for r in runs], axis=1),
        max(r.orthonormalisations for r in runs),
        np.concatenate([r.period for r in runs]),
    )


def _run_tile(system: System, start: Array, values: Values, steps: int, transient: int, batched: bool) -> Run:
    d, points = start.shape
    orbits, frame = _Orbits(system, start, values), TangentFrame.unit(d, points)
    for count in range(transient):
        factors = orbits.advance()
        if orbits.exploded.all() and not system.frozen:
            break
        if transient - count <= ALIGNING:
            frame.push(factors)
    frame.take()
    frame.rounding[...] = 0.0
    ends = batch_ends(steps) if batched else [steps]
    sums, lengths, done = [], [], 0
    scalar_sums = np.zeros((1, points)) if d == 1 else None
    for end in ends:
        for count in range(done, end):
            if count == steps - LONGEST_CYCLE:
                orbits.set_mark()
            factors = orbits.advance()
            if count >= steps - LONGEST_CYCLE:
                orbits.look_back()
            if orbits.exploded.all() and not system.frozen:
                break
            if scalar_sums is None:
                frame.push(factors)
            else:
                scalar_sums += log_factors(system, factors, orbits.before, values)
        if scalar_sums is None:
            sums.append(frame.take())
        else:
            sums.append(scalar_sums)
            scalar_sums = np.zeros((1, points))
        lengths.append(float(end - done))
        done = end
    lost = (orbits.exploded > 0) & (not system.frozen)
    found = np.where(lost, np.nan, np.array(sums))
    per_step = frame.rounding / steps
    taken, last, exploded, undefined = np.array(lengths), orbits.state, orbits.exploded.copy(), orbits.undefined.copy()
    period = _periods(orbits)
    return Run(found, taken, last, exploded, undefined, per_step, frame.count, period)


def _periods(orbits: _Orbits) -> NDArray[np.intp]:
    """Return the periods seen over the last 64 steps, and those of orbits that landed on a short cycle after that."""
    seen = orbits.period.copy()
    orbits.set_mark()
    for _ in range(SHORT_CYCLE):
        orbits.advance()
        orbits.look_back()
    return np.where(seen > 0, seen, orbits.period)


def run_long(system: System, start: Array, values: Mapping[str, Any], *, steps: int, transient: int) -> Run | None:
    """Follow one orbit, shape (d, 1): its states in plain Python numbers, its tangents in stretches side by side.

    Every stretch starts with the frame that the stretch before it ended with; the sweeps over all stretches are
    repeated until the exponents no longer change. None where plain numbers do not do.
    """
    d, here = len(start), start[:, 0]
    before = scalar_orbit(system, here.tolist(), values, transient)
    if before is None:
        return None
    if before.exploded:
        return _ended(before, before.exploded, steps)
    here, frame = before.states[:, -1], TangentFrame.unit(d, 1).frame
    if transient and d > 1:
        aligned = TangentFrame(frame)
        _sweep(system, before.states[:, -1 - min(transient, ALIGNING) : -1][:, :, None], values, aligned, [])
        frame = aligned.frame
    ends, count, period = batch_ends(steps), 0, np.zeros(1, dtype=np.intp)
    sums, lengths, rounding = np.zeros((len(ends), d)), np.zeros(len(ends)), np.zeros(d)
    for first in range(0, steps, CHUNK):
        orbit = scalar_orbit(system, here.tolist(), values, min(CHUNK, steps - first))
        if orbit is None:
            return None
        if orbit.exploded:
            return _ended(orbit, transient + first + orbit.exploded, steps)
        here = orbit.states[:, -1]
        pieces = _stretches(system, orbit.states[:, :-1], values, frame)
        batch = np.searchsorted(ends, first + pieces.begins, side="right")
        np.add.at(sums, batch, pieces.logs.T)
        np.add.at(lengths, batch, pieces.lengths)
        frame = pieces.frame
        rounding += pieces.rounding
        count += pieces.count
        period = np.array([_came_back(orbit.states)])
    filled = lengths > 0
    none = np.zeros(1, dtype=np.intp)
    return Run(
        sums[filled][:, :, None],
        lengths[filled],
        here[:, None],
        none,
        none > 0,
        (rounding / steps)[:, None],
        count,
        period,
    )


def _ended(orbit: ScalarOrbit, step: int, steps: int) -> Run:
    """Return the run of an orbit that left float64 or its domain at that step."""
    d = len(orbit.states)
    nothing = np.full((1, d, 1), np.nan)
    undefined = np.array([orbit.undefined])
    return Run(
        nothing,
        np.array([float(steps)]),
        orbit.states[:, -1:],
        np.array([step]),
        undefined,
        nothing[0],
        0,
        np.array([0]),
    )


def _came_back(states: Array) -> int:
    """Return how many steps before the last of one orbit its state was the same, at most 64; 0 where it was not."""
    before = states[:, -1 - min(LONGEST_CYCLE, states.shape[1] - 1) : -1]
    places = np.flatnonzero((before == states[:, -1:]).all(axis=0))
    return int(before.shape[1] - places[-1]) if places.size else 0


@dataclass(frozen=True)
class _Pieces:
    """Sums of log r_jj over pieces of an orbit, (d, pieces), the step each begins at, their lengths, the last frame."""

    logs: Array
    begins: NDArray[np.intp]
    lengths: NDArray[np.intp]
    frame: Array
    rounding: Array
    count: int


def _stretches(system: System, states: Array, values: Values, frame: Array) -> _Pieces:
    """Measure along the states, shape (d, steps), cut into stretches that run side by side."""
    d, total = states.shape
    if d == 1:
        _, factors = system.advance(states, values)
        logs = log_factors(system, factors, states, values)
        return _Pieces(logs, np.arange(total), np.ones(total, dtype=np.intp), frame, np.zeros(1), 0)
    length = min(total, max(STRETCH, round(total**0.5 / 2)))
    count = total // length
    body = np.ascontiguousarray(states[:, : count * length].reshape(d, count, length).swapaxes(1, 2))
    frames = np.repeat(frame, count, axis=2)
    logs = np.zeros((d, count))
    for sweep in range(SWEEPS):
        tangents = TangentFrame(frames)
        found = _sweep(system, body, values, tangents, [length])[0]
        with np.errstate(invalid="ignore"):
            change = np.abs(found - logs).sum(axis=1) / total
        logs, last = found, tangents.frame
        if count == 1 or (sweep and not np.any(change > AGREED)):
            break
        frames = np.concatenate([frame, last[:, :, :-1]], axis=2)
    noise, frame = tangents.rounding.sum(axis=1), last[:, :, -1:].copy()
    begins, lengths = np.arange(count, dtype=np.intp) * length, np.full(count, length, dtype=np.intp)
    if rest := total - count * length:
        tail = TangentFrame(frame)
        logs = np.concatenate([logs, _sweep(system, states[:, -rest:][:, :, None], values, tail, [rest])[0]], axis=1)
        begins, lengths = np.append(begins, count * length), np.append(lengths, rest)
        frame, noise = tail.frame, noise + tail.rounding[:, 0]
    return _Pieces(logs, begins, lengths, frame, noise, tangents.count)


def _sweep(system: System, states: Array, values: Values, frame: TangentFrame, ends: list[int]) -> list[Array]:
    """Push the Jacobians at states of shape (d, steps, points) through a frame; sums up to each end."""
    sums = []
    for count in range(states.shape[1]):
        _, factors = system.advance(states[:, count], values)
        frame.push(factors)
        if count + 1 in ends:
            sums.append(frame.take())
    frame.settle()
    return sums
