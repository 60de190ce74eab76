"""Pictures of results: what is drawn follows from the result, and is named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels import to_kernel
from symgrad.maps import Map
from symgrad.phenomena import CliffRegions, Regime, RegimeMap, classify, cliff_regions
from symgrad.report import Band, Figure, Heatmap, Line, Panel, Points, Regions, VerticalLine, panels_of, write_picture
from symgrad.report.pictures import AREAS, CURVES, axis_label, check_picture_file
from symgrad.sweeps import Axis, sweep


def regimes(
    text: str, *axes: Axis, depth: int = 50, start: Any = None, given: Mapping[str, Any] | None = None
) -> RegimeMap:
    kernel = to_kernel(Map.from_text(text) ** depth)
    return classify(sweep(kernel, *axes, start=start, parameters=given, progress=False))


def of_kind(panel: Panel, kind: type) -> list[Any]:
    return [layer for layer in panel.layers if isinstance(layer, kind)]


def cliffs(text: str = "w*sigmoid(x) + b", loss: str = "(sigmoid(x) - 7/10)**2") -> CliffRegions:
    kernel = to_kernel(gradient(Map.from_text(text) ** 50, loss, wrt="w,b"))
    plane = sweep(kernel, Axis("w", 4, 8, 61), Axis("b", -6, -1, 61), start=0.5, progress=False)
    return cliff_regions(plane)


def test_every_regime_has_a_colour_of_its_own() -> None:
    assert set(AREAS) == set(Regime)
    assert len(set(AREAS.values())) == len(Regime)
    assert len({marker for _, _, marker in CURVES.values()}) == len(CURVES)


def test_a_plane_shows_areas_and_what_is_known_by_equation() -> None:
    plane = regimes("w*sigmoid(x) + b", Axis("w", -8, 8, 17), Axis("b", -6, 4, 11), start=0)
    (panel,) = panels_of(plane)
    (areas,) = of_kind(panel, Regions)
    assert np.array_equal(areas.codes, plane.codes)
    assert areas.labels[int(plane.codes[0, 0])] == plane.regimes[0, 0].word
    assert (panel.xlabel, panel.ylabel) == ("$w$", "$b$")
    labels = [layer.label.replace("\n", " ").replace("\N{NO-BREAK SPACE}", " ") for layer in panel.layers[1:]]
    assert "exploding, proved: b = -w/2, abs(w/4) > 1" in labels
    (constant,) = [points for points in of_kind(panel, Points) if points.label.startswith("constant")]
    assert (constant.x.tolist(), constant.y.tolist()) == ([4.0], [-2.0])
    for line in of_kind(panel, Line):
        assert np.allclose(line.y, -line.x / 2)


def test_a_curve_in_several_pieces_is_named_once() -> None:
    (panel,) = panels_of(regimes("w*sigmoid(x) + b", Axis("w", -8, 8, 17), Axis("b", -6, 4, 11), start=0))
    exploding = [line.label for line in of_kind(panel, Line) if line.colour == "vermillion"]
    assert [bool(label) for label in exploding] == [True, False]


def test_one_axis_shows_the_rate_over_bands_of_regimes() -> None:
    line = regimes("w*x + b", Axis("w", -2, 2, 9), start=1, given={"b": 1})
    (panel,) = panels_of(line)
    bands = of_kind(panel, Band)
    assert [band.label for band in bands if band.label] == [
        "vanishing",
        "constant",
        "alternating",
        "exploding",
        "zero",
    ]
    assert min(band.x[0] for band in bands) == -2
    assert max(band.x[1] for band in bands) == 2
    assert sum(band.x[1] - band.x[0] for band in bands) == pytest.approx(4)
    (rate,) = of_kind(panel, Line)
    finite = np.isfinite(line.rate)
    assert np.array_equal(rate.y[finite], line.rate[finite])
    assert np.isnan(rate.y[~finite]).all()
    assert panel.ylabel == "rate [nats per step]"
    assert sorted(mark.x for mark in of_kind(panel, VerticalLine)) == [-1, 0, 1]


def test_a_line_without_any_rate_can_be_drawn() -> None:
    (panel,) = panels_of(regimes("0*x + w", Axis("w", -1, 1, 3), start=1))
    assert np.isnan(of_kind(panel, Line)[0].y).all()
    assert panel.ylim == (-1.0, 1.0)


def test_a_map_without_one_or_two_axes_is_refused() -> None:
    bare = classify(to_kernel(Map.from_text("w*x") ** 9)(1.0, {"w": 2.0}))
    with pytest.raises(InputError, match="over one or two axes, this one has 0"):
        panels_of(bare)


def test_cliffs_show_steepness_outlines_and_the_steepest_point() -> None:
    found = cliffs()
    (panel,) = panels_of(found)
    (heights,) = of_kind(panel, Heatmap)
    assert np.allclose(heights.z, found.log_gradient / np.log(10))
    outlines = of_kind(panel, Line)
    assert len(outlines) == sum(len(region.outline) for region in found.regions) > 0
    assert "of the box" in outlines[0].label
    (star,) = of_kind(panel, Points)
    assert (star.x[0], star.y[0]) == (found.largest["w"], found.largest["b"])


def test_a_flat_loss_has_no_cliff_and_still_a_picture() -> None:
    (panel,) = panels_of(cliffs(loss="0*x + 1"))
    assert of_kind(panel, Line) == []
    assert of_kind(panel, Points) == []


def test_an_axis_is_labelled_with_its_symbol() -> None:
    assert (axis_label("w"), axis_label("alpha"), axis_label("w_12")) == ("$w$", r"$\alpha$", "$w_{12}$")


@pytest.mark.parametrize("name", ["a.svg", "a.png"])
def test_a_picture_has_the_same_bytes_every_time(tmp_path: Path, name: str) -> None:
    figure = Figure(regimes("w*x + b", Axis("w", -2, 2, 9), Axis("b", 0, 1, 3), start=1), "A plane.")
    write_picture(figure, tmp_path / name)
    first = (tmp_path / name).read_bytes()
    write_picture(figure, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("a.pdf", "the ending '.pdf'"),
        ("a", "the ending ''"),
        ("no/a.svg", "there is no folder"),
        ("b.svg", "is a folder"),
    ],
)
def test_a_file_for_no_picture_is_refused_before_it_is_drawn(tmp_path: Path, name: str, part: str) -> None:
    (tmp_path / "b.svg").mkdir()
    with pytest.raises(InputError, match=part):
        check_picture_file(tmp_path / name)
