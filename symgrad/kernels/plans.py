"""Programs as lists of NumPy calls that write into few buffers, reused as soon as a number is no longer needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.program import TRUTHS, Program
from symgrad.kernels.ufuncs import CALLS, SEVERAL_PASSES

Array = NDArray[np.float64]
PADDING = 72  # neighbouring buffers then start in different sets of the cache


@dataclass(frozen=True)
class Order:
    """One call of the plan: operation, argument slots, and the slot it writes."""

    op: str
    arguments: tuple[int, ...]
    result: int


@dataclass(frozen=True)
class Plan:
    """A program with its numbers placed in buffers.

    Parameters
    ----------
    program : what is run
    once : orders that depend on parameters only
    orders : the other orders, run for every block
    buffer : slot → number of its buffer (of floats, or of truths), for inputs that vary and results of ``orders``
    floats, truths : how many buffers of each kind are needed
    """

    program: Program
    once: tuple[Order, ...]
    orders: tuple[Order, ...]
    buffer: dict[int, int]
    floats: int
    truths: int

    @classmethod
    def of(cls, program: Program) -> "Plan":
        """Place the numbers of a program, in-place where an argument is used for the last time."""
        rows = [
            Order(one.op, one.arguments, program.first_instruction + i) for i, one in enumerate(program.instructions)
        ]
        once = tuple(row for row in rows if program.uniform[row.result])
        orders = tuple(row for row in rows if not program.uniform[row.result])
        varying = [i for i, one in enumerate(program.inputs) if one.kind != "parameter"]
        return cls(program, once, orders, *_placed(program, orders, varying))

    def bind(self, workspace: "Workspace", size: int, parameters: Sequence[Any]) -> "Bound":
        """Return the calls for ``size`` points; ``parameters`` are numbers or arrays, in the order of the inputs."""
        workspace.widen(self, size)
        slots: dict[int, Any] = {}
        given = iter(parameters)
        for i, one in enumerate(self.program.inputs):
            slots[i] = np.asarray(next(given)) if one.kind == "parameter" else workspace.floats[self.buffer[i], :size]
        for i, number in enumerate(self.program.constants):
            slots[self.program.first_constant + i] = np.array(number)
        once: list[tuple[Callable[..., Any], tuple[Any, ...], Array]] = []
        for row in self.once:
            arguments = [slots[a] for a in row.arguments]
            shape = np.broadcast_shapes(*(a.shape for a in arguments))
            slots[row.result] = np.empty(shape, dtype=bool if row.op in TRUTHS else np.float64)
            CALLS[row.op](*arguments, out=slots[row.result])
            once.append((CALLS[row.op], tuple(arguments), slots[row.result]))
        calls = []
        for row in self.orders:
            room = workspace.truths if row.op in TRUTHS else workspace.floats
            slots[row.result] = room[self.buffer[row.result], :size]
            calls.append((CALLS[row.op], tuple(slots[a] for a in row.arguments), slots[row.result]))
        return Bound(self.program, tuple(calls), slots, tuple(once))


@dataclass(frozen=True)
class Bound:
    """A plan bound to arrays: ``run`` computes every output from what the inputs hold.

    Parameters
    ----------
    calls, once : what is called in each run, and what is called when parameters change
    slots : slot → its array
    """

    program: Program
    calls: tuple[tuple[Callable[..., Any], tuple[Any, ...], Array], ...]
    slots: dict[int, Any]
    once: tuple[tuple[Callable[..., Any], tuple[Any, ...], Array], ...] = ()

    def give(self, parameters: Sequence[Any]) -> None:
        """Copy other parameters into the arrays that are bound."""
        places = [i for i, one in enumerate(self.program.inputs) if one.kind == "parameter"]
        for i, value in zip(places, parameters, strict=True):
            np.copyto(self.slots[i], value)
        for call, arguments, out in self.once:
            call(*arguments, out=out)

    def run(self) -> None:
        """Run every call."""
        for call, arguments, out in self.calls:
            call(*arguments, out=out)

    @property
    def state(self) -> Array:
        """Where the state enters."""
        return np.asarray(self.slots[0])

    def outputs(self, slots: Sequence[int]) -> list[Any]:
        """Return the arrays (or 0-d arrays, where all points share a number) of some outputs."""
        return [self.slots[slot] for slot in slots]


class Workspace:
    """The buffers of one thread, widened when a plan needs more."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.floats = np.empty((0, width + PADDING))
        self.truths = np.empty((0, width + PADDING), dtype=bool)
        self.bound: dict[Any, tuple[Plan, Bound]] = {}
        self._rooms: dict[str, Array] = {}

    def room(self, name: str, rows: int, size: int) -> Array:
        """Return an array (rows, size) that is kept for the next call under this name."""
        found = self._rooms.get(name)
        if found is None or found.shape[0] < rows or found.shape[1] < size:
            found = self._rooms[name] = np.empty((rows, max(size, self.width)))
        return found[:rows, :size]

    def bind(self, plan: Plan, size: int, parameters: Sequence[Any]) -> Bound:
        """Return a plan bound to ``size`` points and to copies of the parameters, made once for each size."""
        shapes = tuple(np.shape(value) for value in parameters)
        key = (id(plan), size, shapes)
        if key not in self.bound:
            self.bound[key] = plan, plan.bind(self, size, [np.array(value) for value in parameters])
        else:
            self.bound[key][1].give(parameters)
        return self.bound[key][1]

    def widen(self, plan: Plan, size: int) -> None:
        """Make room for a plan on ``size`` points."""
        if size > self.width or plan.floats > len(self.floats) or plan.truths > len(self.truths):
            self.bound.clear()
            self.width = max(size, self.width)
            self.floats = np.empty((max(plan.floats, len(self.floats)), self.width + PADDING))
            self.truths = np.empty((max(plan.truths, len(self.truths)), self.width + PADDING), dtype=bool)


def _placed(program: Program, orders: Sequence[Order], varying: Sequence[int]) -> tuple[dict[int, int], int, int]:
    """Return the buffer of every varying slot and the number of buffers: inputs and outputs keep theirs."""
    last: dict[int, int] = {}
    for i, row in enumerate(orders):
        last |= dict.fromkeys(row.arguments, i)
    kept = {*varying, *program.outputs}
    buffer = {slot: i for i, slot in enumerate(varying)}
    free: dict[bool, list[int]] = {True: [], False: []}
    count = {True: 0, False: len(varying)}
    truth: dict[int, bool] = {}
    for i, row in enumerate(orders):
        kind = row.op in TRUTHS
        ending = [a for a in dict.fromkeys(row.arguments) if a in buffer and last[a] == i and a not in kept]
        if row.op not in SEVERAL_PASSES:
            for a in ending:
                free[truth.get(a, False)].append(buffer[a])
        if free[kind]:
            buffer[row.result] = free[kind].pop()
        else:
            buffer[row.result] = count[kind]
            count[kind] += 1
        truth[row.result] = kind
        if row.op in SEVERAL_PASSES:
            for a in ending:
                free[truth.get(a, False)].append(buffer[a])
    return buffer, count[False], count[True]
