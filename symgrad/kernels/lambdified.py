"""The general backend: float64 arrays through lambdify, and unlimited exponents where float64 was not enough."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.kernels.extended import evaluate_extended
from symgrad.kernels.floats import FLOATS, LOST, CompiledStep, Tile, run_tile
from symgrad.kernels.fold import Arithmetic, Carried, fold
from symgrad.kernels.outcome import Outcome
from symgrad.kernels.points import Points
from symgrad.kernels.results import finish
from symgrad.kernels.signed_log import SignedLog, add, multiply, negate
from symgrad.kernels.stacking import Stacked, joined, to_outcome
from symgrad.kernels.steps import Steps
from symgrad.maps import Composition

Array = NDArray[np.float64]
TILE = 16384
LAYERED_CELLS = 4_000_000
WORTH_COMPILING = 20_000_000  # steps of points that take the NumPy backend longer than compiling takes
EXTENDED = Arithmetic(
    lambda step, known: evaluate_extended(step.exact_outputs, known),
    multiply,
    add,
    negate,
    SignedLog.from_float(0.0),
    SignedLog.from_float(1.0),
)


def _lift(value: Any) -> SignedLog:
    if value is FLOATS.zero:
        return EXTENDED.zero  # type: ignore[no-any-return]
    return EXTENDED.one if value is FLOATS.one else SignedLog.from_float(value)


def _lift_scaled(value: Any, exponent: Array) -> SignedLog:
    if value is FLOATS.zero:
        return EXTENDED.zero  # type: ignore[no-any-return]
    return SignedLog.from_parts(value, exponent)


def _lift_tile(tile: Tile) -> Carried:
    """Return what a float tile carried as numbers with unlimited exponents."""
    c = tile.carried
    return Carried(
        [_lift(s) for s in c.state],
        {order: [_lift_scaled(v, tile.exponents[order]) for v in product] for order, product in c.compounds.items()},
        [[_lift_scaled(v, tile.first_exponent) for v in components] for components in c.first],
        {pair: [_lift(v) for v in components] for pair, components in c.second.items()},
        [_lift(f) for f in c.factors],
        [(layer, k, [_lift(v) for v in j], [_lift(v) for v in g]) for layer, k, j, g in c.records],
    )


def _loss_floats(
    compiled: CompiledStep | None, tile: Tile, value: Callable[[str, int | None], Any]
) -> list[Any] | None:
    """Evaluate the loss on a tile, flagging points whose loss or slope float64 cannot carry."""
    if compiled is None:
        return None
    with np.errstate(all="ignore"):
        numbers = compiled(tile.carried.state, [value(name, None) for name in compiled.step.names])
        for number in numbers[: 1 + len(compiled.step.state)]:
            if number is not FLOATS.zero:
                size = np.abs(number)
                tile.flagged |= ~np.isfinite(size) | (size < LOST)
    return numbers


def _run_extended(kernel: Any, chain: Composition, points: Points, index: NDArray[np.intp], trace: bool) -> Stacked:
    """Run some points in arithmetic with unlimited exponents."""
    steps: Steps = kernel.steps
    floats = points.at(index)

    def value(name: str, k: int | None) -> SignedLog:
        return SignedLog.from_float(floats(name, k))

    start = [SignedLog.from_float(s) for s in points.flat_start(index)]
    carried = fold(steps, start, value, EXTENDED, schedule=chain.schedule(), trace=trace)
    loss = None
    if steps.loss is not None:
        known = dict(zip(steps.loss.state, carried.state, strict=True))
        known |= {s: value(name, None) for name, s in zip(steps.loss.names, steps.loss.arguments, strict=True)}
        loss = EXTENDED.evaluate(steps.loss, known)
    return Stacked.of(finish(carried, steps, EXTENDED, loss), len(index))


def _flag_records(tile: Tile) -> None:
    for _, _, jacobian, local in tile.carried.records:
        for number in (*jacobian, *local):
            if number is not FLOATS.zero:
                tile.flagged |= ~(np.abs(number) >= LOST)


def _tiles(points: Points, layers: int, layered: bool) -> Iterator[slice]:
    size = max(256, min(TILE, LAYERED_CELLS // max(layers, 1))) if layered else TILE
    for first in range(0, points.size, size):
        yield slice(first, min(first + size, points.size))


def run_lambdify(kernel: Any, chain: Composition, points: Points, trace: bool, runner: Any) -> Outcome:
    """Evaluate in float64, and once more with unlimited exponents where float64 was not enough."""
    points.check_range()
    layers = sum(int(b.layers) for b in chain.blocks)
    layered = trace or any(name in chain.layered for name in kernel.target.wrt)

    def one(part: slice) -> Stacked:
        value = points.at(part)
        tile = run_tile(
            kernel.steps, kernel.compiled, points.flat_start(part), value, schedule=chain.schedule(), trace=trace
        )
        loss = _loss_floats(kernel.compiled_loss, tile, value)
        _flag_records(tile)
        lifted = None if loss is None else [_lift(v) for v in loss]
        with np.errstate(all="ignore"):
            results = finish(_lift_tile(tile), kernel.steps, EXTENDED, lifted)
            stacked = Stacked.of(results, part.stop - part.start)
            if tile.flagged.any():
                inside = np.flatnonzero(tile.flagged)
                stacked = stacked.with_columns(inside, _run_extended(kernel, chain, points, inside + part.start, trace))
        return stacked

    _ = kernel.compiled, kernel.compiled_loss  # compiled once, before the threads share them
    return to_outcome(joined(runner(one, list(_tiles(points, layers, layered)))), chain, points, "lambdify")
