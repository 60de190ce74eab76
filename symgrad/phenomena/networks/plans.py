"""The equations and factors of a cell as plain names and functions, made once and run in every step."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import sympy
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.kernels.stable import STABLE, ArrayFunction
from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import (
    Complement,
    Elementwise,
    Equation,
    Factor,
    FactorKind,
    Normalised,
    Sum,
    Weighing,
    local_terms,
)

Array = NDArray[np.float64]
Arrays: TypeAlias = Mapping[str, Array]
Number: TypeAlias = float | sympy.Expr
Numbers: TypeAlias = Mapping[sympy.Symbol, float]


@dataclass(frozen=True)
class Vector:
    """v or 1 - v, by name."""

    name: str
    turned: bool

    def of(self, values: Arrays) -> Array:
        """Return its numbers, shape (count or 1, d)."""
        return 1.0 - values[self.name] if self.turned else values[self.name]


@dataclass(frozen=True)
class PlannedProduct:
    """coefficient · weight · (v₁ ⊙ v₂ ⊙ …)."""

    coefficient: Number
    weight: str | None
    vectors: tuple[Vector, ...]


@dataclass(frozen=True)
class PlannedStep:
    """One equation: its vector's name and exactly one of a sum, an activation, a normalisation."""

    name: str
    products: tuple[PlannedProduct, ...] = ()
    function: ArrayFunction | None = None
    argument: str = ""
    epsilon: Number = 0.0


@dataclass(frozen=True)
class PlannedFactor:
    """One factor of a Jacobian, by names.

    Parameters
    ----------
    kind : what it is
    number : its value, for a number; ε for a normaliser
    name : the weight, or the argument of an activation or normalisation
    vector : for a vector on the diagonal; the normalised vector for a normaliser
    slope : φ' for an activation
    """

    kind: FactorKind
    number: Number = 1.0
    name: str = ""
    vector: Vector | None = None
    slope: ArrayFunction | None = None


@dataclass(frozen=True)
class Plan:
    """A cell by names.

    Parameters
    ----------
    steps : the equations in order
    terms : for each of them, (argument, factors) of every term of its derivative
    state, new, inputs : names of vectors
    weights, gains : names of matrices, and of vectors that scale
    shapes : (name, rows, columns) of everything that is given
    given : names of the parameters and numbers
    biases : names of vectors that are added
    """

    steps: tuple[PlannedStep, ...]
    terms: tuple[tuple[tuple[str, tuple[PlannedFactor, ...]], ...], ...]
    state: tuple[str, ...]
    new: tuple[str, ...]
    inputs: tuple[str, ...]
    weights: tuple[str, ...]
    gains: tuple[str, ...]
    shapes: tuple[tuple[str, sympy.Expr, sympy.Expr], ...]
    given: tuple[str, ...]
    biases: tuple[str, ...]


@lru_cache(maxsize=256)
def plan_of(cell: Cell) -> Plan:
    """Return the plan of a cell."""
    terms = tuple(
        tuple((t.argument.name, tuple(planned_factor(f) for f in t.factors)) for t in local_terms(step))
        for step in cell.steps
    )
    known = (*cell.state, *cell.parameters, *cell.inputs)
    return Plan(
        steps=tuple(map(_planned_step, cell.steps)),
        terms=terms,
        state=tuple(s.name for s in cell.state),
        new=tuple(s.name for s in cell.new),
        inputs=tuple(u.name for u in cell.inputs),
        weights=tuple(w.name for w in cell.weights),
        gains=tuple(g.name for g in cell.gains),
        shapes=tuple((s.name, *s.shape) for s in known),
        given=(*(p.name for p in cell.parameters), *(s.name for s in cell.numbers)),
        biases=tuple(b.name for b in cell.biases),
    )


def _planned_step(step: Equation) -> PlannedStep:
    name = step.symbol.name
    match step.right:
        case Sum(summands):
            products = [
                PlannedProduct(
                    _number(s.coefficient), None if s.matrix is None else s.matrix.name, tuple(map(_vector, s.vectors))
                )
                for s in summands
            ]
            return PlannedStep(name, products=tuple(products))
        case Elementwise(activation, argument):
            return PlannedStep(name, function=_stable(activation)[0], argument=argument.name)
        case Normalised(argument, epsilon):
            return PlannedStep(name, argument=argument.name, epsilon=_number(epsilon))


def planned_factor(factor: Factor) -> PlannedFactor:
    """Return a symbolic factor by names."""
    match factor.kind:
        case FactorKind.NUMBER:
            return PlannedFactor(factor.kind, number=_number(factor.name))
        case FactorKind.WEIGHT:
            return PlannedFactor(factor.kind, name=factor.name.name)
        case FactorKind.DIAGONAL:
            return PlannedFactor(factor.kind, vector=_vector(factor.operand))
        case FactorKind.SLOPE:
            right = factor.operand
            return PlannedFactor(factor.kind, name=right.argument.name, slope=_stable(right.activation)[1])
        case FactorKind.NORMALISER:
            right, hat = factor.operand
            return PlannedFactor(
                factor.kind, number=_number(right.epsilon), name=right.argument.name, vector=Vector(hat.name, False)
            )


@lru_cache(maxsize=1024)
def planned_paths(cell: Cell, new: str, old: str) -> tuple[tuple[str, tuple[PlannedFactor, ...]], ...]:
    """Return (words, factors) of every path of one block of the Jacobian."""
    block = cell.jacobian().block(new, old)
    return tuple((p.words, tuple(map(planned_factor, p.factors))) for p in block.paths)


def _vector(weighing: Weighing) -> Vector:
    if isinstance(weighing, Complement):
        return Vector(weighing.vector.name, True)
    return Vector(weighing.name, False)


def _number(value: sympy.Expr) -> Number:
    return float(value) if value.is_number else value


def valued(number: Number, numbers: Numbers) -> float:
    """Return a number with the values of its symbols put in."""
    return number if isinstance(number, float) else float(number.xreplace(numbers))


def _stable(activation: str) -> tuple[ArrayFunction, ArrayFunction, ArrayFunction]:
    if activation not in STABLE:
        raise InputError(f"activation {activation!r} has no NumPy form; use one of {', '.join(sorted(STABLE))}")
    return STABLE[activation].numpy
