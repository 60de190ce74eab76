"""Cliffs of a two-weight slice in closed form: the regions and the steepest point are those that a fine grid shows."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from symgrad.derivation import DeepProduct, deep_product
from symgrad.errors import InputError
from symgrad.evidence import Evidence, Verdict
from symgrad.maps import Map, apply_slice, stack
from symgrad.phenomena.cliffs.deep_slices import OUTLINE_POINTS, StepField, slice_cliffs


def product(ties: str = "u=w[1..3], v=w[4..6]", loss: str = "(x - 1)**2", depth: int = 6, **given: Any) -> DeepProduct:
    chain = apply_slice(stack(Map("w*x", "x"), depth), ties).composition
    deep = deep_product(chain, loss, start=given.pop("start", 1), parameters=given)
    assert deep is not None
    return deep


def fields(powers: tuple[int, int], constant: float, target: float, box: Any, count: int = 801) -> tuple[Any, Any, Any]:
    """Return F and the gradient's norm on a grid, computed by the chain rule and nothing else, and the sides."""
    axes = [np.linspace(*box[name], count) for name in ("u", "v")]
    u, v = axes[0][:, None], axes[1][None, :]
    (m, d), sides = powers, [box["u"][1] - box["u"][0], box["v"][1] - box["v"][0]]
    p = constant * u**m * v**d
    pu, pv = constant * m * u ** (m - 1) * v**d, constant * d * u**m * v ** (d - 1)
    return (pu * sides[0]) ** 2 + (pv * sides[1]) ** 2, 2 * abs(p - target) * np.hypot(pu, pv), p


CASES = [
    ("u=w[1..3], v=w[4..6]", {}, 1, {"u": (-2, 2), "v": (-2, 2)}),
    ("u=w[1], v=w[2..6]", {}, 1, {"u": (-2, 2), "v": (-2, 2)}),
    ("u=w[1], v=w[2]", {"w": 1.5}, 2, {"u": (-3, 3), "v": (-2, 2.5)}),
    ("u=w[1..2], v=w[3..6]", {}, -1, {"u": (-2, 2), "v": (0.25, 1.5)}),
    ("u=w[1..4], v=w[5..6]", {}, 1, {"u": (0.5, 3), "v": (0.5, 3)}),
]


@pytest.mark.parametrize(("ties", "given", "start", "box"), CASES)
def test_regions_and_steepest_point_are_those_of_a_fine_grid(
    ties: str, given: dict[str, float], start: int, box: dict[str, tuple[float, float]]
) -> None:
    deep = product(ties, start=start, **given)
    cliffs = slice_cliffs(deep, box)
    powers = tuple(int(w.multiplicity) for w in deep.parts.weights)
    steepness, norm, p = fields((powers[0], powers[1]), float(deep.parts.constant), 1.0, box)
    assert cliffs.log_gradient == pytest.approx(math.log(norm.max()), rel=1e-12)
    assert cliffs.evidence.verdict is Verdict.PROVED
    if cliffs.valley_point is None:
        assert not ((p > 0.9) & (p < 1.1)).any()
        return
    level = math.exp(-cliffs.log_reference_step) / 4
    on_valley = steepness[np.abs(p - 1) < 0.02]
    assert level == pytest.approx(on_valley.min(), rel=0.1)
    steep = steepness > cliffs.kappa * level
    assert sum(region.area for region in cliffs.regions) == pytest.approx(steep.mean(), abs=0.005)
    assert ndimage.label(steep)[1] == len(cliffs.regions)


def test_the_slice_of_the_issue() -> None:
    """Both weights at 2 in size and p = -64: |p - 1| = 65, gradient 2*65*64*3*sqrt(1/4 + 1/4)."""
    cliffs = slice_cliffs(product(), {"u": (-2, 2), "v": (-2, 2)})
    assert cliffs.log_gradient == pytest.approx(math.log(2 * 65 * 64 * 3 * math.sqrt(0.5)), rel=1e-14)
    assert cliffs.steepest["u"] * cliffs.steepest["v"] == -4
    assert (cliffs.kind, cliffs.origin, cliffs.exponent) == ("escarpment", "valley", deep_exponent(6))
    assert cliffs.valley_point == pytest.approx({"u": 1.0, "v": 1.0})
    assert "more than 100 times smaller" in cliffs.definition


