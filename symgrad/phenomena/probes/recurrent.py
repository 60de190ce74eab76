"""Recurrent layers unrolled: nn.RNN, nn.LSTM and nn.GRU step by step, as chains of states whose factors are measured.

The equations are those of PyTorch's documentation, and the unrolled states are compared with the module's own output.
The state of a layer is h, or (h, c) for an LSTM; in a stack the states of all layers stand side by side.

References
----------
Hochreiter & Schmidhuber (1997), Neural Computation 9:1735; Gers, Schmidhuber & Cummins (2000), Neural Computation
12:2451 (forget gate); Cho et al. (2014), arXiv 1406.1078 (GRU).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.phenomena.probes.blocks import BlockKind, Piece
from symgrad.phenomena.probes.checks import name_of
from symgrad.phenomena.probes.extra import require_torch
from symgrad.phenomena.probes.reading import mean_square
from symgrad.phenomena.probes.theory import Weights

Array = NDArray[np.float64]
GATED = {"LSTM": "forget gate", "GRU": "update gate"}


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer in one direction, with the inputs it gets at every step, detached, shape (steps, samples, entries).

    Parameters
    ----------
    name : "layer 0", "layer 0 backwards"
    suffix : of its parameters' names
    mode : LSTM, GRU, RNN_TANH or RNN_RELU
    module : the module it belongs to
    inputs : what it gets
    """

    name: str
    suffix: str
    mode: str
    module: Any = field(repr=False)
    inputs: Any = field(repr=False)

    @property
    def width(self) -> int:
        """Entries of its state, h and c together."""
        size = int(self.module.hidden_size)
        if self.mode != "LSTM":
            return size
        return size + (int(self.module.proj_size) or size)

    def parameter(self, kind: str) -> Any:
        """Return weight_ih, weight_hh, bias_ih, bias_hh or weight_hr of this layer, None where it has none."""
        return getattr(self.module, f"{kind}_{self.suffix}", None)


def layers_of(module: Any, batch: Any) -> tuple[Layer, ...]:
    """Return the layers of a recurrent module with their inputs on a batch, from zero states, lowest first.

    Raises
    ------
    InputError : the unrolled states are not those of the module
    """
    torch = require_torch()
    series = batch.detach()
    if series.dim() == 2:
        series = series[:, None, :]
    elif module.batch_first:
        series = series.transpose(0, 1)
    found = []
    given = series
    for k in range(module.num_layers):
        sides = []
        for back in ("", "_reverse")[: 2 if module.bidirectional else 1]:
            own = series.flip(0) if back else series
            layer = Layer(f"layer {k}{' backwards' if back else ''}", f"l{k}{back}", module.mode, module, own)
            found.append(layer)
            states = torch.stack([_output(layer, s) for s in states_of([layer], linked=False)[1:]]).detach()
            _check_finite(layer, states)
            sides.append(states.flip(0) if back else states)
        series = torch.cat(sides, dim=2)
    own = module(given.transpose(0, 1) if module.batch_first else given)[0].detach()
    own = own.transpose(0, 1) if module.batch_first else own
    near = 1e-3 if own.dtype not in (torch.float32, torch.float64) else float(torch.finfo(own.dtype).eps) ** 0.5
    if not torch.allclose(own, series, rtol=near, atol=near):
        raise InputError(f"the {type(module).__name__} does not follow its textbook equations; it cannot be unrolled")
    return tuple(found)


def _check_finite(layer: Layer, states: Any) -> None:
    torch = require_torch()
    fine = torch.isfinite(states).flatten(1).all(dim=1)
    if not bool(fine.all()):
        step = int((~fine).nonzero()[0]) + 1
        raise InputError(
            f"the states of {layer.name} leave {name_of(states.dtype)} at step {step}: its forward pass explodes; "
            "give smaller weights, a shorter sequence, or a model in float64"
        )


def _output(layer: Layer, state: Any) -> Any:
    """Return h, the part of a state that the layer above sees."""
    return state if layer.mode != "LSTM" else state[:, : layer.width - int(layer.module.hidden_size)]


