"""Located changes of fate lie on exact lines and folds, and what does not jump is no cliff."""

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.maps import Composition, Map, composition_from_text
from symgrad.phenomena.cliffs.fates import Fate
from symgrad.phenomena.cliffs.location import Change, Crossing, locate

REFERENCE = Map("w*sigmoid(x) + b", "x")
LOGISTIC: Callable[[float], float] = lambda x: 1 / (1 + math.exp(-x))  # noqa: E731


def cliffs(found: tuple[Crossing, ...]) -> list[Crossing]:
    return [crossing for crossing in found if crossing.is_cliff]


def fold(w: float) -> float:
    """Return the lower fold b = log(s/(1-s)) - 1/(1-s) with w s (1-s) = 1 (section 4.1), to 30 digits."""
    with mpmath.workdps(30):
        s = (1 + mpmath.sqrt(1 - 4 / mpmath.mpf(w))) / 2
        return float(mpmath.log(s / (1 - s)) - 1 / (1 - s))


def test_the_reference_box_agrees_with_the_exact_line() -> None:
    w = np.linspace(4.26, 8, 12)
    found = locate(REFERENCE, 0.5, "b", -6, -1, {"w": w})
    assert [c.line for c in found] == list(range(12))
    assert all(c.change is Change.JUMP for c in found)
    for crossing, gain in zip(found, w.tolist(), strict=True):
        assert crossing.value == pytest.approx(0.5 - gain * LOGISTIC(0.5), abs=1e-9)
        assert crossing.width < 1e-13
        assert crossing.point["w"] == gain


def test_between_cusp_and_tangency_the_cliff_is_the_fold() -> None:
    """For 4 < w < 4.2553 start 1/2 falls through the fold; the line b = 1/2 - w*sigmoid(1/2) is no cliff there."""
    w = np.array([4.05, 4.1, 4.2, 4.25])
    found = locate(REFERENCE, 0.5, "b", -6, -1, {"w": w})
    assert [c.value for c in found] == pytest.approx([fold(v) for v in w.tolist()], abs=1e-9)


def test_a_start_above_both_folds_sees_the_fold_arc_alone() -> None:
    w = np.linspace(4.2, 8, 6)
    found = locate(REFERENCE, 2.0, "b", -6, -1, {"w": w})
    assert [c.value for c in found] == pytest.approx([fold(v) for v in w.tolist()], abs=1e-12)


@pytest.mark.parametrize(
    ("chain", "start", "ends", "weights", "line"),
    [
        (REFERENCE, -0.3, (-6, -1), np.linspace(4.5, 8, 4), lambda w: -0.3 - w * LOGISTIC(-0.3)),
        (REFERENCE, 2.0, (-12, -5), np.linspace(10, 14, 4), lambda w: 2 - w * LOGISTIC(2.0)),
        (Map("tanh(w*x + b)", "x"), 0.5, (-2, 2), np.linspace(1.5, 4, 4), lambda w: math.atanh(0.5) - w / 2),
        (
            composition_from_text("tanh(1.3*x) | w*x + b"),
            0.5,
            (-4, 4),
            np.linspace(1.5, 4, 4),
            lambda w: 0.5 - w * math.tanh(0.65),
        ),
    ],
)
def test_walls_lie_on_their_basin_lines(
    chain: Map | Composition,
    start: float,
    ends: tuple[float, float],
    weights: np.ndarray,
    line: Callable[[float], float],
) -> None:
    found = locate(chain, start, "b", *ends, {"w": weights})
    assert [c.value for c in found] == pytest.approx([line(w) for w in weights.tolist()], abs=1e-9)
    assert all(c.change is Change.JUMP and c.complete for c in found)


def test_the_parameters_of_a_chain_of_layers_are_set_by_name() -> None:
    chain = composition_from_text("tanh(v*x) | w*x + b")
    (found,) = locate(chain, 0.5, "b", -4, 4, {"v": 1.3, "w": 2.0})
    assert found.value == pytest.approx(0.5 - 2 * math.tanh(0.65), abs=1e-12)


def test_for_negative_weights_the_line_parts_the_two_phases_of_a_cycle() -> None:
    w = np.linspace(-8, -4.35, 4)
    found = cliffs(locate(REFERENCE, 0.5, "b", 2, 7, {"w": w}))
    assert [c.value for c in found] == pytest.approx([0.5 - v * LOGISTIC(0.5) for v in w.tolist()], abs=1e-9)
    for c, gain in zip(found, w.tolist(), strict=True):
        assert (c.period_below, c.period_above) == (2, 2)
        assert c.state_above[0] == pytest.approx(gain * LOGISTIC(c.state_below[0]) + c.value, abs=1e-9)


