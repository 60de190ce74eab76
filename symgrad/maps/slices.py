"""Slices of a net: per-layer parameters tied to a few swept names, in short blocks of tied maps at any depth.

Cutting a chain where the names change gives one block for each stretch of layers between two cuts. Inside a stretch a
covered parameter is the swept name, shared by its layers; one that no name covers keeps a value per layer, under its
own name if it lives in one stretch, otherwise under the name ``w_4``, where 4 is the first layer of the stretch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sympy import Expr, Integer

from symgrad.errors import InputError
from symgrad.maps.composition import Block, Composition, compose
from symgrad.maps.map import Map, layer_value
from symgrad.parsing import LayerRange, Slice, check_layers, parse_slice
from symgrad.symbols import real


@dataclass(frozen=True)
class SlicedComposition:
    """A chain in which swept names stand for the layers of a slice.

    Parameters
    ----------
    composition : the chain, in which every swept name is a parameter that layers share
    names : the swept names, in the order given
    left : name with a value per layer in ``composition`` → the layers of the original chain whose values it takes
    """

    composition: Composition
    names: tuple[str, ...]
    left: Mapping[str, LayerRange]


def apply_slice(chain: Composition, ties: Slice | str) -> SlicedComposition:
    """Return the chain in which each layer of a slice uses its swept name in place of its own value.

    Parameters
    ----------
    chain : one block of literal depth; layer k is its k-th application
    ties : swept name → layers, or the text of it

    Raises
    ------
    InputError : a parameter without a value per layer, layers beyond the depth, a symbolic depth, a name in use

    Examples
    --------
    >>> from symgrad.maps.composition import stack
    >>> net = stack(Map("w*x", "x"), 6)
    >>> apply_slice(net, "u=w[1..3], v=w[4..6]").composition
    Composition('x -> {u*x}^3 {v*x}^3')
    >>> apply_slice(net, "u=w[3..4]").left["w_5"]
    LayerRange(parameter='w', first=5, last=6)
    """
    given = parse_slice(ties if isinstance(ties, str) else _text(ties))
    depth = _checked(chain, given)
    cuts = sorted({1, depth + 1, *(edge for r in _ranges(given) for edge in (r.first, r.last + 1))})
    stretches = [(first, after - 1) for first, after in pairwise(cuts)]
    owner = _owners(given, [first for first, _ in stretches])
    homes = {name: [s for s in stretches if (name, s[0]) not in owner and s[0] <= depth] for name in chain.layered}
    taken = {s.name for s in (*chain.state, *chain.parameters)} | set(chain.layered) | set(given)
    left: dict[str, LayerRange] = {}
    blocks = []
    for first, last in stretches:
        renaming: dict[str, str] = {}
        for name in chain.layered:
            if (name, first) in owner:
                continue
            own = name if len(homes[name]) == 1 else _free(f"{name}_{first}", taken)
            renaming[name] = own
            left[own] = LayerRange(name, first, last)
        tied = {name: owner[name, first] for name in chain.layered if (name, first) in owner}
        body = tuple(_renamed(layer, tied, renaming) for layer in chain.blocks[0].body)
        blocks.append(Composition((Block(body, Integer(last - first + 1)),)))
    return SlicedComposition(compose(*_merged(blocks)), tuple(given), left)


def _text(ties: Slice) -> str:
    return ", ".join(f"{name}={'+'.join(map(str, ranges))}" for name, ranges in ties.items())


def _ranges(ties: Slice) -> list[LayerRange]:
    return [r for ranges in ties.values() for r in ranges]


def _checked(chain: Composition, ties: Slice) -> int:
    """Return the depth of the chain, or refuse what cannot be sliced."""
    if len(chain.blocks) != 1 or not chain.depth.is_Integer:
        raise InputError(
            f"a slice needs one chain of literal depth, got {chain.canonical[:60]!r}; give a number of layers"
        )
    depth = int(chain.depth)
    for name in ties:
        if name in {s.name for s in chain.state}:
            raise InputError(f"the slice names {name}, which is a component of the state; give it another name")
        if name in {p.name for p in chain.parameters} | set(chain.layered):
            raise InputError(f"the slice names {name}, which is a parameter of the chain; give it another name")
    for one in _ranges(ties):
        check_layers(one, layered=chain.layered, depth=depth)
    return depth


def _owners(ties: Slice, firsts: Sequence[int]) -> dict[tuple[str, int], str]:
    """Return (parameter, first layer of a stretch) → swept name."""
    return {
        (r.parameter, first): name
        for name, ranges in ties.items()
        for r in ranges
        for first in firsts
        if r.first <= first <= r.last
    }


def _free(name: str, taken: set[str]) -> str:
    """Return the name with as many underscores as make it new."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _renamed(layer: Map, tied: Mapping[str, str], renaming: Mapping[str, str]) -> Map:
    """Return a layer with swept names for its tied parameters and the new names of those left."""
    values: dict[Expr, Expr] = {layer.symbol(name): real(own) for name, own in tied.items()}
    values |= {layer.symbol(name): layer_value(own, layer.domain) for name, own in renaming.items()}
    return Map([e.xreplace(values) for e in layer.exprs], layer.state, domain=layer.domain)


def _merged(chains: Sequence[Composition]) -> list[Composition]:
    """Join neighbouring stretches that do the same and keep no value per layer."""
    joined: list[Composition] = []
    for chain in chains:
        (block,) = chain.blocks
        if joined and not chain.layered and joined[-1].blocks[0].body == block.body:
            joined[-1] = Composition((Block(block.body, joined[-1].blocks[0].depth + block.depth),))
        else:
            joined.append(chain)
    return joined
