"""Bifurcation points as numbers: exact where algebra gives them, certified where it does not."""

import math
from fractions import Fraction

import pytest

from symgrad.derivation import find_bifurcations
from symgrad.errors import InputError
from symgrad.maps import Map
from symgrad.phenomena import bifurcation_points, superstable_numbers


def test_the_folds_on_the_line_of_the_reference() -> None:
    found = find_bifurcations(Map("w*sigmoid(x) + b", "x"), ["w", "b"])
    folds = [p for p in bifurcation_points(found, {"w": Fraction(5)}).points if p.kind == "fold"]
    assert [p.point["b"] for p in folds] == pytest.approx([-2.655610338630688, -2.344389661369312], abs=1e-14)
    assert all(p.exact is not None and p.verdict.word == "proved" for p in folds)


@pytest.mark.parametrize(
    "layer", ["w*tanh(x) + b", "w*atan(x) + b", "w*erf(x) + b", "w*sigmoid(x) + b", "w*gelu(x) + b"]
)
@pytest.mark.parametrize("value", [-6, 6])
def test_the_points_on_a_line_have_the_multiplier_they_should(layer: str, value: int) -> None:
    step = Map(layer, "x")
    points = bifurcation_points(find_bifurcations(step, ["w", "b"]), {"w": Fraction(value)}).points
    on_line = [p for p in points if p.kind != "cusp"]
    assert on_line
    for point in on_line:
        at = {symbol: point.point[symbol.name] for symbol in step.parameters} | {step.state[0]: point.state}
        assert float(step.expr.subs(at).evalf()) == pytest.approx(point.state, abs=1e-11)
        mu = 1 if point.kind == "fold" else -1
        assert float(step.jacobian[0][0].subs(at).evalf()) == pytest.approx(mu, abs=1e-10)


def test_a_basin_line_is_cut_where_it_exists() -> None:
    from sympy import Rational

    found = find_bifurcations(Map("w*sigmoid(x) + b", "x"), ["w", "b"], start=Rational(1, 2))

    def lines(w: str) -> list[float]:
        points = bifurcation_points(found, {"w": Fraction(w)}).points
        return [p.point["b"] for p in points if p.kind == "basin line"]

    assert lines("5") == pytest.approx([-2.6122966560092726], abs=1e-12)
    assert lines("4.25") == []


def test_infinitely_many_points_are_searched_in_part_and_that_is_said() -> None:
    crossings = bifurcation_points(find_bifurcations(Map("sin(w*x)", "x"), ["w"]))
    folds = [p.point["w"] for p in crossings.points if p.kind == "fold"]
    # tan(u) = u, w = 1/cos(u): the first solution is u = 4.493409457909064.
    assert any(w == pytest.approx(1 / math.cos(4.493409457909064), abs=1e-9) for w in folds)
    assert any("searched for -40 <= u <= 40 only" in remark for remark in crossings.remarks)
    assert {p.verdict.word for p in crossings.points if p.kind == "fold"} == {"certified"}


def test_roots_of_high_degree_carry_their_polynomial() -> None:
    found = find_bifurcations(Map("r*x*(1 - x)", "x"), ["r"], period=4)
    flips = [p for p in bifurcation_points(found).points if p.kind == "flip" and p.point["r"] > 3.5]
    assert flips[0].exact is None
    assert "r**12" in flips[0].polynomials["r"]
    assert len(flips[0].cycle) == 4
    assert [round(p.point["r"], 9) for p in superstable_numbers(found) if p.point["r"] > 3] == [
        3.498561699,
        3.960270127,
    ]


def test_a_line_needs_two_parameters() -> None:
    found = find_bifurcations(Map("r*x*(1 - x)", "x"), ["r"])
    with pytest.raises(InputError, match="one of two parameters, got r"):
        bifurcation_points(found, {"r": Fraction(3)})
