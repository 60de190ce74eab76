"""The edge state's parameter agrees with bisection of forward runs in many digits."""

from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.maps import Map
from symgrad.phenomena.cliffs.edge_states import find_edge_state

STRONG = Map(("tanh(3*x + y/2 + b)", "tanh(x/4 + y/2 - 1/10)"), ("x", "y"))
START = (0.3, -0.2)


def settles_high(b: Any, steps: int) -> bool:
    """Say on which side STRONG ends, with everything written out once more in mpmath's current precision."""
    x, y = mpmath.mpf(START[0]), mpmath.mpf(START[1])
    for _ in range(steps):
        x, y = mpmath.tanh(3 * x + y / 2 + b), mpmath.tanh(x / 4 + y / 2 - mpmath.mpf(1) / 10)
        if abs(x) > 0.95:
            break
    return bool(x > 0)


def test_a_net_of_two_units_agrees_with_50_digit_bisection() -> None:
    found = find_edge_state(STRONG, START, "b", -2, 2, {}, digits=50)
    assert found is not None
    with mpmath.workdps(60):
        low, high = (
            mpmath.mpf(found.crossing.low) - mpmath.mpf("1e-13"),
            mpmath.mpf(found.crossing.high) + mpmath.mpf("1e-13"),
        )
        assert not settles_high(low, 400)
        assert settles_high(high, 400)
        while high - low > mpmath.mpf("1e-51"):
            middle = (low + high) / 2
            low, high = (low, middle) if settles_high(middle, 400) else (middle, high)
        assert abs(mpmath.mpf(found.exact) - low) < mpmath.mpf("1e-50")


def test_the_edge_state_is_a_fixed_point_with_one_unstable_multiplier_and_its_left_vector() -> None:
    found = find_edge_state(STRONG, START, "b", -2, 2, {})
    assert found is not None
    x, y = found.state
    assert [np.tanh(3 * x + y / 2 + found.value), np.tanh(x / 4 + y / 2 - 0.1)] == pytest.approx([x, y], abs=1e-13)
    jacobian = np.diag([1 - x**2, 1 - y**2]) @ np.array([[3, 0.5], [0.25, 0.5]])
    left = np.array(found.left)
    assert abs(found.multipliers[0]) > 1 > abs(found.multipliers[1])
    assert left @ jacobian == pytest.approx(found.multipliers[0].real * left, abs=1e-12)
    assert found.crossing.low <= found.value <= found.crossing.high


def test_a_second_unit_that_does_not_act_back_leaves_the_exact_line() -> None:
    """x -> tanh(w x + b) alone has the cliff b = atanh(x_0) - w x_0; the second unit only listens."""
    net = Map(("tanh(w*x + b)", "tanh(x/2 + y/2)"), ("x", "y"))
    found = find_edge_state(net, (0.5, 0.1), "b", -3, 1, {"w": 2.0}, digits=40)
    assert found is not None
    with mpmath.workdps(50):
        assert abs(mpmath.mpf(found.exact) - (mpmath.atanh(mpmath.mpf("0.5")) - 1)) < mpmath.mpf("1e-39")


def test_three_units_and_a_negative_weight_hover_as_well() -> None:
    net = Map(("tanh(2*x + y/2 - z/4 + b)", "tanh(x/4 - y/2)", "tanh(y/2 + z/2)"), ("x", "y", "z"))
    found = find_edge_state(net, (0.2, 0.1, -0.1), "b", -1, 1, {}, digits=25)
    assert found is not None
    assert len(found.multipliers) == 3
    assert "stood at N" in found.statement


def test_a_line_without_a_jump_has_no_edge_state() -> None:
    assert find_edge_state(Map(("tanh(x/2 + b)", "tanh(y/2)"), ("x", "y")), START, "b", -1, 1, {}) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find_edge_state(Map("tanh(2*x + b)", "x"), (0.5,), "b", -1, 1, {}), "use locate instead"),
        (lambda: find_edge_state(STRONG, START, "b", -1, 1, {}, digits=5), "digits must be"),
        (lambda: find_edge_state(STRONG, START, "c", -1, 1, {}), "'c' is not a parameter"),
        (
            lambda: find_edge_state(Map(("tanh(3*x + b)", "tanh(3*y + b)"), ("x", "y")), (0.5, 0.5), "b", -3, 1, {}),
            "no fixed point or short cycle with one unstable",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
