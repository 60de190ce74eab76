"""Functions defined in a file, ``let f(x) = …``: put in place in the parsed tree, never in the text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from symgrad.errors import InputError, input_error_at
from symgrad.parsing.tree import (
    CONSTANTS,
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
    names,
    walk,
)

MAX_PARTS = 2_500
# Where the name stands that each of these operators binds within its first argument.
_BOUND = {"diff": 1, "limit": 1, "sum": 1, "product": 1, "iterate": 2}
# Where the number of terms, factors or applications stands.
_COUNT = {"sum": 3, "product": 3, "iterate": 1}
# The name also stands for the point at which the result is taken.
_TAKEN_AT_THE_NAME = frozenset({"diff", "iterate"})


@dataclass(frozen=True)
class Definition:
    """A function with its parameters and its body, in which other definitions are already in place."""

    name: str
    parameters: tuple[str, ...]
    body: Node
    line: int

    @property
    def others(self) -> frozenset[str]:
        """The names in the body that are no parameters: they stand for the same variables everywhere."""
        return names(self.body) - set(self.parameters)


def bound_names(node: Node) -> frozenset[str]:
    """Return the names that stand for nothing outside of an operator, such as the index of a sum.

    >>> from symgrad.parsing.reading import parse
    >>> sorted(bound_names(parse("sum(k*x, k, 1, m) + diff(y, y)")))
    ['k']
    """
    operators = [part for part in walk(node) if isinstance(part, Call) and part.function in _BOUND]
    places = [part.arguments[_BOUND[part.function]] for part in operators if part.function not in _TAKEN_AT_THE_NAME]
    return frozenset(place.name for place in places if isinstance(place, Name))


def count_names(node: Node) -> frozenset[str]:
    """Return the names that count terms, factors or applications.

    >>> from symgrad.parsing.reading import parse
    >>> sorted(count_names(parse("sum(k*x, k, 1, m) + iterate(x/2, n, x)")))
    ['m', 'n']
    """
    operators = [part for part in walk(node) if isinstance(part, Call) and part.function in _COUNT]
    return frozenset[str]().union(*(names(part.arguments[_COUNT[part.function]]) for part in operators))


def inlined(node: Node, definitions: Mapping[str, Definition], *, parameters: Sequence[str] = ()) -> Node:
    """Return the tree in which the body of each defined function stands in place of its calls.

    Parameters
    ----------
    node : a tree whose calls have been checked
    definitions : name → definition
    parameters : those of the definition that is being read; no body may use one of these names for something else

    Raises
    ------
    InputError
        An argument would be taken for another variable of the same name, or the tree grows beyond 2500 parts.

    Examples
    --------
    >>> from symgrad.parsing.printing import unparse
    >>> from symgrad.parsing.reading import parse
    >>> swap = Definition("f", ("x", "y"), parse("x - y**2"), 1)
    >>> unparse(inlined(parse("f(y, x)"), {"f": swap}))
    'y - x**2'
    """
    try:
        found = _inlined(node, definitions, parameters)
    except RecursionError:
        raise input_error_at(node.column, "the definitions are nested too deeply; write some of them out") from None
    if sum(1 for _ in islice(walk(found), MAX_PARTS + 1)) > MAX_PARTS:
        raise input_error_at(
            node.column, f"with its definitions in place the expression has more than {MAX_PARTS} parts; split it"
        )
    return found


def _inlined(node: Node, definitions: Mapping[str, Definition], parameters: Sequence[str]) -> Node:
    if isinstance(node, Call) and node.function == "iterate" and isinstance(node.arguments[0], Name):
        node = _applied(node, definitions)
    node = _with_parts(node, [_inlined(part, definitions, parameters) for part in children(node)])
    if not isinstance(node, Call) or node.function not in definitions:
        return node
    definition = definitions[node.function]
    taken = sorted(definition.others & set(parameters))
    if taken:
        raise _clash(node, f"{taken[0]!r}, which {definition.name} uses, is a parameter here", "rename the parameter")
    return _placed(definition.body, dict(zip(definition.parameters, node.arguments, strict=True)), node)


def _applied(node: Call, definitions: Mapping[str, Definition]) -> Call:
    """Return ``iterate(f, n, x)`` with ``f(x)`` in place of the name of a defined function."""
    function, variable = node.arguments[0], node.arguments[2]
    if not isinstance(function, Name) or function.name not in definitions:
        return node
    if len(definitions[function.name].parameters) != 1 or not _is_variable(variable):
        raise _clash(node, "iterate takes a function of one variable, and a variable", "write iterate(f, n, x)")
    if isinstance(variable, Name) and variable.name in definitions[function.name].others:
        problem = f"{variable.name!r} would stand for two things: the start, and a constant of {function.name}"
        raise _clash(node, problem, "start at another name")
    return replace(node, arguments=(Call(function.name, (variable,), function.column), *node.arguments[1:]))


def _placed(node: Node, values: Mapping[str, Node], call: Call) -> Node:
    """Return a body with all parameters replaced at once."""
    match node:
        case Name(name):
            return values.get(name, node)
        case Call(function, arguments) if function in _BOUND and len(arguments) > _BOUND[function]:
            if isinstance(arguments[_BOUND[function]], Name):
                return _placed_beside_bound(node, values, call)
    return _with_parts(node, [_placed(part, values, call) for part in children(node)])


def _placed_beside_bound(node: Call, values: Mapping[str, Node], call: Call) -> Node:
    """Return an operator that binds a name with the parameters replaced, or refuse what would change its meaning."""
    inside, bound = node.arguments[0], node.arguments[_BOUND[node.function]]
    assert isinstance(bound, Name)
    used = {name: value for name, value in values.items() if name in names(inside) and name != bound.name}
    new = bound
    if node.function in _TAKEN_AT_THE_NAME:
        value = values.get(bound.name, bound)
        if not isinstance(value, Name) or not _is_variable(value):
            raise _clash(
                call,
                f"{bound.name!r} is the variable of {node.function} in {call.function}, so its argument must be a name",
                "write the derivative out in the definition",
            )
        new = value
    reached = frozenset[str]().union(*(names(value) for value in used.values()))
    if new.name != bound.name:
        reached |= names(inside) - values.keys()
    if new.name in reached:
        raise _clash(
            call,
            f"{new.name!r} would stand for two things inside {node.function} in {call.function}",
            "use another name",
        )
    first = _placed(inside, {**used, bound.name: new}, call)
    rest = [_placed(part, values, call) for part in node.arguments[1:]]
    rest[_BOUND[node.function] - 1] = new
    return replace(node, arguments=(first, *rest))


def _is_variable(node: Node) -> bool:
    return isinstance(node, Name) and node.name not in CONSTANTS


def _with_parts(node: Node, parts: Sequence[Node]) -> Node:
    """Return a node of the same kind with other parts."""
    match node:
        case Number() | Name() | Indexed():
            return node
        case Negative() | Reciprocal():
            return replace(node, operand=parts[0])
        case Sum():
            return replace(node, terms=tuple(parts))
        case Product():
            return replace(node, factors=tuple(parts))
        case Power():
            return replace(node, base=parts[0], exponent=parts[1])
        case Call():
            return replace(node, arguments=tuple(parts))


def _clash(call: Call, problem: str, remedy: str) -> InputError:
    return input_error_at(call.column, f"{problem} (column {call.column}); {remedy}")
