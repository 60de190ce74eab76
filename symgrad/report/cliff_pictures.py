"""How a map of cliffs looks: the steepness on a grid, with every exact curve and every located place on it."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from symgrad.phenomena import Cliff, CliffMap, SliceCliffs
from symgrad.report.layers import FlatLayer, Heatmap, Line, Points
from symgrad.report.panels import Panel, panels_of
from symgrad.report.pictures import EXTREME, LOG10, axis_label
from symgrad.report.style import Colour, Stroke

Array = NDArray[np.float64]

STYLES: Mapping[str, tuple[Colour, Stroke]] = {
    "basin line": ("vermillion", "solid"),
    "fold": ("orange", "solid"),
    "flip": ("white", "dotted"),
    "infinity": ("white", "dashed"),
    "valley": ("white", "solid"),
    "located": ("yellow", "solid"),
}


@panels_of.register
def _(picture: CliffMap) -> tuple[Panel, ...]:
    across, up = picture.window.names
    layers: list[FlatLayer] = []
    if picture.surface is not None:
        axes, heights = picture.surface.axes, picture.surface.log_gradient / LOG10
        finite = heights[np.isfinite(heights)]
        low = float(np.quantile(finite, EXTREME)) if finite.size else None
        label = r"$\log_{10}\,\Vert\nabla L\Vert$ on a grid"
        layers.append(
            Heatmap(axes[0].values, axes[1].values, heights, label, low=low, missing="gradient 0 or undefined")
        )
    layers += _named_once(picture)
    at = picture.largest_gradient.point
    here = np.array([at[across]]), np.array([at[up]])
    layers.append(Points(*here, "largest gradient known", colour="black", marker="star", size=12.0))
    ends = [(float(low), float(high)) for low, high in zip(picture.window.low, picture.window.high, strict=True)]
    return (Panel(layers, axis_label(across), axis_label(up), xlim=ends[0], ylim=ends[1], legend="below"),)


def _named_once(picture: CliffMap) -> Iterator[FlatLayer]:
    """Yield valleys, cliffs, ridges and exact regions; what has one name gets one legend entry."""
    named: set[str] = set()
    for label, layer in _curves(picture):
        colour, stroke, width, points = layer
        shown = "" if label in named else label
        named.add(label)
        if stroke is None:
            yield Points(points[:, 0], points[:, 1], shown, colour=colour, size=5.0)
        else:
            yield Line(points[:, 0], points[:, 1], shown, colour=colour, stroke=stroke, width=width)


def _curves(picture: CliffMap) -> Iterator[tuple[str, tuple[Colour, Stroke | None, float, Array]]]:
    for valley in picture.valleys:
        for path in valley.paths:
            yield f"valley ({valley.verdict.word})", ("white", "solid", 2.4, path)
    if isinstance(picture.regions, SliceCliffs):
        for region in picture.regions.regions:
            for outline in region.outline:
                yield f"rim of a cliff region ({picture.regions.verdict.word})", ("black", "solid", 1.2, outline)
    for cliff in (*picture.cliffs, *picture.ridges):
        if cliff.path is not None:
            yield _label(cliff), (*_style(cliff), 2.2, cliff.path)


def _label(cliff: Cliff) -> str:
    where = "located" if cliff.equation is None else f"on a {cliff.origin.value}"
    return f"{cliff.kind.word} {where} ({cliff.verdict.word})"


def _style(cliff: Cliff) -> tuple[Colour, Stroke | None]:
    colour, stroke = STYLES[cliff.origin.value]
    return colour, stroke if cliff.equation is not None else None
