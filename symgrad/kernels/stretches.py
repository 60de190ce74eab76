"""Runs of equal blocks: tiles of orbits are carried through them, settled orbits leave, stragglers are pooled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.kernels.blocks import BlockProgram, block_program, noise_program
from symgrad.kernels.orbits import Orbits
from symgrad.kernels.plans import Bound, Plan, Workspace
from symgrad.kernels.points import Points
from symgrad.kernels.program import Program
from symgrad.kernels.settling import Block, finish, repeats, repeats_within
from symgrad.kernels.trajectories import follow

Array = NDArray[np.float64]
Index = NDArray[np.intp]
TILE = 16384
SPAN = 12
LONGEST_SPAN = 96
WORTH_LOOKING = 6
FIRST_LOOK, GROWTH = 2, 1.3
FEW, WORTH_FOLLOWING, LONGEST_ROUND = 64, 4, 20_000
PATIENCE, TOO_MANY = 1_000_000, 50_000_000


@dataclass(frozen=True)
class Body:
    """The programs of the layers that a chain repeats, and the names whose slopes are carried.

    Parameters
    ----------
    live : the positions in ``wrt`` that have left zero in this body or before it
    careful : multiply the factors one by one with their exponents, where a product of a block underflows
    """

    layers: tuple[Program, ...]
    wrt: tuple[str, ...]
    live: tuple[int, ...]
    careful: bool
    _plans: dict[Any, tuple[BlockProgram, Plan]] = field(default_factory=dict, repr=False)

    @property
    def zeros_exact(self) -> bool:
        """Whether a factor computed as 0 is exactly 0 in every layer."""
        return all(layer.zeros_exact for layer in self.layers)

    @property
    def driven(self) -> bool:
        """Whether a value per layer enters, so that no block repeats another."""
        return any(one.kind == "layer" for layer in self.layers for one in layer.inputs)

    @property
    def span(self) -> int:
        """The applications of a block."""
        return SPAN if SPAN * len(self.layers) <= LONGEST_SPAN else 1

    def plan(self, applications: int, kind: str = "block") -> tuple[BlockProgram, Plan]:
        """Return the program of so many applications and its plan, made once."""
        key = (applications, kind)
        if key not in self._plans:
            if kind == "noise":
                program = noise_program(self.layers, applications)
            else:
                program = block_program(self.layers, applications, self.wrt, each_factor=self.careful)
            self._plans[key] = program, Plan.of(program.program)
        return self._plans[key]


@dataclass
class Carrier:
    """Carries the points of a call through bodies, on tiles shared by threads."""

    points: Points
    runner: Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
    _workspaces: list[Workspace] = field(default_factory=list)

    def carry(self, body: Body, orbits: Orbits, index: Index, times: int) -> None:
        """Carry the orbits, those of the points at ``index``, through so many applications of the body."""
        blocks, rest = divmod(times, body.span)
        everyone = np.arange(len(index))
        if blocks and (body.driven or blocks < WORTH_LOOKING or body.span == 1):
            self._tiles(lambda part: self._stretch(body, orbits, index, part, (0, blocks), None), everyone)
        elif blocks:
            self._rounds(body, orbits, index, blocks)
        if rest:
            first = blocks * body.span
            self._tiles(lambda part: self._rest(body, orbits, index, part, first, rest), everyone)
        orbits.flag_undefined(body.zeros_exact)

    def _rounds(self, body: Body, orbits: Orbits, index: Index, blocks: int) -> None:
        """Look for settled orbits ever more seldom, and go on with the others."""
        body.plan(body.span, "noise")
        orbits.settled[:] = False
        done, length, active = 0, float(FIRST_LOOK), np.flatnonzero(~orbits.flagged)
        while done < blocks and len(active):
            self._too_many(len(active), len(index), done * body.span, (blocks - done) * body.span)
            count = min(int(length), blocks - done, LONGEST_ROUND)
            left = blocks - done - count

            followed = self._followed(body, orbits, index, active, count - 1)
            for chosen, length_ in ((active[followed], 1), (active[~followed], count)):

                def one(part: Any, count: int = length_, left: int = left) -> None:
                    self._stretch(body, orbits, index, part, (0, count), left)

                self._tiles(one, chosen)
            active = active[~(orbits.settled[active] | orbits.flagged[active])]
            done, length = done + count, length * GROWTH if done else 2.0

    def _followed(self, body: Body, orbits: Orbits, index: Index, active: Index, blocks: int) -> NDArray[np.bool_]:
        """Carry stragglers that contract through many blocks at once; return which."""
        found = np.zeros(len(active), dtype=bool)
        if body.careful or len(active) > min(FEW, blocks // WORTH_FOLLOWING):
            return found
        _, plan = body.plan(body.span)
        workspace = Workspace(blocks)
        with np.errstate(all="ignore"):
            for i, place in enumerate(active.tolist()):
                if not orbits.factor[place] < 1.0:
                    continue
                where = slice(int(index[place]), int(index[place]) + 1)
                bound = self._bind(body, plan, where, blocks, workspace)
                orbit = orbits.at(slice(place, place + 1))
                found[i] = follow(bound, orbit, blocks)
                if found[i]:
                    orbits.put(slice(place, place + 1), orbit)
        return found

    def _too_many(self, active: int, of: int, done: int, left: int) -> None:
        if done >= PATIENCE and left > TOO_MANY:
            raise InputError(
                f"{active} of {of} orbits have not settled within {done} steps, and {left} more would be taken one by "
                "one; ask for a smaller depth, or for points whose orbits settle"
            )

    def _tiles(self, function: Callable[[Any], Any], active: Index) -> None:
        """Run a function on tiles of the points: slices where they are neighbours, which need no gathering."""
        whole = len(active) > 0 and int(active[-1]) - int(active[0]) + 1 == len(active)
        if not len(active):
            return
        parts = [active[i : i + TILE] for i in range(0, len(active), TILE)]
        tiles = [slice(int(part[0]), int(part[-1]) + 1) for part in parts] if whole else parts
        self.runner(function, tiles)

    def _bind(self, body: Body, plan: Plan, where: Any, size: int, workspace: Workspace) -> Bound:
        value = self.points.at(where)
        names = [one.name for one in plan.program.inputs if one.kind == "parameter"]
        return plan.bind(workspace, size, [value(name, None) for name in names])

    def _workspace(self) -> Workspace:
        return self._workspaces.pop() if self._workspaces else Workspace(min(TILE, max(1, self.points.size)))

    def _rest(self, body: Body, orbits: Orbits, index: Index, part: Any, first: int, rest: int) -> None:
        self._stretch(body, orbits, index, part, (first, 1), None, rest)

    def _stretch(
        self,
        body: Body,
        orbits: Orbits,
        index: Index,
        part: Any,
        stretch: tuple[int, int],
        left: int | None,
        applications: int | None = None,
    ) -> None:
        """Carry one tile through (first, count) blocks; if ``left`` blocks follow, finish what has settled."""
        block, plan = body.plan(applications or body.span)
        tile, where, workspace = orbits.at(part), index[part], self._workspace()
        inside = slice(int(where[0]), int(where[-1]) + 1) if isinstance(part, slice) and _contiguous(where) else where
        with np.errstate(all="ignore"):
            bound = self._bind(body, plan, inside, len(where), workspace)
            last = _run(body, block, bound, tile, self.points.at(inside), stretch)
            if left is not None:
                self._look(body, bound, tile, inside, last, left, workspace)
        orbits.put(part, tile)
        self._workspaces.append(workspace)

    def _look(
        self, body: Body, bound: Bound, tile: Orbits, inside: Any, last: Block, left: int, workspace: Workspace
    ) -> None:
        """Finish the orbits that have settled, and note the factor of the others."""
        before = bound.state.copy()
        settled, perhaps = repeats(before, tile.state, last.product)
        perhaps &= ~tile.flagged
        if perhaps.any():
            chosen = np.flatnonzero(perhaps)
            where = np.arange(inside.start, inside.stop)[chosen] if isinstance(inside, slice) else inside[chosen]
            settled[chosen] = self._within_noise(body, where, before[chosen], tile.state[chosen], workspace)
        chosen = np.flatnonzero(settled & ~tile.flagged & np.isfinite(tile.state))
        tile.factor = np.abs(last.product)
        if len(chosen):
            parts = last.product[chosen], last.mantissa[chosen], last.exponent[chosen], last.own[:, chosen]
            finish(tile, chosen, Block(*parts), left)
        tile.flag_undefined(body.zeros_exact)

    def _within_noise(self, body: Body, where: Index, before: Array, middle: Array, workspace: Workspace) -> Any:
        """Carry candidates through one more block together with the rounding that their cycle amplifies."""
        block, plan = body.plan(body.span, "noise")
        bound = self._bind(body, plan, where, len(where), workspace)
        np.copyto(bound.state, middle)
        bound.run()
        program = block.program
        after, product, noise = bound.outputs(program.values + program.jacobian + program.local)
        return repeats_within(noise, before, middle, after, product)


def _contiguous(where: Index) -> bool:
    return int(where[-1]) - int(where[0]) + 1 == len(where)


def _run(
    body: Body,
    block: BlockProgram,
    bound: Bound,
    tile: Orbits,
    values: Callable[[str, int | None], Any],
    stretch: tuple[int, int],
) -> Block:
    """Run so many blocks on a bound tile, fold each into the orbits, and return the last."""
    program, (first, count) = block.program, stretch
    (new,), (product, *factors), own = (
        bound.outputs(part) for part in (program.values, program.jacobian, program.local)
    )
    entering = [slot for slot, one in enumerate(program.inputs) if one.kind == "layer"]
    powers, size = np.empty(len(tile.state), dtype=np.intc), tile.state.shape
    np.copyto(bound.state, tile.state)
    for b in range(count):
        for slot, (name, k) in zip(entering, block.layered, strict=True):
            np.copyto(bound.slots[slot], values(name, first + b * block.applications + k + 1))
        bound.run()
        for factor in factors or [product]:
            tile.multiply(factor, powers)
        tile.extend(product, own, len(body.live))
        tile.flag_lost(product, body.live, body.zeros_exact)
        if b + 1 < count:
            np.copyto(bound.state, new)
    np.copyto(tile.state, new)
    mantissa, exponent = np.ones(size), np.zeros(size)
    for factor in factors or [product]:
        mantissa, more = np.frexp(mantissa * factor)
        exponent = exponent + more
    slopes = np.stack([np.broadcast_to(q, size) for q in own]) if own else np.zeros((0, *size))
    return Block(np.array(np.broadcast_to(product, size)), mantissa, exponent, slopes)
