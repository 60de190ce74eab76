"""How each layer is painted on Matplotlib axes: one function per kind of layer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import singledispatch
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import Normal, Stroke

from symgrad.report import layers as shapes
from symgrad.report.style import COLOURMAPS, CYCLE, FIELD_CYCLE, MARKERS, MISSING, PALETTE, Colour, Colours

_END: Any = {"linestyle": "none", "markeredgecolor": PALETTE["black"], "zorder": 5}
_STEP: Any = {"linestyle": "none", "marker": "o", "markersize": 3.2}
EDGE = 1.8  # points, by which an edge is wider than the line that it sets off


@dataclass
class Canvas:
    """The axes being painted, the colours not used yet, and the legend so far.

    Parameters
    ----------
    axes : flat or three-dimensional
    on_field : whether a colour field lies beneath, so lines need a light edge to stand out
    """

    axes: Any
    on_field: bool
    entries: list[tuple[Artist, str]] = field(default_factory=list)
    has_bar: bool = False
    unused: Iterator[Colour] = field(init=False)

    def __post_init__(self) -> None:
        self.unused = cycle(FIELD_CYCLE if self.on_field else CYCLE)

    def colour(self, wish: Colour | None) -> str:
        """Return the colour wished for, or the next of the cycle."""
        return PALETTE[wish if wish is not None else next(self.unused)]

    def name(self, artist: Artist, label: str) -> None:
        """Enter the artist in the legend if it has a label."""
        if label:
            self.entries.append((artist, label))

    def edge(self, width: float, colour: str) -> list[Any]:
        """Return path effects that set a line off from a colour field."""
        if not self.on_field:
            return []
        return [Stroke(linewidth=width + EDGE, foreground=_opposite(colour)), Normal()]


def _opposite(colour: str) -> str:
    """Return the colour of the edge that sets the colour off from a field."""
    return PALETTE["black"] if colour == PALETTE["white"] else PALETTE["white"]


@singledispatch
def paint(layer: Any, canvas: Canvas) -> None:
    """Paint one layer on the canvas; every kind of layer has its own function below."""
    raise TypeError(f"no brush paints a {type(layer).__name__}")


@paint.register
def _(layer: shapes.Line, canvas: Canvas) -> None:
    colour = canvas.colour(layer.colour)
    effects = canvas.edge(layer.width, colour)
    (line,) = canvas.axes.plot(
        layer.x, layer.y, color=colour, linestyle=layer.stroke, linewidth=layer.width, path_effects=effects
    )
    canvas.name(line, layer.label)


@paint.register
def _(layer: shapes.Points, canvas: Canvas) -> None:
    colour = canvas.colour(layer.colour)
    (marks,) = canvas.axes.plot(
        layer.x,
        layer.y,
        linestyle="none",
        marker=MARKERS[layer.marker],
        markersize=layer.size,
        color=colour,
        markeredgecolor=PALETTE["white"],
        markeredgewidth=0.8 if layer.size >= EDGED else 0.0,
    )
    if layer.size < NAMED:
        marks = Line2D([], [], linestyle="none", marker=MARKERS[layer.marker], markersize=NAMED, color=colour)
    canvas.name(marks, layer.label)


@paint.register
def _(layer: shapes.Band, canvas: Canvas) -> None:
    colour = canvas.colour(layer.colour)
    area = canvas.axes.fill_between(layer.x, layer.low, layer.high, color=colour, alpha=0.3, linewidth=0)
    canvas.name(area, layer.label)


@paint.register
def _(layer: shapes.Trajectory, canvas: Canvas) -> None:
    colour = canvas.colour(layer.colour)
    effects = canvas.edge(1.6, colour)
    moves = np.append(True, (np.diff(layer.x) != 0) | (np.diff(layer.y) != 0))
    x, y = layer.x[moves], layer.y[moves]
    canvas.axes.plot(x, y, color=colour, linewidth=1.6, path_effects=effects)
    if effects:  # as path effects they would be written out mark by mark, 600 bytes each
        canvas.axes.plot(x, y, **_STEP, color=_opposite(colour), markeredgewidth=1.6 + EDGE)
    canvas.axes.plot(x, y, **_STEP, color=colour)
    canvas.axes.plot(layer.x[:1], layer.y[:1], color="white", **_END, marker="o", markersize=9)
    canvas.axes.plot(layer.x[-1:], layer.y[-1:], color=colour, **_END, marker="*", markersize=14)
    named = Line2D([], [], color=colour, linewidth=1.6, marker="o", markersize=3.2, path_effects=effects)
    first = next((place for place, (_, label) in enumerate(canvas.entries) if label == "start"), None)
    if first is None:
        canvas.name(named, layer.label)
        canvas.name(Line2D([], [], color="white", **_END, marker="o", markersize=9), "start")
        canvas.name(Line2D([], [], color="white", **_END, marker="*", markersize=13), "end")
    elif layer.label:
        canvas.entries.insert(first, (named, layer.label))


@paint.register
def _(layer: shapes.Arrows, canvas: Canvas) -> None:
    colour = canvas.colour(layer.colour)
    canvas.axes.quiver(
        layer.x, layer.y, layer.dx, layer.dy, color=colour, angles="xy", scale_units="xy", scale=1, width=0.005
    )
    canvas.axes.update_datalim(np.column_stack([layer.x + layer.dx, layer.y + layer.dy]))
    canvas.axes.autoscale_view()
    canvas.name(Line2D([], [], color=colour, marker=">", markersize=7), layer.label)


@paint.register
def _(layer: shapes.HorizontalLine, canvas: Canvas) -> None:
    line = canvas.axes.axhline(layer.y, color=canvas.colour(layer.colour), linestyle=layer.stroke, linewidth=1.4)
    canvas.name(line, layer.label)


@paint.register
def _(layer: shapes.VerticalLine, canvas: Canvas) -> None:
    line = canvas.axes.axvline(layer.x, color=canvas.colour(layer.colour), linestyle=layer.stroke, linewidth=1.4)
    canvas.name(line, layer.label)


@paint.register
def _(layer: shapes.Annotation, canvas: Canvas) -> None:
    canvas.axes.annotate(
        layer.text,
        (layer.x, layer.y),
        xytext=layer.offset,
        textcoords="offset points",
        fontsize=11,
        ha="left" if layer.offset[0] >= 0 else "right",
        arrowprops={"arrowstyle": "-", "color": "black", "linewidth": 0.9},
        bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
    )


@paint.register
def _(layer: shapes.Heatmap, canvas: Canvas) -> None:
    finite = np.isfinite(layer.z)
    low, high = _limits(layer, finite)
    colourmap = _colourmap(layer.colours)
    mesh = canvas.axes.pcolormesh(
        layer.x,
        layer.y,
        np.ma.masked_array(layer.z, ~finite).T,
        cmap=colourmap,
        norm=Normalize(low, high),
        shading="nearest",
        rasterized=True,
    )
    below, above = bool(np.any(layer.z[finite] < low)), bool(np.any(layer.z[finite] > high))
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]
    canvas.axes.figure.colorbar(mesh, ax=canvas.axes, label=layer.label, extend=extend, pad=0.02)
    canvas.has_bar = True
    if not finite.all():
        canvas.name(Patch(facecolor=MISSING, edgecolor="black", linewidth=0.5), layer.missing)


EDGED = 3.0  # points, the smallest marker that a white edge does not cover
NAMED = 4.0  # points, the smallest marker that is seen in a legend


def _colourmap(colours: Colours) -> Any:
    """Return the colour map of that kind, grey where there is no value."""
    return colormaps[COLOURMAPS[colours]].with_extremes(bad=MISSING)


def _limits(layer: shapes.Heatmap, finite: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the ends of the colour bar; a diverging one reaches equally far to both sides of its centre."""
    values = layer.z[finite] if finite.any() else np.zeros(1)
    low = float(values.min()) if layer.low is None else layer.low
    high = float(values.max()) if layer.high is None else layer.high
    if layer.colours == "diverging":
        given = [end for end in (layer.low, layer.high) if end is not None]
        reach = max(abs(end - layer.centre) for end in given or (low, high))
        low, high = layer.centre - reach, layer.centre + reach
    return (low, high) if low < high else (low - 0.5, high + 0.5)


