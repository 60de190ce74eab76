"""Compositions f_n∘…∘f_1: tied, untied and driven chains of maps whose depth may be a symbol."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Symbol, SympifyError, sympify

from symgrad.errors import InputError
from symgrad.maps.map import Map
from symgrad.maps.text import checked_name, expression, to_text
from symgrad.parsing import parse_layers
from symgrad.symbols import k

LONGEST_BODY = 1000
BLOCK = re.compile(r"\{(?P<chain>[^{}]*)\}\^(?P<depth>\w+|\([^{}]*\))")


@dataclass(frozen=True)
class Block:
    """A body of layers (the first is applied first) that is applied ``depth`` times; k counts the applications."""

    body: tuple[Map, ...]
    depth: Expr

    @property
    def layers(self) -> Expr:
        """The number of layers, body length times depth."""
        return len(self.body) * self.depth


@dataclass(frozen=True, repr=False)
class Composition:
    """A chain of blocks, the first of which is applied first.

    Built with ``f @ g`` (g first), ``f**n``, ``stack([f1, f2])`` (f1 first) and ``stack(f, n)``.

    >>> f, g = Map("tanh(w*x)", "x"), Map("v*x", "x")
    >>> (f @ g) ** Symbol("n", integer=True, positive=True)
    Composition('x -> {v*x | tanh(w*x)}^n')
    """

    blocks: tuple[Block, ...]

    @property
    def state(self) -> tuple[Symbol, ...]:
        """The symbols of the state, one for each component."""
        return self.blocks[0].body[0].state

    @property
    def dimension(self) -> int:
        """The number of components of the state."""
        return len(self.state)

    @property
    def domain(self) -> str:
        """The numbers the state is made of, "real" or "complex"."""
        return self.blocks[0].body[0].domain

    @property
    def maps(self) -> tuple[Map, ...]:
        """The distinct maps, in order of first application."""
        return tuple(dict.fromkeys(m for block in self.blocks for m in block.body))

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """The parameters shared by all applications, sorted by name."""
        return tuple(sorted({p for m in self.maps for p in m.parameters}, key=lambda s: s.name))

    @property
    def layered(self) -> tuple[str, ...]:
        """The names with a value per application of their block, sorted."""
        return tuple(sorted({name for m in self.maps for name in m.layered}))

    @property
    def depth(self) -> Expr:
        """How often the chain is applied: the depth of a single block, otherwise 1."""
        return self.blocks[0].depth if len(self.blocks) == 1 else Integer(1)

    @property
    def depth_symbols(self) -> tuple[Symbol, ...]:
        """The symbols among the depths."""
        return tuple(dict.fromkeys(s for b in self.blocks for s in sorted(b.depth.free_symbols, key=str)))

    def at_depth(self, depth: int | Expr | None) -> "Composition":
        """Return the composition with its symbolic depth replaced by ``depth``.

        >>> (Map("w*x", "x") ** Symbol("n", integer=True, positive=True)).at_depth(7)
        Composition('x -> {w*x}^7')
        """
        symbols = self.depth_symbols
        if depth is None:
            if symbols:
                raise InputError(f"the depth {symbols[0]} has no value; give depth, a positive integer, e.g. 50")
            return self
        value = checked_depth(depth)
        if not symbols:
            if self.depth != value:
                raise InputError(f"the composition has depth {self.depth}, not {depth}; build it with a symbolic depth")
            return self
        if len(symbols) > 1:
            raise InputError(
                f"several depths are symbols ({', '.join(map(str, symbols))}); build it with numbers for all"
            )
        return _named_apart(
            Composition(tuple(Block(b.body, b.depth.xreplace({symbols[0]: value})) for b in self.blocks))
        )

    def schedule(self) -> Iterator[tuple[Map, int]]:
        """Yield (map, k) in order of application, for literal depths."""
        for block in self.at_depth(None).blocks:
            for application in range(1, int(block.depth) + 1):
                for layer in block.body:
                    yield layer, application

    @property
    def canonical(self) -> str:
        """The text that parses back to an equal composition."""
        header = self.blocks[0].body[0].canonical.split(" -> ")[0]
        chains = [" | ".join(m.canonical.split(" -> ", 1)[1] for m in b.body) for b in self.blocks]
        depths = [
            str(b.depth) if b.depth.is_Integer or b.depth.is_Symbol else f"({to_text(b.depth)})" for b in self.blocks
        ]
        texts = [f"{{{c}}}^{depth}" for c, depth in zip(chains, depths, strict=True)]
        return f"{header} -> {' '.join(texts)}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical text, in hexadecimal."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"Composition({self.canonical!r})"

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return composition_from_canonical, (self.canonical,)

    def __matmul__(self, inner: "Map | Composition") -> "Composition":
        """Return self ∘ inner: ``inner`` is applied first."""
        return compose(inner, self)

    def __pow__(self, depth: int | Expr) -> "Composition":
        """Return the composition applied ``depth`` times."""
        return repeat(self, depth)


def checked_depth(depth: Any) -> Expr:
    """Return a depth as a positive Integer or positive integer Symbol, or refuse it."""
    try:
        value = sympify(depth, strict=True) if not isinstance(depth, bool | float | str) else None
    except SympifyError:
        value = None
    if isinstance(value, Integer) and value > 0:
        return value
    if isinstance(value, Expr) and value.free_symbols and value.is_integer and value.is_positive:
        return _counting(value)
    raise InputError(f"depth must be a positive integer or a positive integer symbol, got {depth!r}; give e.g. 50 or n")


def _counting(depth: Expr) -> Expr:
    """Replace the symbols of a depth by the positive integers of their names."""
    return depth.xreplace({s: Symbol(checked_name(s.name), integer=True, positive=True) for s in depth.free_symbols})


def _named_apart(chain: Composition) -> Composition:
    """Return the chain if no symbol of a depth shares its name with a state, a parameter or the index of the layers."""
    taken = {s.name for s in (*chain.state, *chain.parameters, k)} | set(chain.layered)
    for symbol in chain.depth_symbols:
        if symbol.name in taken:
            what = "the index of the layers" if symbol.name == k.name else "a state or parameter of the chain"
            raise InputError(f"the depth {symbol.name!r} has the name of {what}; give the depth another name")
    counted = any(block.depth != 1 for block in chain.blocks)
    if counted and k.name in {s.name for s in (*chain.state, *chain.parameters)}:
        raise InputError("'k' counts the layers of a repeated chain; give the state or parameter another name")
    return chain


def as_composition(chain: Map | Composition) -> Composition:
    """Return a map as the composition of one layer, a composition as it is."""
    if isinstance(chain, Composition):
        return chain
    if not isinstance(chain, Map):
        raise InputError(
            f"a map or composition is needed, got {str(chain)[:60]!r}; make one, e.g. Map('tanh(w*x)', 'x')"
        )
    return Composition((Block((chain,), Integer(1)),))


def _joined(blocks: Iterable[Block]) -> tuple[Block, ...]:
    """Merge neighbouring blocks of depth 1, so that one chain has one form."""
    joined: list[Block] = []
    for block in blocks:
        if joined and block.depth == 1 and joined[-1].depth == 1:
            joined[-1] = Block(joined[-1].body + block.body, Integer(1))
        else:
            joined.append(block)
    return tuple(joined)


def compose(first: Map | Composition, *later: Map | Composition) -> Composition:
    """Return the composition that applies ``first``, then ``later`` in order."""
    chains = [as_composition(c) for c in (first, *later)]
    state, domain = chains[0].state, chains[0].domain
    for chain in chains:
        if chain.dimension != len(state) or chain.domain != domain:
            raise InputError(
                f"a {chain.domain} map of {chain.dimension} components cannot follow a {domain} one of {len(state)}; "
                "compose maps of equally many components and one domain"
            )
    blocks = [Block(tuple(m.renamed(state) for m in b.body), b.depth) for c in chains for b in c.blocks]
    composed = Composition(_joined(blocks))
    names = {p.name for p in composed.parameters}
    if both := names & set(composed.layered):
        raise InputError(f"{both.pop()!r} is shared in one layer and has a value per layer in another; rename one")
    if clash := {s.name for s in state} & (names | set(composed.layered)):
        raise InputError(f"{clash.pop()!r} is a state in one layer and a parameter in another; rename one of them")
    return _named_apart(composed)


def repeat(chain: Map | Composition, depth: int | Expr) -> Composition:
    """Return the chain applied ``depth`` times."""
    times, whole = checked_depth(depth), as_composition(chain)
    if times == 1:
        return whole
    if len(whole.blocks) == 1 and (whole.depth == 1 or not whole.layered):
        return _named_apart(Composition((Block(whole.blocks[0].body, whole.depth * times),)))
    lengths = [b.layers for b in whole.blocks]
    if whole.layered or not all(n.is_Integer for n in lengths) or sum(lengths) > LONGEST_BODY:
        raise InputError(
            "a repeated chain inside a repeated chain must have literal depths, no values per layer and at most "
            f"{LONGEST_BODY} layers; repeat the inner chain with a number, e.g. (f**3 @ g)**n"
        )
    body = tuple(m for b in whole.blocks for _ in range(int(b.depth)) for m in b.body)
    return _named_apart(Composition((Block(body, times),)))


def stack(
    layers: Map | Composition | Sequence[Map | Composition],
    depth: int | Expr | None = None,
    *,
    untied: Iterable[str] | None = None,
) -> Composition:
    """Stack different layers (the first is applied first), or one layer ``depth`` times with parameters of its own.

    ``stack([f1, f2])`` is f2 ∘ f1. ``stack(f, n)`` gives every application its own value of every parameter, or of
    those named in ``untied``.

    >>> stack(Map("w*x + b", "x"), 3, untied=["w"])
    Composition('x -> {b + x*w[k]}^3')
    """
    if isinstance(layers, Sequence):
        if not layers:
            raise InputError("no layers were given to stack; give at least one map")
        chain = compose(*layers)
        return chain if depth is None else stack(chain, depth, untied=untied)
    if depth is None:
        raise InputError("stack of a single layer needs a depth; give e.g. stack(f, 10) or stack(f, n)")
    whole = as_composition(layers)
    wanted = {p.name for p in whole.parameters} if untied is None else set(untied)
    if unknown := wanted - {p.name for p in whole.parameters}:
        known = ", ".join(p.name for p in whole.parameters) or "none"
        raise InputError(f"untied parameter {sorted(unknown)[0]!r} is not a parameter of the chain; it has {known}")
    blocks = [
        Block(tuple(m.untied([p.name for p in m.parameters if p.name in wanted]) for m in b.body), b.depth)
        for b in whole.blocks
    ]
    return repeat(Composition(tuple(blocks)), depth)


def composition_from_text(
    text: str, *, state: Sequence[str] = ("x",), depth: int | Expr = 1, untied: Iterable[str] = ()
) -> Composition:
    """Read layers separated by ``|`` (first layer first) and apply the chain ``depth`` times.

    >>> composition_from_text("tanh(w*x) | v*x", depth=5, untied=["v"])
    Composition('x -> {tanh(w*x) | x*v[k]}^5')
    """
    layers = [Map([expression(node) for node in components], state) for components in parse_layers(text)]
    chain = compose(*layers)
    names = tuple(untied)
    return stack(chain, depth, untied=names) if names else repeat(chain, depth)


def _header(text: str) -> tuple[str, tuple[str, ...], str]:
    header, arrow, body = text.partition(" -> ")
    domain = "complex" if header.startswith("complex ") else "real"
    names = tuple(name.strip() for name in header.removeprefix("complex ").split(","))
    if not arrow:
        raise InputError(f"{text[:60]!r} has no arrow; a canonical text reads 'x -> w*x + b'")
    return domain, names, body


def map_from_canonical(text: str) -> Map:
    """Read a map back from its canonical text.

    >>> f = Map("w*tanh(x) + b", "x")
    >>> map_from_canonical(f.canonical) == f
    True
    """
    domain, names, body = _header(text)
    return _layer(body, names, domain)


def _layer(text: str, names: Sequence[str], domain: str) -> Map:
    (components, *others) = parse_layers(text)
    if others:
        raise InputError(
            f"one layer is needed, got {1 + len(others)} in {text[:60]!r}; read a chain of several instead"
        )
    return Map([expression(node, domain) for node in components], names, domain=domain)


def _depth(text: str) -> Expr:
    if text.isdigit():
        return checked_depth(int(text))
    depth = expression(text)
    return checked_depth(depth.xreplace({s: Symbol(s.name, integer=True, positive=True) for s in depth.free_symbols}))


def composition_from_canonical(text: str) -> Composition:
    """Read a composition back from its canonical text.

    >>> f = Map("w*tanh(x) + b", "x") ** 3
    >>> composition_from_canonical(f.canonical) == f
    True
    """
    domain, names, body = _header(text)
    found = list(BLOCK.finditer(body))
    if not found or " ".join(match[0] for match in found) != body:
        raise InputError(f"{text[:60]!r} is no chain; a canonical text reads 'x -> {{tanh(w*x) | v*x}}^n'")
    blocks = []
    for match in found:
        parts = [tuple(expression(node, domain) for node in layer) for layer in parse_layers(match["chain"])]
        blocks.append(Block(tuple(Map(part, names, domain=domain) for part in parts), _depth(match["depth"])))
    return compose(Composition((blocks[0],)), *(Composition((block,)) for block in blocks[1:]))
