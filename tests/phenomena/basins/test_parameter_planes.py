"""Parameter planes: cubics whose free critical point is caught by a cycle, and refusals."""

from typing import Any

import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map
from symgrad.phenomena.basins.basin_maps import DIVERGED, UNDECIDED, find_basins
from symgrad.phenomena.basins.parameter_planes import parameter_plane, period_label

FAMILY = Map("z - (z**3 + (a - 1)*z - a)/(3*z**2 + a - 1)", "z")
ROOTS = ("1", "(-1 + sqrt(1 - 4*a))/2", "(-1 - sqrt(1 - 4*a))/2")
COPY = ((0.25, 0.38), (1.6, 1.7))


def test_a_copy_of_the_mandelbrot_set_lies_in_the_plane_of_cubics() -> None:
    """Curry, Garnett & Sullivan (1983): near a = 0.32 + 1.64i Newton's method has an attracting 2-cycle."""
    plane = parameter_plane(FAMILY, "a", 0, COPY, points=80, roots=ROOTS)
    shares = plane.shares()
    assert 0.15 < shares["cycle of period 2"] < 0.3
    assert shares["cycle of period 4"] > 0.01
    assert shares["undecided"] < 0.05
    assert "cycle of period 1" not in shares
    assert plane.verdict is Verdict.SAMPLED
    assert "critical point 0" in plane.statement


def test_the_basins_of_a_parameter_with_a_cycle_show_that_cycle() -> None:
    plane = parameter_plane(FAMILY, "a", 0, COPY, points=40)
    sizes = np.where(plane.labels == period_label(2), plane.multipliers, np.inf)
    at = np.unravel_index(np.argmin(sizes), sizes.shape)
    a = complex(plane.axes[0].values[at[0]], plane.axes[1].values[at[1]])
    found = find_basins(FAMILY, ((-0.5, 0.5), (-0.5, 0.5)), points=41, parameters={"a": a})
    assert [cycle.period for cycle in found.cycles] == [2]
    assert abs(abs(found.cycles[0].multiplier) - plane.multipliers[at]) < 1e-5
    assert found.labels[20, 20] < UNDECIDED


def test_every_root_reached_is_a_root_of_its_cubic() -> None:
    plane = parameter_plane(FAMILY, "a", 0, ((-2, 2), (-2, 2)), points=60, roots=ROOTS)
    assert np.mean(plane.labels >= 0) > 0.99
    assert np.nanmax(plane.multipliers[plane.labels >= 0]) < 0.01
    assert not np.any(plane.labels == DIVERGED)


def test_the_mandelbrot_set_itself() -> None:
    plane = parameter_plane(Map("z**2 + c", "z"), "c", 0, ((-2.2, 0.8), (-1.2, 1.2)), points=(75, 60))
    inside = np.isin(plane.labels, [0, *(period_label(p) for p in range(1, 17))])
    area = inside.mean() * 3.0 * 2.4
    assert 1.3 < area < 1.6
    assert np.mean(plane.labels == DIVERGED) > 0.7


@pytest.mark.parametrize(
    ("parameter", "critical", "options", "message"),
    [
        ("b", 0, {}, "not a parameter"),
        ("a", "b", {}, "no parameter of the family"),
        ("a", 0, {"max_steps": 0}, "max_steps"),
        ("a", 0, {"points": (1, 2, 3)}, "pair"),
    ],
)
def test_what_cannot_be_used_is_refused(parameter: str, critical: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parameter_plane(FAMILY, parameter, critical, COPY, **options)
