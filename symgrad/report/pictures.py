"""How results of phenomena look: each is registered with ``panels_of``, so ``Figure(result, caption)`` draws it."""

import os
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import sympy

from symgrad.errors import InputError
from symgrad.maps import expand_activations
from symgrad.phenomena import CliffRegions, ExactRegime, Regime, RegimeMap
from symgrad.report.blocks import Figure
from symgrad.report.layers import (
    Array,
    Band,
    Codes,
    FlatLayer,
    Heatmap,
    HorizontalLine,
    Line,
    Points,
    Regions,
    VerticalLine,
)
from symgrad.report.panels import Panel, panels_of
from symgrad.report.style import Colour, Marker, Stroke
from symgrad.sweeps import Axis

SUFFIXES = (".svg", ".png")
REGIMES = tuple(Regime)
AREAS: Mapping[Regime, Colour] = {
    Regime.VANISHING: "sky",
    Regime.CONSTANT: "green",
    Regime.ALTERNATING: "purple",
    Regime.EXPLODING: "vermillion",
    Regime.OSCILLATING: "orange",
    Regime.ZERO: "yellow",
    Regime.UNDECIDED: "grey",
}
CURVES: Mapping[Regime, tuple[Colour, Stroke, Marker]] = {
    Regime.VANISHING: ("blue", "dashed", "triangle"),
    Regime.CONSTANT: ("green", "solid", "circle"),
    Regime.ALTERNATING: ("purple", "solid", "square"),
    Regime.EXPLODING: ("vermillion", "solid", "star"),
    Regime.ZERO: ("black", "dotted", "diamond"),
}
OVERLAYS: tuple[Stroke, ...] = ("solid", "dashed", "dotted", "dashdot")
LABEL_WIDTH = 27
NO_BREAK = "\N{NO-BREAK SPACE}"
EXTREME = 0.01
LOG10 = np.log(10.0)


def axis_label(name: str) -> str:
    r"""Return the label of an axis: a Greek name as its letter, and what follows the first ``_`` as an index.

    >>> axis_label("w"), axis_label("sigma_b2")
    ('$w$', '$\\sigma_{b2}$')
    """
    return f"${sympy.latex(sympy.Symbol(name))}$"


def _exact_label(exact: ExactRegime) -> str:
    """Return the entry in the legend, in lines short enough to stand beside the picture."""
    parts = exact.condition.split(" and ")
    whole = [part.replace(" ", NO_BREAK) if len(part) < LABEL_WIDTH else part for part in parts]
    text = f"{exact.regime.word}, {exact.verdict.word}: {', '.join(whole)}"
    return "\n".join(textwrap.wrap(text, LABEL_WIDTH))


@panels_of.register
def _(picture: RegimeMap) -> tuple[Panel, ...]:
    if len(picture.axes) == 2:
        return (_plane(picture),)
    if len(picture.axes) == 1:
        return (_line(picture),)
    raise InputError(
        f"a map of regimes is drawn over one or two axes, this one has {len(picture.axes)}; sweep one or two names"
    )


def _plane(regimes: RegimeMap) -> Panel:
    """Return the regimes of a plane as coloured areas, with what is known by equation drawn over them."""
    x, y = regimes.axes
    labels = {code: regime.word for code, regime in enumerate(REGIMES)}
    colours = {code: AREAS[regime] for code, regime in enumerate(REGIMES)}
    layers: list[FlatLayer] = [Regions(x.values, y.values, regimes.codes.astype(np.int64), labels, colours=colours)]
    for curve, stroke in zip(regimes.overlays, OVERLAYS, strict=False):
        layers.append(Line(curve.x, curve.y, f"{curve.kind} (exact)", colour="black", stroke=stroke, width=1.6))
    for exact in regimes.exact:
        layers += _curves(exact)
    return Panel(layers, axis_label(x.name), axis_label(y.name), legend="right")


def _curves(exact: ExactRegime) -> Iterator[FlatLayer]:
    """Yield the curves and points of one exact statement; the first of them is named in the legend."""
    colour, stroke, marker = CURVES.get(exact.regime, ("black", "solid", "circle"))
    label = _exact_label(exact)
    for curve in exact.curves:
        if len(curve) == 1:
            yield Points(curve[:, 0], curve[:, 1], label, colour=colour, marker=marker, size=11.0)
        else:
            yield Line(curve[:, 0], curve[:, 1], label, colour=colour, stroke=stroke, width=2.4)
        label = ""


