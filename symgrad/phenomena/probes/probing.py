"""``probe``: run a PyTorch module on a batch and say what it does to gradients, block by block, beside the theory."""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import takewhile
from typing import Any

import numpy as np

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.nonlinearities import nonlinearity
from symgrad.phenomena.probes.blocks import Piece, blocks_of, start_square
from symgrad.phenomena.probes.checks import check_options, checked, name_of
from symgrad.phenomena.probes.extra import require_torch
from symgrad.phenomena.probes.measuring import CHEAP, EXACT, Factor, Gains, Units, factor_of, gains, units_of
from symgrad.phenomena.probes.recurrent import steps_of
from symgrad.phenomena.probes.regimes import TOLERANCE, name_regime, verdict_of
from symgrad.phenomena.probes.results import Block, Path, Probe, mean_and_error
from symgrad.phenomena.probes.theory import Operation, Prediction, critical_factor, plain, predict, suggest, supported
from symgrad.phenomena.probes.tracing import run, undisturbed
from symgrad.phenomena.probes.ways import Unrolled, suggest_recurrent, unrolled

LANCZOS = 1e-4
MOST_STEPS = 64


def probe(
    model: Any,
    batch: Any,
    *,
    samples: int = 8,
    cotangents: int = 32,
    tolerance: float = TOLERANCE,
    seed: int = 0,
) -> Probe:
    """Measure what a PyTorch module does to gradients on a batch, and set theory's prediction beside it.

    The module is cut where every path from input to output passes through one tensor: at the layers of an
    ``nn.Sequential``, nested or not, around residual branches, and within modules of one's own. The blocks of an
    ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU`` are its time steps, from zero states. It runs in evaluation mode; modes,
    weights, gradients, buffers and random state are left as they were.

    Parameters
    ----------
    model : a ``torch.nn.Module`` with weights, on any device
    batch : tensor whose first dimension counts samples (for recurrent modules as the module wants it); integers
        for a module that begins with an embedding, behind which measuring begins
    samples : at most so many of them, evenly chosen, have their Jacobian measured; units are counted over all
    cotangents : random directions pulled back where the output has more than 512 entries per sample
    tolerance : largest near-critical |rate|, nats per block; in all at most a factor 1000
    seed : of the random directions, the generator's own

    Raises
    ------
    InputError : PyTorch is missing; the model or the batch cannot be measured

    Examples
    --------
    With PyTorch installed::

        import torch
        from torch import nn

        _ = torch.manual_seed(0)
        layers = [nn.Linear(64, 64, bias=False) for _ in range(20)]
        for layer in layers:
            _ = nn.init.normal_(layer.weight, std=0.5 / 8)
        found = probe(nn.Sequential(*[part for layer in layers for part in (layer, nn.Tanh())]), torch.randn(16, 64))
        assert found.regime.word == "vanishing"
        assert abs(found.rate - found.prediction.rate) < 0.05
        assert round(found.suggestion.factor, 1) == 2.0

    References
    ----------
    Saxe, McClelland & Ganguli (2014), arXiv 1312.6120; Pennington, Schoenholz & Ganguli (2017), arXiv 1711.04735
    (singular values of a network's Jacobian).
    """
    check_options(samples, cotangents, tolerance, seed)
    torch = require_torch()
    model, batch, notes = checked(model, batch)
    generator = torch.Generator().manual_seed(seed)
    with undisturbed(model):
        if isinstance(model, torch.nn.RNNBase):
            return _of_recurrent(model, batch, samples, cotangents, tolerance, generator, notes)
        return _of_network(model, batch, samples, cotangents, tolerance, generator, notes)


def chosen(count: int, samples: int) -> list[int]:
    """Return at most so many places, evenly spread.

    >>> chosen(10, 4), chosen(3, 8)
    ([0, 3, 6, 9], [0, 1, 2])
    """
    return sorted({int(k) for k in np.linspace(0, count - 1, min(count, samples)).round()})


