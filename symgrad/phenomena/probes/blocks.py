"""The blocks of a network: the pieces between its dominators, each with one set of weights and what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any

from symgrad.errors import InputError
from symgrad.phenomena.probes.extra import require_torch
from symgrad.phenomena.probes.graphs import Chain, chain
from symgrad.phenomena.probes.reading import (
    Graph,
    function_of,
    graph,
    mean_square,
    nonlinearity_of,
    operations,
    original,
)
from symgrad.phenomena.probes.theory import Nonlinear, Operation, Skip, Weights
from symgrad.phenomena.probes.tracing import Call, Trace


class BlockKind(Enum):
    """What a block is; the value is the sentence."""

    LAYER = "layer: weights with the nonlinearity and normalisation that belong to them"
    SKIP = "skip: a branch added to its own input"
    RECURRENT = "recurrent: a recurrent layer over all its time steps"
    STEP = "step: one time step of a recurrent layer"
    FUNCTION = "function: no weights of its own"
    CUSTOM = "custom: code that is measured as a whole"

    @property
    def word(self) -> str:
        """The name in lower case, as JSON and tables print it."""
        return self.name.lower()


@dataclass(frozen=True, eq=False)
class Piece:
    """What lies between two tensors of the network.

    Parameters
    ----------
    name : of the modules or functions in it
    kind : what it is
    before, after : the tensors at its ends, samples first
    operations : what it does, None where theory does not know it
    activations : pairs of tensors before and after each nonlinearity in it
    channels : whether units are channels, the second dimension
    """

    name: str
    kind: BlockKind
    before: Any
    after: Any
    operations: tuple[Operation, ...] | None
    activations: tuple[tuple[str, Any, Any], ...] = field(default=(), repr=False)
    channels: bool = False


@dataclass(frozen=True, eq=False)
class _Cut:
    """A trace with its chain and the boundaries used, as nodes."""

    trace: Trace
    graph: Graph
    nodes: tuple[Any, ...]


def blocks_of(trace: Trace) -> tuple[Piece, ...]:
    """Return the blocks of a traced network, input side first.

    Raises
    ------
    InputError : the samples of the batch affect one another
    """
    output = trace.output
    found = chain(output.grad_fn, trace.start.grad_fn)
    if found is None:
        raise InputError("the model's output does not depend on the batch differentiably; nothing can be measured")
    cut = _Cut(trace, graph(found, trace.calls), _boundaries(trace, found))
    pieces = [_piece(cut, a, b) for a, b in pairwise(cut.nodes)]
    return grouped(pieces)


def _boundaries(trace: Trace, found: Chain) -> tuple[Any, ...]:
    """Return the dominators whose tensors are at hand, copies once, at which the samples are still apart."""
    torch = require_torch()
    rows = trace.start.shape[0]
    check_samples_first(trace)
    usable: list[Any] = []
    for node in found.nodes:
        tensor = trace.tensors.get(node)
        if tensor is None or tensor.dim() == 0 or tensor.shape[0] != rows or node not in found.single:
            continue
        if not usable or original(usable[-1]) is not original(node):
            usable.append(node)
    last = trace.output.grad_fn
    if usable and original(usable[-1]) is original(last) and usable[-1] is not trace.start.grad_fn:
        usable.pop()
    if last not in usable:
        usable.append(last)
    if rows == 1:
        return tuple(usable)
    single = torch.zeros_like(trace.output)
    single[0] = 1.0
    tensors = [trace.tensors[node] for node in usable]
    reached = torch.autograd.grad(trace.output, tensors, single, retain_graph=True)
    apart = [not bool(part[1:].any()) for part in reached]
    if not apart[0]:
        raise InputError(
            "the rows of the batch affect one another, so that no Jacobian of a single sample exists; "
            "give samples along the first dimension, x[None] for one, and normalisation with running statistics"
        )
    return tuple(node for node, fine in zip(usable, apart, strict=True) if fine)


def check_samples_first(trace: Trace) -> None:
    """Refuse an output whose first dimension does not count the samples."""
    rows, shape = trace.start.shape[0], tuple(trace.output.shape)
    if not shape or shape[0] != rows:
        raise InputError(
            f"a batch of {rows} samples gave an output of shape {shape}; the first dimension of both must count "
            "the samples, x[None] for a single one"
        )


def _piece(cut: _Cut, before: Any, after: Any) -> Piece:
    found = cut.graph.chain
    inner = found.between(before, after)
    calls = [call for node in inner if original(node) is node for call in cut.graph.ended.get(node, ())]
    span = cut.graph.calls.get((original(before), original(after)))
    does = operations(cut.graph, before, after)
    channels = any(type(call.module).__name__.startswith("Conv") for call in calls)
    tensors = cut.trace.tensors
    name = _name(span, calls, inner, does)
    return Piece(
        name, _kind(does, calls), tensors[before], tensors[after], does, _activations(cut, before, after), channels
    )


def _kind(does: tuple[Operation, ...] | None, calls: Sequence[Call]) -> BlockKind:
    nn = require_torch().nn
    if does is not None:
        if any(isinstance(o, Skip) for o in does):
            return BlockKind.SKIP
        return BlockKind.LAYER if any(isinstance(o, Weights) for o in does) else BlockKind.FUNCTION
    if any(isinstance(call.module, nn.RNNBase) for call in calls):
        return BlockKind.RECURRENT
    side = ("Norm", "PReLU")
    heavy = [c for c in calls if not any(word in type(c.module).__name__ for word in side)]
    if any(next(iter(c.module.parameters(recurse=False)), None) is not None for c in heavy):
        return BlockKind.CUSTOM
    return BlockKind.FUNCTION


def _name(span: Call | None, calls: Sequence[Call], nodes: Sequence[Any], does: tuple[Operation, ...] | None) -> str:
    if span is not None:
        return described(span)
    outer = [
        call for call in calls if call.name and not any(call.name.startswith(f"{c.name}.") for c in calls if c.name)
    ]
    names = [described(call) for call in outer]
    if does is not None and any(isinstance(o, Skip) for o in does):
        around = [call.name for call in outer]
        return f"skip around {' … '.join(around[:: max(1, len(around) - 1)]) or 'a branch'}"
    functions = [function_of(node).lower() for node in nodes if original(node) is node]
    shown = list(dict.fromkeys(functions))
    return ", ".join(names) if names else " and ".join(shown[:3]) + (" and more" if len(shown) > 3 else "")


def described(call: Call) -> str:
    """Return a module's name and kind, with its sizes where it has weights."""
    module, kind = call.module, type(call.module).__name__
    sizes = [getattr(module, n, None) for n in ("in_features", "out_features")]
    if sizes == [None, None]:
        sizes = [getattr(module, n, None) for n in ("in_channels", "out_channels")]
    suffix = f"({sizes[0]}→{sizes[1]})" if None not in sizes else ""
    return f"{call.name} {kind}{suffix}".strip()


