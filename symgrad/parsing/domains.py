"""Where the text of an expression can be undefined, collected before anything simplifies it.

``x/x`` has a hole at 0; SymPy builds 1 from it. So the conditions are read from the tree.
"""

from collections.abc import Collection, Iterator
from enum import Enum

from symgrad.parsing.magnitudes import enclosing_interval, exact_value
from symgrad.parsing.tree import Call, Node, Power, Reciprocal, children


class Condition(Enum):
    """What a real expression needs of one of its parts; the value is the sentence."""

    NONZERO = "must not be 0"
    POSITIVE = "must be greater than 0"
    NONNEGATIVE = "must be at least 0"
    WITHIN_ONE = "must lie between -1 and 1"
    INSIDE_ONE = "must lie strictly between -1 and 1"
    AT_LEAST_ONE = "must be at least 1"
    REAL_POWER = (
        "must be a power of a positive base, or one with an integer exponent (not negative where the base is 0)"
    )


_ARGUMENTS = {
    "log": Condition.POSITIVE,
    "sqrt": Condition.NONNEGATIVE,
    "asin": Condition.WITHIN_ONE,
    "acos": Condition.WITHIN_ONE,
    "atanh": Condition.INSIDE_ONE,
    "acosh": Condition.AT_LEAST_ONE,
}


def domain_conditions(node: Node, *, opaque: Collection[str] = ()) -> tuple[tuple[Node, Condition], ...]:
    """Return the parts of a tree that must satisfy a condition for its value to be a real number.

    Parameters
    ----------
    node : the tree
    opaque : functions that are not looked into, such as ``sum``, whose first argument has a variable of its own

    Returns
    -------
    tuple of (node, condition)
        In the order of the text, each once. ``tan(u)`` asks that ``cos(u)`` is nonzero. Constants that plainly satisfy
        their condition are left out.

    Examples
    --------
    >>> from symgrad.parsing.reading import parse
    >>> from symgrad.parsing.printing import unparse
    >>> [(unparse(part), condition.value) for part, condition in domain_conditions(parse("x/x + log(y)"))]
    [('x', 'must not be 0'), ('y', 'must be greater than 0')]
    """
    found = dict.fromkeys(_conditions(node, frozenset(opaque)))
    return tuple((part, condition) for part, condition in found if not _satisfied(part, condition))


def denominators(node: Node, *, opaque: Collection[str] = ()) -> tuple[Node, ...]:
    """Return the parts of a tree that must not be zero: divisors, bases of negative powers, cosines under ``tan``.

    Examples
    --------
    >>> from symgrad.parsing.reading import parse
    >>> denominators(parse("1/x + y**-2 + 1/3"))
    (Name(name='x', column=3), Name(name='y', column=7))
    """
    return tuple(part for part, condition in domain_conditions(node, opaque=opaque) if condition is Condition.NONZERO)


def _conditions(node: Node, opaque: frozenset[str]) -> Iterator[tuple[Node, Condition]]:
    match node:
        case Reciprocal(operand):
            yield operand, Condition.NONZERO
        case Power(base, exponent):
            yield from _power_conditions(node, base, exponent)
        case Call("tan", (argument,)):
            yield Call("cos", (argument,), node.column), Condition.NONZERO
        case Call("Mod", (_, modulus)):
            yield modulus, Condition.NONZERO
        case Call(function, (argument,)) if function in _ARGUMENTS:
            yield argument, _ARGUMENTS[function]
    if isinstance(node, Call) and node.function in opaque:
        return
    for part in children(node):
        yield from _conditions(part, opaque)


def _power_conditions(node: Power, base: Node, exponent: Node) -> Iterator[tuple[Node, Condition]]:
    value = exact_value(exponent)
    if value is not None and value.denominator == 1:
        if value < 0:
            yield base, Condition.NONZERO
        return
    around = enclosing_interval(exponent)
    if around is not None:
        yield base, Condition.NONNEGATIVE if around.low > 0 else Condition.POSITIVE
        return
    of_base = enclosing_interval(base)
    if of_base is None or of_base.low <= 0:
        yield node, Condition.REAL_POWER


def _satisfied(node: Node, condition: Condition) -> bool:
    if condition is Condition.REAL_POWER:
        return False
    around = enclosing_interval(node)
    if around is None:
        return False
    value = exact_value(node)
    low, high = (value, value) if value is not None else (around.low, around.high)
    match condition:
        case Condition.NONZERO:
            return low > 0 or high < 0
        case Condition.POSITIVE:
            return low > 0
        case Condition.NONNEGATIVE:
            return low >= 0
        case Condition.WITHIN_ONE:
            return low >= -1 and high <= 1
        case Condition.INSIDE_ONE:
            return low > -1 and high < 1
        case Condition.AT_LEAST_ONE:
            return low >= 1