def _of_network(
    model: Any, batch: Any, samples: int, cotangents: int, tolerance: float, generator: Any, notes: tuple[str, ...]
) -> Probe:
    torch = require_torch()
    rows = chosen(batch.shape[0], samples)
    trace = run(model, batch[rows])
    blocks = blocks_of(trace)
    _check_finite(blocks)
    units = _units(model, batch, blocks, len(rows))
    measured = gains(blocks, cotangents=cotangents, generator=generator)
    few = _rows_for_factors(blocks, len(rows))
    small = blocks if few == len(rows) else blocks_of(run(model, batch[rows[:few]]))
    factors = [factor_of(block, tolerance=LANCZOS, generator=generator) for block in small]
    laws = [block.operations for block in blocks]
    known = list(takewhile(lambda law: law is not None and supported(law), laws))
    if len(known) < max(1, len(laws) - 1):
        known = []
    prediction = _predicted(known, start_square(blocks), tolerance) if any(known) else None
    inner = [
        unrolled(call.module, call.given[0], call.name, cotangents, tolerance, generator)
        for call in trace.calls
        if isinstance(call.module, torch.nn.RNNBase) and call.given
    ]
    ways = [way for found in inner for way in found.paths]
    suggestion = suggest([law for law in known if law is not None], _rate(measured)[0], tolerance=tolerance)
    if inner:
        suggestion = suggest_recurrent(inner[0], inner[0].paths[0].rate, tolerance)
    made = _blocks(blocks, measured, factors, units, prediction, suggestion.factor, tolerance)
    if len(blocks) == 1 and blocks[0].operations is None:
        notes = (*notes, "one block: its code hands no tensor from module to module at which to cut it")
    notes = (*notes, *trace.notes, *_dropped(model), *_convolved(blocks, prediction))
    return _assembled(
        type(model).__name__, made, measured, prediction, suggestion, tuple(ways), batch, tolerance, notes, blocks
    )


def _predicted(laws: Sequence[Sequence[Operation] | None], square: float, tolerance: float) -> Prediction | None:
    """Return the prediction, None where a mean that it needs does not exist."""
    try:
        found = predict([law for law in laws if law is not None], square, tolerance=tolerance)
    except InputError:
        return None
    return None if math.isnan(found.rate) else found


def _check_finite(blocks: Sequence[Piece]) -> None:
    torch = require_torch()
    for number, block in enumerate(blocks, start=1):
        if not bool(torch.isfinite(block.after).all()):
            kind = name_of(block.after.dtype)
            raise InputError(
                f"the network's values leave {kind} in block {number} of {len(blocks)}, {block.name}: its forward pass "
                "explodes; give smaller weights, or a model in float64"
            )


def _units(model: Any, batch: Any, blocks: tuple[Piece, ...], measured: int) -> list[Units | None]:
    """Count units over the whole batch."""
    if batch.shape[0] > measured:
        whole = blocks_of(run(model, batch))
        blocks = whole if len(whole) == len(blocks) else blocks
    return [units_of(block, steepest) for block in blocks]


@cache
def steepest(phi: str) -> float:
    """Return the largest |φ'| between -8 and 8.

    >>> steepest("tanh"), steepest("sigmoid")
    (1.0, 0.25)
    """
    return float(np.abs(nonlinearity(phi).slope(np.linspace(-8.0, 8.0, 4001))).max())


