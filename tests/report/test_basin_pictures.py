"""Pictures of basins: one colour per root, cycles and undecided starts apart, and shades that an image can show."""

from typing import Any

import numpy as np
import pytest

from symgrad.derivation import newton
from symgrad.errors import InputError
from symgrad.maps import Map
from symgrad.phenomena.basins.basin_maps import FIRST_CYCLE, find_basins
from symgrad.phenomena.basins.parameter_planes import parameter_plane
from symgrad.report import Figure, Line, Panel, Points, Regions, panels_of
from symgrad.report.basin_pictures import BESIDE, CYCLES, OTHER_ROOTS, REST, ROOTS
from symgrad.report.drawing import draw_png

SQUARE = ((-2, 2), (-2, 2))


def of_kind(panel: Panel, kind: type) -> list[Any]:
    return [layer for layer in panel.layers if isinstance(layer, kind)]


def test_colours_of_roots_cycles_and_the_rest_are_apart() -> None:
    colours = [*ROOTS, OTHER_ROOTS, CYCLES, *BESIDE.values()]
    assert len(set(colours)) == len(colours)


def test_a_plane_shows_roots_cycles_and_steps() -> None:
    found = find_basins(newton("z**3 - 2*z + 2", "z"), SQUARE, points=60)
    (panel,) = panels_of(found)
    (areas,) = of_kind(panel, Regions)
    assert np.array_equal(areas.codes, found.labels)
    assert areas.colours[FIRST_CYCLE] == "black"
    assert areas.labels[0].startswith("−1.77 (")
    assert areas.shades.min() >= 0
    assert areas.shades.max() <= 1
    assert (panel.xlabel, panel.ylabel, panel.equal) == ("Re $z$", "Im $z$", True)
    marks = {layer.label: layer.x.size for layer in of_kind(panel, Points)}
    assert (marks["roots"], marks["on cycles"]) == (3, 2)
    assert draw_png(Figure(found, "Basins.")).startswith(b"\x89PNG")


def test_the_rarest_of_many_roots_share_a_colour() -> None:
    (panel,) = panels_of(find_basins(newton("sin(z)", "z"), SQUARE, points=60))
    (areas,) = of_kind(panel, Regions)
    assert areas.colours[REST] == OTHER_ROOTS
    assert "other roots" in areas.labels[REST]
    assert len(areas.labels) == len(ROOTS) + 1


def test_a_line_and_a_swept_parameter_have_pictures() -> None:
    line = find_basins(newton("x**3 - 2*x + 2", "x"), (-3, 3), points=50, domain="real")
    swept = find_basins(newton("x**2 - a", "x"), (-3, 3), parameters={"a": (1, 2)}, points=(5, 20), domain="real")
    (first,), (second,) = panels_of(line), panels_of(swept)
    assert (first.xlabel, second.xlabel, second.ylabel) == ("$x$", "$a$", "$x$")
    assert len(of_kind(second, Line)) == 2
    for picture in (line, swept):
        assert draw_png(Figure(picture, "Basins.")).startswith(b"\x89PNG")


def test_a_line_where_nothing_settles_has_a_picture() -> None:
    (panel,) = panels_of(find_basins(newton("x**2 + 1", "x"), (-3, 3), points=50, domain="real"))
    assert of_kind(panel, Points) == []


def test_a_parameter_plane_names_the_periods() -> None:
    family = Map("z - (z**3 + (a - 1)*z - a)/(3*z**2 + a - 1)", "z")
    plane = parameter_plane(family, "a", 0, ((0.25, 0.38), (1.6, 1.7)), points=40)
    (panel,) = panels_of(plane)
    (areas,) = of_kind(panel, Regions)
    assert any(label.startswith("period 2 (") for label in areas.labels.values())
    assert any(label.startswith("longer (") for label in areas.labels.values())
    assert draw_png(Figure(plane, "Parameters.")).startswith(b"\x89PNG")


def test_shades_outside_zero_to_one_and_uneven_grids_are_refused() -> None:
    even, codes = [0.0, 1.0, 2.0], np.zeros((3, 3), int)
    Regions(even, even, codes, {0: "all"}, shades=np.full((3, 3), np.nan))
    with pytest.raises(InputError, match="between 0 and 1"):
        Regions(even, even, codes, {0: "all"}, shades=np.full((3, 3), 1.5))
    with pytest.raises(InputError, match="equally spaced"):
        Regions([0.0, 1.0, 5.0], even, codes, {0: "all"}, shades=np.zeros((3, 3)))
