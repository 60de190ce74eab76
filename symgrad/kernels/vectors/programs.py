"""Several steps of a vector state as one program: new state, product with its compound matrices, added slopes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, islice
from math import comb

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.blocks import inline
from symgrad.kernels.program import Builder, Input, Program


@dataclass(frozen=True)
class VectorBlock:
    """A block of steps: ``program.values`` the state, ``jacobian`` the compound matrices, ``local`` the slopes.

    Parameters
    ----------
    program : inputs are the components of the state; what is carried, all of kind "state": the compound matrices, the
        slopes, and with them the power of two that each name's slopes are counted in; the parameters by name; then
        (name, application) of every value per layer
    sizes : the sizes of the compound matrices of orders 1 … d
    names : for how many names slopes are carried
    layered : (name, application counted from 0) of the inputs after the parameters, in their order
    """

    program: Program
    sizes: tuple[int, ...]
    names: int
    layered: tuple[tuple[str, int], ...]


def _inputs(
    body: Sequence[Program], applications: int, carried: int
) -> tuple[list[Input], tuple[tuple[str, int], ...]]:
    given = [one for program in body for one in program.inputs]
    shared = dict.fromkeys(one.name for one in given if one.kind == "parameter")
    names = dict.fromkeys(one.name for one in given if one.kind == "layer")
    layered = tuple((name, k) for k in range(applications) for name in names)
    states = [Input("state", f"x{i}") for i in range(len(body[0].values) + carried)]
    inputs = [*states, *(Input("parameter", name) for name in shared)]
    return [*inputs, *(Input("layer", f"{name}[{k}]") for name, k in layered)], layered


class Writer:
    """Writes the steps of a block into one builder."""

    def __init__(self, inputs: Sequence[Input], zeros: frozenset[str]) -> None:
        self.builder = Builder(inputs)
        self.place = {
            one.name: self.builder.constant(0.0) if one.kind == "parameter" and one.name in zeros else i
            for i, one in enumerate(inputs)
            if one.kind != "state"
        }

    def step(self, program: Program, state: Sequence[int], k: int) -> tuple[list[int], list[int], list[int]]:
        """Write application k of a step; return its values, Jacobian and local derivatives."""
        component = iter(state)
        named = [
            next(component)
            if one.kind == "state"
            else self.place[f"{one.name}[{k}]" if one.kind == "layer" else one.name]
            for one in program.inputs
        ]
        found, d = inline(self.builder, program, named), len(program.values)
        return found[:d], found[d : d + d * d], found[d + d * d :]

    def dot(self, pairs: Sequence[tuple[int, int]], first: int | None = None) -> int:
        """Return the slot of a sum of products, after ``first``."""
        put = self.builder.put
        start = self.builder.constant(0.0) if first is None else first
        return reduce(lambda found, pair: put("add", found, put("mul", *pair)), pairs, start)

    def matrix_product(self, a: Sequence[int], b: Sequence[int], size: int) -> list[int]:
        """Return the slots of a product of square matrices, row-major."""
        rows = range(size)
        return [self.dot([(a[i * size + m], b[m * size + j]) for m in rows]) for i in rows for j in rows]

    def compound(self, matrix: Sequence[int], size: int, order: int) -> list[int]:
        """Return the slots of the minors of an order, row-major."""
        sets = list(combinations(range(size), order))
        return [self._minor(matrix, size, rows, columns) for rows in sets for columns in sets]

    def extended(self, jacobian: Sequence[int], own: Sequence[int], added: Sequence[int], size: int) -> list[int]:
        """Return the slots of J·S + added, row-major."""
        columns, put = len(own) // size, self.builder.put
        found = []
        for i in range(size):
            for a in range(columns):
                pairs = [(jacobian[i * size + j], own[j * columns + a]) for j in range(size)]
                found.append(put("add", self.dot(pairs), added[i * columns + a]))
        return found

    def _minor(self, matrix: Sequence[int], size: int, rows: Sequence[int], columns: Sequence[int]) -> int:
        """Return a minor, expanded by its first row."""
        if len(rows) == 1:
            return matrix[rows[0] * size + columns[0]]
        put, found = self.builder.put, self.builder.constant(0.0)
        for j, column in enumerate(columns):
            rest = self._minor(matrix, size, rows[1:], [*columns[:j], *columns[j + 1 :]])
            term = put("mul", matrix[rows[0] * size + column], rest)
            found = put("sub" if j % 2 else "add", found, term)
        return found


def sizes_of(dimension: int) -> tuple[int, ...]:
    """Return the sizes of the compound matrices of all orders.

    >>> sizes_of(4)
    (4, 6, 4, 1)
    """
    return tuple(comb(dimension, order) for order in range(1, dimension + 1))


def vector_block(
    body: Sequence[Program],
    applications: int,
    wrt: Sequence[str],
    *,
    zeros: frozenset[str] = frozenset(),
    scaled: bool = False,
) -> VectorBlock:
    """Return the program of a body of steps applied several times.

    Every step multiplies what is carried by its own Jacobian: the Jacobian of a whole block would be known only
    relative to its largest entries, and lose what it makes of a direction that it shrinks most.

    Parameters
    ----------
    wrt : the names whose slopes are carried, among those of the steps
    zeros : parameters known to be 0, so that what they multiply is known to be exactly 0
    scaled : multiply what a step adds to the slopes by a number of each name, given after the slopes

    Examples
    --------
    >>> from symgrad.derivation import gradient
    >>> from symgrad.kernels.program import program_of
    >>> from symgrad.kernels.steps import derive_steps
    >>> from symgrad.maps import Map
    >>> henon = Map(("1 - a*x**2 + y", "3*x/10"), ("x", "y"))
    >>> (step,) = derive_steps(gradient(henon, wrt="a")).layers.values()
    >>> block = vector_block([program_of(step)], 2, ["a"])
    >>> block.sizes, len(block.program.inputs), len(block.program.outputs)
    ((2, 1), 10, 9)
    """
    d, p = len(body[0].values), len(wrt)
    sizes = sizes_of(d)
    entries = sum(size * size for size in sizes)
    inputs, layered = _inputs(body, applications, entries + d * p + (p if scaled else 0))
    writer, place = Writer(inputs, zeros), iter(range(len(inputs)))
    state = list(islice(place, d))
    compounds = [list(islice(place, size * size)) for size in sizes]
    own, units = list(islice(place, d * p)), list(islice(place, p if scaled else 0))
    for k in range(applications):
        for program in body:
            state, jacobian, local = writer.step(program, state, k)
            for order, size in enumerate(sizes, start=1):
                minors = writer.compound(jacobian, d, order)
                compounds[order - 1] = writer.matrix_product(minors, compounds[order - 1], size)
            chosen = [local[i * len(program.wrt) + program.wrt.index(name)] for i in range(d) for name in wrt]
            if scaled:
                chosen = [writer.builder.put("mul", one, units[i % p]) for i, one in enumerate(chosen)]
            own = writer.extended(jacobian, own, chosen, d)
    outer = [slot for compound in compounds for slot in compound]
    return VectorBlock(writer.builder.program(state, outer, own, wrt=wrt), sizes, p, layered)


def noise_block(body: Sequence[Program], applications: int) -> VectorBlock:
    """Return the program of the state and of the rounding of a block in units of one rounding, as slopes.

    Each step rounds what it reads and what it writes, and passes on what came before times its factors.
    """
    d = len(body[0].values)
    inputs, layered = _inputs(body, applications, d)
    writer = Writer(inputs, frozenset())
    put = writer.builder.put
    state, noise = list(range(d)), list(range(d, 2 * d))
    for k in range(applications):
        for program in body:
            read = [put("add", one, put("abs", x)) for one, x in zip(noise, state, strict=True)]
            state, jacobian, _ = writer.step(program, state, k)
            sizes = [put("abs", entry) for entry in jacobian]
            noise = writer.extended(sizes, read, [put("abs", one) for one in state], d)
    return VectorBlock(writer.builder.program(state, [], noise), (), 1, layered)


def structure(body: Sequence[Program], zeros: frozenset[str]) -> tuple[NDArray[np.bool_], tuple[bool, ...]]:
    """Return which entries of the product of a body, and which of its compound matrices, can differ from zero."""
    d = len(body[0].values)
    sizes = sizes_of(d)
    reach, alive = np.eye(d, dtype=bool), [True] * d
    for program in body:
        inputs, _ = _inputs([program], 1, 0)
        writer = Writer(inputs, zeros)
        _, jacobian, _ = writer.step(program, list(range(d)), 0)
        zero = writer.builder.constant(0.0)
        reach = (np.array(jacobian).reshape(d, d) != zero) @ reach
        for order in range(1, len(sizes) + 1):
            alive[order - 1] &= any(slot != zero for slot in writer.compound(jacobian, d, order))
    return reach, tuple(alive)
