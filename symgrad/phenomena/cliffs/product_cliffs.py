"""The cliffs of a two-parameter slice of a deep product of weights, in the terms of every other cliff."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr

from symgrad.derivation import DeepProduct, deep_product, gradient
from symgrad.evidence import Verdict
from symgrad.kernels import SignedLog, to_kernel
from symgrad.maps import Composition
from symgrad.phenomena.cliffs.cliff_map import (
    Cliff,
    CliffKind,
    CliffMap,
    Coverage,
    LargestGradient,
    Origin,
    TracePoint,
    Valley,
)
from symgrad.phenomena.cliffs.deep_slices import SliceCliffs, slice_cliffs
from symgrad.phenomena.cliffs.windows import Window

Array = NDArray[np.float64]
VALLEY_POINTS = 801


def product_cliffs(
    chain: Composition, loss: Expr, start: Expr, window: Window, values: Mapping[str, Any], *, kappa: float
) -> CliffMap | None:
    """Return the cliffs of a deep product, None for any other chain or loss."""
    deep = deep_product(chain, loss, start=start, parameters=values)
    if deep is None or {w.symbol.name for w in deep.parts.weights if not w.own} != set(window.names):
        return None
    found = slice_cliffs(deep, window.box, kappa=kappa)
    cliffs = _cliffs(found, chain, loss, start, window, values)
    paths = _valley_paths(deep, window)
    valleys = tuple(Valley(v.equation, v.sharpness, v.verdict, paths) for v in deep.valleys)
    largest = LargestGradient(
        dict(found.steepest), found.log_gradient, found.log_gradient, found.evidence.verdict, found.evidence.claim
    )
    covered = Coverage(
        Verdict.CERTIFIED if found.verdict is Verdict.PROVED else Verdict.SAMPLED,
        f"None missed: {found.definition}; in each quadrant it is one piece around the outermost corner, or empty.",
        tuple(deep.evidence.values()),
    )
    band = None if deep.band is None else (deep.band.condition, deep.band.verdict)
    return CliffMap(
        chain,
        loss,
        start,
        sum(int(block.depth) for block in chain.blocks),
        window,
        cliffs,
        largest,
        covered,
        valleys=valleys,
        convex_band=band,
        regions=found,
    )


def _valley_paths(deep: DeepProduct, window: Window) -> tuple[Array, ...]:
    """Return the branches of the valley in the box: the second weight on it as a function of the first."""
    powers = {w.symbol.name: int(w.multiplicity * w.count) for w in deep.parts.weights}
    first, second = (powers[name] for name in window.names)
    low, high = (float(v) for v in (window.low[0], window.high[0]))
    across = np.linspace(low, high, VALLEY_POINTS)
    with np.errstate(all="ignore"):
        power = float(deep.level) / across**first
        size = np.abs(power) ** (1 / second)
        branches = [
            np.where(power > 0, size, np.nan),
            np.where(power > 0 if second % 2 == 0 else power < 0, -size, np.nan),
        ]
    rim = float(window.low[1]), float(window.high[1])
    inside = [np.where((branch >= rim[0]) & (branch <= rim[1]), branch, np.nan) for branch in branches]
    return tuple(np.stack([across, branch], axis=1) for branch in inside if np.any(np.isfinite(branch)))


def _cliffs(
    found: SliceCliffs, chain: Composition, loss: Expr, start: Expr, window: Window, values: Mapping[str, Any]
) -> tuple[Cliff, ...]:
    """Return each region beyond the valley as an escarpment with its steepest corner."""
    if not found.regions:
        return ()
    corners: list[Any] = [region.steepest for region in found.regions]
    kernel = to_kernel(gradient(chain, loss, wrt=window.names))
    at = {name: np.array([corner[name] for corner in corners]) for name in window.names}
    outcome = kernel(float(start), {**values, **at})
    cliffs = []
    for i, region in enumerate(found.regions):
        slopes: dict[str, SignedLog] = {name: outcome.gradient[name][i] for name in window.names}
        cliffs.append(
            Cliff(
                CliffKind.ESCARPMENT,
                Origin.VALLEY,
                found.deep.equation,
                None,
                found.verdict,
                (TracePoint(dict(region.steepest), slopes),),
                exponent=float(found.exponent),
                growth="polynomial in the weights",
                sides=("valley", "the loss grows without bound"),
                proof=found.definition,
            )
        )
    return tuple(cliffs)
