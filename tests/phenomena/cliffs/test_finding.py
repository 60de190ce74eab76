"""``find_cliffs`` in Python: driven nets, several components, slices, frozen weights, and the places where it stops."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map, apply_slice, composition_from_text, stack
from symgrad.phenomena import CliffKind, CliffMap, find_cliffs, pull_back
from symgrad.sweeps import Axis
from symgrad.symbols import n

UNIT = Map("w*sigmoid(x) + b", "x")
LOSS = "(sigmoid(x) - 7/10)**2"
BOX = {"w": (4, 8), "b": (-6, -1)}


def test_a_driven_net_has_a_located_wall_with_the_gradient_of_its_exact_place() -> None:
    """The gradient at a level, in enough digits, is that of a plain 80-digit loop."""
    inputs = np.random.default_rng(7).normal(0, 0.1, 60).tolist()
    found = find_cliffs(
        Map("w*sigmoid(x) + b + u[k]", "x"), LOSS, "1/2", {"w": (5, 7), "b": (-5, -1)}, 60, parameters={"u": inputs}
    )
    (wall,) = found.cliffs
    assert (wall.kind, wall.verdict) == (CliffKind.WALL, Verdict.PROVED)
    assert found.coverage.method == "certified"
    place = wall.trace[len(wall.trace) // 2]
    assert place.log_gradient > 5
    level = 0.0
    crossed = pull_back(
        Map("w*sigmoid(x) + b + u[k]", "x"), level, 0.5, "b", -5, -1, {"w": place.point["w"], "u": inputs}, 60
    )
    assert crossed is not None
    assert crossed.value == pytest.approx(place.point["b"], abs=1e-7)


def test_a_gentle_driven_net_has_no_cliff() -> None:
    inputs = [0.1] * 30
    found = find_cliffs(
        Map("w*sigmoid(x) + b + u[k]", "x"), LOSS, "1/2", {"w": (1, 2), "b": (-2, 2)}, 30, parameters={"u": inputs}
    )
    assert found.cliffs == ()
    assert found.status.startswith("No cliff in the box (certified)")


def test_two_components_have_located_walls_and_an_edge_state() -> None:
    """On the line w = 2 the wall is where 60-digit runs on its two sides end far apart."""
    net = Map(("tanh(w*x + y/2 + b)", "tanh(x/4 + 3*y/2 - 1/10)"), ("x", "y"))
    found = find_cliffs(
        net, "(x - 1)**2 + y**2", ("0.3", "-0.2"), {"w": (Fraction(9, 5), Fraction(11, 5)), "b": (-1, 1)}, 60
    )
    (wall,) = [c for c in found.cliffs if any(p.point["w"] == 2 for p in c.trace)]
    (b,) = [p.point["b"] for p in wall.trace if p.point["w"] == 2]
    ends = [_end_of_net(b + side) for side in (-1e-9, 1e-9)]
    assert abs(ends[0] - ends[1]) > 0.5
    assert (found.coverage.method, found.evidence[0].verdict) == ("sampled", Verdict.SUPPORTED)
    assert "edge state" in found.evidence[0].claim


def _end_of_net(b: float) -> float:
    with mpmath.workdps(60):
        x, y = mpmath.mpf("0.3"), mpmath.mpf("-0.2")
        for _ in range(400):
            x, y = mpmath.tanh(2 * x + y / 2 + b), mpmath.tanh(x / 4 + 3 * y / 2 - mpmath.mpf("0.1"))
        return float(x)


def test_frozen_weights_move_the_valley_of_a_slice() -> None:
    net = apply_slice(stack(Map("w*x", "x"), 4), "u=w[1], v=w[2]")
    found = find_cliffs(net.composition, "(x - 3)**2", 1, {"u": (-4, 4), "v": (-4, 4)}, parameters={"w": [2.0, 0.5]})
    assert [v.equation for v in found.valleys] == ["u*v = 3"]
    assert found.convex_band == ("1 < p < 3", Verdict.PROVED)


@pytest.fixture(scope="module")
def reference() -> CliffMap:
    return find_cliffs(UNIT, LOSS, 0.5, BOX, 30)


def test_axes_and_numbers_say_the_same_box(reference: CliffMap) -> None:
    axes = {"w": Axis("w", 4, 8, 31), "b": Axis("b", -6, -1, 31)}
    by_axes, by_numbers = find_cliffs(UNIT**n, LOSS, 0.5, axes, 30), reference
    assert [c.equation for c in by_axes.cliffs] == [c.equation for c in by_numbers.cliffs]
    assert by_axes.surface is not None
    assert by_axes.surface.log_gradient.shape == (31, 31)


def test_the_largest_gradient_is_certified_and_above_the_line(reference: CliffMap) -> None:
    largest = reference.largest_gradient
    assert largest.verdict is Verdict.CERTIFIED
    assert largest.log_bound is not None
    assert largest.log_abs <= largest.log_bound <= largest.log_abs + math.log(1.05)
    on_line = max(place.log_gradient for cliff in reference.cliffs for place in cliff.trace)
    assert largest.log_bound >= on_line


def test_a_loss_of_a_parameter_and_the_state_is_accepted() -> None:
    found = find_cliffs(composition_from_text("tanh(w*x + b)"), "(x - w/10)**2", "0.3", {"w": (2, 3), "b": (-2, 0)}, 30)
    assert {c.origin.value for c in found.cliffs} == {"basin line"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"box": {"w": (4, 8)}}, "two parameters"),
        ({"box": {"w": (8, 4), "b": (-6, -1)}}, "must rise"),
        ({"box": {"w": ("a", 8), "b": (-6, -1)}}, "two numbers"),
        ({"box": {"w": (4, 8), "x": (0, 1)}, "parameters": {"b": 1}}, "is the state"),
        ({"box": {"w": (4, 8), "c": (0, 1)}, "parameters": {"b": 1}}, "occurs in neither"),
        ({"parameters": {"w": 5}}, "swept and has a value"),
        ({"loss": "w*b"}, "does not depend on the state"),
        ({"loss": "(x - c)**2"}, "loss contains c"),
        ({"depth": 0}, "positive whole number"),
        ({"depth": 2.5}, "positive whole number"),
        ({"start": math.nan}, "finite number"),
        ({"start": (0.5, 1)}, "2 numbers for a state of 1"),
    ],
)
def test_bad_questions_are_refused_in_one_line(given: dict, words: str) -> None:  # type: ignore[type-arg]
    asked = {"loss": LOSS, "start": 0.5, "box": BOX, "depth": 20, "parameters": {}} | given
    with pytest.raises(InputError, match=words) as refusal:
        find_cliffs(UNIT, asked["loss"], asked["start"], asked["box"], asked["depth"], parameters=asked["parameters"])
    assert "\n" not in str(refusal.value)
