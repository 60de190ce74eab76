"""Basins against an independent loop, the laws of symmetry, and maps whose basins are known."""

import cmath
from typing import Any

import numpy as np
import pytest

from symgrad.derivation import newton
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map
from symgrad.phenomena.basins.attractors import examined
from symgrad.phenomena.basins.basin_maps import DIVERGED, UNDECIDED, Basins, cycle_label, find_basins
from symgrad.phenomena.basins.following import Pursuit, follow
from symgrad.phenomena.basins.refinement import refine
from symgrad.phenomena.basins.step_functions import Rational, step_function

SQUARE = ((-2, 2), (-2, 2))
CUBE_ROOTS = [cmath.exp(2j * cmath.pi * k / 3) for k in range(3)]


def basins(text: str, window: Any = SQUARE, **options: Any) -> Basins:
    return find_basins(newton(text, "z"), window, **options)


def plain(z: complex, steps: int = 200) -> tuple[int, int]:
    """Return the cube root that Newton's method reaches from z, one number at a time, and after how many steps."""
    for count in range(steps):
        for k, root in enumerate(CUBE_ROOTS):
            if abs(z - root) <= 1e-10:
                return k, count
        if z == 0:
            return DIVERGED, count
        z = z - (z**3 - 1) / (3 * z**2)
    return UNDECIDED, steps


def test_labels_and_counts_agree_with_a_loop_over_single_numbers() -> None:
    found = basins("z**3 - 1", points=61, roots=CUBE_ROOTS)
    values = found.axes[0].values
    expected = np.array([[plain(complex(x, y)) for y in values] for x in values])
    assert np.array_equal(found.labels, expected[..., 0])
    reached = found.labels >= 0
    late = expected[..., 1] - found.smooth
    assert np.all((late[reached] > -0.05) & (late[reached] < 1.05))


def test_a_start_on_the_pole_goes_to_infinity() -> None:
    found = basins("z**3 - 1", points=61)
    assert found.labels[30, 30] == DIVERGED
    assert np.sum(found.labels == DIVERGED) == 1


def test_newton_for_cube_roots_has_the_symmetry_of_a_third_of_a_turn() -> None:
    step = step_function(newton("z**3 - 1", "z"), "complex").bind({})
    rng = np.random.default_rng(3)
    disc = rng.normal(size=4000) + 1j * rng.normal(size=4000)
    ends = [follow(step, turn * disc, Pursuit(200, 1e-5, 1e12, 8)).at / turn for turn in CUBE_ROOTS]
    places = [np.argmin(np.abs(end[:, None] - np.array(CUBE_ROOTS)), axis=1) for end in ends]
    assert np.mean(places[0] == places[1]) > 0.998
    assert np.mean(places[0] == places[2]) > 0.998


def test_the_half_planes_of_a_quadratic() -> None:
    """Cayley (1879), *Amer. J. Math.* 2: the basins are the half planes of points nearer to one root."""
    found = basins("z**2 - 1", points=101)
    real = found.axes[0].values[:, None] * np.ones((1, 101))
    assert np.all(found.labels[real < 0] == 0)
    assert np.all(found.labels[real > 0] == 1)
    assert found.roots == (-1, 1)
    assert np.all(found.labels[real == 0] < 0)


def test_the_superattracting_cycle_of_smales_cubic_is_found() -> None:
    """Smale (1985), *Bull. AMS* 13: x³ - 2x + 2 has the cycle 0 ↔ 1, so Newton's method fails on an open set."""
    found = basins("z**3 - 2*z + 2", points=201)
    (cycle,) = found.cycles
    assert cycle.points == (0, 1)
    assert cycle.superattracting
    assert cycle.order == 2
    assert abs(cycle.multiplier) < 1e-8
    assert found.labels[100, 100] == cycle_label(0)
    assert np.isfinite(found.smooth[100, 100])
    assert abs(found.roots[0] + 1.7692923542386314) < 1e-14
    assert 0.009 < found.shares()["cycle 0 (period 2)"] < 0.012
    assert found.name_of(UNDECIDED) not in found.shares()


