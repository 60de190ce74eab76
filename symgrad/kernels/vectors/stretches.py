"""Runs of equal blocks for vector states: tiles are carried through them, settled orbits leave and are finished."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.kernels.orbits import LOST
from symgrad.kernels.plans import Bound, Workspace
from symgrad.kernels.points import Points
from symgrad.kernels.powers import power
from symgrad.kernels.stretches import LONGEST_ROUND, TILE
from symgrad.kernels.vectors.affine import Affine
from symgrad.kernels.vectors.bodies import SPAN, Body
from symgrad.kernels.vectors.frames import Frame, filled
from symgrad.kernels.vectors.orbits import VectorOrbits
from symgrad.kernels.vectors.programs import VectorBlock
from symgrad.kernels.vectors.repeating import contracts, nearly, within_noise
from symgrad.kernels.vectors.wide import NOTHING

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
PERIODS = (1, 2, 3, 4, 6, SPAN)
FIRST_LOOK, GROWTH = 8, 2.0
PATIENCE, TOO_MANY = 200_000, 5_000_000
WORTH_LOOKING = 20_000  # operations that cost as much as finishing an orbit in closed form
LOST_EXPONENT = -840.0  # a sum below has terms that float64 may have lost


@dataclass
class Running:
    """A block bound to the points of a tile."""

    key: Any
    block: VectorBlock
    bound: Bound
    values: Callable[[str, int | None], Any]
    where: Index
    workspace: Workspace

    def enter(self, rows: Sequence[Array], first: int) -> None:
        """Give the block its inputs, application ``first`` (from 0) being its first."""
        for slot, row in enumerate(rows):
            np.copyto(self.bound.slots[slot], row)
        inputs = self.block.program.inputs
        entering = [slot for slot, one in enumerate(inputs) if one.kind == "layer"]
        for slot, (name, k) in zip(entering, self.block.layered, strict=True):
            np.copyto(self.bound.slots[slot], self.values(name, first + k + 1))

    def state(self, points: int) -> Array:
        """Return the new state, shape (d, points)."""
        parts = self.bound.outputs(self.block.program.values)
        return filled(parts, len(parts), points)[:, 0]

    def step(self, state: Array, frame: Frame, first: int, reach: Mask) -> Array:
        """Run the block once on a state and what is carried, and return the new state."""
        self.enter([*state, *frame.rows], first)
        self.bound.run()
        program = self.block.program
        frame.follow(self.bound.outputs(program.jacobian), self.bound.outputs(program.local), reach)
        return self.state(state.shape[1])


@dataclass
class VectorCarrier:
    """Carries the points of a call through bodies, on tiles shared by threads."""

    points: Points
    runner: Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
    _kept: dict[Any, Running] = field(default_factory=dict)
    _spare: list[Workspace] = field(default_factory=list)

    def carry(self, body: Body, orbits: VectorOrbits, index: Index, times: int) -> None:
        """Carry the orbits, those of the points at ``index``, through so many applications of the body."""
        blocks, rest = divmod(times, SPAN)
        if body.driven or blocks * body.length < WORTH_LOOKING:
            self._tiles(body, lambda part: self._stretch(body, orbits, index[part], part, times), orbits.alive)
            orbits.pattern = body.reach(times) @ orbits.pattern
            return
        if rest:
            self._tiles(body, lambda part: self._stretch(body, orbits, index[part], part, rest), orbits.alive)
            orbits.pattern = body.reach(rest) @ orbits.pattern
        self._rounds(body, orbits, index, blocks)

    def _rounds(self, body: Body, orbits: VectorOrbits, index: Index, blocks: int) -> None:
        """Look for settled orbits ever more seldom, and go on with the others."""
        orbits.settled[:] = False
        done, length, active = 0, float(FIRST_LOOK), orbits.alive
        while done < blocks and len(active):
            if done * SPAN >= PATIENCE and (blocks - done) * SPAN > TOO_MANY:
                raise InputError(
                    f"{len(active)} of {len(index)} orbits have not settled within {done * SPAN} steps, and "
                    f"{(blocks - done) * SPAN} more would be taken one by one; ask for a smaller depth, or for points "
                    "whose orbits settle"
                )
            count = min(int(length), blocks - done, LONGEST_ROUND)
            left = blocks - done - count
            if left * body.length < WORTH_LOOKING:
                count, left = blocks - done, 0

            def one(part: Index, count: int = count, left: int = left) -> None:
                self._stretch(body, orbits, index[part], part, count * SPAN, left)

            self._tiles(body, one, active)
            orbits.pattern = body.reach(SPAN) @ orbits.pattern
            active = active[~(orbits.settled[active] | orbits.flagged[active])]
            done, length = done + count, length * GROWTH

    def _tiles(self, body: Body, function: Callable[[Any], Any], active: Index) -> None:
        if len(active):
            self.runner(function, [active[i : i + TILE] for i in range(0, len(active), TILE)])

    def _running(self, body: Body, applications: int, where: Index, kind: str) -> "Running":
        """Return a block bound to some points: the one bound last, if its points are the same."""
        key = (id(body), applications, kind)
        found = self._kept.pop(key, None)
        if found is not None and np.array_equal(found.where, where):
            return found
        block, plan = body.plan(applications, kind)
        values = self.points.at(where)
        names = [one.name for one in plan.program.inputs if one.kind == "parameter"]
        workspace = found.workspace if found else self._spare.pop() if self._spare else Workspace(len(where))
        bound = plan.bind(workspace, len(where), [values(name, None) for name in names])
        return Running(key, block, bound, values, where, workspace)

    def _free(self, running: "Running") -> None:
        if running.key in self._kept or len(running.where) == TILE:
            self._spare.append(running.workspace)
        else:
            self._kept[running.key] = running

    def _stretch(
        self, body: Body, orbits: VectorOrbits, where: Index, part: Index, times: int, left: int | None = None
    ) -> None:
        """Carry one tile through so many applications; if ``left`` blocks follow, finish what has settled."""
        with np.errstate(all="ignore"):
            tile = orbits.tile(part, body.live)
            frame = Frame.of(tile.affine, tile.flagged, orbits.pattern, body.alive, exact=body.exact)
            before = self._run(body, where, tile, frame, times)
            tile.affine = frame.affine()
            frame.flag_lost()
            tile.flagged |= ~np.isfinite(tile.state).all(axis=0)
            if left is not None:
                self._look(body, where, tile, before, left)
        orbits.put(part, tile, body.live)

    def _run(self, body: Body, where: Index, tile: VectorOrbits, frame: Frame, times: int) -> Array:
        """Run a tile through so many applications and return its state a block before the end."""
        done, before, running = 0, tile.state, None
        while done < times:
            count = body.unit if times - done >= body.unit else times - done if body.fits(times - done) else 1
            kind = "scaled" if frame.scaled else "block"
            if running is None or running.key[1:] != (count, kind):
                if running is not None:
                    self._free(running)
                running = self._running(body, count, where, kind)
            if done == times - SPAN:
                before = tile.state
            tile.state = running.step(tile.state, frame, done, body.reach(count))
            done += count
        if running is not None:
            self._free(running)
        return before

    def _look(self, body: Body, where: Index, tile: VectorOrbits, before: Array, left: int) -> None:
        """Finish the orbits that have settled, and note the factor of the others in the end."""
        usable = ~tile.flagged
        tile.settled[:] = same = (before == tile.state).all(axis=0) & usable
        self._finish(body, where, tile, np.flatnonzero(same), None, left)
        perhaps = np.flatnonzero(usable & ~same & nearly(before, tile.state))
        if len(perhaps):
            state = tile.state[:, perhaps]
            product = self._period(body, where[perhaps], state, SPAN)[1].compounds[0].value
            after, noise = self._noise(body, where[perhaps], state)
            good = contracts(product) & within_noise(noise, before[:, perhaps], state, after)
            tile.settled[perhaps[good]] = True
            self._finish(body, where, tile, perhaps[good], noise[:, good], left)
        open_ = np.flatnonzero(usable & ~tile.settled)
        if not left and len(open_):
            product = self._period(body, where[open_], tile.state[:, open_], SPAN)[1].compounds[0].value
            tile.factor[open_] = np.sqrt((product**2).sum(axis=(0, 1)))

    def _finish(
        self, body: Body, where: Index, tile: VectorOrbits, chosen: Index, noise: Array | None, left: int
    ) -> None:
        """Take orbits that have settled through so many more blocks: powers of what their shortest period does."""
        for period in PERIODS if left else ():
            if not len(chosen):
                return
            state = tile.state[:, chosen]
            after, cycle, flagged = self._period(body, where[chosen], state, period)
            if period == SPAN:
                near = np.ones(len(chosen), dtype=bool)
            else:
                near = (after == state).all(axis=0) if noise is None else within_noise(noise, state, state, after)
            if near.any():
                done = chosen[near]
                more = tile.affine.at(done).normal.then(power(cycle.at(near).normal, left * (SPAN // period)))
                tile.affine = tile.affine.with_points(done, more)
                faint = np.abs(cycle.own.at(near).value).max(axis=0) < LOST
                faint &= more.own.exponent.max(axis=0, initial=NOTHING) < LOST_EXPONENT
                tile.flagged[done] |= flagged[near] | (faint.any(axis=0) & (not body.exact))
            chosen, noise = chosen[~near], None if noise is None else noise[:, ~near]

    def _period(self, body: Body, where: Index, state: Array, times: int) -> tuple[Array, Affine, Mask]:
        """Return the state after so many applications, what they do, and where float64 cannot say."""
        here = VectorOrbits.of(state, len(body.live))
        frame = Frame.of(here.affine, here.flagged, here.pattern, body.alive, exact=body.exact)
        self._run(body, where, here, frame, times)
        return here.state, frame.affine(), here.flagged

    def _noise(self, body: Body, where: Index, state: Array) -> tuple[Array, Array]:
        """Return the state one block later and the rounding of that block in units of one rounding."""
        points, total = state.shape[1], np.zeros_like(state)
        running = self._running(body, body.unit, where, "noise")
        for _ in range(SPAN // body.unit):
            running.enter([*state, *total], 0)
            running.bound.run()
            state = running.state(points)
            total = filled(running.bound.outputs(running.block.program.local), len(state), points)[:, 0]
        self._free(running)
        return state, total
