"""How basins look: a colour for each root, black for cycles; light where few steps are needed, dark near borders."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from symgrad.phenomena.basins.basin_maps import DIVERGED, FIRST_CYCLE, UNDECIDED, Basins
from symgrad.phenomena.basins.parameter_planes import ParameterPlane, period_label
from symgrad.report.layers import FlatLayer, Line, Points, Regions
from symgrad.report.panels import Panel, panels_of
from symgrad.report.pictures import axis_label
from symgrad.report.style import Colour, Marker

Labels = NDArray[np.int64]
Array = NDArray[np.float64]

ROOTS: tuple[Colour, ...] = ("blue", "orange", "green", "purple", "sky", "vermillion")
OTHER_ROOTS: Colour = "yellow"
CYCLES: Colour = "black"
BESIDE: Mapping[int, Colour] = {UNDECIDED: "grey", DIVERGED: "white"}
PERIODS: tuple[Colour, ...] = ("purple", "black", "vermillion", "yellow")
LONGER: Colour = "orange"
PARAMETER_ROOTS: tuple[Colour, ...] = ("blue", "sky", "green")
REST = 1000
CONTRAST = 1.4
FASTEST, SLOWEST = 0.002, 0.99


def number_text(z: complex) -> str:
    """Return a number of the plane with three digits and a true minus sign.

    >>> number_text(-0.5 + 0.8660254j), number_text(1.5 + 0j), number_text(-1j)
    ('−0.5 + 0.866i', '1.5', '−1i')
    """
    parts = [f"{z.real:.3g}"] if z.real or not z.imag else []
    if z.imag:
        sign = (" + " if z.imag > 0 else " − ") if parts else ("" if z.imag > 0 else "−")
        parts.append(f"{sign}{abs(z.imag):.3g}i")
    return "".join(parts).replace("-", "−")


@panels_of.register
def _(picture: Basins) -> tuple[Panel, ...]:
    if len(picture.axes) == 1:
        return (_line(picture),)
    x, y = picture.axes
    codes, labels, colours = _kinds(picture)
    layers: list[FlatLayer] = [
        Regions(x.values, y.values, codes, labels, colours=colours, shades=_shades(picture.smooth))
    ]
    layers += _branches(picture) if picture.branches is not None else _places(picture)
    equal = picture.domain == "complex"
    names = [_part_label(axis.name) for axis in picture.axes]
    return (Panel(layers, names[0], names[1], _brightness(picture), legend="right", equal=equal),)


def _part_label(name: str) -> str:
    """Return the label of an axis: Re z and Im z upright, other names as symbols."""
    part, _, variable = name.partition(" ")
    return f"{part} {axis_label(variable)}" if variable else axis_label(name)


def _brightness(picture: Basins) -> str:
    smooth = picture.smooth[np.isfinite(picture.smooth)]
    if not smooth.size:
        return ""
    low, high = np.quantile(smooth, (FASTEST, SLOWEST))
    return f"light: {low:.0f} steps to {picture.tolerance:g}, dark: {high:.0f} or more"


def _kinds(picture: Basins) -> tuple[Labels, dict[int, str], dict[int, Colour]]:
    """Return codes with the rarest of many roots merged, and the name and the colour of every code."""
    present, counts = np.unique(picture.labels, return_counts=True)
    share = {int(label): count / picture.labels.size for label, count in zip(present, counts, strict=True)}
    seen = sorted((label for label in share if label >= 0), key=lambda label: -share[label])
    own = sorted(seen[: len(ROOTS)])
    codes, labels, colours = picture.labels.astype(np.int64), dict[int, str](), dict[int, Colour]()
    for label, colour in zip(own, ROOTS, strict=False):
        where = picture.name_of(label) if picture.branches is not None else number_text(picture.roots[label])
        labels[label], colours[label] = f"{where} ({share[label]:.1%})", colour
    if rest := seen[len(ROOTS) :]:
        codes = np.where(np.isin(codes, rest), REST, codes)
        labels[REST] = f"{len(rest)} other roots ({sum(share[label] for label in rest):.1%})"
        colours[REST] = OTHER_ROOTS
    if cycles := [label for label in share if label <= FIRST_CYCLE]:
        codes = np.where(codes <= FIRST_CYCLE, FIRST_CYCLE, codes)
        labels[FIRST_CYCLE] = f"{_cycles_text(picture, cycles)} ({sum(share[label] for label in cycles):.1%})"
        colours[FIRST_CYCLE] = CYCLES
    for label, colour in BESIDE.items():
        if label in share:
            labels[label], colours[label] = f"{picture.name_of(label)} ({share[label]:.1%})", colour
    return codes, labels, colours


def _cycles_text(picture: Basins, labels: list[int]) -> str:
    cycles = [picture.cycles[FIRST_CYCLE - label] for label in labels]
    if len(cycles) > 1:
        return "cycles of period " + ", ".join(map(str, sorted({cycle.period for cycle in cycles})))
    return f"cycle of period {cycles[0].period}"


def _shades(smooth: Array) -> Array:
    """Return 0 for the fastest and 1 for the slowest points, on the logarithmic scale that spreads the middle."""
    finite = smooth[np.isfinite(smooth)]
    if not finite.size:
        return np.full(smooth.shape, np.nan)
    low, high = np.quantile(finite, (FASTEST, SLOWEST))
    if not high > low:
        return np.where(np.isfinite(smooth), 0.0, np.nan)
    scaled: Array = np.log1p(np.clip(smooth - low, 0, None)) / np.log1p(high - low)
    return np.clip(scaled, 0.0, 1.0) ** CONTRAST


def _places(picture: Basins) -> Iterator[Points]:
    """Yield the roots and cycles inside the window as marks."""
    yield from _marks(picture, [picture.roots[k] for k in picture.attractors], "roots", "circle", "white")
    places = [point for cycle in picture.cycles for point in cycle.points]
    yield from _marks(picture, places, "on cycles", "diamond", "yellow")


def _marks(picture: Basins, points: list[complex], label: str, marker: Marker, colour: Colour) -> Iterator[Points]:
    """Yield black marks and lighter ones on them, so that they stand out on every colour."""
    (x, y), z = picture.axes, np.array(points, dtype=complex)
    inside = z[(z.real >= x.low) & (z.real <= x.high) & (z.imag >= y.low) & (z.imag <= y.high)]
    if inside.size:
        yield Points(inside.real, inside.imag, label, colour="black", marker=marker, size=9.0)
        yield Points(inside.real, inside.imag, colour=colour, marker=marker, size=5.0)


def _branches(picture: Basins) -> Iterator[Line]:
    assert picture.branches is not None
    label = "roots"
    for branch in picture.branches:
        if np.isfinite(branch).sum() > 1:
            yield Line(picture.axes[0].values, branch, label, colour="white", width=1.4)
            label = ""


def _line(picture: Basins) -> Panel:
    """Return the labels over an interval as stripes, with the number of steps as a curve on them."""
    (axis,) = picture.axes
    codes, labels, colours = _kinds(picture)
    finite = picture.smooth[np.isfinite(picture.smooth)]
    top = float(np.quantile(finite, SLOWEST)) * 1.1 if finite.size else 1.0
    layers: list[FlatLayer] = [
        Regions(axis.values, np.array([0.0, max(top, 1.0)]), np.stack([codes, codes], axis=1), labels, colours=colours)
    ]
    if finite.size:
        layers.append(Points(axis.values, picture.smooth, colour="white", size=2.4))
    return Panel(layers, axis_label(axis.name), f"steps to {picture.tolerance:g}", legend="right")


@panels_of.register
def _(picture: ParameterPlane) -> tuple[Panel, ...]:
    x, y = picture.axes
    codes, labels, colours = _fates(picture)
    shades = np.where(picture.labels >= 0, _shades(picture.steps), np.nan)
    region = Regions(x.values, y.values, codes, labels, colours=colours, shades=shades)
    title = f"fate of the critical point {picture.critical_point}, cycles by period"
    return (Panel([region], _part_label(x.name), _part_label(y.name), title, legend="right", equal=True),)


def _fates(picture: ParameterPlane) -> tuple[Labels, dict[int, str], dict[int, Colour]]:
    """Return codes with the longer cycles merged, and the name and the colour of every code."""
    present, counts = np.unique(picture.labels, return_counts=True)
    share = {int(label): count / picture.labels.size for label, count in zip(present, counts, strict=True)}
    codes, longest = picture.labels.astype(np.int64), period_label(len(PERIODS))
    labels, colours = dict[int, str](), dict[int, Colour]()
    for label in sorted(share, key=lambda label: (label < 0, abs(label))):
        if label >= 0:
            labels[label] = f"{picture.name_of(label)} ({share[label]:.1%})"
            colours[label] = PARAMETER_ROOTS[min(label, len(PARAMETER_ROOTS) - 1)]
        elif longest <= label <= FIRST_CYCLE:
            period = FIRST_CYCLE + 1 - label
            labels[label], colours[label] = f"period {period} ({share[label]:.2%})", PERIODS[period - 1]
    if longer := [label for label in share if label < longest]:
        codes = np.where(codes < longest, longest - 1, codes)
        labels[longest - 1] = f"longer ({sum(share[label] for label in longer):.2%})"
        colours[longest - 1] = LONGER
    for label, colour in BESIDE.items():
        if label in share:
            labels[label], colours[label] = f"{picture.name_of(label)} ({share[label]:.2%})", colour
    return codes, labels, colours