def test_without_a_real_root_nothing_is_labelled_a_root() -> None:
    found = basins("z**2 + 1", (-3, 3), points=1000, domain="real")
    assert found.roots == ()
    assert found.cycles == ()
    assert set(np.unique(found.labels)) <= {UNDECIDED, DIVERGED}
    assert found.shares()["undecided"] > 0.99
    assert np.all(np.isnan(found.smooth))


def test_smoothed_counts_have_no_steps_inside_a_basin() -> None:
    found = basins("z**3 - 1", ((0.7, 1.6), (-0.3, 0.3)), points=121)
    assert np.all(found.labels == 0)
    outside = np.abs(found.axes[0].values[:, None] + 1j * found.axes[1].values - 1) > 0.1
    change = np.abs(np.diff(found.smooth, axis=0))[outside[1:] & outside[:-1]]
    assert change.max() < 0.12


def test_a_multiple_root_attracts_linearly_and_its_counts_are_smooth() -> None:
    found = basins("(z - 1)**3*(z + 1)", points=41)
    multiple, simple = found.attractors[1], found.attractors[0]
    assert abs(multiple.multiplier - 2 / 3) < 1e-8
    assert (multiple.order, simple.order) == (1, 2)
    assert set(np.unique(found.labels)) == {0, 1, DIVERGED}
    assert np.sum(found.labels == DIVERGED) == 1


def test_halleys_method_has_order_three() -> None:
    halley = Map("z - 2*(z**3 - 1)*3*z**2/(2*9*z**4 - (z**3 - 1)*6*z)", "z")
    assert {a.order for a in find_basins(halley, SQUARE, points=20).attractors.values()} == {3}


def test_fixed_points_that_are_no_roots_are_cycles_of_period_one() -> None:
    found = find_basins(Map("(z**3 + z)/2", "z"), ((-0.8, 0.8), (-0.8, 0.8)), points=20, roots=[5])
    assert found.roots == (5,)
    assert [cycle.period for cycle in found.cycles] == [1]
    assert abs(found.cycles[0].multiplier - 0.5) < 1e-9
    assert set(np.unique(found.labels)) == {cycle_label(0)}


@pytest.mark.parametrize(
    ("text", "window", "domain", "label"),
    [
        ("exp(z) - 1", ((-900, 900), (-30, 30)), "complex", DIVERGED),
        ("tanh(z) - 1/2", ((-900, 900), (-30, 30)), "complex", DIVERGED),
        ("exp(z)", (-9, 9), "real", DIVERGED),
        ("log(z)", (-5, 5), "real", UNDECIDED),
        ("z*exp(-z)", (2, 30), "real", DIVERGED),
    ],
)
def test_overflow_and_missing_values_are_labels_not_warnings(text: str, window: Any, domain: str, label: int) -> None:
    found = basins(text, window, points=41, domain=domain)
    assert np.any(found.labels == label)
    assert np.all(np.isnan(found.smooth[found.labels < 0]))


def test_the_cube_root_diverges_from_every_start_but_the_root() -> None:
    found = basins("sign(z)*abs(z)**(1/3)", (-3, 3), points=40, domain="real")
    assert found.shares() == {"diverged": 1.0}


def test_far_excursions_of_newtons_method_for_a_polynomial_are_not_called_divergence() -> None:
    step = step_function(newton("z**3 - 1", "z"), "complex").bind({})
    assert isinstance(step, Rational)
    assert step.returns
    near_pole = np.array([1e-7 + 0j])
    assert abs(step(near_pole)[0]) > 1e12
    found = basins("z**3 - 1", ((1e-7, 2e-7), (1e-7, 2e-7)), points=2)
    assert np.all(found.labels >= 0)


