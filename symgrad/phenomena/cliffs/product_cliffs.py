"""The cliffs of a two-parameter slice of a deep product of weights, in the terms of every other cliff."""

from typing import Any

import numpy as np
from sympy import Expr

from symgrad.derivation import deep_product, gradient
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


def product_cliffs(chain: Composition, loss: Expr, start: Expr, window: Window, *, kappa: float) -> CliffMap | None:
    """Return the cliffs of a deep product, None for any other chain or loss."""
    deep = deep_product(chain, loss, start=start)
    if deep is None or {w.symbol.name for w in deep.parts.weights if not w.own} != set(window.names):
        return None
    found = slice_cliffs(deep, window.box, kappa=kappa)
    cliffs = _cliffs(found, chain, loss, start, window)
    valleys = tuple(Valley(v.equation, v.sharpness, v.verdict) for v in deep.valleys)
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
        chain, loss, start, int(chain.depth), window, cliffs, largest, covered, valleys=valleys, convex_band=band
    )


def _cliffs(found: SliceCliffs, chain: Composition, loss: Expr, start: Expr, window: Window) -> tuple[Cliff, ...]:
    """Return each region beyond the valley as an escarpment with its steepest corner."""
    if not found.regions:
        return ()
    corners: list[Any] = [region.steepest for region in found.regions]
    kernel = to_kernel(gradient(chain, loss, wrt=window.names))
    at = {name: np.array([corner[name] for corner in corners]) for name in window.names}
    outcome = kernel(float(start), at)
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
