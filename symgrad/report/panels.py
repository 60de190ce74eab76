"""Panels: one pair of labelled axes with its layers, and how a result turns into panels.

A room above registers how its results look with ``@panels_of.register``; ``Figure(result, caption)`` then draws them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import singledispatch
from typing import Literal, get_args

import numpy as np

from symgrad.errors import InputError
from symgrad.report.layers import (
    Array,
    Contours,
    Heatmap,
    Layer,
    Regions,
    SpaceCurve,
    Surface,
)

AxisScale = Literal["linear", "log", "symlog"]
Legend = Literal["auto", "right", "below", "none"]


@dataclass(frozen=True)
class Panel:
    """One pair of labelled axes, or three, with what is drawn on them from the back to the front.

    Parameters
    ----------
    layers : drawn in order
    xlabel, ylabel : never empty; mathtext and units welcome, e.g. r"$w$" or "rate [nats per step]"
    title : a short line above the panel
    zlabel : the height axis, needed when a layer is a Surface
    xscale, yscale : linear, log (positive data only) or symlog (linear within ±1)
    xlim, ylim : the window; None takes the grid of a field, else the data
    legend : right of the axes or below them, never on the data; "none" leaves it out; "auto" chooses
    equal : one unit has the same length on both axes

    Examples
    --------
    >>> from symgrad.report import Line, Panel
    >>> Panel([Line([0, 1], [1, 4], "loss")], r"$w$", "loss").title
    ''
    >>> Panel([Line([0, 1], [1, 4])], r"$w$", "")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: Panel.ylabel is empty; say what the axis measures, e.g. r"$w$"
    """

    layers: Sequence[Layer]
    xlabel: str
    ylabel: str
    title: str = ""
    zlabel: str = field(default="", kw_only=True)
    xscale: AxisScale = field(default="linear", kw_only=True)
    yscale: AxisScale = field(default="linear", kw_only=True)
    xlim: tuple[float, float] | None = field(default=None, kw_only=True)
    ylim: tuple[float, float] | None = field(default=None, kw_only=True)
    legend: Legend = field(default="auto", kw_only=True)
    equal: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        _check_layers(self.layers)
        axes = ("xlabel", "ylabel", "zlabel") if self.spatial else ("xlabel", "ylabel")
        for name in axes:
            if not getattr(self, name).strip():
                raise InputError(f'Panel.{name} is empty; say what the axis measures, e.g. r"$w$"')
        for name, allowed in (("xscale", AxisScale), ("yscale", AxisScale), ("legend", Legend)):
            if getattr(self, name) not in get_args(allowed):
                choice = ", ".join(get_args(allowed))
                raise InputError(f"Panel.{name} must be one of {choice}, got {getattr(self, name)!r}")
        for axis in ("x", "y"):
            if getattr(self, f"{axis}scale") == "log":
                _check_positive(self.layers, axis)

    @property
    def spatial(self) -> bool:
        """Whether the panel shows a surface or a curve in space."""
        return any(isinstance(layer, Surface | SpaceCurve) for layer in self.layers)

    @property
    def window(self) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        """The horizontal and the vertical limits: those given, else the grid of the fields, else None."""
        grids = [layer for layer in self.layers if isinstance(layer, Heatmap | Regions | Contours)]
        if not grids:
            return self.xlim, self.ylim
        return self.xlim or _span([grid.x for grid in grids]), self.ylim or _span([grid.y for grid in grids])


def _span(arrays: Sequence[Array]) -> tuple[float, float]:
    return min(float(array[0]) for array in arrays), max(float(array[-1]) for array in arrays)


def _check_layers(layers: Sequence[object]) -> None:
    """Refuse what is no layer, a panel with nothing in it, and flat layers among spatial ones."""
    if not layers:
        raise InputError("Panel needs at least one layer, got none; e.g. Panel([Line(x, y)], 'x', 'y')")
    for layer in layers:
        if not isinstance(layer, Layer):
            raise InputError(f"a panel is made of layers such as Line or Heatmap, got {type(layer).__name__}")
    spatial = [isinstance(layer, Surface | SpaceCurve) for layer in layers]
    if any(spatial) and not all(spatial):
        raise InputError("a panel with a Surface takes only Surface and SpaceCurve layers; put flat layers in another")


def _check_positive(layers: Sequence[Layer], axis: str) -> None:
    """Refuse data that a logarithmic axis would leave out without a word."""
    names = {axis, "low", "high"} if axis == "y" else {axis}
    for layer in layers:
        for item in fields(layer):
            if item.name not in names:
                continue
            value = getattr(layer, item.name)
            if isinstance(value, float | int | np.ndarray) and np.any(np.asarray(value) <= 0):
                raise InputError(
                    f"{type(layer).__name__}.{item.name} holds numbers that are not positive, which a logarithmic "
                    f"axis cannot show; use {axis}scale='symlog' or replace them by NaN"
                )


@singledispatch
def panels_of(picture: object) -> tuple[Panel, ...]:
    """Return the panels that show a picture: a Panel, a sequence of them, or a result of a registered kind.

    Examples
    --------
    >>> panels_of("loss")
    Traceback (most recent call last):
    ...
    symgrad.errors.InputError: a Figure shows a Panel, a list of Panels or a result that knows its picture, got str
    """
    if isinstance(picture, Sequence) and not isinstance(picture, str) and picture:
        return tuple(panel for part in picture for panel in panels_of(part))
    raise InputError(
        f"a Figure shows a Panel, a list of Panels or a result that knows its picture, got {type(picture).__name__}"
    )


@panels_of.register
def _(picture: Panel) -> tuple[Panel, ...]:
    return (picture,)
