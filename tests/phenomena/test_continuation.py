"""Traced curves: on the exact curves where those exist, certified everywhere, and honest about where they end."""

import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.maps import Map, expression
from symgrad.phenomena import bifurcation_system, trace

SIGMOID = Map("w*sigmoid(x) + b", "x")


def test_a_traced_fold_curve_is_the_exact_one_through_the_cusp() -> None:
    box = {"w": (3.0, 7.0), "b": (-6.0, 0.0)}
    found = trace(bifurcation_system(SIGMOID, "fold"), {"x": 1.0, "w": 5.0, "b": -2.6}, box, step=0.3)
    back = trace(bifurcation_system(SIGMOID, "fold"), {"x": 1.0, "w": 5.0, "b": -2.6}, box, step=0.3, direction=-1)
    assert found.ending == back.ending == "it left the box"
    points = np.concatenate([found.points, back.points])
    s = 1 / (1 + np.exp(-points[:, 0]))
    assert np.abs(points[:, 1] - 1 / (s * (1 - s))).max() < 1e-12
    assert np.abs(points[:, 2] - (np.log(s / (1 - s)) - 1 / (1 - s))).max() < 1e-12
    assert points[:, 0].min() < 0 < points[:, 0].max()
    assert max(found.radius.max(), back.radius.max()) < 1e-20


def test_a_period_doubling_curve_without_structure_is_traced() -> None:
    # r·x(1-x) + h has its second flip on r/2 - r²/4 - r·h = -5/4.
    layer = Map("r*x*(1 - x) + h", "x")
    found = trace(
        bifurcation_system(layer, "flip", period=2),
        {"x": 0.44, "r": 3.45, "h": 0.0},
        {"r": (3, 4), "h": (-0.5, 0.5)},
        step=0.1,
        most=8,
    )
    assert len(found.points) > 3
    r, h = found.points[:, 1], found.points[:, 2]
    assert np.abs(r / 2 - r**2 / 4 - r * h + 1.25).max() < 1e-12


def test_a_closed_curve_closes() -> None:
    found = trace([expression("x**2 + y**2 - 1")], {"x": 1.0, "y": 0.1}, {}, step=0.2)
    assert found.ending == "it closed"
    assert np.abs(np.hypot(*found.points.T) - 1).max() < 1e-15


def test_a_crossing_is_not_stepped_over_in_silence() -> None:
    found = trace([expression("x*y")], {"x": 0.5, "y": 0.0}, {"x": (-1, 1)}, step=0.25, direction=1)
    assert found.ending in ("it left the box", "the next point could not be certified")
    assert np.abs(found.points[:, 0] * found.points[:, 1]).max() == 0


def test_what_cannot_be_traced_is_refused() -> None:
    with pytest.raises(InputError, match="need 3 unknowns, got x, w"):
        trace(bifurcation_system(SIGMOID, "fold"), {"x": 1.0, "w": 5.0}, {})
    with pytest.raises(InputError, match="no point of the curve"):
        trace([expression("x**2 + y**2 + 1")], {"x": 1.0, "y": 0.1}, {})
    with pytest.raises(InputError, match="'cusp' is not known"):
        bifurcation_system(SIGMOID, "cusp")
    with pytest.raises(InputError, match="one component"):
        bifurcation_system(Map(("y", "x"), ("x", "y")), "fold")
