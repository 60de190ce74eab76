"""The NumPy backend: programs as in-place calls on tiles that stay in cache, for chains of one component."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.orbits import Orbits
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.plans import Plan
from symgrad.kernels.points import Points
from symgrad.kernels.signed_log import SignedLog
from symgrad.kernels.since import Since
from symgrad.kernels.stacking import Stacked, to_outcome
from symgrad.kernels.stretches import TILE, Body, Carrier
from symgrad.kernels.writing import Found, collect, write_results

if TYPE_CHECKING:
    from symgrad.kernels.program import Programs
    from symgrad.maps import Composition

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
Rescue = Callable[..., Stacked]
LARGEST_PARAMETER = 2.0**100
LONGEST_BODY = 100
DEEP, LONG = 12_000, 600
WORTH_SHARING = 8192


def obstacle(kernel: Any, chain: "Composition", trace: bool) -> str | None:
    """Return why the NumPy backend cannot compute this, None if it can."""
    if chain.dimension != 1:
        return "several components"
    return not_by_programs(kernel, chain, trace)


def not_by_programs(kernel: Any, chain: "Composition", trace: bool) -> str | None:
    """Return why programs in blocks cannot compute this, whatever the number of components, None if they can."""
    target = kernel.target
    if trace or target.second_order:
        return "a trace" if trace else "second derivatives"
    if any(name in chain.layered for name in target.wrt):
        return "derivatives by a name with a value per layer"
    if any(len(block.body) > LONGEST_BODY for block in chain.blocks):
        return f"more than {LONGEST_BODY} different layers"
    return kernel.programs if isinstance(kernel.programs, str) else None


@dataclass(frozen=True)
class Task:
    """One call: its chain and points, the names whose slopes are carried, and the loss."""

    kernel: Any
    chain: "Composition"
    points: Points
    names: tuple[str, ...]

    @property
    def programs(self) -> "Programs":
        """The programs of the layers and the loss."""
        programs: Programs = self.kernel.programs
        return programs

    def body(self, layers: Sequence[Any], live: tuple[int, ...], careful: bool) -> Body:
        """Return a body with its plans, made once for a kernel."""
        key = (tuple(layers), live, careful)
        found = self.kernel.bodies.get(key)
        if found is None:
            programs = tuple(self.programs.layers[layer] for layer in layers)
            found = self.kernel.bodies.setdefault(key, Body(programs, self.names, live, careful))
        return found  # type: ignore[no-any-return]

    @property
    def loss_plan(self) -> Plan:
        """The program of the loss with its plan, made once for a kernel."""
        loss = self.programs.loss
        assert loss is not None
        if "loss" not in self.kernel.bodies:
            self.kernel.bodies["loss"] = Plan.of(loss)
        return self.kernel.bodies["loss"]  # type: ignore[no-any-return]

    def live(self, layers: Sequence[Any]) -> set[int]:
        """Return which slopes a body makes differ from zero."""
        programs = [self.programs.layers[layer] for layer in layers]
        return {
            i
            for i, name in enumerate(self.names)
            if any(program.constant(program.local[program.wrt.index(name)]) != 0.0 for program in programs)
        }


@dataclass(frozen=True)
class Onward:
    """Orbits of a tile that go on after the first look: in which block of the chain, which points."""

    block: int
    index: Index
    orbits: Orbits


def _bodies(task: Task, careful: bool) -> list[tuple[Body, int]]:
    """Return the body of every block of the chain, with how often it is applied."""
    live: set[int] = set()
    found = []
    for block in task.chain.blocks:
        live |= task.live(block.body)
        found.append((task.body(block.body, tuple(sorted(live)), careful), int(block.depth)))
    return found


def _carried(task: Task, carrier: Carrier, index: Index, careful: bool) -> Orbits:
    """Carry some points through the whole chain."""
    (start,) = task.points.flat_start(index)
    orbits = Orbits.of(start, len(task.names))
    for body, times in _bodies(task, careful):
        carrier.carry(body, orbits, index, times)
    return orbits


def _first_tiles(task: Task, carrier: Carrier, found: Found) -> list[Onward]:
    """Carry tiles through the chain and write their results; return the orbits that go on after a first look."""
    bodies, onward = _bodies(task, False), list[Onward]()

    def one(part: slice) -> None:
        (start,) = task.points.flat_start(part)
        with carrier.workspace() as workspace:
            room = workspace.room("orbits", 5 + len(task.names), len(start))
            tile, values = Orbits.of(start, len(task.names), room), task.points.at(part)
            here = np.ones(len(start), dtype=bool)
            for i, (body, times) in enumerate(bodies):
                going = carrier.begin(body, tile, values, times, workspace) & here
                if going.any():
                    chosen = np.flatnonzero(going)
                    onward.append(Onward(i, chosen + part.start, tile.at(chosen)))
                    here &= ~going
            if here.any():
                write_results(task, tile, values, found, part, here, workspace)

    size = task.points.size
    count = -(-size // TILE)
    count += count % 2 if size > WORTH_SHARING else 0
    marks = [size * i // count for i in range(count + 1)]
    carrier.runner(one, [slice(*ends) for ends in pairwise(marks)])
    return onward


def _carried_on(task: Task, carrier: Carrier, onward: list[Onward], found: Found) -> None:
    """Carry the orbits of all tiles that went on through what is left of the chain, pooled."""
    bodies = _bodies(task, False)
    for i in sorted({one.block for one in onward}):
        pool = sorted((one for one in onward if one.block == i), key=lambda one: int(one.index[0]))
        index, orbits = np.concatenate([one.index for one in pool]), Orbits.joined([one.orbits for one in pool])
        for j in range(i, len(bodies)):
            body, times = bodies[j]
            carrier.carry(body, orbits, index, times, begun=j == i)
        collect(task, carrier, orbits, index, found)


def beyond_reach(points: Points) -> NDArray[np.bool_]:
    """Return which points have a parameter so large or small that a factor cut off at 2**-1020 would matter."""
    found = np.zeros(points.shape, dtype=bool)
    for value in points.shared.values():
        low, high = float(value.min()), float(value.max())
        if max(low, -high) >= 1 / LARGEST_PARAMETER and max(-low, high) <= LARGEST_PARAMETER:
            continue
        size = np.abs(value)
        found |= (size > LARGEST_PARAMETER) | ((size < 1 / LARGEST_PARAMETER) & (size > 0.0))
    return found.reshape(-1)


def mend(task: Task, runner: Any, lost: Index, rescue: Rescue) -> tuple[Mapping[Any, SignedLog], Mask, Array]:
    """Run lost points again, factor by factor, then with unlimited exponents.

    Returns
    -------
    their numbers, which of them settled, and the factors of blocks where they did not
    """
    beyond, carrier = beyond_reach(task.points)[lost], Carrier(task.points, runner)
    settled, factor, parts = np.zeros(len(lost), dtype=bool), np.full(len(lost), np.nan), dict[Any, SignedLog]()

    def mended(places: Index, numbers: Mapping[Any, SignedLog]) -> None:
        for key, one in numbers.items():
            if key not in parts:
                parts[key] = SignedLog(np.full((1, len(lost)), np.nan), np.zeros((1, len(lost))))
            parts[key].mantissa[:, places], parts[key].exponent[:, places] = one.mantissa, one.exponent

    ended = np.zeros(len(lost), dtype=bool)
    for places, since in _deep_ends(task, carrier, lost, np.flatnonzero(~beyond)):
        mended(places, rescue(lost[places], since).parts)
        ended[places] = True
    again = np.flatnonzero(~beyond & ~ended)
    if len(again):
        found = Found.of(len(again), task)
        orbits = _carried(task, carrier, lost[again], careful=True)
        collect(task, carrier, orbits, lost[again], found, places=np.arange(len(again)))
        beyond[again] = found.flagged
        settled[again], factor[again] = found.settled, np.where(found.flagged, np.nan, found.factor)
        settled[again] &= ~found.flagged
        mended(again, found.numbers())
    if beyond.any():
        left = np.flatnonzero(beyond)
        mended(left, rescue(lost[left]).parts)
    return parts, settled, factor


def _deep_ends(task: Task, carrier: Carrier, lost: Index, places: Index) -> list[tuple[Index, Since]]:
    """Return which lost points of a very deep chain float64 held for long, and where unlimited exponents take over."""
    body, times = _bodies(task, False)[0]
    if len(task.chain.blocks) != 1 or not len(places) or times < DEEP or not body.looks(times // body.span):
        return []
    (start,) = task.points.flat_start(lost[places])
    orbits = Orbits.of(start, len(task.names))
    behind, ends = carrier.approach(body, orbits, lost[places], times), []
    for done in np.unique(behind[behind >= LONG]).tolist():
        some = np.flatnonzero(behind == done)
        own = {
            name: SignedLog.from_parts(orbits.slopes[i, some], orbits.scale[some]) for i, name in enumerate(task.names)
        }
        product = SignedLog.from_parts(orbits.mantissa[some], orbits.exponent[some])
        ends.append((places[some], Since(SignedLog.from_float(orbits.state[some]), product, own, times - done)))
    return ends


def replace(whole: Mapping[Any, SignedLog], index: Index, parts: Mapping[Any, SignedLog]) -> None:
    """Write the numbers of some points."""
    for key, one in whole.items():
        one.mantissa[:, index], one.exponent[:, index] = parts[key].mantissa, parts[key].exponent


def run_numpy(kernel: Any, chain: "Composition", points: Points, runner: Any, rescue: Rescue) -> Outcome:
    """Evaluate in float64: a block's factors one by one where their product underflows, ``rescue`` where that fails."""
    points.check_range()
    names = tuple(name for name in kernel.target.wrt if name not in {s.name for s in chain.state})
    points = _laid_out(points)
    task, carrier = Task(kernel, chain, points, names), Carrier(points, runner)
    found = Found.of(points.size, task)
    onward = _first_tiles(task, carrier, found)
    _carried_on(task, carrier, onward, found)
    lost = np.flatnonzero(found.flagged | beyond_reach(points))
    if len(lost):
        parts, settled, factor = mend(task, runner, lost, rescue)
        found.overwrite(lost, parts)
        found.settled[lost] = settled
        found.open.append((lost, factor))
    factors = found.factor if found.open else np.empty(0)
    factors = factors[~np.isnan(factors)]
    return to_outcome(
        Stacked(found.numbers()),
        chain,
        points,
        "numpy",
        settled=float(found.settled.mean()),
        open_factor=float(factors.max()) if len(factors) else np.nan,
        growth=found.growth,
    )


def _laid_out(points: Points) -> Points:
    """Return the points with every array of parameters in the shape of the call, so that tiles are slices of it."""
    shared = {
        name: value if value.ndim == 0 else np.ascontiguousarray(np.broadcast_to(value, points.shape))
        for name, value in points.shared.items()
    }
    return dataclasses.replace(points, shared=shared)
