"""Figures: the same bytes every time, no settings left behind, and no description that could mislead."""

import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from symgrad.errors import InputError
from symgrad.report import (
    Annotation,
    Arrows,
    Band,
    Contours,
    Figure,
    Heatmap,
    HorizontalLine,
    Layer,
    Line,
    Panel,
    Points,
    Regions,
    SpaceCurve,
    Surface,
    Trajectory,
    VerticalLine,
    panels_of,
)
from symgrad.report.brushes import Canvas, paint
from symgrad.report.drawing import SVG_LIMIT, _laid_out, _sheet, draw, draw_png, draw_svg, house_style
from symgrad.report.layers import FlatLayer
from symgrad.report.style import AREA_CYCLE, CYCLE, PALETTE

X = np.linspace(0.0, 1.0, 7)
Y = np.linspace(-1.0, 1.0, 5)
Z = np.add.outer(X, Y)
HOLED = np.where(Z > 1.5, np.nan, Z)
FLAT: list[FlatLayer] = [
    Heatmap(X, Y, HOLED, "height", colours="diverging", low=-0.5),
    Regions(X, Y, np.round(Z), {-1: "low", 0: "middle", 1: "high", 2: "top"}),
    Contours(X, Y, Z, [0.0, 0.5], "levels", colour="white"),
    Line(X, X**2, "line"),
    Points(X, X, "points", marker="diamond"),
    Band(X, X - 0.1, X + 0.1, "band"),
    Trajectory(X, -X, "path"),
    Arrows([0.5], [0.0], [0.1], [0.2], "arrow"),
    HorizontalLine(0.5, "across"),
    VerticalLine(0.5, "up"),
    Annotation("here", 0.5, 0.0),
]
SPATIAL: list[Layer] = [Surface(X, Y, HOLED), SpaceCurve(X, 0 * X, X, "curve")]


def everything() -> Figure:
    return Figure(
        [
            Panel(FLAT, r"$x_0$", "bias", "All flat layers"),
            Panel(SPATIAL, "$w$", "$b$", zlabel="loss"),
            Panel([Line(X + 1, X + 1, "log")], "$w$", "loss", xscale="log", yscale="log", legend="right"),
            Panel([Line(X, X)], "$w$", "loss", equal=True),
        ],
        "Everything.",
    )


def test_a_figure_has_the_same_bytes_every_time() -> None:
    assert draw_svg(everything()) == draw_svg(everything())
    small = Figure(Panel(FLAT[:1], "x", "y"), "A field.", size=(4.0, 2.0))
    assert draw_png(small) == draw_png(small)


def test_a_file_says_nothing_about_when_and_by_what_it_was_made() -> None:
    figure = Figure(Panel([Line(X, X)], "x", "y"), "A line.")
    svg, png = draw_svg(figure), draw_png(figure)
    assert b"<dc:date>" not in svg
    assert mpl.__version__.encode() not in svg
    assert b"Software" not in png


def test_every_kind_of_layer_has_a_brush() -> None:
    kinds = {type(layer) for layer in [*FLAT, *SPATIAL]}
    assert kinds == set(Layer.__args__)
    for kind in kinds:
        assert paint.dispatch(kind) is not paint.dispatch(object)
    with pytest.raises(TypeError, match="no brush"):
        paint("planted", Canvas(None, on_field=False))


def settings() -> dict[str, object]:
    """Return Matplotlib's settings but the backend, which would be chosen, and pyplot imported, by looking at it."""
    return {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}


def test_the_users_settings_neither_show_nor_change() -> None:
    figure = Figure(Panel([Line(X, X)], "x", "y"), "A line.")
    plain = draw_svg(figure)
    with mpl.rc_context({"font.size": 31.0, "lines.linewidth": 9.0, "svg.fonttype": "none"}):
        before = settings()
        assert draw_svg(figure) == plain
        assert settings() == before


def test_drawing_needs_no_pyplot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    draw_svg(Figure(Panel([Line(X, X)], "x", "y"), "A line."))
    assert "matplotlib.pyplot" not in sys.modules


def test_light_figures_are_svg_and_heavy_ones_png() -> None:
    light = Figure(Panel([Line(X, X)], "x", "y"), "A line.")
    rng = np.random.default_rng(0)
    heavy = Figure(Panel([Points(rng.normal(size=1800), rng.normal(size=1800))], "x", "y"), "Many points.")
    assert draw(light)[1] == ".svg"
    assert len(draw(light)[0]) <= SVG_LIMIT
    assert draw(heavy)[1] == ".png"
    assert draw(heavy)[0].startswith(b"\x89PNG")


def test_legends_never_lie_on_the_data() -> None:
    with house_style():
        sheet = _sheet(everything())
        FigureCanvasAgg(sheet).draw()
        legends = 0
        for axes in sheet.axes:
            if axes.get_legend() is None:
                continue
            legends += 1
            box = axes.get_legend().get_window_extent()
            inside = axes.get_window_extent()
            assert not box.overlaps(inside)
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= sheet.bbox.x1
        assert legends == 3


