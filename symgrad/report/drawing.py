"""Panels drawn by Matplotlib without pyplot: the same description gives the same bytes.

Matplotlib's settings are process-wide, so drawing holds one lock, starts from Matplotlib's own defaults whatever the
user's matplotlibrc says, and leaves the settings as it found them.
"""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Sheet
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import ScaledTranslation

from symgrad.report.blocks import Figure
from symgrad.report.brushes import Canvas, paint
from symgrad.report.layers import Heatmap, Regions
from symgrad.report.panels import Legend, Panel
from symgrad.report.style import COLUMN_INCHES, PIXELS_PER_INCH, RC, ROW_INCHES

SVG_LIMIT = 150_000
_LOCK = threading.RLock()


@contextmanager
def house_style() -> Iterator[None]:
    """Draw with the house settings inside, and with the user's again outside."""
    with _LOCK, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast(Any, RC))
        yield


def draw_svg(figure: Figure) -> bytes:
    """Return the figure as SVG; text is drawn as paths, so it looks alike everywhere."""
    with house_style():
        return _svg(_laid_out(figure), io.BytesIO())


def draw_png(figure: Figure) -> bytes:
    """Return the figure as PNG with 150 pixels per inch."""
    with house_style():
        return _png(_laid_out(figure))


def draw(figure: Figure) -> tuple[bytes, str]:
    """Return the figure's bytes and the suffix of its file: SVG while it is light, PNG when it would be heavy."""
    with house_style():
        sheet = _laid_out(figure)
        try:
            return _svg(sheet, _Light()), ".svg"
        except _TooHeavyError:
            return _png(sheet), ".png"


class _TooHeavyError(Exception):
    """An SVG has grown beyond its limit: there is no use in writing the rest of it."""


class _Light(io.BytesIO):
    """A file that holds at most SVG_LIMIT bytes."""

    def write(self, content: Any) -> int:
        if self.tell() + len(content) > SVG_LIMIT:
            raise _TooHeavyError
        return super().write(content)


def _laid_out(figure: Figure) -> Sheet:
    """Return the painted sheet with its panels in their places, as an SVG measures its texts.

    ``Sheet.savefig`` would draw everything once more, unseen, to come by the same layout.
    """
    sheet = _sheet(figure)
    FigureCanvasSVG(sheet)
    _settle_titles(sheet)
    engine = sheet.get_layout_engine()
    assert engine is not None
    engine.execute(sheet)
    sheet.set_layout_engine("none")
    return sheet


def _settle_titles(sheet: Sheet) -> None:
    """Fix each title above its axes where no common factor of the ticks, such as 1e5, can stand in its way.

    Matplotlib looks for that factor whenever it measures or draws, by measuring the whole vertical axis once more.
    """
    for axes in sheet.axes:
        if hasattr(axes, "zaxis"):
            continue
        vertical = axes.yaxis
        ticks = vertical.get_major_formatter()
        ticks.format_ticks(list(vertical.get_majorticklocs()))
        if not ticks.get_offset():
            axes.set_title(axes.get_title(loc="left"), y=1.0)


def _svg(sheet: Sheet, file: io.BytesIO) -> bytes:
    sheet.dpi = PIXELS_PER_INCH
    canvas: Any = FigureCanvasSVG(sheet)
    canvas.print_svg(file, metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _png(sheet: Sheet) -> bytes:
    file = io.BytesIO()
    sheet.dpi = PIXELS_PER_INCH
    canvas: Any = FigureCanvasAgg(sheet)
    canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()


def _sheet(figure: Figure) -> Sheet:
    """Lay the panels out in a grid and paint them."""
    columns = figure.columns or 1
    rows = -(-len(figure.panels) // columns)
    size = figure.size or (COLUMN_INCHES[columns], ROW_INCHES * rows)
    fixed = any(panel.equal for panel in figure.panels)  # whose empty space would push labels off the sheet
    engine = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08, wspace=0.04, hspace=0.04, compress=fixed)
    sheet = Sheet(figsize=size, layout=engine)
    for number, panel in enumerate(figure.panels, start=1):
        projection = "3d" if panel.spatial else None
        axes = sheet.add_subplot(rows, columns, number, projection=projection)
        _draw_panel(panel, axes, columns)
    return sheet


def _draw_panel(panel: Panel, axes: Any, columns: int) -> None:
    on_field = any(isinstance(layer, Heatmap | Regions) for layer in panel.layers)
    canvas = Canvas(axes, on_field=on_field)
    if not panel.spatial:
        axes.set_xscale(panel.xscale)
        axes.set_yscale(panel.yscale)
        axes.grid(not on_field)
    for layer in panel.layers:
        paint(layer, canvas)
    axes.set_title(panel.title)
    pad = 7.0 if panel.spatial else None
    axes.set_xlabel(panel.xlabel, labelpad=pad)
    axes.set_ylabel(panel.ylabel, labelpad=pad)
    if panel.spatial:
        axes.zaxis.set_rotate_label(False)
        axes.set_zlabel(panel.zlabel, rotation=90, labelpad=9)
        axes.set_box_aspect((1.2, 1.2, 0.75), zoom={1: 0.95, 2: 0.85, 3: 0.75}[columns])
    elif panel.equal:
        axes.set_aspect("equal")
    xlim, ylim = panel.window
    if xlim is not None:
        axes.set_xlim(*xlim)
    if ylim is not None:
        axes.set_ylim(*ylim)
    _draw_legend(panel.legend, canvas, columns)


def _draw_legend(wish: Legend, canvas: Canvas, columns: int) -> None:
    """Put the legend beside the axes or below them, never on the data."""
    if wish == "none" or not canvas.entries:
        return
    handles, labels = zip(*canvas.entries, strict=True)
    place = wish if wish != "auto" else "right" if columns == 1 and not canvas.has_bar else "below"
    axes = canvas.axes
    if place == "right":
        axes.legend(handles, labels, loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0.0)
        return
    below = axes.transAxes + ScaledTranslation(0, -42 / 72, axes.figure.dpi_scale_trans)
    letters = 60 if columns == 1 else 46
    across = min(len(labels), 4, max(1, letters // (max(map(len, labels)) + 6)))
    axes.legend(
        handles,
        labels,
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=below,
        ncols=across,
        borderaxespad=0.0,
    )
