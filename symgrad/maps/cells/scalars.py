"""Cells written out in scalars at a small width: the Map of a step, and its factors as explicit matrices."""

from collections.abc import Mapping

from sympy import Expr, ImmutableMatrix, Integer, MatrixSymbol, Symbol, diag, eye, ones, sqrt, zeros

from symgrad.errors import InputError
from symgrad.maps.activations import ACTIVATIONS
from symgrad.maps.calculus import differentiate
from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import (
    Complement,
    Elementwise,
    Factor,
    FactorKind,
    Normalised,
    Right,
    Sum,
    Weighing,
)
from symgrad.maps.cells.jacobians import JacobianBlock
from symgrad.maps.map import Map, layer_value
from symgrad.symbols import real

WIDEST = 9
Values = Mapping[MatrixSymbol, ImmutableMatrix]


def map_of(cell: Cell, width: int) -> Map:
    """Return the step as a Map of scalars, ``width`` components for each state vector."""
    given, values = scalar_values(cell, width)
    exprs = [e for new in cell.new for e in values[new]]
    return Map(exprs, [e for old in cell.state for e in given[old]])


def scalar_values(cell: Cell, width: int) -> tuple[Values, Values]:
    """Return the scalars that stand for every vector and weight, and the value of every vector of the step."""
    size = _checked(cell, width)
    given = _scalars(cell, size)
    values = dict(given)
    for step in cell.steps:
        values[step.symbol] = _right_side(step.right, values, size)
    return given, values


def _checked(cell: Cell, width: int) -> int:
    if isinstance(width, bool) or not isinstance(width, int) or not 1 <= width <= WIDEST:
        raise InputError(f"width must be an integer from 1 to {WIDEST} for scalars, got {width!r}; use .equations()")
    if isinstance(cell.width, Integer) and cell.width != width:
        raise InputError(f"the cell has width {cell.width}, not {width}; make it without a width, e.g. cell('dense')")
    return width


def _scalars(cell: Cell, width: int) -> dict[MatrixSymbol, ImmutableMatrix]:
    """Return one scalar for each component, refusing two of one name."""
    found = {}
    for symbol in (*cell.state, *cell.inputs, *cell.parameters):
        rows, columns = (_literal(cell, s, width) for s in symbol.shape)
        found[symbol] = ImmutableMatrix(
            rows, columns, lambda i, j, s=symbol, r=rows, c=columns: _scalar(cell, s, (i, j), (r, c))
        )
    names = [str(e) for m in found.values() for e in m] + [s.name for s in cell.numbers]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"the number {name!r} has the name of a state or weight of the cell; rename it")
    return found


def _literal(cell: Cell, size: Expr, width: int) -> int:
    """Return a size as a number: a literal one, the width, or one input where their number is a symbol."""
    if isinstance(size, Integer):
        return int(size)
    return width if size == cell.width else 1


def _scalar(cell: Cell, symbol: MatrixSymbol, place: tuple[int, int], shape: tuple[int, int]) -> Expr:
    digits = "".join(str(index + 1) for index, count in zip(place, shape, strict=True) if count > 1)
    name = symbol.name.lower() + digits
    return layer_value(name) if symbol in cell.inputs else real(name)


def _right_side(right: Right, values: Values, width: int) -> ImmutableMatrix:
    match right:
        case Sum(summands):
            total = zeros(width, 1)
            for summand in summands:
                vector = ones(width, 1) if not summand.vectors else _product(summand.vectors, values)
                moved = vector if summand.matrix is None else values[summand.matrix] * vector
                total += summand.coefficient * moved
            return ImmutableMatrix(total)
        case Elementwise(activation, argument):
            return values[argument].applyfunc(ACTIVATIONS[activation].function)
        case Normalised(argument, epsilon):
            return ImmutableMatrix(_centred(values[argument]) / _spread(values[argument], epsilon))


def _weighing(weighing: Weighing, values: Values) -> ImmutableMatrix:
    if isinstance(weighing, Complement):
        vector = values[weighing.vector]
        return ones(*vector.shape) - vector
    return values[weighing]


def _product(vectors: tuple[Weighing, ...], values: Values) -> ImmutableMatrix:
    total = _weighing(vectors[0], values)
    for vector in vectors[1:]:
        total = total.multiply_elementwise(_weighing(vector, values))
    return total


def _centred(vector: ImmutableMatrix) -> ImmutableMatrix:
    return vector - ones(*vector.shape) * (sum(vector) / vector.rows)


def _spread(vector: ImmutableMatrix, epsilon: Expr) -> Expr:
    return sqrt(sum(e**2 for e in _centred(vector)) / vector.rows + epsilon)


def explicit_factor(factor: Factor, values: Values, width: int) -> ImmutableMatrix:
    """Return a factor as a matrix of scalars."""
    match factor.kind:
        case FactorKind.NUMBER:
            return factor.name * eye(width)
        case FactorKind.WEIGHT:
            return values[factor.name]
        case FactorKind.DIAGONAL:
            return diag(*_weighing(factor.operand, values))
        case FactorKind.SLOPE:
            return diag(*_slopes(factor.operand, values))
        case FactorKind.NORMALISER:
            right, symbol = factor.operand
            hat = values[symbol]
            flat = eye(width) - ones(width, width) / width - hat * hat.T / width
            return flat / _spread(values[right.argument], right.epsilon)


def _slopes(right: object, values: Values) -> list[Expr]:
    assert isinstance(right, Elementwise)
    t = Symbol("t", real=True)
    slope = differentiate(ACTIVATIONS[right.activation].function(t), t)
    return [slope.xreplace({t: e}) for e in values[right.argument]]


def explicit_block(block: JacobianBlock, values: Values, width: int) -> ImmutableMatrix:
    """Return the sum of the products of factors as a matrix of scalars."""
    total = zeros(width, width)
    for path in block.paths:
        product = eye(width)
        for factor in path.factors:
            product = product * explicit_factor(factor, values, width)
        total += product
    return ImmutableMatrix(total)
