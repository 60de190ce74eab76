"""Update rules stepped by kernels, against steps written by hand."""

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.derivation import clipped_step, gradient, gradient_step, momentum_step, newton
from symgrad.errors import InputError
from symgrad.kernels import SignedLog, UpdateKernel, clip, newton_change, to_kernel
from symgrad.maps import Map
from symgrad.symbols import n

loss = gradient(Map("w*x + b", "x") ** n, "(x - 1)**2", wrt="w,b")


def slopes(w: float, b: float, depth: int, start: float) -> tuple[float, np.ndarray]:
    x, sw, sb = start, 0.0, 0.0
    for _ in range(depth):
        x, sw, sb = w * x + b, w * sw + x, w * sb + 1
    return (x - 1) ** 2, 2 * (x - 1) * np.array([sw, sb])


def test_the_gradient_rule() -> None:
    path = to_kernel(gradient_step(loss, eta="1/100"))({"w": 0.9, "b": 0.4}, 0.5, depth=4, steps=20)
    where = np.array([0.9, 0.4])
    for i in range(20):
        value, g = slopes(*where, 4, 0.5)
        assert path.positions[i] == pytest.approx(where, rel=1e-12)
        assert path.losses[i] == pytest.approx(value, rel=1e-10)
        assert path.lengths[i] == pytest.approx(np.linalg.norm(g) / 100, rel=1e-10)
        where = where - g / 100
    assert path.positions.shape == (21, 2)
    assert path.losses.shape == (21,)
    assert path.names == ("w", "b")


def test_a_clipped_step_has_at_most_the_length_of_the_threshold_and_the_direction_of_the_gradient() -> None:
    """Pascanu, Mikolov & Bengio (2013), Algorithm 1, where the gradient itself leaves float64."""
    path = to_kernel(clipped_step(loss, eta=1, threshold="1/8"))({"w": 50.0, "b": 1.0}, 0.5, depth=400, steps=3)
    assert path.lengths == pytest.approx([0.125] * 3, rel=1e-12)
    assert np.isinf(path.losses[0])
    _, g = slopes(2.0, 0.4, 4, 0.5)
    one = to_kernel(clipped_step(loss, eta=1, threshold="1/8"))({"w": 2.0, "b": 0.4}, 0.5, depth=4, steps=1)
    assert one.positions[1] - one.positions[0] == pytest.approx(-g / np.linalg.norm(g) / 8)
    gentle = to_kernel(clipped_step(loss, eta="1/100", threshold=10**6))({"w": 0.9, "b": 0.4}, 0.5, depth=4, steps=5)
    plain = to_kernel(gradient_step(loss, eta="1/100"))({"w": 0.9, "b": 0.4}, 0.5, depth=4, steps=5)
    assert gentle.positions == pytest.approx(plain.positions, rel=1e-14)


def test_newtons_rule_solves_a_quadratic_in_one_step() -> None:
    quadratic = gradient(Map("w*x + b", "x"), "(x - 1)**2 + (w - 2)**2 + 3*b**2 + w*b", wrt="w,b")
    path = to_kernel(newton(quadratic))({"w": [7.0, -3.0], "b": [5.0, 40.0]}, 0.5, steps=2)
    assert path.positions.shape == (3, 2, 2)
    assert path.positions[1, :, 0] == pytest.approx(path.positions[1, :, 1])
    assert path.lengths[1] == pytest.approx([0, 0], abs=1e-12)


def test_newtons_change_survives_where_the_hessian_leaves_float64() -> None:
    tiny = SignedLog.from_parts(np.array([0.5]), np.array([-3000.0]))
    change = newton_change([tiny], {("w", "w"): SignedLog.from_parts([0.5], [-3001.0])}, ("w",))
    assert change == pytest.approx(np.array([[2.0]]))
    singular = newton_change([tiny], {("w", "w"): SignedLog.from_float([0.0])}, ("w",))
    assert np.isnan(singular).all()


def test_a_step_that_leaves_float64_ends_at_infinity() -> None:
    path = to_kernel(gradient_step(loss, eta=1))({"w": 50.0, "b": 1.0}, 0.5, depth=400, steps=3)
    assert np.isinf(path.positions[-1]).all()


