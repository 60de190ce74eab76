"""The registry of cells: one decorated definition each, from which equations, Jacobian, Map and numbers follow."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from sympy import Expr, Integer, MatrixSymbol, Symbol

from symgrad.errors import InputError, RegistryError
from symgrad.maps.activations import ACTIVATIONS
from symgrad.maps.cells.definition import Cell
from symgrad.maps.cells.equations import Elementwise, Equation, Sum, Summand
from symgrad.maps.map import entered

WIDTH = Symbol("d", integer=True, positive=True)
INPUTS = Symbol("m", integer=True, positive=True)


@dataclass(frozen=True)
class Units:
    """The sizes a definition is written for, and the symbols of those sizes.

    Parameters
    ----------
    width : the number of units
    inputs : the number of inputs in every step, 0 for none
    """

    width: Expr
    inputs: Expr

    def vector(self, name: str) -> MatrixSymbol:
        """Return a vector of one number for each unit."""
        return MatrixSymbol(name, self.width, 1)

    def weight(self, name: str) -> MatrixSymbol:
        """Return a weight from all units to all units."""
        return MatrixSymbol(name, self.width, self.width)

    def input(self) -> MatrixSymbol:
        """Return the input of a step."""
        return MatrixSymbol("u", self.inputs, 1)

    @property
    def outside(self) -> tuple[MatrixSymbol, ...]:
        """The inputs, if there are any."""
        return () if self.inputs == 0 else (self.input(),)

    def affine(self, *parts: tuple[Any, ...], bias: str) -> Sum:
        """Return W u + (U h or U (r ⊙ h)) + … + b, from pairs of a weight's name and the vectors it multiplies."""
        summands = [
            Summand(tuple(vectors), MatrixSymbol(weight, self.width, vectors[0].shape[0])) for weight, *vectors in parts
        ]
        return Sum((*summands, Summand((self.vector(bias),))))


@dataclass(frozen=True)
class CellRow:
    """One row of the registry.

    Parameters
    ----------
    name : the name it is asked for with
    build : units and options → Cell
    sentence : what it is, with its source
    driven : whether it takes an input in every step
    options : name → default
    """

    name: str
    build: Callable[..., Cell] = field(repr=False)
    sentence: str = field(repr=False)
    driven: bool
    options: Mapping[str, Any]


_TABLE: dict[str, CellRow] = {}
CELLS: Mapping[str, CellRow] = MappingProxyType(_TABLE)


def register(*, driven: bool = False) -> Callable[[Callable[..., Cell]], Callable[..., Cell]]:
    """Register the decorated definition, units and options → Cell, under its name.

    Raises
    ------
    RegistryError : a name that is taken, or a definition without a docstring
    """

    def enter(build: Callable[..., Cell]) -> Callable[..., Cell]:
        name, sentence = build.__name__, (inspect.getdoc(build) or "").strip()
        if name in _TABLE:
            raise RegistryError(f"a cell named {name!r} exists already; choose another name")
        if not sentence:
            raise RegistryError(f"cell {name!r} has no docstring; write one sentence that says what it is")
        options = {p.name: p.default for p in inspect.signature(build).parameters.values() if p.default is not p.empty}
        _TABLE[name] = CellRow(name, build, sentence, driven, MappingProxyType(options))
        return build

    return enter


def unregister_cell(name: str) -> None:
    """Take a user's cell out of the registry again."""
    if _TABLE.pop(name, None) is None:
        raise InputError(f"no cell is named {name!r}; known: {', '.join(sorted(_TABLE))}")


def cell(name: str, *, width: int | Expr = WIDTH, inputs: int | Expr | None = None, **options: Any) -> Cell:
    """Return the cell of that name.

    Parameters
    ----------
    name : one of ``CELLS``
    width : the number of units, a positive integer or a symbol
    inputs : the number of inputs in every step of a recurrent cell, 0 for none; a symbol if not given
    options : ``activation`` (a name of the activation table), ``branch`` (a number, symbol or text such as
        ``"1/sqrt(L)"``) and whatever else the cell takes

    Raises
    ------
    InputError : an unknown cell, option or activation, a width below 1, inputs for a cell that takes none

    Examples
    --------
    >>> cell("residual", activation="relu", branch="1/sqrt(L)").map()
    Map('x -> x + relu(b + w*x)/sqrt(L)')
    >>> cell("lstm", width=0)
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: width must be a positive integer or a symbol, got 0; give e.g. 8
    """
    row = _TABLE.get(name) if isinstance(name, str) else None
    if row is None:
        raise InputError(f"no cell is named {str(name)[:60]!r}; known: {', '.join(sorted(_TABLE))}")
    units = Units(_size(width, "width", 1), _inputs(row, inputs))
    for option in options:
        if option not in row.options:
            takes = ", ".join(row.options) or "none"
            raise InputError(f"the {name} cell has no option {option!r}; it takes {takes}")
    try:
        return _built(row.build, units, tuple(options.items()))
    except TypeError:
        return row.build(units, **options)


@lru_cache(maxsize=256)
def _built(build: Callable[..., Cell], units: Units, options: tuple[tuple[str, Any], ...]) -> Cell:
    return build(units, **dict(options))


def _inputs(row: CellRow, inputs: int | Expr | None) -> Expr:
    if row.driven:
        return INPUTS if inputs is None else _size(inputs, "inputs", 0)
    if inputs not in (None, 0):
        raise InputError(f"the {row.name} cell takes no inputs, got inputs={inputs}; leave them out")
    return Integer(0)


def _size(given: Any, what: str, least: int) -> Expr:
    """Return a size as an Integer or a positive integer symbol."""
    if isinstance(given, int | Integer) and not isinstance(given, bool) and given >= least:
        return Integer(given)
    if isinstance(given, Symbol) and given.is_integer and given.is_positive:
        return given
    kind = "a positive integer" if least else "an integer of 0 or more"
    raise InputError(f"{what} must be {kind} or a symbol, got {given!r}; give e.g. 8")


def activation_name(given: str) -> str:
    """Return the name of an activation of the table, or refuse it."""
    if given not in ACTIVATIONS:
        raise InputError(f"no activation is named {str(given)[:60]!r}; known: {', '.join(sorted(ACTIVATIONS))}")
    return given


def number(given: Any) -> Expr:
    """Return a coefficient: a number, a symbol or the text of one."""
    return entered(given)


def gate(symbol: MatrixSymbol, activation: str, affine: Sum, words: str) -> tuple[Equation, Equation]:
    """Return z = affine and symbol = φ(z), the two equations of a gate."""
    before = MatrixSymbol(f"z_{symbol.name}", *symbol.shape)
    slope = f"D_{symbol.name}"
    return Equation(before, affine), Equation(symbol, Elementwise(activation, before, slope), words)
