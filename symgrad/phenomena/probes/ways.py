"""The ways through time in a recurrent module: whole states, cell paths and gates; and what would lengthen them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.probes.extra import one_line
from symgrad.phenomena.probes.measuring import Gains, gains
from symgrad.phenomena.probes.recurrent import GATED, Array, Layer, gates_of, law_of, layers_of, log_path, steps_of
from symgrad.phenomena.probes.regimes import GradientRegime, name_regime
from symgrad.phenomena.probes.results import Path, mean_and_error
from symgrad.phenomena.probes.theory import Nonlinear, Prediction, Suggestion, predict, suggest


@dataclass(frozen=True, eq=False)
class Unrolled:
    """A recurrent module on a batch: its layers, what was measured of each, and its ways through time."""

    layers: tuple[Layer, ...] = field(repr=False)
    gains: tuple[Gains, ...] = field(repr=False)
    paths: tuple[Path, ...]


def unrolled(module: Any, batch: Any, name: str, cotangents: int, tolerance: float, generator: Any) -> Unrolled:
    """Measure the ways through time in a recurrent module.

    Raises
    ------
    InputError : the module refuses the batch, or does not follow its textbook equations
    """
    try:
        layers = layers_of(module, batch)
    except InputError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        shape = tuple(batch.shape)
        raise InputError(
            f"the model refuses a batch of shape {shape}: {one_line(error)}; give one it runs on"
        ) from None
    prefix = f"{name}: " if name else ""
    measured = [gains(steps_of([own], linked=False), cotangents=cotangents, generator=generator) for own in layers]
    paths = [p for own, found in zip(layers, measured, strict=True) for p in _of_layer(own, found, prefix, tolerance)]
    return Unrolled(layers, tuple(measured), tuple(paths))


def _of_layer(layer: Layer, measured: Gains, prefix: str, tolerance: float) -> list[Path]:
    """Return the way of a layer's whole state, and of its gates."""
    state = "(h, c)" if layer.mode == "LSTM" else "h"
    gates = gates_of(layer)
    mean = None if gates is None else float(np.exp(gates).mean())
    whole = _path(
        f"{prefix}{layer.name}, {state}", measured.log_norms[0], layer, tolerance, mean, _theory(layer, tolerance)
    )
    if gates is None:
        return [whole]
    kind = "cell path ∏ f" if layer.mode == "LSTM" else "carry path ∏ z"
    return [whole, _path(f"{prefix}{layer.name}, {kind}", log_path(gates), layer, tolerance, mean, None)]


def _path(
    name: str, logs: Array, layer: Layer, tolerance: float, gate: float | None, theory: Prediction | None
) -> Path:
    steps = int(layer.inputs.shape[0])
    mean, error = mean_and_error(logs / steps)
    rate = float(mean)
    return Path(name, steps, rate, float(error), name_regime(rate, steps, tolerance=tolerance), gate, theory)


def _theory(layer: Layer, tolerance: float) -> Prediction | None:
    law = law_of(layer)
    if law is None:
        return None
    weights, phi = law
    try:
        return predict([(weights, Nonlinear(phi))] * int(layer.inputs.shape[0]), 0.0, tolerance=tolerance)
    except InputError:
        return None


def suggest_recurrent(found: Unrolled, rate: float, tolerance: float) -> Suggestion:
    """Return what would make a recurrent module critical."""
    layer = found.layers[0]
    steps = int(layer.inputs.shape[0])
    if layer.mode in GATED:
        rates = [path.rate for path in found.paths if "∏" in path.name]
        return suggest_gate(layer.mode, rates, rate, steps, tolerance)
    laws = [law for law in map(law_of, found.layers) if law is not None]
    weights = [[(law[0], Nonlinear(law[1]))] for law in laws]
    flat = [row for rows in weights for row in rows]
    return suggest([*flat, *[flat[-1]] * (steps - len(flat))], rate, tolerance=tolerance, parameter="weight_hh")


def suggest_gate(mode: str, paths: Sequence[float], rate: float, steps: int, tolerance: float) -> Suggestion:
    """Return what to add to the biases of forget (LSTM) or update (GRU) gates, so that they keep 1/e over the steps.

    A gate of bias log(T - 1) is 1 - 1/T and keeps its content for about T steps (Tallec & Ollivier 2018,
    arXiv 1804.11188, chrono initialisation).

    >>> suggest_gate("LSTM", [-0.7], -0.6, 100, 0.05).sentence
    'add 4.61 to the biases of the forget gate: its path then keeps 1/e of a gradient over the 100 steps of the batch'
    """
    regime = name_regime(rate, steps, tolerance=tolerance)
    gate = GATED[mode]
    if regime is GradientRegime.NEAR_CRITICAL:
        return Suggestion(f"leave the {gate} as it is: the state's Jacobian is near-critical over these steps")
    if regime is not GradientRegime.VANISHING:
        return Suggestion(f"the growth comes through h, not through the {gate}: make weight_hh smaller and probe again")
    mean = float(np.mean(paths))
    wanted, kept = math.exp(-1.0 / steps), math.exp(mean)
    if not 0.0 < kept < wanted:
        return Suggestion(f"the {gate} keeps its content already; the loss is elsewhere")
    added = math.log(wanted / (1.0 - wanted)) - math.log(kept / (1.0 - kept))
    over = f"keeps 1/e of a gradient over the {steps} steps of the batch"
    return Suggestion(
        f"add {added:.3g} to the biases of the {gate}: its path then {over}", f"{gate} biases", None, added
    )
