"""The NumPy backend: programs as in-place calls on tiles that stay in cache, for chains of one component."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.orbits import LOST, Orbits
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import Points
from symgrad.kernels.program import Program
from symgrad.kernels.signed_log import SignedLog, add, multiply
from symgrad.kernels.stacking import Stacked, to_outcome
from symgrad.kernels.stretches import TILE, Body, Carrier
from symgrad.kernels.ufuncs import run_program

if TYPE_CHECKING:
    from symgrad.kernels.program import Programs
    from symgrad.maps import Composition

Array = NDArray[np.float64]
Index = NDArray[np.intp]
Rescue = Callable[[Index], Stacked]
LARGEST_PARAMETER = 2.0**100
LONGEST_BODY = 100


def obstacle(kernel: Any, chain: "Composition", trace: bool) -> str | None:
    """Return why the NumPy backend cannot compute this, None if it can."""
    target = kernel.target
    if chain.dimension != 1:
        return "several components"
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

    def live(self, layers: Sequence[Any]) -> set[int]:
        """Return which slopes a body makes differ from zero."""
        programs = [self.programs.layers[layer] for layer in layers]
        return {
            i
            for i, name in enumerate(self.names)
            if any(program.constant(program.local[program.wrt.index(name)]) != 0.0 for program in programs)
        }


def _carried(task: Task, runner: Any, index: Index, careful: bool) -> Orbits:
    """Carry some points through the whole chain."""
    (start,) = task.points.flat_start(index)
    orbits = Orbits.of(start, len(task.names))
    carrier = Carrier(task.points, runner)
    live: set[int] = set()
    for block in task.chain.blocks:
        live |= task.live(block.body)
        carrier.carry(task.body(block.body, tuple(sorted(live)), careful), orbits, index, int(block.depth))
    return orbits


def _beyond(points: Points) -> NDArray[np.bool_]:
    """Return which points have a parameter so large or small that a factor cut off at 2**-1020 would matter."""
    found = np.zeros(points.shape, dtype=bool)
    for value in points.shared.values():
        size = np.abs(value)
        found |= (size > LARGEST_PARAMETER) | ((size < 1 / LARGEST_PARAMETER) & (size > 0.0))
    return found.reshape(-1)


def _loss_numbers(program: Program, orbits: Orbits, value: Callable[[str, int | None], Any]) -> list[Any]:
    """Return loss, slope in the state and slopes in the names; flag what float64 cannot carry of the first two."""
    names = [one.name for one in program.inputs if one.kind != "state"]
    numbers = run_program(program, [orbits.state, *(value(name, None) for name in names)])
    for number, slot in zip(numbers[:2], program.outputs[:2], strict=True):
        if program.constant(slot) != 0.0:
            size = np.abs(number)
            orbits.flagged |= ~np.isfinite(size) | (size < LOST)
    return numbers


def _slope(outer: Any, orbits: Orbits, row: int, own: Any, direct: bool) -> SignedLog:
    """Return outer · slope + own."""
    slope = orbits.slopes[row]
    if direct and not orbits.scale.any():
        product = outer * slope
        if not (np.abs(product) < LOST).any():
            return SignedLog.from_float(product + own)
    whole = multiply(SignedLog.from_float(outer), SignedLog.from_parts(slope, orbits.scale))
    return add(whole, SignedLog.from_float(own)) if np.any(own) else whole


def _stacked(task: Task, orbits: Orbits, part: Any, where: Any) -> Stacked:
    """Return the results of some points, having flagged those whose loss float64 cannot carry."""
    tile, target, loss = orbits.at(part), task.kernel.target, task.programs.loss
    size = len(tile.state)
    parts: dict[Any, Any] = {"state": SignedLog.from_float(tile.state)}
    product = SignedLog.from_parts(tile.mantissa, tile.exponent)
    outer, own = np.ones(()), dict.fromkeys(target.wrt, np.zeros(()))
    if loss is not None:
        value, outer, *rest = _loss_numbers(loss, tile, task.points.at(where))
        own = dict(zip(target.wrt, rest, strict=True))
        parts["loss"] = SignedLog.from_float(np.broadcast_to(value, size))
    parts["compound", 1] = product
    for name in target.wrt:
        if name in task.names:
            found = _slope(outer, tile, task.names.index(name), own[name], loss is not None)
        else:
            found = multiply(SignedLog.from_float(outer), product)
        parts["gradient", name] = found
    orbits.flagged[part] = tile.flagged
    return Stacked(
        {
            key: SignedLog(
                np.broadcast_to(one.mantissa, size)[np.newaxis], np.broadcast_to(one.exponent, size)[np.newaxis]
            )
            for key, one in parts.items()
        }
    )


def _collect(task: Task, orbits: Orbits, runner: Any, index: Index) -> dict[Any, SignedLog]:
    """Return the results of all carried points, each array of shape (1, points)."""
    size = len(index)
    whole: dict[Any, SignedLog] = {}
    slices = [slice(first, min(first + TILE, size)) for first in range(0, size, TILE)]
    contiguous = size == task.points.size

    def one(part: slice) -> None:
        stacked = _stacked(task, orbits, part, part if contiguous else index[part])
        for key, piece in stacked.parts.items():
            whole[key].mantissa[:, part], whole[key].exponent[:, part] = piece.mantissa, piece.exponent

    with np.errstate(all="ignore"):
        first = _stacked(task, orbits, slices[0], slices[0] if contiguous else index[slices[0]])
        for key in first.parts:
            whole[key] = SignedLog(np.empty((1, size)), np.empty((1, size)))
        for key, piece in first.parts.items():
            whole[key].mantissa[:, slices[0]], whole[key].exponent[:, slices[0]] = piece.mantissa, piece.exponent
        runner(one, slices[1:]) if len(slices) > 1 else None
    return whole


def _replace(whole: dict[Any, SignedLog], index: Index, parts: Any) -> None:
    for key, one in whole.items():
        one.mantissa[:, index], one.exponent[:, index] = parts[key].mantissa, parts[key].exponent


def run_numpy(kernel: Any, chain: "Composition", points: Points, runner: Any, rescue: Rescue) -> Outcome:
    """Evaluate in float64: a block's factors one by one where their product underflows, ``rescue`` where that fails."""
    points.check_range()
    names = tuple(name for name in kernel.target.wrt if name not in {s.name for s in chain.state})
    task, everyone = Task(kernel, chain, points, names), np.arange(points.size)
    orbits = _carried(task, runner, everyone, careful=False)
    whole = _collect(task, orbits, runner, everyone)
    beyond = _beyond(points)
    again = np.flatnonzero(orbits.flagged & ~beyond)
    lost = beyond.copy()
    if len(again):
        second = _carried(task, runner, again, careful=True)
        _replace(whole, again, _collect(task, second, runner, again))
        lost[again] = second.flagged
        orbits.settled[again], orbits.factor[again] = second.settled, second.factor
    if lost.any():
        left = np.flatnonzero(lost)
        _replace(whole, left, rescue(left).parts)
        orbits.settled[left], orbits.factor[left] = False, np.nan
    factors = orbits.factor[~np.isnan(orbits.factor)]
    return to_outcome(
        Stacked(whole),
        chain,
        points,
        "numpy",
        settled=float(orbits.settled.mean()),
        open_factor=float(factors.max()) if len(factors) else np.nan,
    )