@pytest.mark.parametrize("size", [1e-6, 1e6])
def test_windows_much_larger_or_smaller_than_the_roots_tell_them_apart(size: float) -> None:
    found = basins("z**3 - 1", ((-size, size), (-size, size)), points=20, max_steps=400)
    assert len(found.roots) == 3
    tiny = basins("z**3 - 1e-18", ((-2e-6, 2e-6), (-2e-6, 2e-6)), points=20)
    assert np.allclose(np.abs(tiny.roots), 1e-6)
    assert len(tiny.roots) == 3


def test_an_indifferent_map_is_undecided_in_no_time() -> None:
    assert find_basins(Map("z", "z"), SQUARE, points=60).shares() == {"undecided": 1.0}


def test_a_cycle_of_a_layer_is_found_on_the_line() -> None:
    """May (1976), *Nature* 261: the logistic map has an attracting 4-cycle at r = 3.5."""
    found = find_basins(Map("r*z*(1 - z)", "z"), (0.01, 0.99), parameters={"r": 3.5}, points=50, domain="real")
    assert [(cycle.period, round(cycle.multiplier.real, 2)) for cycle in found.cycles] == [(4, -0.03)]
    assert found.shares() == {"cycle 0 (period 4)": 1.0}


def test_a_repelling_fixed_point_is_no_attractor() -> None:
    doubling = step_function(Map("2*z", "z"), "real").bind({})
    assert examined(doubling, 1e-9, 1, 1e-5) is None
    assert examined(step_function(Map("z/2", "z"), "real").bind({}), 1e-9, 1, 1e-5) is not None


def test_refined_basins_are_those_of_the_fine_grid() -> None:
    coarse = basins("z**3 - 2*z + 2", points=101)
    fine, whole = refine(coarse, 3), basins("z**3 - 2*z + 2", points=301)
    assert fine.shape == whole.shape
    assert fine.computed < 0.35
    assert np.mean(fine.labels != whole.labels) < 2e-3
    same = fine.labels == whole.labels
    assert np.nanquantile(np.abs(fine.smooth - whole.smooth)[same], 0.99) < 0.1
    assert "followed" in fine.statement


def test_roots_keep_their_labels_along_a_swept_parameter() -> None:
    found = basins("z**2 - a", (-3, 3), parameters={"a": (0.5, 2.5)}, points=(11, 40), domain="real")
    assert found.branches is not None
    assert np.allclose(found.branches**2, found.axes[0].values[None, :])
    assert np.all(found.labels == np.where(found.axes[1].values > 0, 1, 0))


def test_the_verdict_says_that_points_were_sampled() -> None:
    found = basins("z**3 - 1", points=20)
    assert found.verdict is Verdict.SAMPLED
    assert "sampled" in found.statement
    assert abs(sum(found.shares().values()) - 1) < 1e-12


@pytest.mark.parametrize(
    ("update", "options", "message"),
    [
        (Map(("x", "y"), ("x", "y")), {}, "one component"),
        (Map("w[k]*z", "z"), {}, "value per layer"),
        (Map("a*z", "z"), {}, "'a' has no value"),
        (Map("z/2", "z"), {"parameters": {"a": 1}}, "not a parameter"),
        (Map("z/2", "z"), {"domain": "quaternion"}, "domain must be"),
        (Map("z/2", "z"), {"tolerance": 0.0}, "tolerance must be"),
        (Map("z/2", "z"), {"max_steps": 0}, "max_steps must be"),
        (Map("z/2", "z"), {"points": (3, 3, 3)}, "pair"),
        (Map("z/2", "z"), {"points": 10**6}, "at most"),
        (Map("a*z", "z"), {"parameters": {"a": (0, 1)}}, "swept"),
        (Map("I*z", "z", domain="complex"), {"domain": "real"}, "complex map"),
    ],
)
def test_what_cannot_be_used_is_refused(update: Map, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        find_basins(update, SQUARE, **options)


@pytest.mark.parametrize("window", [(-2, 2), ((2, -2), (-2, 2)), "abc", ((0, 1, 2), (0, 1))])
def test_a_window_needs_two_ordered_pairs(window: Any) -> None:
    with pytest.raises(InputError):
        find_basins(Map("z/2", "z"), window)