def _rows_for_factors(blocks: Sequence[Piece], rows: int) -> int:
    """Return for how many samples the singular values of blocks are measured: one where blocks are wide."""
    largest = max(int(block.after[0].numel() * block.before[0].numel()) for block in blocks)
    return max(1, min(rows, CHEAP // largest))


def _dropped(model: Any) -> tuple[str, ...]:
    kinds = {type(m).__name__ for m in model.modules() if getattr(m, "p", 0) and "Dropout" in type(m).__name__}
    return (f"{', '.join(sorted(kinds))} is off, as in evaluation mode",) if kinds else ()


def _convolved(blocks: Sequence[Piece], prediction: Prediction | None) -> tuple[str, ...]:
    if prediction is None or not any(block.channels for block in blocks):
        return ()
    return ("theory takes convolutions for dense layers of the same fan-in, without zeros at the edges",)


def _rate(measured: Gains) -> tuple[float, float, float]:
    """Return rate and standard error, nats per block, and the share of exact zeros."""
    depth = len(measured.log_norms) - 1
    mean, error = mean_and_error(measured.log_norms[0] / depth)
    return float(mean), float(error), float(np.isneginf(measured.log_norms[0]).mean())


def _blocks(
    blocks: Sequence[Piece],
    measured: Gains,
    factors: Sequence[Factor | None],
    units: Sequence[Units | None],
    prediction: Prediction | None,
    wanted: float | None,
    tolerance: float,
) -> tuple[Block, ...]:
    """Put what was measured of each block together."""
    rows = zip(blocks, factors, units, strict=True)
    return tuple(_block(k, *row, measured, prediction, wanted, tolerance) for k, row in enumerate(rows))


def _block(
    k: int,
    piece: Piece,
    factor: Factor | None,
    units: Units | None,
    measured: Gains,
    prediction: Prediction | None,
    wanted: float | None,
    tolerance: float,
) -> Block:
    there = ~np.isneginf(measured.log_norms[k + 1])
    steps = measured.log_norms[k, there] - measured.log_norms[k + 1, there]
    gain, error = mean_and_error(steps) if steps.size else (-math.inf, math.nan)
    own = None if wanted is None or piece.operations is None else plain(piece.operations)
    change = None
    if own is not None and prediction is not None and own[1] == prediction.phi:
        change = critical_factor(*own)
    return Block(
        piece.name,
        piece.kind,
        piece.before[0].numel(),
        piece.after[0].numel(),
        float(gain),
        float(error),
        name_regime(float(gain), 1, tolerance=tolerance),
        prediction.blocks[k] if prediction is not None and k < len(prediction.blocks) else None,
        None if factor is None else factor.largest,
        None if factor is None else factor.smallest,
        math.nan if factor is None else factor.tolerance,
        "" if factor is None else factor.sign,
        None if units is None else units.dead,
        None if units is None else units.saturated,
        None if change is None else change[0],
    )


def _assembled(
    name: str,
    blocks: tuple[Block, ...],
    measured: Gains,
    prediction: Prediction | None,
    suggestion: Any,
    paths: tuple[Path, ...],
    batch: Any,
    tolerance: float,
    notes: tuple[str, ...],
    pieces: Sequence[Piece],
    total: int | None = None,
) -> Probe:
    rate, error, zeros = _rate(measured)
    depth = len(blocks)
    kind = name_of(pieces[0].before.dtype)
    if 0 < zeros < 1:
        notes = (
            *notes,
            f"{zeros:.0%} of the samples have a Jacobian that is exactly 0 in {kind}; the rate is of the others",
        )
    if any(block.largest is None for block in blocks):
        notes = (
            *notes,
            f"singular values were measured of {sum(b.largest is not None for b in blocks)} of {depth} blocks",
        )
    if any(block.largest is not None and block.smallest is None for block in blocks):
        notes = (*notes, f"smallest singular values were not measured of blocks with more than {EXACT} outputs")
    return Probe(
        name,
        blocks,
        rate,
        error,
        name_regime(rate, depth, tolerance=tolerance),
        verdict_of(rate, error, depth, tolerance=tolerance),
        prediction,
        suggestion,
        paths,
        measured.log_norms,
        measured.log_largest,
        zeros,
        measured.exact,
        measured.cotangents,
        measured.log_norms.shape[1],
        batch.shape[0] if total is None else total,
        kind,
        tolerance,
        notes,
    )


def _of_recurrent(
    model: Any, batch: Any, samples: int, cotangents: int, tolerance: float, generator: Any, notes: tuple[str, ...]
) -> Probe:
    side = 0 if model.batch_first else 1
    total = 1 if batch.dim() < 3 else batch.shape[side]
    taken = batch if batch.dim() < 3 else batch.index_select(side, _places(batch, chosen(total, samples)))
    found: Unrolled = unrolled(model, taken, "", cotangents, tolerance, generator)
    linked = not model.bidirectional
    pieces = steps_of(found.layers, linked=linked)
    _check_finite(pieces)
    alone = len(found.layers) == 1
    measured = found.gains[0] if alone else gains(pieces, cotangents=cotangents, generator=generator)
    wanted = set(chosen(len(pieces), MOST_STEPS))
    few = _rows_for_factors(pieces, measured.log_norms.shape[1])
    small = steps_of([replace(layer, inputs=layer.inputs[:, :few]) for layer in found.layers], linked=linked)
    factors = [
        factor_of(p, tolerance=LANCZOS, generator=generator) if k in wanted else None for k, p in enumerate(small)
    ]
    prediction = found.paths[0].prediction if alone else None
    suggestion = suggest_recurrent(found, _rate(measured)[0], tolerance)
    made = _blocks(pieces, measured, factors, [None] * len(pieces), prediction, None, tolerance)
    if model.bidirectional:
        notes = (*notes, "two directions: each layer's state is followed by itself, ways between layers are left out")
    return _assembled(
        type(model).__name__,
        made,
        measured,
        prediction,
        suggestion,
        found.paths,
        batch,
        tolerance,
        notes,
        pieces,
        total,
    )


def _places(batch: Any, rows: list[int]) -> Any:
    return require_torch().tensor(rows, device=batch.device)
