"""From a graph of derivatives to the operations that theory knows: weights, nonlinearities, normalisation, skips."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symgrad.phenomena.probes.extra import require_torch
from symgrad.phenomena.probes.graphs import Chain, arguments, chain
from symgrad.phenomena.probes.theory import Nonlinear, Normalised, Operation, Scaled, Skip, Weights
from symgrad.phenomena.probes.tracing import Call

COPY = "CloneBackward0"
SHAPES = frozenset("Clone Alias View UnsafeView ReshapeAlias Transpose T Permute Unsqueeze Squeeze ToCopy".split())
SELU = 1.0507009873554805, 1.6732632423543772


def _elu(node: Any) -> str:
    scale, alpha = float(node._saved_scale), float(node._saved_alpha)
    if abs(scale - SELU[0]) < 1e-9 and abs(alpha - SELU[1]) < 1e-9:
        return "selu"
    return "elu" if scale == alpha == 1.0 else f"{scale!r}*(Max(0, x) + {alpha!r}*(exp(Min(0, x)) - 1))"


def _softplus(node: Any) -> str:
    beta = float(node._saved_beta)
    return "softplus" if beta == 1.0 else f"softplus({beta!r}*x)/{beta!r}"


def _gelu(node: Any) -> str:
    if getattr(node, "_saved_approximate", "none") == "none":
        return "gelu"
    return "x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2"


def _clipped(node: Any) -> str:
    low, high = float(node._saved_min_val), float(node._saved_max_val)
    return f"Min({high!r}, Max({low!r}, x))"


def _leaky(node: Any) -> str:
    slope = float(node._saved_negative_slope)
    return "leaky_relu" if slope == 0.01 else f"Max(0, x) + {slope!r}*Min(0, x)"


NONLINEARITIES: Mapping[str, str | Callable[[Any], str]] = {
    "TanhBackward0": "tanh",
    "SigmoidBackward0": "sigmoid",
    "ReluBackward0": "relu",
    "SiluBackward0": "silu",
    "MishBackward0": "mish",
    "SinBackward0": "sin",
    "ErfBackward0": "erf",
    "AtanBackward0": "atan",
    "ExpBackward0": "exp",
    "AbsBackward0": "abs(x)",
    "LogSigmoidBackward0": "-softplus(-x)",
    "HardtanhBackward0": _clipped,
    "LeakyReluBackward0": _leaky,
    "GeluBackward0": _gelu,
    "SoftplusBackward0": _softplus,
    "EluBackward0": _elu,
}
MODULES: Mapping[str, str] = {"Softsign": "softsign", "Tanhshrink": "x - tanh(x)"}


def function_of(node: Any) -> str:
    """Return the function that a node is the derivative of, e.g. "Tanh"."""
    return re.sub(r"Backward\d*$", "", str(node.name()).rsplit("::", 1)[-1])


def nonlinearity_of(node: Any) -> str | None:
    """Return φ of a node as symgrad writes it, None for a node that is no known nonlinearity."""
    found = NONLINEARITIES.get(node.name())
    return found(node) if callable(found) else found


def original(node: Any) -> Any:
    """Return the node that a copy was made from, the node itself where it is no copy."""
    while node is not None and node.name() == COPY and node.next_functions[0][0] is not None:
        following = node.next_functions[0][0]
        if following.name() == "torch::autograd::AccumulateGrad":
            break
        node = following
    return node


@dataclass(frozen=True, eq=False)
class Graph:
    """A chain of dominators with the modules that ran along it.

    Parameters
    ----------
    chain : the dominators
    calls : (node before, node after) without copies → the innermost module between them
    ended : node without copies → the modules that ended there
    """

    chain: Chain
    calls: Mapping[tuple[Any, Any], Call] = field(repr=False)
    ended: Mapping[Any, list[Call]] = field(repr=False)


def graph(chain: Chain, calls: tuple[Call, ...]) -> Graph:
    """Return the chain with its modules; of several between the same nodes the innermost counts."""
    spans: dict[tuple[Any, Any], Call] = {}
    ended: dict[Any, list[Call]] = {}
    for call in calls:
        if call.after is not None:
            ended.setdefault(original(call.after), []).append(call)
        key = original(call.before), original(call.after)
        if None not in key and key[0] is not key[1]:
            spans.setdefault(key, call)
    return Graph(chain, spans, ended)


def operations(found: Graph, before: Any, after: Any) -> tuple[Operation, ...] | None:
    """Return the operations between two dominators, None where one of them is not known to theory."""
    nodes = found.chain.nodes[found.chain.ranks[before] : found.chain.ranks[after] + 1]
    made: list[Operation] = []
    k = 0
    while k < len(nodes) - 1:
        spanned = _span(found, nodes, k)
        if spanned is not None:
            k, row = spanned
        else:
            k += 1
            row = _single(found, nodes[k - 1], nodes[k])
        if row is None:
            return None
        made += row
    return tuple(made)


def _span(found: Graph, nodes: Sequence[Any], k: int) -> tuple[int, list[Operation] | None] | None:
    """Return the place after the known module that begins at nodes[k] and what it does, None if none begins there."""
    here = original(nodes[k])
    for j in range(len(nodes) - 1, k, -1):
        call = found.calls.get((here, original(nodes[j])))
        if call is None:
            continue
        row = of_module(call.module)
        if row is not None:
            return j, row
    return None


def of_module(module: Any) -> list[Operation] | None:
    """Return what a layer does, None for a module that is no known layer."""
    nn = require_torch().nn
    if isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)) and module.weight.is_floating_point():
        fan_in = int(module.weight[0].numel())
        biases = 0.0 if module.bias is None else mean_square(module.bias)
        return [Weights(fan_in * mean_square(module.weight), biases, fan_in)]
    rms = getattr(nn, "RMSNorm", ())
    if isinstance(module, nn.LayerNorm) or (rms and isinstance(module, rms)):
        gain = 1.0 if module.weight is None else mean_square(module.weight)
        shift = getattr(module, "bias", None)
        return [Normalised(gain, 0.0 if shift is None else mean_square(shift))]
    name = type(module).__name__
    return [Nonlinear(MODULES[name])] if name in MODULES else None


def mean_square(tensor: Any) -> float:
    """Return the mean square of a tensor's entries, in float64."""
    return float(tensor.detach().double().square().mean())