def test_a_step_that_leaves_float64_has_a_length_whose_logarithm_is_known() -> None:
    """Depth 400 of wx + b at w = 50, against the same gradient in 50-digit arithmetic."""
    path = to_kernel(gradient_step(loss, eta="1/100"))({"w": 50.0, "b": 1.0}, 0.5, depth=400, steps=2)
    with mpmath.workdps(50):
        x, sw, sb = mpmath.mpf("0.5"), mpmath.mpf(0), mpmath.mpf(0)
        for _ in range(400):
            x, sw, sb = 50 * x + 1, 50 * sw + x, 50 * sb + 1
        expected = mpmath.log(2 * abs(x - 1) * mpmath.sqrt(sw**2 + sb**2) / 100)
    assert path.log_lengths[0] == pytest.approx(float(expected), rel=1e-14)
    assert path.lengths[0] == np.inf
    assert not np.isnan(path.positions).any()


def test_the_heavy_ball_against_a_loop_written_by_hand() -> None:
    path = to_kernel(momentum_step(loss, eta="1/100", momentum="9/10"))({"w": 0.9, "b": 0.4}, 0.5, depth=4, steps=25)
    where, velocity = np.array([0.9, 0.4]), np.zeros(2)
    for i in range(25):
        assert path.positions[i] == pytest.approx(where, rel=1e-12)
        velocity = 0.9 * velocity - slopes(*where, 4, 0.5)[1] / 100
        where = where + velocity
    assert path.positions[25] == pytest.approx(where, rel=1e-12)


def test_clipping_by_value_and_a_clipped_heavy_ball() -> None:
    path = to_kernel(clipped_step(loss, eta="1/10", threshold="1/4", clip_by="value"))(
        {"w": 2.0, "b": 0.4}, 0.5, depth=4, steps=1
    )
    assert path.positions[1] - path.positions[0] == pytest.approx([-0.025, -0.025], rel=1e-12)
    assert path.clipped.tolist() == [True]
    ball = to_kernel(momentum_step(loss, eta="1/10", momentum="1/2", threshold=1))
    lengths = ball({"w": 50.0, "b": 1.0}, 0.5, depth=400, steps=6).lengths
    assert lengths == pytest.approx(0.1 * (2 - 0.5 ** np.arange(6)), rel=1e-6)


@pytest.mark.parametrize("size", [1e-5, 1.0, 1e300])
def test_no_clipped_gradient_is_longer_than_the_threshold(size: float) -> None:
    rng = np.random.default_rng(0)
    gradients = SignedLog.from_parts(rng.normal(size=(3, 4000)), rng.integers(-2000, 4000, (3, 4000)))
    kept, clipped = clip(gradients, size, "norm")
    assert clipped.any()
    assert np.all(np.sqrt(np.sum((kept.value[:, clipped] / size) ** 2, axis=0)) <= 1)
    unclipped = kept[:, ~clipped]
    assert np.array_equal(unclipped.mantissa, gradients[:, ~clipped].mantissa)
    by_value, _ = clip(gradients, size, "value")
    assert np.all(np.abs(by_value.value) <= size)
    assert np.array_equal(np.sign(by_value.mantissa), np.sign(gradients.mantissa))


rule = gradient_step(loss, eta="1/10")
AT = {"w": 1, "b": 0}
REFUSED: list[tuple[Callable[[UpdateKernel], Any], str]] = [
    *(
        (lambda u, s=steps: u(AT, 0.5, depth=3, steps=s), f"steps must be a positive integer, got {steps!r}")  # type: ignore[misc]
        for steps in (0, -1, True, 2.5, "3", None)
    ),
    (lambda u: u({"w": 1}, 0.5, depth=3, steps=1), "the rule moves w, b, got values for w"),
    (lambda u: u({**AT, "q": 1}, 0.5, depth=3, steps=1), "the rule moves w, b, got values for w, b, q"),
    (lambda u: u({"w": float("nan"), "b": 0}, 0.5, depth=3, steps=1), "parameter 'w' contains nan"),
    (lambda u: u({"w": "a", "b": 0}, 0.5, depth=3, steps=1), "parameter 'w' must be a number"),
    (lambda u: u({"w": [1, 2], "b": [1, 2, 3]}, 0.5, depth=3, steps=1), r"do not broadcast to one shape: w \(2,\), b"),
    (
        lambda u: u(AT, 0.5, {"w": 3}, depth=3, steps=1),
        "the rule moves 'w'; give its first value in the first argument",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_cannot_be_stepped_is_refused_in_one_line(call: Callable[[UpdateKernel], Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        call(to_kernel(rule))
    assert "\n" not in str(refused.value)
