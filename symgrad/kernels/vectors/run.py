"""One call of the NumPy backend for vector states: carried, attached to the loss, and lost points run again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.numpy_backend import Rescue, beyond_reach, not_by_programs
from symgrad.kernels.orbits import LOST
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import Points
from symgrad.kernels.program import Program
from symgrad.kernels.signed_log import SignedLog, add, multiply, stack
from symgrad.kernels.stacking import Stacked, to_outcome
from symgrad.kernels.ufuncs import run_program
from symgrad.kernels.vectors.bodies import Body
from symgrad.kernels.vectors.orbits import VectorOrbits
from symgrad.kernels.vectors.stretches import VectorCarrier
from symgrad.kernels.vectors.wide import Wide

if TYPE_CHECKING:
    from symgrad.kernels.program import Programs
    from symgrad.maps import Composition

Array = NDArray[np.float64]
Index = NDArray[np.intp]
MOST_COMPONENTS = 4
MODERATE = 500.0


def obstacle(kernel: Any, chain: "Composition", trace: bool) -> str | None:
    """Return why this backend cannot compute this, None if it can."""
    if not 2 <= chain.dimension <= MOST_COMPONENTS:
        return f"{chain.dimension} components"
    return not_by_programs(kernel, chain, trace)


@dataclass(frozen=True)
class Task:
    """One call: its chain and points, and the names whose slopes are carried."""

    kernel: Any
    chain: "Composition"
    points: Points
    names: tuple[str, ...]

    @property
    def programs(self) -> "Programs":
        """The programs of the layers and the loss."""
        programs: Programs = self.kernel.programs
        return programs

    def body(self, layers: Sequence[Any], live: tuple[int, ...], zeros: frozenset[str], careful: bool) -> Body:
        """Return a body with its plans, made once for a kernel."""
        key = (tuple(layers), live, zeros, careful)
        found = self.kernel.bodies.get(key)
        if found is None:
            programs = tuple(self.programs.layers[layer] for layer in layers)
            names = tuple(self.names[i] for i in live)
            found = self.kernel.bodies.setdefault(key, Body(programs, names, live, zeros, careful))
        return found  # type: ignore[no-any-return]

    def live(self, layers: Sequence[Any]) -> set[int]:
        """Return which slopes a body makes differ from zero."""
        found = set()
        for program in (self.programs.layers[layer] for layer in layers):
            p = len(program.wrt)
            for i, name in enumerate(self.names):
                slots = program.local[program.wrt.index(name) :: p]
                if any(program.constant(slot) != 0.0 for slot in slots):
                    found.add(i)
        return found

    def carried(self, runner: Any, index: Index, zeros: frozenset[str], careful: bool) -> VectorOrbits:
        """Carry some points through the whole chain."""
        start = np.stack(self.points.flat_start(index)).astype(np.float64)
        orbits = VectorOrbits.of(start, len(self.names))
        carrier, live = VectorCarrier(self.points, runner), set[int]()
        for block in self.chain.blocks:
            live |= self.live(block.body)
            body = self.body(block.body, tuple(sorted(live)), zeros, careful)
            carrier.carry(body, orbits, index, int(block.depth))
        return orbits

    def results(self, orbits: VectorOrbits, index: Index) -> dict[Any, SignedLog]:
        """Return the results of carried points, having flagged those whose loss float64 cannot carry."""
        target, loss, size = self.kernel.target, self.programs.loss, len(index)
        parts: dict[Any, SignedLog] = {"state": SignedLog.from_float(orbits.state)}
        outer, own = None, dict.fromkeys(target.wrt, np.zeros(()))
        if loss is not None:
            value, *rest = _loss_numbers(loss, orbits, self.points.at(index))
            d = len(orbits.state)
            outer, own = rest[:d], dict(zip(target.wrt, rest[d:], strict=True))
            parts["loss"] = SignedLog.from_float(np.broadcast_to(value, (1, size)))
        for order, compound in enumerate(orbits.affine.compounds, start=1):
            parts["compound", order] = compound.signed_log()
        for name in target.wrt:
            column = self._column(orbits, name)
            parts["gradient", name] = column if outer is None else _through(outer, column, own[name])
        return parts

    def _column(self, orbits: VectorOrbits, name: str) -> SignedLog:
        """Return ∂state/∂name, shape (d, points)."""
        if name in self.names:
            where, source = self.names.index(name), orbits.affine.own
        else:
            where, source = [s.name for s in self.chain.state].index(name), orbits.affine.compounds[0]
        return Wide(source.mantissa[:, where, None], source.exponent[:, where, None]).signed_log()


def _loss_numbers(program: Program, orbits: VectorOrbits, value: Any) -> list[Any]:
    """Return loss, slopes in the state and slopes in the names; flag what float64 cannot carry but of the last."""
    names = [one.name for one in program.inputs if one.kind != "state"]
    numbers = run_program(program, [*orbits.state, *(value(name, None) for name in names)])
    slots = program.values + program.jacobian
    for number, slot in zip(numbers[: len(slots)], slots, strict=True):
        if program.constant(slot) != 0.0:
            size = np.abs(number)
            orbits.flagged |= ~np.isfinite(size) | (size < LOST)
    return numbers


def _through(outer: Sequence[Any], column: SignedLog, own: Any) -> SignedLog:
    """Return the sum of outer_i · column_i, plus what the loss owes to the name itself; shape (1, points)."""
    if (np.abs(column.exponent) < MODERATE).all():
        terms = [one * row for one, row in zip(outer, column.value, strict=True)]
        if all((np.abs(term) > LOST).all() for term in terms):
            return SignedLog.from_float((reduce(np.add, terms) + own)[np.newaxis])
    found = reduce(add, (multiply(SignedLog.from_float(one), column[i]) for i, one in enumerate(outer)))
    return stack([add(found, SignedLog.from_float(own)) if np.any(own) else found])


def _by_zeros(points: Points, index: Index) -> list[tuple[frozenset[str], Index]]:
    """Return the points in groups that have the same parameters equal to 0."""
    names = sorted(points.shared)
    value = points.at(index)
    rows = [np.broadcast_to(np.asarray(value(name, None)) == 0.0, len(index)) for name in names]
    if not rows:
        return [(frozenset(), index)]
    patterns, place = np.unique(np.stack(rows), axis=1, return_inverse=True)
    return [
        (frozenset(n for n, zero in zip(names, column, strict=True) if zero), index[place.ravel() == i])
        for i, column in enumerate(patterns.T)
    ]


def run_vector_states(kernel: Any, chain: "Composition", points: Points, runner: Any, rescue: Rescue) -> Outcome:
    """Evaluate in float64: layers one by one where a block's product underflows, ``rescue`` where that fails."""
    points.check_range()
    names = tuple(name for name in kernel.target.wrt if name not in {s.name for s in chain.state})
    task, everyone = Task(kernel, chain, points, names), np.arange(points.size)
    beyond = beyond_reach(points)
    with np.errstate(all="ignore"):
        orbits = task.carried(runner, everyone, frozenset(), careful=False)
        whole = task.results(orbits, everyone)
        lost = beyond.copy()
        for zeros, again in _by_zeros(points, np.flatnonzero(orbits.flagged & ~beyond)):
            if len(again):
                second = task.carried(runner, again, zeros, careful=True)
                _replace(whole, again, task.results(second, again))
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


def _replace(whole: dict[Any, SignedLog], index: Index, parts: Any) -> None:
    for key, one in whole.items():
        one.mantissa[:, index], one.exponent[:, index] = parts[key].mantissa, parts[key].exponent
