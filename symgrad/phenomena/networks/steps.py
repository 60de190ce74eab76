"""One step of a cell in numbers, at any width and for many members at once, and products with its Jacobian.

Arrays have their components first and the members last: a vector has shape (d, *members), a weight (d, d, *members)
or (d, d) where all members share it. The Jacobian is assembled from the cell's own symbolic factors.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from numpy.typing import ArrayLike

from symgrad.errors import InputError
from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import FactorKind
from symgrad.phenomena.networks.plans import (
    Array,
    Arrays,
    Number,
    Plan,
    PlannedFactor,
    PlannedProduct,
    PlannedStep,
    plan_of,
    planned_paths,
    valued,
)


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
        plan = plan_of(self.cell)
        return {old: self.value(new) for old, new in zip(plan.state, plan.new, strict=True)}

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
        return {name: _last(t, self.members) for name, t in self.push(inner).items()}

    def push(self, tangents: Arrays) -> dict[str, Array]:
        """Return the Jacobian times tangents of shape (count, d, columns), members first."""
        plan, found = plan_of(self.cell), dict(tangents)
        for step, terms in zip(plan.steps, plan.terms, strict=True):
            total: Array | None = None
            for argument, factors in terms:
                if (part := found.get(argument)) is not None:
                    moved = self.through(factors, part)
                    total = moved if total is None else total + moved
            if total is not None:
                found[step.name] = total
        some = next(iter(tangents.values()))
        return {
            old: found[new] if new in found else np.zeros_like(some)
            for old, new in zip(plan.state, plan.new, strict=True)
        }

    @property
    def jacobian(self) -> Array:
        """∂(new state)/∂(state), rows = new, the states one after the other; shape (s, s, *members)."""
        return self._assembled(lambda old, unit: self.push({old: unit}))

    def without(self, *words: str) -> Array:
        """Return the Jacobian without every path whose name contains one of the words, shape (s, s, *members).

        Examples
        --------
        >>> from symgrad.maps.cells import cell
        >>> step = cell_step(cell("residual"), {"x": [0.0]}, {"W": [[0.5]], "b": [0.0]})
        >>> step.without("activation").item()
        1.0
        """
        names = plan_of(self.cell).state
        known = [w for new in names for old in names for w, _ in planned_paths(self.cell, new, old)]
        for word in words:
            if not any(word in one for one in known):
                raise InputError(f"no path of the {self.cell.name} cell is named with {word!r}; it has {known}")

        def kept(old: str, unit: Array) -> dict[str, Array]:
            return {
                new: sum(
                    (
                        self.through(factors, unit)
                        for name, factors in planned_paths(self.cell, new, old)
                        if not any(word in name for word in words)
                    ),
                    np.zeros_like(unit),
                )
                for new in names
            }

        return self._assembled(kept)

    def _assembled(self, push: Callable[[str, Array], Arrays]) -> Array:
        """Return the matrix whose block columns are the pushed units."""
        names = plan_of(self.cell).state
        sizes = [self.values[name].shape[1] for name in names]
        count, edges = int(np.prod(self.members)), np.cumsum([0, *sizes])
        result = np.empty((count, edges[-1], edges[-1]))
        for column, old in enumerate(names):
            pushed = push(old, np.broadcast_to(np.eye(sizes[column]), (count, sizes[column], sizes[column])))
            for row, new in enumerate(names):
                result[:, edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = pushed[new]
        return _last(result, self.members)

    def through(self, factors: Sequence[PlannedFactor], tangent: Array) -> Array:
        """Return an ordered product of factors times tangents of shape (count, d, columns)."""
        for factor in reversed(factors):
            tangent = self._applied(factor, tangent)
        return tangent

    def _applied(self, factor: PlannedFactor, tangent: Array) -> Array:
        if factor.kind is FactorKind.WEIGHT:
            return np.asarray(np.matmul(self.weights[factor.name], tangent))
        if factor.slope is not None:
            return np.asarray(factor.slope(self.values[factor.name])[:, :, None] * tangent)
        if factor.kind is FactorKind.NUMBER:
            return np.asarray(self.number(factor.number) * tangent)
        assert factor.vector is not None
        vector = factor.vector.of(self.values)[:, :, None]
        if factor.kind is FactorKind.DIAGONAL:
            return np.asarray(vector * tangent)
        flat = tangent - tangent.mean(axis=1, keepdims=True) - vector * (vector * tangent).mean(axis=1, keepdims=True)
        return np.asarray(flat / _spread(self.values[factor.name], self.number(factor.number))[:, :, None])

    def number(self, number: Number) -> float:
        """Return a number with the values of its symbols put in."""
        return valued(number, self.numbers)


def _spread(vector: Array, epsilon: float) -> Array:
    return np.asarray(np.sqrt(vector.var(axis=1, keepdims=True) + epsilon))


def _first(array: Array, members: tuple[int, ...], axes: int) -> Array:
    """Return an array with its members as one first axis: count, or 1 where it has none."""
    if array.ndim == axes:
        return array[None]
    if array.ndim == axes + 1:
        return np.ascontiguousarray(array.transpose(axes, *range(axes)))
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
    plan, given = plan_of(cell), dict(parameters)
    _check_names(cell.name, plan, state, given, inputs)
    numbers = {s: float(np.asarray(given.pop(s.name))) for s in cell.numbers}
    arrays = {name: np.asarray(v, dtype=float) for name, v in {**state, **given}.items()}
    if inputs is not None:
        arrays[plan.inputs[0]] = np.asarray(inputs, dtype=float)
    members = _members(plan, arrays)
    weights = {name: _first(arrays.pop(name), members, 2) for name in plan.weights}
    values = {name: _first(array, members, 1) for name, array in arrays.items()}
    count = int(np.prod(members))
    values |= {name: np.broadcast_to(values[name], (count, values[name].shape[1])) for name in plan.state}
    _check_sizes(cell, plan, values, weights)
    step = CellStep(cell, members, values, weights, numbers)
    for planned in plan.steps:
        values[planned.name] = _evaluated(planned, step)
    return step


def _evaluated(planned: PlannedStep, step: CellStep) -> Array:
    if planned.products:
        total: Any = 0.0
        for product in planned.products:
            total = total + _product(product, step)
        return np.asarray(total)
    vector = step.values[planned.argument]
    if planned.function is not None:
        return planned.function(vector)
    return np.asarray((vector - vector.mean(axis=1, keepdims=True)) / _spread(vector, step.number(planned.epsilon)))


def _product(product: PlannedProduct, step: CellStep) -> Array:
    vectors = [v.of(step.values) for v in product.vectors]
    whole: Any = vectors[0] if vectors else np.ones((1, step.values[plan_of(step.cell).state[0]].shape[1]))
    for other in vectors[1:]:
        whole = whole * other
    if product.weight is not None:
        whole = np.matmul(step.weights[product.weight], whole[:, :, None])[:, :, 0]
    coefficient = step.number(product.coefficient)
    return np.asarray(whole if coefficient == 1.0 else coefficient * whole)


def _check_names(name: str, plan: Plan, state: Mapping[str, Any], given: Mapping[str, Any], inputs: object) -> None:
    """Refuse names that are missing or unknown."""
    for what, found, needed in (("state", state, plan.state), ("parameter", given, plan.given)):
        if wrong := set(needed) ^ set(found):
            first = sorted(wrong)[0]
            why = "has no value" if first in needed else "is none of the cell's"
            raise InputError(f"{what} {first!r} {why}; the {name} cell has {', '.join(needed) or 'none'}")
    if (inputs is None) == bool(plan.inputs):
        need = "needs an input in every step" if plan.inputs else "takes no inputs"
        raise InputError(f"the {name} cell {need}, got {inputs!r}; see cell(…, inputs=…)")


def _members(plan: Plan, arrays: Arrays) -> tuple[int, ...]:
    """Return the members' shape, the same for every array that has members."""
    shapes = {array.shape[2 if name in plan.weights else 1 :] for name, array in arrays.items()} - {()}
    if len(shapes) > 1:
        raise InputError(f"all arrays must have the same members, got {sorted(shapes)}; give one shape, members last")
    return shapes.pop() if shapes else ()


def _check_sizes(cell: Cell, plan: Plan, values: Arrays, weights: Arrays) -> None:
    """Refuse vectors and weights of sizes that do not fit the width."""
    width = values[plan.state[0]].shape[1]
    sizes = literal_sizes(cell, width, values[plan.inputs[0]].shape[1] if plan.inputs else 0)
    for name, rows, columns in plan.shapes:
        found = weights[name].shape[1:] if name in weights else values[name].shape[1:]
        needed = (sizes[rows], sizes[columns])[: len(found)]
        if found != needed:
            raise InputError(f"{name} must have shape {needed} before the members, got {found}")


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
    size, count = step.values[old].shape[1], int(np.prod(step.members))
    unit = np.broadcast_to(np.eye(size), (count, size, size))
    paths = planned_paths(step.cell, new, old)
    return {words: _last(step.through(factors, unit), step.members) for words, factors in paths}