def stepped(layer: Layer, state: Any, given: Any) -> tuple[Any, Any]:
    """Return the next state of a layer, shape (samples, width), and its forget or update gate, None without one."""
    torch = require_torch()
    linear, names = torch.nn.functional.linear, ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    weight_ih, weight_hh, bias_ih, bias_hh = (layer.parameter(name) for name in names)
    h = _output(layer, state)
    outside, inside = linear(given, weight_ih, bias_ih), linear(h, weight_hh, bias_hh)
    if layer.mode == "LSTM":
        i, f, g, o = (outside + inside).chunk(4, dim=1)
        c = torch.sigmoid(f) * state[:, layer.width - int(layer.module.hidden_size) :] + torch.sigmoid(i) * torch.tanh(
            g
        )
        h = torch.sigmoid(o) * torch.tanh(c)
        projection = layer.parameter("weight_hr")
        return torch.cat([h if projection is None else linear(h, projection), c], dim=1), torch.sigmoid(f)
    if layer.mode == "GRU":
        (r, z, n), (rh, zh, nh) = outside.chunk(3, dim=1), inside.chunk(3, dim=1)
        z = torch.sigmoid(z + zh)
        return (1 - z) * torch.tanh(n + torch.sigmoid(r + rh) * nh) + z * h, z
    function = torch.tanh if layer.mode == "RNN_TANH" else torch.relu
    return function(outside + inside), None


def states_of(layers: Sequence[Layer], *, linked: bool) -> list[Any]:
    """Return the joint states s_0 = 0, s_1, … of several layers, the first one a leaf to differentiate by.

    Linked layers hand their states up at every step; others keep the inputs they were given.
    """
    torch = require_torch()
    first = layers[0].inputs
    width = sum(layer.width for layer in layers)
    state = torch.zeros((first.shape[1], width), dtype=first.dtype, device=first.device, requires_grad=True)
    states = [state]
    for t in range(first.shape[0]):
        parts, made, given = torch.split(state, [layer.width for layer in layers], dim=1), [], None
        for layer, part in zip(layers, parts, strict=True):
            handed = layer.inputs[t] if given is None or not linked else given
            following, _ = stepped(layer, part, handed)
            made.append(following)
            given = _output(layer, following)
        state = torch.cat(made, dim=1) if len(made) > 1 else made[0]
        states.append(state)
    return states


def steps_of(layers: Sequence[Layer], *, linked: bool) -> tuple[Piece, ...]:
    """Return the time steps of several layers together as blocks."""
    states = states_of(layers, linked=linked)
    return tuple(
        Piece(f"step {t}", BlockKind.STEP, before, after, None)
        for t, (before, after) in enumerate(pairwise(states), start=1)
    )


def gates_of(layer: Layer) -> Array | None:
    """Return log of the forget or update gates along the layer's own orbit, shape (steps, samples, units)."""
    torch = require_torch()
    if layer.mode not in GATED:
        return None
    with torch.no_grad():
        state = torch.zeros((layer.inputs.shape[1], layer.width), dtype=layer.inputs.dtype, device=layer.inputs.device)
        found = []
        for given in layer.inputs:
            state, gate = stepped(layer, state, given)
            found.append(gate)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(torch.stack(found).double().cpu().numpy()))


def log_path(gates: Array) -> Array:
    """Return log(‖∏ diag(gate_t)‖_F/√n) for each sample, from the logs of the gates.

    >>> log_path(np.log(np.full((100, 2, 3), 0.5))).round(3).tolist()
    [-69.315, -69.315]
    """
    sums = 2.0 * gates.sum(axis=0)
    top = sums.max(axis=1, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(0.5 * (safe[:, 0] + np.log(np.exp(sums - safe).mean(axis=1))))


def law_of(layer: Layer) -> tuple[Weights, str] | None:
    """Return a vanilla layer as theory sees it: recurrent weights, and the inputs as biases; None for gated ones."""
    torch = require_torch()
    if layer.mode in GATED:
        return None
    weight, bias = layer.parameter("weight_hh"), layer.parameter("bias_hh")
    with torch.no_grad():
        outside = torch.nn.functional.linear(layer.inputs, layer.parameter("weight_ih"), layer.parameter("bias_ih"))
        drive = mean_square(outside if bias is None else outside + bias)
    size = int(weight.shape[1])
    return Weights(size * mean_square(weight), drive, size), "tanh" if layer.mode == "RNN_TANH" else "relu"
