"""The validated tree of one expression: frozen nodes that remember their column.

Subtraction is the sum with a :class:`Negative`, division the product with a :class:`Reciprocal`; sums and products have
any number of terms. So a tree is about as deep as its brackets, however long the text is. Two trees are equal when they
say the same; their columns are not compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

CONSTANTS = frozenset({"pi", "E", "oo"})


def _equal(tree: object, other: object) -> bool:
    """Return whether two trees say the same, without recursion, so that no depth is too much."""
    if not isinstance(tree, Node) or not isinstance(other, Node):
        return False
    return all(_own(a) == _own(b) for a, b in zip(walk(tree), walk(other), strict=False))


def _hash(tree: object) -> int:
    """Return the hash that goes with :func:`_equal`."""
    assert isinstance(tree, Node)
    return hash(tuple(_own(part) for part in walk(tree)))


@dataclass(frozen=True, eq=False)
class Number:
    """An exact rational number."""

    value: Fraction
    column: int = 1

    __eq__ = _equal
    __hash__ = _hash


@dataclass(frozen=True, eq=False)
class Name:
    """A name on its own: a variable, or one of the constants ``pi``, ``E``, ``oo``."""

    name: str
    column: int = 1

    __eq__ = _equal
    __hash__ = _hash


@dataclass(frozen=True, eq=False)
class Indexed:
    """The value of layer ``index`` of a per-layer name; the index is ``k`` or a positive integer."""

    name: str
    index: "Node"
    column: int = 1

    __eq__ = _equal
    __hash__ = _hash


@dataclass(frozen=True, eq=False)
class Negative:
    """The operand with the opposite sign."""

    operand: "Node"
    column: int = 1

    __eq__ = _equal
    __hash__ = _hash


@dataclass(frozen=True, eq=False)
class Reciprocal:
    """One divided by the operand."""

    operand: "Node"
    column: int = 1

    __eq__ = _equal
    __hash__ = _hash


@dataclass(frozen=True, eq=False)
class Sum:
    """The sum of two or more terms, in the order of the text."""

    terms: tuple["Node", ...]
    column: int = 1

    __eq__ = _equal
    __hash__ = _hash


@dataclass(frozen=True, eq=False)
class Product:
    """The product of two or more factors, in the order of the text."""

    factors: tuple["Node", ...]
    column: int = 1

    __eq__ = _equal
    __hash__ = _hash


@dataclass(frozen=True, eq=False)
class Power:
    """The base raised to the exponent."""

    base: "Node"
    exponent: "Node"
    column: int = 1

    __eq__ = _equal
    __hash__ = _hash


@dataclass(frozen=True, eq=False)
class Call:
    """A function applied to one or more arguments."""

    function: str
    arguments: tuple["Node", ...]
    column: int = 1

    __eq__ = _equal
    __hash__ = _hash


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


def _own(node: Node) -> tuple[object, ...]:
    """Return what a node says itself and how many parts follow; listed parents first, this spells the whole tree."""
    match node:
        case Number(value):
            return (Number, value)
        case Name(name):
            return (Name, name)
        case Indexed(name, index):
            return (Indexed, name, index)
        case Call(function, arguments):
            return (Call, function, len(arguments))
    return (type(node), len(children(node)))


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