def _single(found: Graph, before: Any, after: Any) -> list[Operation] | None:
    """Return what lies between two neighbouring dominators."""
    phi = nonlinearity_of(after)
    inner = found.chain.between(before, after)
    if len(inner) == 1:
        if function_of(after) in SHAPES:
            return []
        if phi is not None:
            return [Nonlinear(phi)]
        scale = _scale(after)
        return None if scale is None else [Scaled(scale)]
    return _skip(found, before, after)


def _scale(node: Any) -> float | None:
    """Return the number that a node multiplies by, None if it does anything else."""
    other = getattr(node, "_saved_other", None)
    if node.name() not in ("MulBackward0", "DivBackward0") or other is None or other.dim():
        return None
    return float(other) if node.name() == "MulBackward0" else 1.0 / float(other)


def _skip(found: Graph, before: Any, after: Any) -> list[Operation] | None:
    """Return the skip connection x + s·branch(x) that ends in a sum, None where this is something else."""
    sides = [a for a, _ in arguments(after) if a in found.chain.places]
    if after.name() != "AddBackward0" or len(sides) != 2:
        return None
    here = original(before)
    straight = [original(side) is here for side in sides]
    if sum(straight) != 1:
        return None
    branch = sides[straight.index(False)]
    alpha = float(getattr(after, "_saved_alpha", 1) or 1)
    if straight.index(False) == 0 and alpha != 1.0:
        return None
    path = chain(branch, here)
    if path is None:
        return None
    inside = operations(Graph(path, found.calls, found.ended), here, branch)
    return None if inside is None else [Skip(*_pulled_out(inside, alpha))]


def _pulled_out(branch: tuple[Operation, ...], scale: float) -> tuple[tuple[Operation, ...], float]:
    """Return the branch without the scale at its end, and the scale with it."""
    while branch and isinstance(branch[-1], Scaled):
        scale, branch = scale * branch[-1].factor, branch[:-1]
    return branch, scale