def deep_exponent(n: int) -> Any:
    from sympy import Rational

    return Rational(2 * n - 2, 2 * n - 1)


def test_regions_join_across_an_axis_where_a_single_weight_stands_on_it() -> None:
    """On u = 0 the derivative in u is v^5, large where v is: the quadrants on both sides are one region."""
    cliffs = slice_cliffs(product("u=w[1], v=w[2..6]"), {"u": (-2, 2), "v": (-3, 3)})
    assert [len(region.quadrants) for region in cliffs.regions] == [2, 2]
    apart = slice_cliffs(product(), {"u": (-2, 2), "v": (-2, 2)})
    assert [len(region.quadrants) for region in apart.regions] == [1, 1, 1, 1]


def test_the_outline_lies_on_the_boundary() -> None:
    deep, box = product(), {"u": (-2, 2), "v": (-2, 2)}
    cliffs = slice_cliffs(deep, box)
    numbers = StepField.of(deep, box)
    edge = np.abs(cliffs.regions[0].outline[0][:OUTLINE_POINTS])
    level = -math.log(4) - cliffs.log_reference_step + math.log(100)
    assert numbers.log_steepness(*edge.T, box_units=True) == pytest.approx(np.full(OUTLINE_POINTS, level), rel=1e-9)


def test_a_box_without_valley_has_no_region_and_still_a_steepest_point() -> None:
    cliffs = slice_cliffs(product(), {"u": (0.1, 0.5), "v": (0.1, 0.5)})
    assert (cliffs.valley_point, cliffs.regions) == (None, ())
    assert cliffs.evidence.verdict is Verdict.SAMPLED
    assert cliffs.steepest == {"u": 0.5, "v": 0.5}


def test_a_million_layers_do_not_overflow() -> None:
    deep = product("u=w[1..400000], v=w[400001..999999]", depth=10**6, w=[0.5])
    cliffs = slice_cliffs(deep, {"u": (-2, 2), "v": (-2, 2)})
    expected = math.log(2) + 2 * (999999 * math.log(2) - math.log(2)) + math.log(math.hypot(4e5, 599999)) - math.log(2)
    assert cliffs.log_gradient == pytest.approx(expected, rel=1e-13)
    assert cliffs.evidence.verdict is Verdict.PROVED


def test_many_frozen_layers_keep_their_product_by_its_logarithm() -> None:
    deep = product("u=w[1], v=w[2]", depth=5002, w=[0.5] * 3000 + [4] * 2000)
    cliffs = slice_cliffs(deep, {"u": (-2, 2), "v": (-2, 2)})
    expected = math.log(2) + 2 * (1000 * math.log(2) + 2 * math.log(2)) + 0.5 * math.log(0.5)
    assert cliffs.log_gradient == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize(
    ("deep", "box", "kappa", "part"),
    [
        (product(), {"u": (-2, 2), "w": (-2, 2)}, 100, "two shared weights and their two axes"),
        (product("u=w[1..6]"), {"u": (-2, 2)}, 100, "two shared weights and their two axes"),
        (product(loss="(x - y)**2"), {"u": (-2, 2), "v": (0, 1)}, 100, "y has no value"),
        (product(), {"u": (2, -2), "v": (-2, 2)}, 100, "low < high"),
        (product(), {"u": (-2, 2), "v": (-2, math.inf)}, 100, "low < high"),
        (product(), {"u": (-2, 2), "v": (-2, 2)}, 1.0, "kappa must be above 1"),
    ],
)
def test_what_has_no_cliffs_to_compute_is_refused(deep: DeepProduct, box: Any, kappa: float, part: str) -> None:
    with pytest.raises(InputError, match=part):
        slice_cliffs(deep, box, kappa=kappa)


def test_without_the_proof_of_growth_the_largest_gradient_is_only_sampled() -> None:
    deep = product()
    growth = deep.evidence["growth"]
    doubtful = Evidence(growth.claim, Verdict.UNDECIDED, "no proof was found")
    deep.__dict__["evidence"] = {**deep.evidence, "growth": doubtful}
    assert slice_cliffs(deep, {"u": (-2, 2), "v": (-2, 2)}).evidence.verdict is Verdict.SAMPLED
