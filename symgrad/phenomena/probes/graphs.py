"""The chain inside a graph of derivatives: the nodes that every path from the output to the input passes through.

Between two of them lies a block, whatever the code that built the graph: a network is a chain of its dominators
(Lengauer & Tarjan 1979, ACM TOPLAS 1:121). They are found by counting paths, exactly: a node lies on all of them if
the paths down to it times the paths on from it are all there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol


class Node(Protocol):
    """A node of a graph of derivatives: what it was made from."""

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes of the arguments, None where one needs no derivative, with the number of their result."""


@dataclass(frozen=True, eq=False)
class Chain:
    """The dominators between output and input.

    Parameters
    ----------
    nodes : input first, output last
    order : every node on some path, in an order in which arguments come before results
    places, ranks : node → its place in ``order`` and, for a dominator, in ``nodes``
    single : the nodes of which one result alone is used
    """

    nodes: tuple[Any, ...]
    order: tuple[Any, ...] = field(repr=False)
    places: dict[Any, int] = field(repr=False)
    ranks: dict[Any, int] = field(repr=False)
    single: frozenset[Any] = field(repr=False)

    def between(self, before: Any, after: Any) -> tuple[Any, ...]:
        """Return the nodes on paths from one dominator to another, the first left out."""
        return self.order[self.places[before] + 1 : self.places[after] + 1]


def arguments(node: Node) -> Iterator[tuple[Any, int]]:
    """Yield the nodes a node was made from, with the number of their result."""
    return ((n, index) for n, index in node.next_functions if n is not None)


def chain(output: Node, root: Node) -> Chain | None:
    """Return the dominators between an output and a root, None where no path leads there.

    Examples
    --------
    >>> class Made:
    ...     def __init__(self, *arguments):
    ...         self.next_functions = tuple((a, 0) for a in arguments)
    >>> x = Made()
    >>> branch = Made(x)
    >>> end = Made(Made(branch, x))
    >>> found = chain(end, x)
    >>> len(found.nodes), branch in found.nodes, len(found.between(x, found.nodes[1]))
    (3, False, 2)
    """
    order = _sorted(output, root)
    if not order or order[0] is not root or order[-1] is not output:
        return None
    places = {node: k for k, node in enumerate(order)}
    up = dict.fromkeys(order, 0)
    up[root] = 1
    used: dict[Any, set[int]] = {}
    for node in order[1:]:
        for argument, index in arguments(node):
            if argument in places:
                up[node] += up[argument]
                used.setdefault(argument, set()).add(index)
    down = dict.fromkeys(order, 0)
    down[output] = 1
    for node in reversed(order):
        for argument, _ in arguments(node):
            if argument in places:
                down[argument] += down[node]
    nodes = tuple(node for node in order if up[node] * down[node] == up[output])
    ranks = {node: k for k, node in enumerate(nodes)}
    return Chain(nodes, tuple(order), places, ranks, frozenset(n for n in order if len(used.get(n, ())) < 2))


def _sorted(output: Node, root: Node) -> list[Any]:
    """Return the nodes from which a path leads to the root, arguments before results."""
    reaches: dict[Any, bool] = {root: True}
    order: list[Any] = [root]
    stack: list[tuple[Any, Iterator[tuple[Any, int]]]] = []
    if output is not root:
        stack.append((output, arguments(output)))
    seen = {root, output}
    while stack:
        node, rest = stack[-1]
        for argument, _ in rest:
            if argument not in seen:
                seen.add(argument)
                stack.append((argument, arguments(argument)))
                break
        else:
            stack.pop()
            reaches[node] = any(reaches.get(a, False) for a, _ in arguments(node))
            if reaches[node]:
                order.append(node)
    return order
