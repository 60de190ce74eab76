"""One step of a cell in numbers, at any width and for many members at once, and products with its Jacobian.

Arrays have their components first and the members last: a vector has shape (d, *members), a weight (d, d, *members)
or (d, d) where all members share it. The Jacobian is assembled from the cell's own symbolic factors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from symgrad.errors import InputError
from symgrad.kernels.stable import STABLE, ArrayFunction
from symgrad.maps.cells.cell import Cell
from symgrad.maps.cells.equations import (
    Complement,
    Elementwise,
    Equation,
    Factor,
    FactorKind,
    LocalTerm,
    Normalised,
    Sum,
    Weighing,
    local_terms,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CellStep:
    """The numbers of one step.

    Parameters
    ----------
    cell : the layer
    members : the shape of the members
    values : name → array of every vector of the step, members first: shape (count or 1, d)
    weights : name → array of every weight, shape (count or 1, rows, columns)
    numbers : symbol → value of every number
    """

    cell: Cell
    members: tuple[int, ...]
    values: Mapping[str, Array]
    weights: Mapping[str, Array]
    numbers: Mapping[sympy.Symbol, float]

    def value(self, name: str) -> Array:
        """Return a vector of the step by its name, e.g. the forget gate ``f``, shape (d, *members)."""
        if name not in self.values:
            known = ", ".join(self.values)
            raise InputError(f"the {self.cell.name} cell has no vector {name!r}; it has {known}")
        found = self.values[name]
        whole = np.broadcast_to(found, (int(np.prod(self.members)), found.shape[1]))
        return np.moveaxis(whole.reshape(*self.members, -1), -1, 0)

    @property
    def state(self) -> dict[str, Array]:
        """The new state, state name → shape (d, *members)."""
        pairs = zip(self.cell.state, self.cell.new, strict=True)
        return {old.name: self.value(new.name) for old, new in pairs}

    def times(self, tangents: Mapping[str, ArrayLike]) -> dict[str, Array]:
        """Return the Jacobian times tangents.

        Parameters
        ----------
        tangents : state name → shape (d, columns, *members); a state left out has tangent 0

        Returns
        -------
        state name → shape (d, columns, *members)
        """
        inner = {name: _first(np.asarray(t, dtype=float), self.members, 2) for name, t in tangents.items()}
        pushed = self.push(inner)
        return {name: _last(t, self.members) for name, t in pushed.items()}

    def push(self, tangents: Mapping[str, Array]) -> dict[str, Array]:
        """Return the Jacobian times tangents of shape (count, d, columns), members first."""
        found: dict[str, Array] = {**tangents}
        for step in self.cell.steps:
            total: Array | None = None
            for term in _terms(step):
                if (part := found.get(term.argument.name)) is not None:
                    moved = self._moved(term, part)
                    total = moved if total is None else total + moved
            if total is not None:
                found[step.symbol.name] = total
        some = next(iter(tangents.values()))
        return {
            old.name: found[new.name] if new.name in found else np.zeros_like(some)
            for old, new in zip(self.cell.state, self.cell.new, strict=True)
        }

    @property
    def jacobian(self) -> Array:
        """∂(new state)/∂(state), rows = new, the states one after the other; shape (s, s, *members)."""
        sizes = [self.values[s.name].shape[1] for s in self.cell.state]
        count, total = int(np.prod(self.members)), sum(sizes)
        result, offset = np.empty((count, total, total)), 0
        for old, size in zip(self.cell.state, sizes, strict=True):
            pushed = self.push({old.name: np.broadcast_to(np.eye(size), (count, size, size))})
            rows = np.cumsum([0, *sizes])
            for index, symbol in enumerate(self.cell.state):
                result[:, rows[index] : rows[index + 1], offset : offset + size] = pushed[symbol.name]
            offset += size
        return _last(result, self.members)

    def _moved(self, term: LocalTerm, tangent: Array) -> Array:
        for factor in reversed(term.factors):
            tangent = self.apply(factor, tangent)
        return tangent

    def apply(self, factor: Factor, tangent: Array) -> Array:
        """Return one named factor times tangents of shape (count, d, columns)."""
        match factor.kind:
            case FactorKind.NUMBER:
                return np.asarray(self._number(factor.name) * tangent)
            case FactorKind.WEIGHT:
                return np.asarray(np.matmul(self.weights[factor.name.name], tangent))
            case FactorKind.DIAGONAL:
                return np.asarray(self.weighing(factor.operand)[:, :, None] * tangent)
            case FactorKind.SLOPE:
                right = factor.operand
                slope = _stable(right.activation)[1](self.values[right.argument.name])
                return np.asarray(slope[:, :, None] * tangent)
            case FactorKind.NORMALISER:
                right, symbol = factor.operand
                return self._normalised(right, self.values[symbol.name][:, :, None], tangent)

    def _normalised(self, right: Normalised, hat: Array, tangent: Array) -> Array:
        flat = tangent - tangent.mean(axis=1, keepdims=True) - hat * (hat * tangent).mean(axis=1, keepdims=True)
        spread = _spread(self.values[right.argument.name], self._number(right.epsilon))
        return np.asarray(flat / spread[:, :, None])

    def weighing(self, weighing: Weighing) -> Array:
        """Return v or 1 - v, shape (count or 1, d)."""
        if isinstance(weighing, Complement):
            return 1.0 - self.values[weighing.vector.name]
        return self.values[weighing.name]

    def _number(self, value: sympy.Expr) -> float:
        return float(value.xreplace(self.numbers))


def _stable(activation: str) -> tuple[ArrayFunction, ArrayFunction, ArrayFunction]:
    if activation not in STABLE:
        raise InputError(f"activation {activation!r} has no NumPy form; use one of {', '.join(sorted(STABLE))}")
    return STABLE[activation].numpy


def _spread(vector: Array, epsilon: float) -> Array:
    return np.asarray(np.sqrt(vector.var(axis=1, keepdims=True) + epsilon))


@lru_cache(maxsize=1024)
def _terms(step: Equation) -> tuple[LocalTerm, ...]:
    return tuple(local_terms(step))


def _first(array: Array, members: tuple[int, ...], axes: int) -> Array:
    """Return an array with its members as one first axis: count, or 1 where it has none."""
    if array.ndim == axes:
        return array[None]
    moved = np.moveaxis(array, tuple(range(axes)), tuple(range(-axes, 0)))
    return np.ascontiguousarray(moved).reshape(int(np.prod(members)), *array.shape[:axes])


def _last(array: Array, members: tuple[int, ...]) -> Array:
    """Return an array of shape (count, …) with its members last."""
    shaped = array.reshape(*members, *array.shape[1:])
    axes = array.ndim - 1
    return np.moveaxis(shaped, tuple(range(-axes, 0)), tuple(range(axes)))


def cell_step(
    cell: Cell,
    state: Mapping[str, ArrayLike],
    parameters: Mapping[str, ArrayLike],
    *,
    inputs: ArrayLike | None = None,
) -> CellStep:
    """Return the numbers of one step: the new state, every gate, and products with the Jacobian.

    Parameters
    ----------
    cell : the layer, from ``symgrad.maps.cells.cell``
    state : state name → shape (d, *members)
    parameters : name → shape (rows, columns) or (rows, columns, *members) for a weight, (d,) or (d, *members) for a
        bias or gain, a number for a number
    inputs : shape (m,) or (m, *members), for a cell with inputs

    Raises
    ------
    InputError : a name that is missing or unknown, or a shape that does not fit

    Examples
    --------
    >>> from symgrad.maps.cells import cell
    >>> layer = cell("dense", activation="tanh")
    >>> step = cell_step(layer, {"x": [0.0, 0.0]}, {"W": [[1.0, 2.0], [3.0, 4.0]], "b": [0.0, 0.0]})
    >>> step.jacobian.tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    given = dict(parameters)
    _check_names(cell, state, given, inputs)
    numbers = {s: float(np.asarray(given.pop(s.name))) for s in cell.numbers}
    arrays = {name: np.asarray(v, dtype=float) for name, v in {**state, **given}.items()}
    outside = {} if inputs is None else {cell.inputs[0].name: np.asarray(inputs, dtype=float)}
    axes = {w.name: 2 for w in cell.weights}
    members = _members(cell, {**arrays, **outside}, axes)
    weights = {w.name: _first(arrays.pop(w.name), members, 2) for w in cell.weights}
    values = {name: _first(array, members, 1) for name, array in {**arrays, **outside}.items()}
    count = int(np.prod(members))
    values |= {s.name: np.broadcast_to(values[s.name], (count, values[s.name].shape[1])) for s in cell.state}
    _check_sizes(cell, values, weights)
    step = CellStep(cell, members, values, weights, numbers)
    for equation in cell.steps:
        values[equation.symbol.name] = _evaluated(equation, step)
    return step