@paint.register
def _(layer: shapes.Contours, canvas: Canvas) -> None:
    colour = PALETTE[layer.colour]
    effects = canvas.edge(layer.width, colour)
    curves = canvas.axes.contour(
        layer.x,
        layer.y,
        np.ma.masked_invalid(layer.z).T,
        levels=layer.levels,
        colors=colour,
        linestyles=layer.stroke,
        linewidths=layer.width,
    )
    curves.set_path_effects(effects)
    style: Any = {"color": colour, "linestyle": layer.stroke, "linewidth": layer.width, "path_effects": effects}
    canvas.name(Line2D([], [], **style), layer.label)


@paint.register
def _(layer: shapes.Regions, canvas: Canvas) -> None:
    present = [code for code in layer.labels if np.any(layer.codes == code)]
    numbers = np.zeros(layer.codes.shape)
    for number, code in enumerate(present):
        numbers[layer.codes == code] = number
    colours = [PALETTE[layer.colours[code]] for code in present]
    if layer.shades is not None:
        _paint_shaded(layer, layer.shades, np.array([to_rgb(c) for c in colours])[numbers.astype(int)], canvas)
    else:
        canvas.axes.pcolormesh(
            layer.x,
            layer.y,
            numbers.T,
            cmap=ListedColormap(colours),
            norm=Normalize(-0.5, len(present) - 0.5),
            shading="nearest",
            rasterized=True,
        )
    for code, colour in zip(present, colours, strict=True):
        canvas.name(Patch(facecolor=colour, edgecolor="black", linewidth=0.5), layer.labels[code])