def _line(regimes: RegimeMap) -> Panel:
    """Return the rate over one axis, with the regimes as bands behind it."""
    (axis,) = regimes.axes
    rate = np.where(np.isfinite(regimes.rate), regimes.rate, np.nan)
    low, high = _window(rate)
    layers: list[FlatLayer] = list(_bands(regimes.codes.astype(np.int64), axis, low, high))
    layers += [HorizontalLine(0.0), Line(axis.values, rate, "rate", colour="black")]
    layers += [line for exact in regimes.exact for line in _places(exact, axis)]
    ends = float(axis.values[0]), float(axis.values[-1])
    return Panel(layers, axis_label(axis.name), "rate [nats per step]", xlim=ends, ylim=(low, high), legend="right")


def _window(rate: Array) -> tuple[float, float]:
    """Return the vertical ends of a picture of the rate: 0 and all but the most extreme values, with some air."""
    finite = rate[np.isfinite(rate)]
    ends = np.quantile(finite, (EXTREME, 1 - EXTREME)) if finite.size else np.zeros(2)
    low, high = min(0.0, float(ends[0])), max(0.0, float(ends[1]))
    air = 0.08 * (high - low) or 1.0
    return low - air, high + air


def _bands(codes: Codes, axis: Axis, low: float, high: float) -> Iterator[Band]:
    """Yield one band for each stretch of one regime; each regime is named once."""
    values = axis.values
    edges = np.concatenate([values[:1], (values[1:] + values[:-1]) / 2, values[-1:]])
    changes = np.flatnonzero(np.diff(codes)) + 1
    stretches = zip([0, *changes], [*changes, len(codes)], strict=True)
    named: set[int] = set()
    for code, first, last in sorted((int(codes[first]), first, last) for first, last in stretches):
        ends = np.array([edges[first], edges[last]])
        label = "" if code in named else REGIMES[code].word
        named.add(code)
        yield Band(ends, np.full(2, low), np.full(2, high), label, colour=AREAS[REGIMES[code]])


def _places(exact: ExactRegime, axis: Axis) -> Iterator[VerticalLine]:
    """Yield a line where an exact statement holds at one value of the axis."""
    solved = exact.statement.solved
    if set(solved) != {axis.name} or solved[axis.name].free_symbols:
        return
    value = float(expand_activations(solved[axis.name]).evalf(20))
    if axis.low <= value <= axis.high:
        colour, stroke, _ = CURVES.get(exact.regime, ("black", "solid", "circle"))
        yield VerticalLine(value, _exact_label(exact), colour=colour, stroke=stroke)


@panels_of.register
def _(picture: CliffRegions) -> tuple[Panel, ...]:
    x, y = picture.axes
    heights = np.where(np.isfinite(picture.log_gradient), picture.log_gradient / LOG10, np.nan)
    finite = heights[np.isfinite(heights)]
    low = float(np.quantile(finite, EXTREME)) if finite.size else None
    label = r"$\log_{10}\,\Vert\nabla L\Vert$"
    layers: list[FlatLayer] = [
        Heatmap(x.values, y.values, heights, label, low=low, missing="gradient 0 or undefined"),
        *_outlines(picture),
    ]
    if finite.size:
        across, up = (np.array([picture.largest[axis.name]]) for axis in (x, y))
        label = "largest gradient on the grid"
        layers.append(Points(across, up, label, colour="vermillion", marker="star", size=14.0))
    return (Panel(layers, axis_label(x.name), axis_label(y.name), legend="below"),)


def _outlines(cliffs: CliffRegions) -> Iterator[Line]:
    """Yield the outlines of all regions; the first is named, with the share of the box they have together."""
    share = sum(region.area for region in cliffs.regions)
    label = f"cliff region: {share:.2%} of the box" if len(cliffs.regions) == 1 else ""
    label = label or f"{len(cliffs.regions)} cliff regions: {share:.2%} of the box"
    for region in cliffs.regions:
        for outline in region.outline:
            yield Line(outline[:, 0], outline[:, 1], label, colour="black", width=1.2)
            label = ""


def check_picture_file(path: Path) -> None:
    """Refuse a file that no picture can be written to, before anything is computed for it.

    Raises
    ------
    InputError : another ending than .svg and .png, a folder that is not there, or a folder of that name
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path} has the ending {path.suffix!r}; a picture ends in .svg or .png")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} to; make it first")
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file that ends in .svg or .png")


def write_picture(figure: Figure, path: Path) -> None:
    """Draw a figure to a file whose ending says how; the file is there whole or not at all.

    Raises
    ------
    InputError : the file cannot be written
    """
    from symgrad.report.drawing import draw_png, draw_svg

    check_picture_file(path)
    drawn = draw_svg(figure) if path.suffix == ".svg" else draw_png(figure)
    beside = path.with_name(f".{path.name}.{os.getpid()}.writing")
    try:
        try:
            beside.write_bytes(drawn)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; choose another file") from None