def _evaluated(equation: Equation, step: CellStep) -> Array:
    match equation.right:
        case Sum(summands):
            width = step.values[step.cell.state[0].name].shape[1]
            total: Any = np.zeros((1, width))
            for summand in summands:
                vector: Any = np.ones((1, width))
                if summand.vectors:
                    vector = step.weighing(summand.vectors[0])
                for other in summand.vectors[1:]:
                    vector = vector * step.weighing(other)
                if summand.matrix is not None:
                    vector = np.matmul(step.weights[summand.matrix.name], vector[:, :, None])[:, :, 0]
                total = total + step._number(summand.coefficient) * vector
            return np.asarray(total)
        case Elementwise(activation, argument):
            return _stable(activation)[0](step.values[argument.name])
        case Normalised(argument, epsilon):
            vector = step.values[argument.name]
            return np.asarray((vector - vector.mean(axis=1, keepdims=True)) / _spread(vector, step._number(epsilon)))


def _check_names(cell: Cell, state: Mapping[str, Any], given: Mapping[str, Any], inputs: object) -> None:
    """Refuse names that are missing or unknown."""
    for what, found, needed in (
        ("state", state, [s.name for s in cell.state]),
        ("parameter", given, [*(p.name for p in cell.parameters), *(s.name for s in cell.numbers)]),
    ):
        if wrong := set(needed) ^ set(found):
            name = sorted(wrong)[0]
            why = "has no value" if name in needed else "is none of the cell's"
            raise InputError(f"{what} {name!r} {why}; the {cell.name} cell has {', '.join(needed) or 'none'}")
    if (inputs is None) == bool(cell.inputs):
        need = "needs an input in every step" if cell.inputs else "takes no inputs"
        raise InputError(f"the {cell.name} cell {need}, got {inputs!r}; see cell(…, inputs=…)")


