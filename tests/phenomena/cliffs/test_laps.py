"""Laps are counted as they are known, and not where the samples are too coarse."""

import math

import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map
from symgrad.phenomena.cliffs.laps import Growth, count_laps

REFERENCE = Map("w*sigmoid(x) + b", "x")


def test_the_reference_surface_has_one_lap_at_every_depth() -> None:
    """It is monotone in b and in w: every layer increases in state, b and w."""
    for along, low, high, at in (("b", -6, -1, {"w": 6.0}), ("w", 4, 8, {"b": -3.0})):
        found = count_laps(REFERENCE, 0.5, along, low, high, at)
        assert found.growth is Growth.NONE
        assert set(found.counts) == {1}
        assert found.verdict is Verdict.SAMPLED


def test_the_tent_of_chebyshev_doubles_its_laps() -> None:
    """With x_0 = θ, 1 - 2x² has cos(2^T arccos θ): 2^T laps, all resolved at small depth (a known answer)."""
    layer = Map("1 - 2*x**2 + 0*b", "x")
    assert layer.parameters == ()
    driven = Map("1 - 2*(x + b)**2 - b", "x")
    found = count_laps(driven, 0.0, "b", -0.99999, 0.99999, {}, depths=(1, 2, 3, 4, 5, 6, 7))
    assert found.counts == (2, 4, 8, 16, 32, 64, 128)
    assert found.growth is Growth.EXPONENTIAL
    assert found.rate == pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize(("along", "low", "high", "at"), [("b", -1, 1, {"w": 3.5}), ("w", 3, 4, {"b": 0.1})])
def test_a_sine_layer_is_rough(along: str, low: float, high: float, at: dict[str, float]) -> None:
    found = count_laps(Map("w*sin(x) + b", "x"), 0.5, along, low, high, at)
    assert found.growth is Growth.EXPONENTIAL
    assert found.rate > 0.3
    assert "rough" in found.statement


def test_depths_the_samples_do_not_resolve_have_no_count() -> None:
    found = count_laps(Map("w*sin(x) + b", "x"), 0.5, "b", -1, 1, {"w": 3.5})
    assert found.counts[-1] is None
    assert "too coarse" in found.statement
    few = count_laps(Map("w*sin(x) + b", "x"), 0.5, "b", -20, 20, {"w": 4.0}, most=64)
    assert few.growth is Growth.UNKNOWN


def test_a_rotation_gains_laps_in_proportion_to_the_depth() -> None:
    """(x, y) turned by θ at every step: cos(Tθ) has T laps on [0, π] up to one."""
    turn = Map(("cos(t)*x - sin(t)*y", "sin(t)*x + cos(t)*y"), ("x", "y"))
    found = count_laps(turn, (1.0, 0.0), "t", 0.001, math.pi - 0.001, {}, depths=(2, 4, 8, 16, 32, 64))
    assert found.growth is Growth.POLYNOMIAL
    assert found.rate == pytest.approx(1.0, abs=0.15)
    counts = np.array(found.counts, dtype=float)
    assert np.all(np.abs(counts - np.array(found.depths)) <= 1)


@pytest.mark.parametrize("name", ["gelu", "silu"])
def test_gelu_and_silu_are_sampled_whatever_is_seen(name: str) -> None:
    layer = Map(f"w*{name}(x) + b", "x")
    gentle = count_laps(layer, 0.5, "b", -3, 1, {"w": 2.0})
    wild = count_laps(layer, 0.5, "b", -8, 0, {"w": -6.0})
    assert gentle.growth is Growth.NONE
    assert gentle.verdict is wild.verdict is Verdict.SAMPLED
    assert wild.growth is not Growth.NONE


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: count_laps(REFERENCE, 0.5, "b", -6, -1, {"w": 5.0}, depths=(4, 4)), "positive integers that increase"),
        (lambda: count_laps(REFERENCE, 0.5, "b", -6, -1, {"w": 5.0}, depths=(0,)), "positive integers that increase"),
        (lambda: count_laps(REFERENCE, 0.5, "b", -1, -6, {"w": 5.0}), "range of b"),
        (lambda: count_laps(REFERENCE, 0.5, "b", -6, -1, {"w": [5.0, 6.0]}), "one line"),
        (lambda: count_laps(REFERENCE, 0.5, "b", -6, -1, {"w": 5.0, "b": 0.0}), "has a value as well"),
        (lambda: count_laps(REFERENCE, 0.5, "b", -6, -1, {"w": 5.0}, most=3), "most must be"),
    ],
)
def test_bad_input_is_refused_in_one_line(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)