def test_data_are_copied_and_read_only() -> None:
    values = np.array([1.0, 2.0])
    line = Line(values, values)
    values[0] = 99.0
    assert line.x[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        line.x[0] = 5.0


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (lambda: Line([1, 2], [1, 2, 3]), "one length"),
        (lambda: Line([], []), "no points"),
        (lambda: Line(["a"], [1]), "real numbers"),
        (lambda: Line([1], [2j]), "real numbers"),
        (lambda: Line([1], [1], colour="red"), "colour must be one of"),
        (lambda: HorizontalLine(1, colour="red"), "colour must be one of"),
        (lambda: Heatmap(X, Y, Z.T, "height"), "must have shape"),
        (lambda: Heatmap(X[::-1], Y, Z, "height"), "increasing"),
        (lambda: Heatmap(X, Y, Z, " "), "what the colours measure"),
        (lambda: Regions(X, Y, Z, {0: "zero"}), "whole numbers"),
        (lambda: Regions(X, Y, 0 * Z + 3, {0: "zero"}), "does not name"),
        (lambda: Regions(X, Y, 0 * Z, dict(enumerate("abcdefghij"))), "merge the rare ones"),
        (lambda: Contours(X, Y, Z, [2, 1]), "increasing"),
        (lambda: Panel([], "x", "y"), "at least one layer"),
        (lambda: Panel(["line"], "x", "y"), "made of layers"),
        (lambda: Panel([Line(X, X)], "", "y"), "xlabel is empty"),
        (lambda: Panel([Surface(X, Y, Z)], "x", "y"), "zlabel is empty"),
        (lambda: Panel([Surface(X, Y, Z), Line(X, X)], "x", "y", zlabel="z"), "flat layers"),
        (lambda: Panel([Line(X, X)], "x", "y", xscale="logarithmic"), "xscale must be one of"),
        (lambda: Panel([Line(X + 1, X)], "x", "y", yscale="log"), "cannot show"),
        (lambda: Panel([Band(X + 1, X, X + 1)], "x", "y", yscale="log"), "Band.low"),
        (lambda: Panel([VerticalLine(0.0)], "x", "y", xscale="log"), "cannot show"),
        (lambda: Figure(Panel([Line(X, X)], "x", "y"), ""), "caption is empty"),
        (lambda: Figure(Panel([Line(X, X)], "x", "y"), "c", columns=4), "columns must be"),
        (lambda: Figure([], "c"), "a Figure shows"),
        (lambda: Figure(np.zeros(3), "c"), "a Figure shows"),
    ],
)
def test_what_would_mislead_is_refused(fault, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=says):
        fault()


def test_a_result_shows_itself_once_its_kind_is_registered() -> None:
    class Curve:
        pass

    panels_of.register(Curve, lambda curve: (Panel([Line(X, X)], "x", "y"),))
    assert len(Figure([Curve(), Curve()], "Two curves.").panels) == 2


def test_colours_stay_apart_for_colour_blind_eyes() -> None:
    """Machado, Oliveira and Fernandes (2009): severe protanomaly and deuteranomaly, distance in linear RGB."""
    protan = np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    )
    deutan = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]])
    for cycle in (CYCLE, AREA_CYCLE):
        colours = np.array([to_rgb(PALETTE[name]) for name in cycle])
        linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
        for sight in (np.eye(3), protan, deutan):
            seen = linear @ sight.T
            apart = [np.abs(a - b).max() for i, a in enumerate(seen) for b in seen[:i]]
            assert min(apart) > 0.04


def test_a_heavy_figure_is_given_up_early_and_its_png_is_that_of_any_other_way() -> None:
    rng = np.random.default_rng(0)
    heavy = Figure(Panel([Points(rng.normal(size=1800), rng.normal(size=1800))], "x", "y"), "Many points.")
    assert len(draw_svg(heavy)) > SVG_LIMIT
    assert draw(heavy) == (draw_png(heavy), ".png")


def test_a_path_over_a_field_stays_light_and_stands_before_its_ends_in_the_legend() -> None:
    field = Heatmap(np.arange(3.0), np.arange(3.0), np.zeros((3, 3)), "zero")
    walks = [Trajectory(np.linspace(0, 2, 300), np.linspace(0, i, 300), f"walk {i}") for i in (1, 2)]
    figure = Figure(Panel([field, *walks], "x", "y"), "Two walks.")
    assert len(draw_svg(figure)) < 200 * 1200
    with house_style():
        (legend,) = [axes.get_legend() for axes in _sheet(figure).axes if axes.get_legend()]
        assert [text.get_text() for text in legend.get_texts()] == ["walk 1", "walk 2", "start", "end"]


def test_a_path_that_stands_still_is_as_light_as_one_that_ends() -> None:
    x = np.linspace(0, 1, 9)
    short = Figure(Panel([Trajectory(x, x)], "x", "y"), "A walk.")
    still = np.append(x, [1.0] * 500)
    assert draw_svg(Figure(Panel([Trajectory(still, still)], "x", "y"), "A walk.")) == draw_svg(short)


def test_a_title_stands_above_the_common_factor_of_the_ticks() -> None:
    heights = []
    for size in (1.0, 1e8):
        panel = Panel([Line(X, size * (X + 1))], "x", "y", "A title as wide as its axes")
        with house_style():
            sheet = _laid_out(Figure(panel, "A line."))
            canvas = FigureCanvasAgg(sheet)
            canvas.draw()
        (axes,) = sheet.axes
        (title,) = (text for text in axes.findobj(Text) if text.get_text() == panel.title)
        heights.append(title.get_window_extent().y0 - axes.get_window_extent().y1)
    factor = axes.yaxis.get_offset_text()
    assert factor.get_text() == "1e8"
    assert not title.get_window_extent().overlaps(factor.get_window_extent())
    assert heights[1] > heights[0] > 0