def _members(cell: Cell, arrays: Mapping[str, Array], axes: Mapping[str, int]) -> tuple[int, ...]:
    """Return the members' shape, the same for every array that has members."""
    shapes = {array.shape[axes.get(name, 1) :] for name, array in arrays.items()} - {()}
    if len(shapes) > 1:
        raise InputError(f"all arrays must have the same members, got {sorted(shapes)}; give one shape, members last")
    return shapes.pop() if shapes else ()


def _check_sizes(cell: Cell, values: Mapping[str, Array], weights: Mapping[str, Array]) -> None:
    """Refuse vectors and weights of sizes that do not fit the width."""
    width = values[cell.state[0].name].shape[1]
    sizes = literal_sizes(cell, width, values[cell.inputs[0].name].shape[1] if cell.inputs else 0)
    for symbol in (*cell.state, *cell.parameters, *cell.inputs):
        found = weights[symbol.name].shape[1:] if symbol.name in weights else values[symbol.name].shape[1:]
        needed = tuple(sizes[s] for s in symbol.shape)[: len(found)]
        if found != needed:
            raise InputError(f"{symbol.name} must have shape {needed} before the members, got {found}")


def literal_sizes(cell: Cell, width: int, inputs: int) -> dict[sympy.Expr, int]:
    """Return size → number for the sizes of a cell's shapes, refusing numbers other than those it was made for."""
    sizes: dict[sympy.Expr, int] = {sympy.Integer(1): 1}
    for what, size, given in (("units", cell.width, width), *(("inputs", u.shape[0], inputs) for u in cell.inputs)):
        if given < 1 or sizes.get(size, given) != given or (size.is_Integer and int(size) != given):
            raise InputError(f"the {cell.name} cell was made for {size} {what}, got {given}; give as many as it has")
        sizes[size] = given
    return sizes


def by_path(step: CellStep, new: str, old: str) -> dict[str, Array]:
    """Return each named path of one block of the Jacobian as a matrix, words → shape (d, d, *members).

    Examples
    --------
    >>> from symgrad.maps.cells import cell
    >>> step = cell_step(cell("residual"), {"x": [0.0]}, {"W": [[0.5]], "b": [0.0]})
    >>> {words: matrix.item() for words, matrix in by_path(step, "x", "x").items()}
    {'carried unchanged': 1.0, 'through the activation': 0.5}
    """
    found = {}
    size, count = step.values[old].shape[1], int(np.prod(step.members))
    for path in step.cell.jacobian().block(new, old).paths:
        matrix: Array = np.broadcast_to(np.eye(size), (count, size, size))
        for factor in reversed(path.factors):
            matrix = step.apply(factor, matrix)
        found[path.words] = _last(matrix, step.members)
    return found