def test_a_flip_a_pitchfork_and_a_cusp_are_no_cliffs() -> None:
    """r x (1-x) flips at r = 3; tanh(w x) has a pitchfork at w = 1; the cusp of the reference map is (4, -2)."""
    (flip,) = locate(Map("r*x*(1 - x)", "x"), 0.3, "r", 2.5, 3.3, {})
    assert flip.change is Change.CONTINUOUS
    assert flip.value == pytest.approx(3.0, abs=1e-6)
    assert cliffs(locate(Map("tanh(w*x)", "x"), 0.5, "w", 0, 2, {})) == []
    assert cliffs(locate(REFERENCE, 0.5, "b", -6, -1, {"w": 4.0})) == []
    assert locate(REFERENCE, 0.5, "b", -6, -1, {"w": 3.5}) == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("w*softplus(x) + b", lambda w: 0.5 - w * math.log1p(math.exp(0.5))),
        ("w*relu(x) + b", lambda w: 0.5 - w * 0.5),
    ],
)
def test_escarpments_part_an_attractor_from_infinity(text: str, line: Callable[[float], float]) -> None:
    """For softplus the line holds where its multiplier w*sigmoid(1/2) is above 1."""
    w = np.array([2.0, 3.0])
    found = locate(Map(text, "x"), 0.5, "b", -6, 1, {"w": w})
    assert [c.value for c in found] == pytest.approx([line(v) for v in w.tolist()], abs=1e-12)
    assert all((c.fate_below, c.fate_above) == (Fate.FIXED_POINT, Fate.PLUS_INFINITY) for c in found)
    assert all(c.change is Change.ESCAPE and math.isinf(c.jump) for c in found)


def test_a_canyon_has_infinity_on_both_sides() -> None:
    """x -> w*x + b leaves to both sides of b = x_0 (1 - w)."""
    w = np.array([1.05, 2.0])
    found = locate(Map("w*x + b", "x"), 0.5, "b", -6, 1, {"w": w})
    assert [c.value for c in found] == pytest.approx([0.5 * (1 - v) for v in w.tolist()], abs=1e-12)
    assert all((c.fate_below, c.fate_above) == (Fate.MINUS_INFINITY, Fate.PLUS_INFINITY) for c in found)


def test_slow_drifts_are_followed_to_infinity() -> None:
    """x + b leaves to the side of b; w*x + b with b > 0 starts to leave at w = 1 and settles from w = -1 on."""
    (drift,) = locate(Map("x + b", "x"), 0.5, "b", -1, 1, {})
    assert drift.value == pytest.approx(0.0, abs=1e-6)
    assert drift.low < 0 < drift.high
    found = locate(Map("w*x + b", "x"), 0.5, "w", -3, 3, {"b": 0.3})
    assert [c.value for c in found] == pytest.approx([-1.0, 1.0], abs=1e-6)
    assert [c.fate_above for c in found] == [Fate.FIXED_POINT, Fate.PLUS_INFINITY]


def test_a_jump_hidden_between_two_coarse_samples_is_found_by_its_slopes() -> None:
    """Five samples, one of the two fates at each end: the fold near the cusp jumps by less than the smooth change."""
    (found,) = locate(REFERENCE, 0.5, "b", -3, -1, {"w": 4.2}, count=5)
    assert found.value == pytest.approx(fold(4.2), abs=1e-12)


def test_a_rough_line_is_cut_short_and_says_so() -> None:
    found = locate(Map("w*sin(x) + b", "x"), 0.5, "b", -0.5, 0.5, {"w": 3.5}, count=65, steps=512)
    assert found
    assert not any(c.complete for c in found)
    assert "cut short" in found[0].trace


def test_the_trace_says_what_was_done() -> None:
    (found,) = locate(REFERENCE, 0.5, "b", -6, -1, {"w": 5.0})
    assert found.verdict.word == "sampled"
    assert found.trace.startswith("129 values of b were sampled and every change of fate bisected")
    assert found.jump == pytest.approx(found.state_above[0] - found.state_below[0], rel=1e-14)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: locate(REFERENCE, 0.5, "b", -1, -6, {"w": 5.0}), "range of b must increase"),
        (lambda: locate(REFERENCE, 0.5, "b", -6, -1, {"w": 5.0, "b": 1.0}), "has a value as well"),
        (lambda: locate(REFERENCE, 0.5, "b", -6, -1, {}), "'w' has no value"),
        (lambda: locate(REFERENCE, 0.5, "c", -6, -1, {"w": 5.0}), "'c' is not a parameter"),
        (lambda: locate(REFERENCE, 0.5, "b", -6, -1, {"w": 5.0}, count=1), "count must be"),
        (lambda: locate(REFERENCE, 0.5, "b", [-6, -5], -1, {"w": [1.0, 2.0, 3.0]}), "do not broadcast"),
    ],
)
def test_bad_input_is_refused_in_one_line(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)
