"""The equations a cell is made of, over vectors of any width, and the named factors of their derivatives.

A step is a list of small equations, each of one kind: a sum of products (weights, elementwise products, numbers), an
activation applied to every component, or a normalisation. Each kind knows its derivative as a short list of factors,
so a Jacobian is a sum over paths through the list and no nested expression is ever differentiated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeAlias

from sympy import (
    DiagMatrix,
    Expr,
    HadamardProduct,
    Identity,
    Integer,
    Lambda,
    MatMul,
    MatrixExpr,
    MatrixSymbol,
    OneMatrix,
    sqrt,
)

from symgrad.maps.activations import ACTIVATIONS
from symgrad.maps.calculus import differentiate
from symgrad.symbols import real

ONE = Integer(1)


@dataclass(frozen=True)
class Complement:
    """The vector 1 - v, as in the coupled gates of a GRU or a highway unit.

    Parameters
    ----------
    vector : v, shape (n, 1)
    """

    vector: MatrixSymbol


Weighing: TypeAlias = MatrixSymbol | Complement


def weighing_expr(weighing: Weighing) -> MatrixExpr:
    """Return v or 1 - v as a matrix expression."""
    if isinstance(weighing, Complement):
        return OneMatrix(*weighing.vector.shape) - weighing.vector
    return weighing


@dataclass(frozen=True)
class Summand:
    """coefficient · matrix · (v₁ ⊙ v₂ ⊙ …); the elementwise product of no vectors is the vector of ones.

    Parameters
    ----------
    vectors : vectors of one length, or complements of them
    matrix : a weight, or None
    coefficient : a number
    """

    vectors: tuple[Weighing, ...]
    matrix: MatrixSymbol | None = None
    coefficient: Expr = ONE


@dataclass(frozen=True)
class Sum:
    """A sum of products."""

    summands: tuple[Summand, ...]


@dataclass(frozen=True)
class Elementwise:
    """φ applied to every component.

    Parameters
    ----------
    activation : its name in the activation table
    argument : the vector it is applied to
    slope : the name of the diagonal matrix of slopes φ'(argument)
    """

    activation: str
    argument: MatrixSymbol
    slope: str = "D"


@dataclass(frozen=True)
class Normalised:
    """(v - mean)/σ with σ² = variance + ε, over the components of v.

    Parameters
    ----------
    argument : v, shape (n, 1)
    epsilon : ε, a number that keeps σ away from 0
    """

    argument: MatrixSymbol
    epsilon: Expr


Right = Sum | Elementwise | Normalised


@dataclass(frozen=True)
class Equation:
    """symbol = right side.

    Parameters
    ----------
    symbol : the vector it defines
    right : its right side
    words : what the vector is called, empty for an intermediate one such as a pre-activation
    """

    symbol: MatrixSymbol
    right: Right
    words: str = ""

    @property
    def expr(self) -> MatrixExpr:
        """The right side as a SymPy matrix expression."""
        match self.right:
            case Sum(summands):
                return _sum([_summand_expr(s, self.symbol) for s in summands])
            case Elementwise(activation, argument):
                return applied(activation, argument, 0)
            case Normalised(argument, epsilon):
                centred, spread = _centred(argument), deviation(argument, epsilon)
                return MatMul(1 / spread, centred)

    @property
    def used(self) -> tuple[MatrixSymbol, ...]:
        """The matrices and vectors of the right side, in order."""
        match self.right:
            case Sum(summands):
                found: list[MatrixSymbol] = []
                for summand in summands:
                    found += [] if summand.matrix is None else [summand.matrix]
                    found += [v.vector if isinstance(v, Complement) else v for v in summand.vectors]
                return tuple(dict.fromkeys(found))
            case Elementwise(_, argument) | Normalised(argument, _):
                return (argument,)

    @property
    def numbers(self) -> tuple[Expr, ...]:
        """The coefficients of the right side."""
        match self.right:
            case Sum(summands):
                return tuple(s.coefficient for s in summands)
            case Normalised(_, epsilon):
                return (epsilon,)
            case _:
                return ()


def _sum(parts: list[MatrixExpr]) -> MatrixExpr:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _product(parts: list[MatrixExpr]) -> MatrixExpr:
    return parts[0] if len(parts) == 1 else HadamardProduct(*parts)


def _summand_expr(summand: Summand, symbol: MatrixSymbol) -> MatrixExpr:
    vectors = [weighing_expr(v) for v in summand.vectors]
    vector = _product(vectors) if vectors else OneMatrix(*symbol.shape)
    return summand.coefficient * (vector if summand.matrix is None else summand.matrix * vector)


def applied(activation: str, argument: MatrixExpr, order: int) -> MatrixExpr:
    """Return φ or, of order 1, φ' applied to every component."""
    t = real("t")
    value = ACTIVATIONS[activation].function(t)
    return argument.applyfunc(Lambda(t, differentiate(value, t) if order else value))


