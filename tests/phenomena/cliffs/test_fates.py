"""What a start goes to is told from exact regions, roots in mpmath and closed forms."""

import math

import mpmath
import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.maps import Map, composition_from_text, stack
from symgrad.phenomena.cliffs.fates import FATES, Fate, Fates, fates
from symgrad.phenomena.cliffs.tied_step import gathered, tied_step
from symgrad.symbols import n

REFERENCE = Map("w*sigmoid(x) + b", "x")


def words(found: Fates) -> list[str]:
    return [FATES[code].word for code in found.codes.ravel()]


def test_a_grid_of_the_reference_surface_settles_everywhere() -> None:
    w, b = np.meshgrid(np.linspace(4, 8, 201), np.linspace(-6, -1, 201), indexing="ij")
    found = fates(REFERENCE, 0.5, {"w": w, "b": b})
    assert set(found.counts()) == {Fate.FIXED_POINT}


def test_the_side_of_the_basin_line_decides_between_the_two_attractors() -> None:
    """b < 1/2 - w*sigmoid(1/2) goes to the lower fixed point, above to the upper one, down to 1e-14."""
    w = np.linspace(4.3, 8, 40)
    line = 0.5 - w / (1 + math.exp(-0.5))
    for offset in (1e-2, 1e-6, 1e-10, 1e-14):
        below, above = (fates(REFERENCE, 0.5, {"w": w, "b": line + t}) for t in (-offset, offset))
        assert np.all(below.state < 0.5)
        assert np.all(above.state > 0.5)


def test_settled_states_multipliers_and_responses_are_those_of_roots_in_mpmath() -> None:
    w, b = 6.0, np.array([-3.5, -3.0, -2.0])
    found = fates(REFERENCE, 0.5, {"w": w, "b": b}, along="b")
    with mpmath.workdps(30):
        for place, value in enumerate(b.tolist()):
            root = mpmath.findroot(lambda x, v=value: w / (1 + mpmath.exp(-x)) + v - x, found.state[place])
            s = 1 / (1 + mpmath.exp(-root))
            multiplier = w * s * (1 - s)
            assert found.state[place] == pytest.approx(float(root), rel=1e-14)
            assert found.multipliers[place] == pytest.approx(float(multiplier), rel=1e-12)
            assert found.responses[0, place] == pytest.approx(float(1 / (1 - multiplier)), rel=1e-11)


def test_the_quadratic_map_has_its_cycles_its_chaos_and_its_escape() -> None:
    """r = 2 fixed at 1/2; 3.2 period 2; 3.5 period 4; 3.83 period 3; 3.9 chaotic; 4.5 escapes (May 1976)."""
    found = fates(Map("r*x*(1 - x)", "x"), 0.3, {"r": [2.0, 3.2, 3.5, 3.83, 3.9, 4.5]})
    assert words(found) == ["fixed point", "cycle", "cycle", "cycle", "chaotic", "minus infinity"]
    assert found.periods.tolist() == [1, 2, 4, 3, 0, 0]
    assert found.state[0] == pytest.approx(0.5, abs=1e-15)
    roots = [(1 + 3.2 + sign * math.sqrt((3.2 - 3) * (3.2 + 1))) / (2 * 3.2) for sign in (1, -1)]
    assert min(abs(found.state[1] - root) for root in roots) < 1e-14


def test_a_cycle_is_given_at_multiples_of_its_period() -> None:
    """One step more of the start gives the other phase of the 2-cycle."""
    layer, values = Map("w*tanh(x) + b", "x"), {"w": -3.0, "b": 0.2}
    first = fates(layer, 0.5, values)
    second = fates(layer, -3.0 * math.tanh(0.5) + 0.2, values)
    assert first.periods == 2
    assert second.state == pytest.approx(-3.0 * math.tanh(float(first.state)) + 0.2, rel=1e-13)


