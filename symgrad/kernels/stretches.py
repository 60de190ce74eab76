"""Runs of equal blocks: tiles of orbits are carried through them, settled orbits leave, stragglers are pooled."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.kernels.blocks import BlockProgram, block_program, noise_program
from symgrad.kernels.orbits import Orbits, reach_of
from symgrad.kernels.plans import Bound, Plan, Workspace
from symgrad.kernels.points import Points
from symgrad.kernels.program import Program
from symgrad.kernels.settling import Block, finish, repeats, repeats_within, stands_still
from symgrad.kernels.trajectories import follow

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
Values = Callable[[str, int | None], Any]
TILE = 16384
SPAN, DENSE = 12, 25
LONGEST_SPAN = 96
WORTH_LOOKING = 6
SOON, FIRST_LOOK, GROWTH = 1, 2, 1.3
FEW, WORTH_FOLLOWING, LONGEST_ROUND = 64, 4, 20_000
FAINT = 2.0**-300
TOGETHER = 2**16
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

    def looks(self, blocks: int) -> bool:
        """Whether settled orbits are looked for in so many blocks."""
        return not self.driven and blocks >= WORTH_LOOKING and self.span > 1

    @property
    def span(self) -> int:
        """The applications of a block."""
        return SPAN if SPAN * len(self.layers) <= LONGEST_SPAN else 1

    def dense(self, times: int) -> int:
        """The applications of a block where so many are taken without looking: few blocks of equal length."""
        longest = DENSE if DENSE * len(self.layers) <= LONGEST_SPAN else 1
        if self.careful or self.driven or longest == 1:
            return self.span
        return -(-times // -(-times // longest))

    def plan(self, applications: int, kind: str = "block") -> tuple[BlockProgram, Plan]:
        """Return the program of so many applications and its plan, made once."""
        key = (applications, kind)
        if key not in self._plans:
            if kind == "noise":
                program = noise_program(self.layers, applications)
            else:
                program = block_program(self.layers, applications, self.wrt, careful=self.careful)
            self._plans[key] = program, Plan.of(program.program)
        return self._plans[key]


@dataclass
class Carrier:
    """Carries the points of a call through bodies, on tiles shared by threads."""

    points: Points
    runner: Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
    _workspaces: list[Workspace] = field(default_factory=list)

    def begin(self, body: Body, tile: Orbits, values: Values, times: int, workspace: Workspace) -> Mask:
        """Carry one tile through so many applications, but stop at the first look at settled orbits.

        Returns
        -------
        who has not settled there, and is to be carried on with ``carry``
        """
        blocks, rest = divmod(times, body.span)
        if body.looks(blocks):
            tile.settled[:] = False
            self._stretch(body, tile, values, (0, 1), None, workspace, rest)
            self._stretch(body, tile, values, (0, SOON), blocks - SOON, workspace)
            return ~(tile.settled | tile.flagged)
        each = body.dense(times)
        runs, rest = divmod(times, each)
        self._stretch(body, tile, values, (0, runs), None, workspace, each)
        self._stretch(body, tile, values, (runs * each, 1), None, workspace, rest)
        tile.flag_undefined(body.zeros_exact)
        return np.zeros(len(tile.state), dtype=bool)

    def carry(self, body: Body, orbits: Orbits, index: Index, times: int, *, begun: bool = False) -> None:
        """Carry the orbits, those of the points at ``index``, through so many applications of the body.

        Parameters
        ----------
        begun : they have gone to the first look already
        """
        blocks, going = times // body.span, np.ones(len(index), dtype=bool)
        if not begun:

            def one(part: Any) -> None:
                tile, values = orbits.at(part), self.points.at(_sliced(index[part]))
                with self.workspace() as workspace:
                    going[part] = self.begin(body, tile, values, times, workspace)
                orbits.put(part, tile)

            self._tiles(one, np.arange(len(index)))
        if going.any():
            self._rounds(body, orbits, index, np.flatnonzero(going), blocks)
            orbits.flag_undefined(body.zeros_exact)

    @contextmanager
    def workspace(self) -> Iterator[Workspace]:
        """Lend a workspace to a thread."""
        lent = self._workspaces.pop() if self._workspaces else Workspace(min(TILE, max(1, self.points.size)))
        yield lent
        self._workspaces.append(lent)

    def _rounds(self, body: Body, orbits: Orbits, index: Index, active: Index, blocks: int) -> None:
        """Look for settled orbits ever more seldom after the first look, and go on with the others."""
        done, length = SOON, float(SOON)
        while done < blocks and len(active):
            self._too_many(len(active), len(index), done * body.span, (blocks - done) * body.span)
            count = min(int(length), blocks - done, LONGEST_ROUND)
            left = blocks - done - count
            followed = self._followed(body, orbits, index, active, count - 1)
            followed, active = followed[~orbits.flagged[active]], active[~orbits.flagged[active]]
            for chosen, length_ in ((active[followed], 1), (active[~followed], count)):

                def one(part: Any, count: int = length_, left: int = left) -> None:
                    tile = orbits.at(part)
                    with self.workspace() as workspace:
                        self._stretch(body, tile, self.points.at(_sliced(index[part])), (0, count), left, workspace)
                    orbits.put(part, tile)

                self._tiles(one, chosen)
            active = active[~(orbits.settled[active] | orbits.flagged[active])]
            done, length = done + count, length * GROWTH

    def approach(self, body: Body, orbits: Orbits, index: Index, times: int) -> NDArray[np.int64]:
        """Carry orbits as far as float64 holds them, or until they repeat or come very near 0.

        Returns
        -------
        how many applications each has behind it
        """
        blocks, rest = divmod(times, body.span)
        behind = np.zeros(len(index), dtype=np.int64)
        everyone = np.arange(len(index))
        active = self._held(body, orbits, index, everyone, (rest, 1))
        behind[active] = rest
        done, length = 0, 1.0
        while done < blocks and len(active):
            self._too_many(len(active), len(index), done * body.span, (blocks - done) * body.span)
            count = min(int(length), blocks - done, LONGEST_ROUND)
            followed = self._followed(body, orbits, index, active, count - 1)
            followed, active = followed[~orbits.flagged[active]], active[~orbits.flagged[active]]
            held = [self._held(body, orbits, index, active[followed], (body.span, 1))]
            held.append(self._held(body, orbits, index, active[~followed], (body.span, count)))
            behind[active[followed]] += (count - 1) * body.span
            behind[held[0]] += body.span
            behind[held[1]] += count * body.span
            active = np.sort(np.concatenate(held))
            active = active[(orbits.factor[active] >= 0.0) & (np.abs(orbits.state[active]) > FAINT)]
            done, length = done + count, length * GROWTH
        return behind

    def _held(self, body: Body, orbits: Orbits, index: Index, active: Index, stretch: tuple[int, int]) -> Index:
        """Carry orbits through so many runs of so many applications; return those that float64 held, the others stay.

        The factor of a block is noted, -1 where the orbit repeats.
        """
        (applications, count), held = stretch, np.ones(len(active), dtype=bool)
        if not applications or not len(active):
            return active
        block, plan = body.plan(applications)

        def one(part: slice) -> None:
            places = active[part]
            tile, values = orbits.at(places), self.points.at(index[places])
            with self.workspace() as workspace, np.errstate(all="ignore"):
                bound = _bind(plan, values, len(places), workspace)
                _run(body, block, bound, tile, values, (0, count), workspace)
                same = bound.state == tile.state
                tile.factor[:] = np.where(same, -1.0, np.abs(bound.outputs(block.program.jacobian)[0]))
            tile.flag_undefined(body.zeros_exact)
            held[part] = ~tile.flagged
            inside = np.flatnonzero(~tile.flagged)
            orbits.put(places[inside], tile.at(inside))

        self.runner(one, [slice(i, min(i + TILE, len(active))) for i in range(0, len(active), TILE)])
        return active[held]

    def _followed(self, body: Body, orbits: Orbits, index: Index, active: Index, blocks: int) -> NDArray[np.bool_]:
        """Carry stragglers that contract through many blocks at once; return which."""
        found = np.zeros(len(active), dtype=bool)
        if body.careful or len(active) > min(FEW, blocks // WORTH_FOLLOWING):
            return found
        block, plan = body.plan(body.span)
        contracting = np.flatnonzero(orbits.factor[active] < 1.0)
        together = max(1, TOGETHER // blocks)
        workspace = Workspace(blocks * min(together, max(1, len(contracting))))
        for first in range(0, len(contracting), together):
            chosen = contracting[first : first + together]
            places = active[chosen]
            values = _repeated(self.points.at(index[places]), blocks)
            with np.errstate(all="ignore"):
                bound = _bind(plan, values, blocks * len(places), workspace)
                some = orbits.at(places)
                found[chosen] = follow(block, bound, some, blocks)
            orbits.put(places, some)
        return found

    def _too_many(self, active: int, of: int, done: int, left: int) -> None:
        if done >= PATIENCE and left > TOO_MANY:
            raise InputError(
                f"{active} of {of} orbits have not settled within {done} steps, and {left} more would be taken one by "
                "one; ask for a smaller depth, or for points whose orbits settle"
            )

    def _tiles(self, function: Callable[[Any], Any], active: Index) -> None:
        """Run a function on tiles of the points: slices where they are neighbours, which need no gathering."""
        if not len(active):
            return
        parts = [active[i : i + TILE] for i in range(0, len(active), TILE)]
        self.runner(function, [_sliced(part) for part in parts])

    def _stretch(
        self,
        body: Body,
        tile: Orbits,
        values: Values,
        stretch: tuple[int, int],
        left: int | None,
        workspace: Workspace,
        applications: int | None = None,
    ) -> None:
        """Carry one tile through (first, count) blocks; if ``left`` blocks follow, finish what has settled."""
        if applications == 0 or stretch[1] == 0:
            return
        block, plan = body.plan(applications or body.span)
        with np.errstate(all="ignore"):
            bound = _bind(plan, values, len(tile.state), workspace)
            _run(body, block, bound, tile, values, stretch, workspace)
            if left is not None:
                _look(body, block, bound, tile, values, left, workspace)


def _sliced(index: Any) -> Any:
    """Return a slice where the places are neighbours in order."""
    if isinstance(index, slice):
        return index
    first, last = int(index[0]), int(index[-1])
    return slice(first, last + 1) if last - first + 1 == len(index) else index


def _bind(plan: Plan, values: Values, size: int, workspace: Workspace) -> Bound:
    names = [one.name for one in plan.program.inputs if one.kind == "parameter"]
    return workspace.bind(plan, size, [values(name, None) for name in names])


def _look(
    body: Body, block: BlockProgram, bound: Bound, tile: Orbits, values: Values, left: int, workspace: Workspace
) -> None:
    """Finish the orbits that have settled, and note the factor of the others."""
    size = tile.state.shape
    product, *factors = (np.broadcast_to(one, size) for one in bound.outputs(block.program.jacobian))
    own, last = ([np.broadcast_to(one, size) for one in bound.outputs(part)] for part in (block.own, block.last))
    fine = ~tile.flagged & np.isfinite(tile.state)
    np.abs(product, out=tile.factor)
    ends: list[tuple[Index, Block, int]] = []
    if last:
        still = stands_still(last[0], tile.state, last[1]) & fine
        fine &= ~still
        chosen = np.flatnonzero(still)
        ends.append((chosen, Block.of(last[1], [], last[2:], chosen), left * body.span))
    if fine.any():
        settled, perhaps = repeats(bound.state, tile.state, product)
        chosen, some = np.flatnonzero(settled & fine), np.flatnonzero(perhaps & fine)
        ends.append((chosen, Block.of(product, factors, own, chosen), left))
        if len(some):
            before, rest = bound.state[some], Block.of(product, factors, own, some)
            found = _within_noise(body, _at(values, some), before, tile.state[some], workspace)
            ends.append((some[found], rest.at(found), left))
    for chosen, repeated, times in ends:
        if len(chosen):
            finish(tile, chosen, repeated, times)
    tile.flag_undefined(body.zeros_exact)


def _at(values: Values, chosen: Index) -> Values:
    """Return the lookup of parameters for some points of a tile."""

    def value(name: str, k: int | None) -> Any:
        found = values(name, k)
        return found if np.ndim(found) == 0 else found[chosen]

    return value


def _repeated(values: Values, times: int) -> Values:
    """Return the lookup of parameters for the points of a tile so many times in a row."""

    def value(name: str, k: int | None) -> Any:
        found = values(name, k)
        return found if np.ndim(found) == 0 else np.tile(found, times)

    return value


def _within_noise(body: Body, values: Values, before: Array, middle: Array, workspace: Workspace) -> Any:
    """Carry candidates through one more block together with the rounding that their cycle amplifies."""
    block, plan = body.plan(body.span, "noise")
    bound = _bind(plan, values, len(middle), workspace)
    np.copyto(bound.state, middle)
    bound.run()
    program = block.program
    after, product, noise = bound.outputs(program.values + program.jacobian + program.local)
    return repeats_within(noise, before, middle, after, product)


def _run(
    body: Body,
    block: BlockProgram,
    bound: Bound,
    tile: Orbits,
    values: Values,
    stretch: tuple[int, int],
    workspace: Workspace,
) -> None:
    """Run so many blocks on a bound tile and fold each into the orbits."""
    program, (first, count) = block.program, stretch
    (new,), (product, *factors), own = (bound.outputs(part) for part in (program.values, program.jacobian, block.own))
    entering = [slot for slot, one in enumerate(program.inputs) if one.kind == "layer"]
    size = np.abs(tile.mantissa, out=workspace.room("size", 1, len(tile.state))[0])
    reach = reach_of(size)
    np.copyto(bound.state, tile.state)
    for b in range(count):
        for slot, (name, k) in zip(entering, block.layered, strict=True):
            np.copyto(bound.slots[slot], values(name, first + b * block.applications + k + 1))
        bound.run()
        for factor in factors or [product]:
            reach = tile.multiply(factor, size, reach)
        tile.extend(product, own, body.live, body.zeros_exact, size)
        if b + 1 < count:
            if tile.flagged.all():
                return
            np.copyto(bound.state, new)
    np.copyto(tile.state, new)
