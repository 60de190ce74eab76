"""Regions of attractors: exact ones agree with iteration, and both with the curves that bound them."""

from fractions import Fraction

import numpy as np
import pytest

from symgrad.derivation import find_bifurcations
from symgrad.errors import InputError
from symgrad.maps import Map
from symgrad.phenomena import (
    Attractors,
    bifurcation_points,
    birth_points,
    exact_attractors,
    intervals,
    iterated_attractors,
    jury_regions,
    regions,
)
from symgrad.phenomena.stability import KINDS, UNSETTLED

SIGMOID = Map("w*sigmoid(x) + b", "x")
ONE, TWO, CYCLE = (KINDS.index(kind) for kind in Attractors)


@pytest.mark.parametrize("text", ["w*sigmoid(x) + b", "tanh(w*x + b)"])
def test_the_exact_region_is_what_iteration_shows(text: str) -> None:
    layer = Map(text, "x")
    w, b = np.meshgrid(np.linspace(-8, 8, 60), np.linspace(-6, 6, 60), indexing="ij")
    exact = exact_attractors(layer, {"w": w, "b": b})
    iterated, multiplier = iterated_attractors(layer, {"w": w, "b": b}, steps=5000)
    near = np.minimum(np.abs(multiplier - 1), np.abs(multiplier + 1)) < 0.01
    assert set(np.unique(exact)) == {ONE, TWO, CYCLE}
    assert near.mean() < 0.01
    assert (exact[~near] == iterated[~near]).all()


def test_a_wrong_region_would_be_noticed() -> None:
    w, b = np.meshgrid(np.linspace(4.5, 8, 8), np.linspace(-6, 0, 30), indexing="ij")
    iterated, _ = iterated_attractors(SIGMOID, {"w": w, "b": b})
    assert (exact_attractors(SIGMOID, {"w": w, "b": b}) == iterated).all()
    assert (exact_attractors(SIGMOID, {"w": w, "b": b + 0.5}) != iterated).any()


def test_an_orbit_that_has_not_settled_is_not_called_a_fixed_point() -> None:
    codes, _ = iterated_attractors(Map("r*x*(1 - x) + 0*x", "x"), {"r": np.array([0.5])}, steps=3)
    assert codes[0] == UNSETTLED


def test_the_region_changes_at_the_folds_and_nowhere_else() -> None:
    found = find_bifurcations(SIGMOID, ["w", "b"])
    low, high = (p.point["b"] for p in bifurcation_points(found, {"w": Fraction(5)}).points if p.kind == "fold")
    b = np.array([low - 1e-9, low + 1e-9, high - 1e-9, high + 1e-9])
    assert exact_attractors(SIGMOID, {"w": 5.0, "b": b}).tolist() == [ONE, TWO, TWO, ONE]


def test_regions_are_named_with_their_number_of_attractors() -> None:
    found = regions(SIGMOID)
    assert [r.attractors for r in found] == [1, 2, 1, 1, 1]
    assert found[0].condition == "abs(w) <= 4"
    assert {r.verdict.word for r in found} == {"proved"}
    assert regions(Map("w*gelu(x) + b", "x")) == ()
    assert [(r.condition, r.attractors) for r in regions(Map("w*tanh(x)", "x"))] == [
        ("abs(w) <= 1", 1),
        ("w > 1", 2),
        ("w < -1", 1),
    ]


def test_a_layer_without_exact_regions_is_refused() -> None:
    with pytest.raises(InputError, match="no sigmoidal layer"):
        exact_attractors(Map("w*sin(x) + b", "x"), {"w": 1.0, "b": 0.0})


def test_the_attracting_cycles_of_the_logistic_map() -> None:
    layer = Map("r*x*(1 - x)", "x")
    for period, expected in ((1, ["-1 < r < 1", "1 < r < 3"]), (2, ["1 - sqrt(6) < r < -1", "3 < r < 1 + sqrt(6)"])):
        found = find_bifurcations(layer, ["r"], period=period)
        rows = intervals(found, [*bifurcation_points(found).points, *birth_points(found)])
        assert [row.condition for row in rows if row.attractors] == expected
        assert {row.attractors for row in rows} == {0, 1}


def test_the_attracting_fixed_points_of_a_map_that_is_not_quadratic() -> None:
    layer = Map("x*exp(r*(1 - x))", "x")
    found = find_bifurcations(layer, ["r"])
    assert [(row.condition, row.attractors) for row in intervals(found, bifurcation_points(found).points)] == [
        ("r < 2", 1),
        ("r > 2", 0),
    ]


def test_jurys_region_is_a_condition_at_the_fixed_point() -> None:
    (row,) = jury_regions(Map(("1 - a*x**2 + y", "b*x"), ("x", "y")))
    assert row.condition == "abs(-2*a*x) < 1 - b < 2 at a fixed point"
