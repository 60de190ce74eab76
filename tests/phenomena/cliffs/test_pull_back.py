"""The level pulled back agrees with forward runs where these can tell, and with many digits where they cannot."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import Map, composition_from_text, stack
from symgrad.phenomena.cliffs.pull_back import PulledBack, pull_back
from symgrad.symbols import n

DRIVEN = Map("w*sigmoid(x) + b + u[k]", "x") ** n
INPUTS = np.random.default_rng(4).normal(0.0, 0.5, 10_000).tolist()


def pulled(level: float, depth: int, **options: Any) -> PulledBack:
    found = pull_back(DRIVEN, level, 0.5, "b", -6, -1, {"w": 6.0, "u": INPUTS[:depth]}, depth, **options)
    assert found is not None
    return found


def forward(b: Any, depth: int, digits: int) -> Any:
    """Return x_T by mpmath, written out once more."""
    with mpmath.workdps(digits):
        x = mpmath.mpf("0.5")
        for u in INPUTS[:depth]:
            x = 6 / (1 + mpmath.exp(-x)) + mpmath.mpf(b) + mpmath.mpf(u)
        return x


def bisected(level: float, depth: int) -> float:
    low, high = -6.0, -1.0
    for _ in range(60):
        middle = low + (high - low) / 2
        if forward(middle, depth, 40) > level:
            high = middle
        else:
            low = middle
    return low


@pytest.mark.parametrize("depth", [5, 20, 40])
def test_pulling_back_agrees_with_bisection_of_forward_runs(depth: int) -> None:
    for level in (-1, 0, 1):
        assert pulled(level, depth).value == pytest.approx(bisected(level, depth), abs=1e-12)


def test_at_depth_200_three_levels_meet_and_60_digits_tell_the_sides() -> None:
    found = [pulled(level, 200) for level in (-1, 0, 1)]
    values = [f.value for f in found]
    assert max(values) - min(values) <= 1e-15 * abs(values[0])
    for level, one in zip((-1, 0, 1), found, strict=True):
        assert forward(one.value - 1e-14, 200, 60) < level < forward(one.value + 1e-14, 200, 60)


def test_many_digits_are_the_digits_of_forward_runs() -> None:
    """30 digits at depth 60: forward runs in 60 digits end on different sides of 0 within 1e-29."""
    found = pulled(0, 60, digits=30)
    with mpmath.workdps(60):
        centre = mpmath.mpf(found.exact)
        assert forward(centre - mpmath.mpf("1e-28"), 60, 60) < 0 < forward(centre + mpmath.mpf("1e-28"), 60, 60)
    assert float(found.exact) == found.value
    assert found.low <= found.value <= found.high


def test_ten_thousand_layers_are_pulled_back_to_the_last_bit() -> None:
    found = pulled(0, 10_000)
    assert found.width <= 2 * math.ulp(found.value)


def test_the_tied_chain_gives_its_basin_line() -> None:
    found = pull_back(Map("w*sigmoid(x) + b", "x"), 0, 0.5, "b", -6, -1, {"w": 5.0}, 10_000)
    assert found is not None
    assert found.value == pytest.approx(0.5 - 5 / (1 + math.exp(-0.5)), abs=1e-15)
    assert found.depth == 10_000


@pytest.mark.parametrize(
    ("text", "low", "high", "values"),
    [
        ("tanh(w*x + b + u[k])", -2, 2, {"w": 2.0}),
        ("w*atan(x) + b + u[k]", -4, 4, {"w": 2.0}),
        ("w*softplus(x) + b + u[k]", -6, 1, {"w": 2.0}),
        ("w*relu(x) + b + u[k]", -6, 1, {"w": 2.0}),
        ("w*softsign(x) + b + u[k]", -4, 4, {"w": 4.0}),
        ("w*x + b + u[k]", -6, 1, {"w": 1.5}),
        ("2*tanh(w*x) + b + u[k] | v*sigmoid(x)", -4, 4, {"w": 2.0, "v": 3.0}),
    ],
)
def test_other_layers_agree_with_forward_runs(text: str, low: float, high: float, values: dict[str, float]) -> None:
    chain = composition_from_text(text, depth=12)
    inputs = {"u": INPUTS[:12], **values}
    from symgrad.kernels import to_kernel

    kernel = to_kernel(chain)
    ends = [float(kernel(0.5, {**inputs, "b": b}).state[0]) for b in (low, high)]
    level = float(kernel(0.5, {**inputs, "b": 0.3 * low + 0.7 * high}).state[0])
    assert min(ends) < level < max(ends)
    found = pull_back(chain, level, 0.5, "b", low, high, inputs)
    assert found is not None
    below, above = (float(kernel(0.5, {**inputs, "b": found.value + t}).state[0]) for t in (-1e-9, 1e-9))
    assert below <= level <= above


def test_untied_weights_are_pulled_back_too() -> None:
    weights = (1.5 + np.abs(np.array(INPUTS[:30]))).tolist()
    chain = stack(Map("w*tanh(x) + b", "x"), 30, untied=["w"])
    found = pull_back(chain, 0, 0.5, "b", -3, 3, {"w": weights})
    assert found is not None
    sides = []
    for b in (found.value - 1e-11, found.value + 1e-11):
        with mpmath.workdps(50):
            x = mpmath.mpf("0.5")
            for w in weights:
                x = w * mpmath.tanh(x) + mpmath.mpf(b)
            sides.append(x > 0)
    assert sides == [False, True]


def test_large_states_of_softplus_do_not_overflow_on_the_way_back() -> None:
    """Above 709 exp leaves float64; the level 3000 of x -> 2 softplus(x) + b is met at b = 0 to the left of 3000."""
    found = pull_back(Map("2*softplus(x) + b", "x"), 3000, 800.0, "b", -2000, 2000, {}, 1)
    assert found is not None
    assert found.value == pytest.approx(3000 - 1600, rel=1e-14)


def test_uniqueness_is_proved_in_b_and_sampled_where_the_derivative_may_change_its_sign() -> None:
    in_b = pulled(0, 30)
    assert in_b.unique
    assert in_b.verdict is Verdict.PROVED
    assert "one crossing, because df/dx >= 0 and df/db >= 0" in in_b.statement
    in_w = pull_back(Map("w*tanh(x) + b", "x"), 1, 0.5, "w", 1.1, 3, {"b": 0.0}, 20)
    assert in_w is not None
    assert not in_w.unique
    assert in_w.verdict is Verdict.SAMPLED


def test_a_level_that_is_not_reached_gives_none() -> None:
    assert pull_back(Map("w*sigmoid(x) + b", "x"), 100, 0.5, "b", -6, -1, {"w": 5.0}, 10) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pull_back(DRIVEN, 0, 0.5, "b", -6, -1, {"w": 6.0, "u": [0.0] * 7}, 8), "8 in all, got 7 values"),
        (lambda: pull_back(DRIVEN, 0, 0.5, "b", -6, -1, {"w": 6.0, "u": 0.0}, 8), "8 in all, got a single value"),
        (lambda: pull_back(DRIVEN, 0, 0.5, "b", -6, -1, {"w": -6.0, "u": [0.0] * 8}, 8), "must increase with x"),
        (lambda: pull_back(DRIVEN, 0, 0.5, "b", -6, -1, {"u": [0.0] * 8}, 8), "'w' has no value"),
        (lambda: pull_back(DRIVEN, 0, 0.5, "u", -6, -1, {"w": 6.0}, 8), "no parameter that all layers share"),
        (lambda: pull_back(DRIVEN, 0, 0.5, "b", -1, -6, {"w": 6.0, "u": [0.0] * 8}, 8), "must increase"),
        (lambda: pull_back(Map("gelu(x) + b", "x"), 0, 0.5, "b", -6, -1, {}, 8), "no inverse in the table"),
        (lambda: pull_back(Map("sin(x) + b", "x"), 0, 0.5, "b", -6, -1, {}, 8), "no inverse in the table"),
        (lambda: pull_back(Map("tanh(x) + b", "x"), math.nan, 0.5, "b", -6, -1, {}, 8), "the level must be one finite"),
        (lambda: pull_back(Map("tanh(x) + b", "x"), 0, 0.5, "b", -6, 6, {}, 8, digits=0), "digits must be"),
        (lambda: pull_back(DRIVEN, 0, 0.5, "b", -6, -1, {"w": 6.0, "u": [0.0]}), "depth n has no value"),
        (
            lambda: pull_back(Map("tanh(x) + b**2", "x"), 0.9, 0.5, "b", -2, 2, {}, 3),
            "crosses the level 2 times or more",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
