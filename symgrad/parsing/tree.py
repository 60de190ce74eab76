"""The validated tree of one expression: frozen nodes that remember their column.

Subtraction is the sum with a :class:`Negative`, division the product with a :class:`Reciprocal`; sums and products have
any number of terms. So a tree is about as deep as its brackets, however long the text is. Two trees are equal when they
say the same; their columns are not compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

CONSTANTS = frozenset({"pi", "E", "oo"})


@dataclass(frozen=True)
class Number:
    """An exact rational number."""

    value: Fraction
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Name:
    """A name on its own: a variable, or one of the constants ``pi``, ``E``, ``oo``."""

    name: str
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Indexed:
    """The value of layer ``index`` of a per-layer name; the index is ``k`` or a positive integer."""

    name: str
    index: "Node"
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Negative:
    """The operand with the opposite sign."""

    operand: "Node"
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Reciprocal:
    """One divided by the operand."""

    operand: "Node"
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Sum:
    """The sum of two or more terms, in the order of the text."""

    terms: tuple["Node", ...]
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Product:
    """The product of two or more factors, in the order of the text."""

    factors: tuple["Node", ...]
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Power:
    """The base raised to the exponent."""

    base: "Node"
    exponent: "Node"
    column: int = field(default=1, compare=False)


@dataclass(frozen=True)
class Call:
    """A function applied to one or more arguments."""

    function: str
    arguments: tuple["Node", ...]
    column: int = field(default=1, compare=False)


Node: TypeAlias = Number | Name | Indexed | Negative | Reciprocal | Sum | Product | Power | Call


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts of a node in the order of the text; an index is not a part.

    Examples
    --------
    >>> children(Power(Name("x"), Number(Fraction(2))))
    (Name(name='x', column=1), Number(value=Fraction(2, 1), column=1))
    """
    match node:
        case Number() | Name() | Indexed():
            return ()
        case Negative(operand) | Reciprocal(operand):
            return (operand,)
        case Sum(parts) | Product(parts) | Call(_, parts):
            return parts
        case Power(base, exponent):
            return (base, exponent)


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, parents first, in the order of the text.

    Examples
    --------
    >>> [type(part).__name__ for part in walk(Negative(Name("x")))]
    ['Negative', 'Name']
    """
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))


def names(node: Node) -> frozenset[str]:
    """Return the variables of a tree: its plain names without ``pi``, ``E``, ``oo`` and without the index ``k``.

    Examples
    --------
    >>> sorted(names(Product((Name("pi"), Indexed("w", Name("k")), Name("x")))))
    ['x']
    """
    return frozenset(part.name for part in walk(node) if isinstance(part, Name)) - CONSTANTS


def indexed_names(node: Node) -> frozenset[str]:
    """Return the per-layer names of a tree, those written ``name[k]``.

    Examples
    --------
    >>> sorted(indexed_names(Product((Indexed("w", Name("k")), Name("x")))))
    ['w']
    """
    return frozenset(part.name for part in walk(node) if isinstance(part, Indexed))


def calls(node: Node) -> frozenset[str]:
    """Return the names of the functions a tree applies.

    Examples
    --------
    >>> sorted(calls(Call("tanh", (Name("x"),))))
    ['tanh']
    """
    return frozenset(part.function for part in walk(node) if isinstance(part, Call))
