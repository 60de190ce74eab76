"""Tree to SymPy: the only module of the room that loads it."""

import inspect
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeAlias

import sympy
from sympy import Expr, IndexedBase, Rational, S

from symgrad.errors import InputError, input_error_at
from symgrad.parsing.printing import unparse
from symgrad.parsing.refusals import shorten
from symgrad.parsing.signatures import GRAMMAR_ARITIES, Arity, check_calls
from symgrad.parsing.tree import (
    Call,
    Indexed,
    Name,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Reciprocal,
    Sum,
    children,
)
from symgrad.symbols import k, real

SympyFunction: TypeAlias = Callable[..., Expr]

GRAMMAR_FUNCTIONS: Mapping[str, SympyFunction] = MappingProxyType(
    {name: getattr(sympy, "Abs" if name == "abs" else name) for name in GRAMMAR_ARITIES}
)
_CONSTANTS: Mapping[str, Expr] = MappingProxyType({"pi": S.Pi, "E": S.Exp1, "oo": S.Infinity})


def to_sympy(
    node: Node,
    *,
    functions: Mapping[str, SympyFunction] = MappingProxyType({}),
    symbol: Callable[[str], Expr] = real,
    takes_function: Collection[str] = (),
) -> Expr:
    """Return the SymPy expression of a tree.

    Parameters
    ----------
    node : the tree
    functions : further functions by name, such as activations; one of the grammar's own names replaces it
    symbol : makes the symbol of a name; ``name[k]`` becomes an ``Indexed`` whose base is that symbol
    takes_function : functions whose first argument may be the name of a function; they receive the function itself

    Raises
    ------
    InputError
        When a function is unknown or has the wrong number of arguments, or a part has no value, such as ``log(0)``.

    Examples
    --------
    >>> from symgrad.parsing.reading import parse
    >>> to_sympy(parse("x**2/4 + w[k]*lambda"))
    lambda*w[k] + x**2/4
    """
    check_calls(node, {name: arity(function) for name, function in functions.items()}, takes_function=takes_function)
    converter = _Converter({**GRAMMAR_FUNCTIONS, **functions}, symbol, frozenset(takes_function))
    try:
        return converter.expression(node)
    except RecursionError:
        raise InputError(
            f"the expression {shorten(unparse(node))} is nested too deeply; compose it from layers with |"
        ) from None


def to_exact(constant: Fraction | Node) -> Expr:
    """Return a constant as an exact SymPy number.

    Examples
    --------
    >>> from symgrad.parsing.values import parse_constant
    >>> to_exact(parse_constant("2*pi/3"))
    2*pi/3
    """
    if isinstance(constant, Fraction):
        return Rational(constant.numerator, constant.denominator)
    return to_sympy(constant)


def to_float(constant: Fraction | Node) -> float:
    """Return the float nearest to a constant.

    Raises
    ------
    InputError
        When the constant is not real, or beyond the range of floats.

    Examples
    --------
    >>> from symgrad.parsing.values import parse_constant
    >>> to_float(parse_constant("2*pi"))
    6.283185307179586
    """
    try:
        value = constant if isinstance(constant, Fraction) else to_sympy(constant).evalf(30)
        return float(value)
    except (TypeError, OverflowError):
        shown = str(constant) if isinstance(constant, Fraction) else unparse(constant)
        raise InputError(
            f"the value {shorten(shown)} is not a real number of float64; give one between -1.8e308 and 1.8e308"
        ) from None


def arity(function: SympyFunction) -> Arity:
    """Return how many arguments a function takes.

    Examples
    --------
    >>> arity(sympy.tanh), arity(lambda a, b, c=0: a)
    ((1,), (2, 3))
    """
    counts = getattr(function, "nargs", None)
    if isinstance(counts, sympy.FiniteSet):
        return tuple(sorted(int(count) for count in counts))
    if counts is not None:
        return range(1, 1000)
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return range(1, 1000)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(parameter.default is inspect.Parameter.empty for parameter in positional)
    return tuple(range(needed, len(positional) + 1))


class _Converter:
    """The functions and symbols that one conversion uses."""

    def __init__(
        self, functions: Mapping[str, SympyFunction], symbol: Callable[[str], Expr], takes_function: frozenset[str]
    ) -> None:
        self.functions, self.symbol, self.takes_function = functions, symbol, takes_function

    def expression(self, node: Node) -> Expr:
        match node:
            case Number(value):
                return Rational(value.numerator, value.denominator)
            case Name(name):
                return _CONSTANTS[name] if name in _CONSTANTS else self.symbol(name)
            case Indexed(name, index):
                place = k if isinstance(index, Name) else self.expression(index)
                return IndexedBase(self.symbol(name))[place]
            case Call(function) if self.functions[function] is not GRAMMAR_FUNCTIONS.get(function):
                return _with_value(node, self.functions[function](*self._arguments(node)))
        parts = [self.expression(part) for part in children(node)]
        try:
            return _with_value(node, _combined(node, parts))
        except (ArithmeticError, TypeError, ValueError):
            raise _without_value(node) from None

    def _arguments(self, call: Call) -> list[Any]:
        values: list[Any] = []
        for place, argument in enumerate(call.arguments):
            if place == 0 and call.function in self.takes_function and isinstance(argument, Name):
                values.append(
                    self.functions[argument.name] if argument.name in self.functions else self.symbol(argument.name)
                )
            else:
                values.append(self.expression(argument))
        return values


def _combined(node: Node, parts: list[Expr]) -> Expr:
    """Return what SymPy makes of the converted parts of an operation, or of a function of the grammar."""
    match node:
        case Negative():
            return -parts[0]
        case Reciprocal():
            return parts[0] ** -1
        case Sum():
            return sympy.Add(*parts)
        case Product():
            return sympy.Mul(*parts)
        case Power():
            return parts[0] ** parts[1]
        case Call(function):
            return GRAMMAR_FUNCTIONS[function](*parts)
    raise TypeError(f"{type(node).__name__} has no parts")


def _with_value(node: Node, found: Expr) -> Expr:
    if found is S.NaN or found is S.ComplexInfinity:
        raise _without_value(node)
    return found


def _without_value(node: Node) -> InputError:
    return input_error_at(
        node.column,
        f"{shorten(unparse(node))} has no real value (column {node.column}); write an expression that has one",
    )