def test_an_affine_map_goes_to_the_infinity_its_closed_form_names() -> None:
    """x_T = s + w^T (x_0 - s) with s = b/(1 - w), also for a rate as slow as 1.0001 and for drift at w = 1."""
    w = np.array([2.0, 2.0, 1.0001, 1.0001, 1.0, 1.0, 0.5, -2.0, -2.0])
    b = np.array([-0.4, -0.6, 0.0, -1.0, 1e-3, -1e-3, 1.0, 0.0, 2.0])
    expected = ["plus infinity", "minus infinity"] * 3 + ["fixed point", "plus infinity", "minus infinity"]
    assert words(fates(Map("w*x + b", "x"), 0.5, {"w": w, "b": b})) == expected


def test_softplus_settles_or_leaves() -> None:
    found = fates(Map("w*softplus(x) + b", "x"), 0.5, {"w": [1.05, 2.0, 2.0], "b": [0.0, -3.0, -1.0]})
    assert words(found) == ["plus infinity", "fixed point", "plus infinity"]


def test_slow_starts_beside_a_fold_are_told_apart_at_1e_13() -> None:
    """At w = 5 the folds are b = log(s/(1-s)) - 1/(1-s), 5 s(1-s) = 1; start 2 falls through the lower one."""
    with mpmath.workdps(30):
        s = (1 + mpmath.sqrt(mpmath.mpf(1) / 5)) / 2
        fold = float(mpmath.log(s / (1 - s)) - 1 / (1 - s))
    found = fates(REFERENCE, 2.0, {"w": 5.0, "b": fold + np.array([-1e-3, -1e-7, -1e-13, 1e-13, 1e-7])})
    assert (found.state > 0).tolist() == [False, False, False, True, True]


def test_a_start_on_a_repeller_to_the_last_bit_is_unsettled() -> None:
    found = fates(Map("2*x - 1", "x"), 1.0, {})
    assert words(found) == ["unsettled"]
    assert np.isnan(found.state)


def test_two_components_settle_too() -> None:
    """Two tanh units without coupling settle where each alone does."""
    pair = Map(("tanh(2*x + b)", "tanh(-3*y)"), ("x", "y"))
    found = fates(pair, (0.1, 0.2), {"b": 0.0})
    alone = [fates(Map(text, "x"), start, {}) for text, start in (("tanh(2*x)", 0.1), ("tanh(-3*x)", 0.2))]
    assert found.periods == 2
    assert found.states.tolist() == pytest.approx([float(a.state) for a in alone], rel=1e-12)


def test_a_chain_of_two_layers_is_followed_layer_by_layer() -> None:
    chain = composition_from_text("tanh(v*x) | w*x + b")
    whole = Map("w*tanh(v*x) + b", "x")
    values = {"v": 1.3, "w": 2.0, "b": np.linspace(-1, 1, 7)}
    first, second = (fates(c, 0.5, values) for c in (chain**n, whole))
    assert first.state.tolist() == pytest.approx(second.state.tolist(), rel=1e-13)


def test_constant_layers_are_followed() -> None:
    step = tied_step(Map("b", "x"), "b")
    start, values = gathered(step, 1.0, {"b": np.array([1.0, 2.0])})
    assert step.step(values)(start).tolist() == [[1.0, 2.0]]
    assert fates(Map("3", "x"), 1.0, {}).state == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fates(REFERENCE, 0.5, {"w": 5.0}), "'b' has no value"),
        (lambda: fates(REFERENCE, 0.5, {"w": 5.0, "b": 1.0, "c": 1.0}), "'c' is not a parameter"),
        (lambda: fates(REFERENCE, 0.5, {"w": [5.0, 6.0], "b": [1.0, 2.0, 3.0]}), "do not broadcast"),
        (lambda: fates(stack(REFERENCE, n, untied=["b"]), 0.5, {"w": 5.0, "b": 1.0}), "need a tied chain"),
        (lambda: fates(REFERENCE, 0.5, {"w": 5.0, "b": 1.0}, steps=0), "steps must be a positive integer"),
        (lambda: fates(REFERENCE, 0.5, {"w": 5.0, "b": 1.0}, along="c"), "'c' is not a parameter"),
        (lambda: fates(Map(("x", "y"), ("x", "y")), (1.0,), {}), "needs 2 start values, got 1"),
        (lambda: fates(Map(("x/2", "y/2"), ("x", "y")), (1.0, 1.0), {}).state, "no single value"),
    ],
)
def test_bad_input_is_refused_in_one_line(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)
