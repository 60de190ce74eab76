"""Enclosures of deep orbits, at the cost of the steps on which something happens.

An orbit that starts beside a line on which the start comes to rest stays there for many steps, leaves, and settles.
As long as its deviation e from the orbit on the line is below ``BESIDE`` in size, one application takes e to M·e + C·u
and a sensitivity s to M·s + L, with M, C and L in the intervals that their derivatives have there (mean value
theorem); many such steps are one affine map of the same kind, found by repeated squaring. And once a box of states is
mapped into itself, the orbit stays in it for all the steps that are left, M and L lie in the intervals of that box,
and the sensitivities after them follow by the same squaring.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symgrad.certify.boxes import Array, Intervals
from symgrad.certify.factors import Factor, factor_of, intervals_of, plus, times
from symgrad.certify.orbit_enclosures import Cells, OrbitEnclosure, OrbitProgram, Walk, scaled_down

DEEP = 256
BLOCK = 16
BESIDE = 2.0**-40
MOST_BITS = 960
WIDER, FURTHER = 2.0**-8, 2.0**-30


@dataclass(frozen=True)
class _Affine:
    """The map s ↦ 2**exponent·(slope·s + shift), cell by cell, one shift for each name."""

    slope: Intervals
    shifts: Mapping[str, Factor]
    exponent: Any

    def twice(self) -> "_Affine":
        """Return the map applied twice, its slope kept below 1 in size where it grows."""
        slope = self.slope * self.slope
        shifts = {n: plus(times(self.slope, s), _lowered_by(s, self.exponent)) for n, s in self.shifts.items()}
        size = slope.magnitude
        shift = np.maximum(np.frexp(np.where(np.isfinite(size), size, 1.0))[1], 0)
        shrunk = {n: s if isinstance(s, int) and not s else intervals_of(s).scaled(-shift) for n, s in shifts.items()}
        return _Affine(slope.scaled(-shift), shrunk, 2 * self.exponent + shift)

    def powers(self, counts: Any, at: Mapping[str, Factor], exponent: Any) -> tuple[dict[str, Intervals], Any]:
        """Apply the map ``counts`` times to numbers 2**exponent·s; return them in the same form."""
        step, left, cells = self, np.asarray(counts), len(exponent)
        found = {name: _widened(s, cells) for name, s in at.items()}
        while left.any():
            now = left % 2 == 1
            if now.any():
                for name, s in found.items():
                    after = intervals_of(plus(step.slope * s, _lowered_by(step.shifts[name], exponent)))
                    found[name] = Intervals(np.where(now, after.low, s.low), np.where(now, after.high, s.high))
                exponent = exponent + np.where(now, step.exponent, 0)
            left = left // 2
            if left.any():
                step = step.twice()
        return found, exponent


def _lowered_by(shift: Factor, exponent: Any) -> Factor:
    return shift if isinstance(shift, int) and not shift else scaled_down(intervals_of(shift), exponent)


def _widened(value: Factor, count: int) -> Intervals:
    value = intervals_of(value)
    return Intervals(np.broadcast_to(value.low, (count,)), np.broadcast_to(value.high, (count,)))


def deep_orbit(program: OrbitProgram, cells: Cells) -> OrbitEnclosure:
    """Enclose the last state and its sensitivities as ``program.orbit`` does, at hardly more cost for more depth."""
    if program.names == (program.state.name,):
        return program.orbit(cells)
    walk = Walk(program, cells)
    settled = 0 if program.reference is None else len(program.reference.applications)
    first = settled + (program.depth - settled) % BLOCK
    for application in range(first):
        walk.apply(application)
    left = np.full(walk.count, (program.depth - first) // BLOCK)
    if cells.distance is not None:
        left = left - _leapt(walk, left, first)
    return _finished(walk, left, first)


def _finished(walk: Walk, left: Any, application: int) -> OrbitEnclosure:
    """Go on block by block, without the cells that are at the end or in a box that is mapped into itself."""
    count, rows = walk.count, np.arange(walk.count)
    names = list(walk.s)
    ends = {name: np.empty((2, count)) for name in ("", *names)}
    exponents = np.zeros(count)

    def record(which: Any, state: Intervals, sensitivities: Mapping[str, Intervals], exponent: Any) -> None:
        for name, value in {"": state, **sensitivities}.items():
            ends[name][:, rows[which]] = value.low[which], value.high[which]
        exponents[rows[which]] = exponent[which]

    while len(rows):
        done = left == 0
        if done.any():
            record(done, walk.widened(walk.x), {n: walk.widened(walk.s[n]) for n in names}, _exponent(walk))
        held, state, affine = _settled(walk, application)
        held &= ~done
        if held.any():
            after, exponent = affine.powers(np.where(held, left * BLOCK, 0), walk.s, _exponent(walk))
            record(held, state, after, exponent)
        kept = np.flatnonzero(~(done | held))
        if len(kept) < len(rows):
            walk, rows, left = walk.part(kept) if len(kept) else walk, rows[kept], left[kept]
        for _ in range(BLOCK if len(rows) else 0):
            walk.apply(application)
        left = left - 1
    found = {name: Intervals(low, high) for name, (low, high) in ends.items()}
    return OrbitEnclosure(found[""], {name: found[name] for name in names}, exponents)


def _exponent(walk: Walk) -> Any:
    return np.broadcast_to(np.asarray(walk.exponent, dtype=float), (walk.count,))


def _probed(walk: Walk, application: int, e: Factor, x: Factor, names: set[str]) -> tuple[Walk, _Affine]:
    """Apply the chain once to a box of states, and return the affine map that the sensitivities undergo there."""
    probe, state = copy(walk), walk.program.state.name
    probe.e, probe.x, probe.unit, probe.passed, probe.exponent = e, x, 1, 0, np.zeros(walk.count)
    one: Factor = 1
    none: Factor = 0
    probe.s = {**dict.fromkeys(names, none), state: one}
    probe.apply(application)
    found = {n: probe.widened(s).scaled(np.asarray(probe.exponent)) for n, s in probe.s.items()}
    return probe, _Affine(found[state], {n: found[n] for n in names}, np.zeros(walk.count))


def _leapt(walk: Walk, left: Any, application: int) -> Any:
    """Move the walk by as many blocks as its cells certainly stay beside the line, and return how many these are."""
    reference, cells, u = walk.program.reference, walk.cells, walk.cells.distance
    assert reference is not None
    assert u is not None
    others = {s: v for s, v in cells.parameters.items() if s != reference.parameter}
    line = walk.widened(factor_of(reference.line, others))
    zero = Intervals(np.zeros(walk.count), np.zeros(walk.count))
    around = {**cells.parameters, reference.parameter: cells.parameters[reference.parameter].hull(line)}
    beside = Walk(walk.program, Cells(around, u.hull(zero)))
    box = Intervals(np.full(walk.count, -BESIDE), np.full(walk.count, BESIDE))
    name = str(reference.parameter.name)
    _, affine = _probed(beside, application, box, plus(beside.before(application, 0), box), {*walk.s, name})
    offset, e = intervals_of(affine.shifts[name]) * u, walk.widened(walk.e)
    blocks = np.minimum(_blocks(affine.slope.magnitude, e.magnitude, offset.magnitude, walk.program.depth), left)
    if not blocks.any():
        return blocks
    sensitivities = replace(affine, shifts={n: affine.shifts[n] for n in walk.s})
    after, walk.exponent = sensitivities.powers(blocks * BLOCK, walk.s, _exponent(walk))
    walk.s = {**after}
    deviation = replace(affine, shifts={name: offset})
    moved, exponent = deviation.powers(blocks * BLOCK, {name: e}, np.zeros(walk.count))
    walk.e = moved[name].scaled(exponent)
    walk.x = plus(walk.before(application, 0), walk.e)
    walk.unit = scaled_down(Intervals(np.ones(walk.count), np.ones(walk.count)), walk.exponent)
    return blocks


def _blocks(slope: Array, e: Array, offset: Array, depth: int) -> Any:
    """Return for how many blocks |e| stays below ``BESIDE``: |e_j| <= max(1, |M|)^j·(|e| + j·|C·u|)."""
    largest = (e + depth * offset) * (1 + 2.0**-40)
    rate = np.log2(np.maximum(slope, 1.0)) * (1 + 2.0**-40) + 2.0**-50
    room = np.where(largest > 0, np.log2(BESIDE) - np.log2(np.where(largest > 0, largest, 1.0)), np.inf)
    steps = np.minimum(np.minimum(room * (1 - 2.0**-40), MOST_BITS) / rate, 2.0 * depth)
    return np.where(np.isfinite(steps) & (steps > 1), np.maximum(steps - 1, 0.0), 0.0).astype(np.int64) // BLOCK


def _settled(walk: Walk, application: int) -> tuple[Any, Intervals, _Affine]:
    """Say for which cells a box around the state is mapped into itself, with the state and the map there."""
    if walk.cells.distance is None:
        x: Factor = _inflated(walk.widened(walk.x))
        probe, affine = _probed(walk, application, 0, x, set(walk.s))
        inside = walk.widened(probe.x).lies_in(intervals_of(x))
    else:
        e = _inflated(walk.widened(walk.e))
        x = plus(walk.before(application, 0), e)
        probe, affine = _probed(walk, application, e, x, set(walk.s))
        inside = walk.widened(probe.e).lies_in(e) & walk.widened(probe.x).lies_in(walk.widened(x))
    return np.asarray(inside), walk.widened(probe.x), affine


def _inflated(x: Intervals) -> Intervals:
    margin = (x.high - x.low) * WIDER + x.magnitude * FURTHER
    return Intervals(x.low - margin, x.high + margin)