def _activations(cut: _Cut, before: Any, after: Any) -> tuple[tuple[str, Any, Any], ...]:
    """Return the nonlinearities of a piece whose tensors on both sides are at hand."""
    pairs = []
    for node in cut.graph.chain.between(before, after):
        phi, tensor = nonlinearity_of(node), cut.trace.tensors.get(node)
        if phi is None or tensor is None:
            continue
        source = node.next_functions[0][0]
        while source is not None and source not in cut.trace.tensors and source.name() == "CloneBackward0":
            source = source.next_functions[0][0]
        given = cut.trace.tensors.get(source)
        if given is not None and given.shape == tensor.shape:
            pairs.append((phi, given, tensor))
    return tuple(pairs)


def grouped(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return blocks: each begins at its weights, or ends there in a network that begins with a nonlinearity."""
    heavy = [piece.kind is not BlockKind.FUNCTION for piece in pieces]
    if not any(heavy):
        return tuple(pieces)
    first = heavy.index(True)
    ends = any(isinstance(o, Nonlinear) for piece in pieces[:first] for o in piece.operations or ())
    groups: list[list[Piece]] = [[]]
    holds = False
    for piece, weighs in zip(pieces, heavy, strict=True):
        if holds and (ends or weighs):
            groups.append([])
            holds = False
        groups[-1].append(piece)
        holds = holds or weighs
    if not holds and len(groups) > 1:
        groups[-2:] = [groups[-2] + groups[-1]]
    return tuple(_joined(group) for group in groups)


def _joined(group: Sequence[Piece]) -> Piece:
    """Return several pieces in a row as one block."""
    if len(group) == 1:
        return group[0]
    heavy = [piece.kind for piece in group if piece.kind is not BlockKind.FUNCTION]
    parts = [piece.operations for piece in group]
    does = None if None in parts else tuple(o for part in parts if part is not None for o in part)
    return Piece(
        " + ".join(piece.name for piece in group),
        heavy[0] if heavy else BlockKind.FUNCTION,
        group[0].before,
        group[-1].after,
        does,
        tuple(pair for piece in group for pair in piece.activations),
        any(piece.channels for piece in group),
    )


def start_square(blocks: Sequence[Piece]) -> float:
    """Return the mean square of what goes into the first block."""
    return mean_square(blocks[0].before)