def _paint_shaded(layer: shapes.Regions, shades: shapes.Array, base: shapes.Array, canvas: Canvas) -> None:
    """Paint the kinds as one image, each colour mixed with white where the shade is low and with black where high."""
    shade = np.where(np.isfinite(shades), shades, MIDDLE)[..., None]
    light = LIGHTEST * np.clip((MIDDLE - shade) / MIDDLE, 0, 1)
    dark = DARKEST * np.clip((shade - MIDDLE) / (1 - MIDDLE), 0, 1)
    image = np.round(255 * (base + light * (1 - base)) * (1 - dark)).astype(np.uint8)
    half_x, half_y = (layer.x[1] - layer.x[0]) / 2, (layer.y[1] - layer.y[0]) / 2
    canvas.axes.imshow(
        image.transpose(1, 0, 2),
        origin="lower",
        extent=(layer.x[0] - half_x, layer.x[-1] + half_x, layer.y[0] - half_y, layer.y[-1] + half_y),
        aspect="auto",
    )


MIDDLE, LIGHTEST, DARKEST = 0.35, 0.6, 0.75


@paint.register
def _(layer: shapes.Surface, canvas: Canvas) -> None:
    across, along = np.meshgrid(layer.x, layer.y, indexing="ij")
    heights = np.where(np.isfinite(layer.z), layer.z, np.nan)
    canvas.axes.plot_surface(
        across,
        along,
        heights,
        rcount=layer.x.size,
        ccount=layer.y.size,
        cmap=COLOURMAPS["sequential"],
        linewidth=0,
        antialiased=False,
        rasterized=True,
    )
    canvas.axes.view_init(elev=layer.elevation, azim=layer.azimuth)


@paint.register
def _(layer: shapes.SpaceCurve, canvas: Canvas) -> None:
    (line,) = canvas.axes.plot(layer.x, layer.y, layer.z, color=canvas.colour(layer.colour), linewidth=2.2, zorder=10)
    canvas.name(line, layer.label)