def _centred(vector: MatrixSymbol) -> MatrixExpr:
    ones = OneMatrix(*vector.shape)
    return vector - (1 / vector.shape[0]) * (ones * ones.T * vector)


def deviation(vector: MatrixSymbol, epsilon: Expr) -> Expr:
    """Return σ, the square root of variance + ε, of the components of a vector."""
    centred = _centred(vector)
    return sqrt((centred.T * centred)[0, 0] / vector.shape[0] + epsilon)


class FactorKind(Enum):
    """What a factor of a Jacobian is."""

    NUMBER = "a number"
    WEIGHT = "a weight matrix"
    DIAGONAL = "a vector on the diagonal"
    SLOPE = "the slopes of an activation on the diagonal"
    NORMALISER = "the derivative of a normalisation"


@dataclass(frozen=True)
class Factor:
    """One named factor of a Jacobian.

    Parameters
    ----------
    kind : what it is
    name : the symbol it is written with: a number, W, diag(f), D or N
    operand : the number, weight, vector, activation or normalisation behind it
    lag : how many steps earlier it is evaluated
    """

    kind: FactorKind
    name: Expr
    operand: Any = field(repr=False)
    lag: int = 0

    @property
    def meaning(self) -> Expr:
        """What the name stands for: diag(φ'(z)) for D, (1/σ)(I - 11ᵀ/n - x̂x̂ᵀ/n) for N, otherwise itself.

        x̂ is the normalised vector (Ba, Kiros & Hinton 2016, section 3).
        """
        if self.kind is FactorKind.SLOPE:
            return DiagMatrix(applied(self.operand.activation, self.operand.argument, 1))
        if self.kind is FactorKind.NORMALISER:
            right, hat = self.operand
            size = right.argument.shape[0]
            ones = OneMatrix(size, 1)
            flat = Identity(size) - (1 / size) * (ones * ones.T) - (1 / size) * (hat * hat.T)
            return (1 / deviation(right.argument, right.epsilon)) * flat
        return self.name


@dataclass(frozen=True)
class LocalTerm:
    """One summand of ∂(an equation's vector)/∂(argument): an ordered product of factors.

    Parameters
    ----------
    argument : the vector it is the derivative in
    factors : from the left to the right
    """

    argument: MatrixSymbol
    factors: tuple[Factor, ...]


def _diagonal(weighing: Weighing) -> Factor:
    if isinstance(weighing, Complement):
        matrix = Identity(weighing.vector.shape[0]) - DiagMatrix(weighing.vector)
    else:
        matrix = DiagMatrix(weighing)
    return Factor(FactorKind.DIAGONAL, matrix, weighing)


def _square(name: str, like: MatrixSymbol) -> MatrixSymbol:
    return MatrixSymbol(name, like.shape[0], like.shape[0])


def local_terms(equation: Equation) -> Iterator[LocalTerm]:
    """Yield the derivative of an equation in each vector of its right side, term by term.

    >>> from sympy import MatrixSymbol
    >>> f, c = MatrixSymbol("f", 3, 1), MatrixSymbol("c", 3, 1)
    >>> for term in local_terms(Equation(MatrixSymbol("y", 3, 1), Sum((Summand((f, c)),)))):
    ...     print(term.argument, [factor.name for factor in term.factors])
    f [DiagMatrix(c)]
    c [DiagMatrix(f)]
    """
    match equation.right:
        case Sum(summands):
            for summand in summands:
                yield from _summand_terms(summand)
        case Elementwise(_, argument, slope):
            yield LocalTerm(argument, (Factor(FactorKind.SLOPE, _square(slope, argument), equation.right),))
        case Normalised(argument, _):
            operand = (equation.right, equation.symbol)
            yield LocalTerm(argument, (Factor(FactorKind.NORMALISER, _square("N", argument), operand),))


def _summand_terms(summand: Summand) -> Iterator[LocalTerm]:
    matrix = summand.matrix
    outer = [] if matrix is None else [Factor(FactorKind.WEIGHT, matrix, matrix)]
    for index, vector in enumerate(summand.vectors):
        others = summand.vectors[:index] + summand.vectors[index + 1 :]
        turned = isinstance(vector, Complement)
        coefficient = -summand.coefficient if turned else summand.coefficient
        numbers = [] if coefficient == 1 else [Factor(FactorKind.NUMBER, coefficient, coefficient)]
        argument = vector.vector if isinstance(vector, Complement) else vector
        yield LocalTerm(argument, (*numbers, *outer, *map(_diagonal, others)))
