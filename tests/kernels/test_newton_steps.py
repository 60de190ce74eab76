"""Newton's step of a composition in the log domain, against loops written here in mpmath."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.derivation import newton_of_composition, newton_of_loss
from symgrad.errors import InputError
from symgrad.kernels import NewtonStep, StepStatus, composition_newton_step, loss_newton_step
from symgrad.maps import Map, stack
from symgrad.symbols import n

UNIT = newton_of_composition(Map("tanh(w*x)", "x") ** n, "y")
RELU = newton_of_composition(Map("relu(w*x + b)", "x") ** n, "y")
RECURRENT = Map("w*sigmoid(x) + b", "x") ** n


def tanh_chain(start: str, weight: str, target: str, depth: int, digits: int = 60) -> tuple[Any, Any, Any]:
    """Return step, N' and F''/F' of tanh(w·)∘…, second derivatives carried by the chain rule of Faà di Bruno."""
    ctx = mpmath.MPContext()
    ctx.dps = digits
    x, w, y = (ctx.mpf(v) for v in (start, weight, target))
    first, second = ctx.mpf(1), ctx.mpf(0)
    for _ in range(depth):
        value = ctx.tanh(w * x)
        slope = w / ctx.cosh(w * x) ** 2
        bend = -2 * w * value * slope
        second = bend * first**2 + slope * second
        first = slope * first
        x = value
    return -(x - y) / first, (x - y) * second / first**2, second / first


def agrees(found: Any, known: Any, tolerance: float = 1e-10) -> bool:
    size = float(mpmath.log(abs(known)))
    return int(found.sign) == mpmath.sign(known) and abs(float(found.log_abs) - size) < tolerance


def test_a_vanished_product_makes_a_step_of_known_sign_and_logarithm() -> None:
    """The step of tanh(w·) at depth 60 to 1e-10, as 60-digit arithmetic has it."""
    found = composition_newton_step(UNIT, 1, {"w": 0.5, "y": 0.1}, 60)
    step, derivative, curvature = tanh_chain("1", "0.5", mpmath.nstr(mpmath.mpf(0.1), 20), 60)
    assert agrees(found.step, step)
    assert agrees(found.derivative, derivative)
    assert agrees(found.curvature, curvature)
    assert found.status == StepStatus.DEFINED


def test_ten_thousand_layers() -> None:
    """Far below float64: the product is near e^-6932, the step near e^+6930."""
    found = composition_newton_step(UNIT, 1, {"w": [0.5, -0.75], "y": 0.1}, 10_000)
    for index, weight in enumerate(("0.5", "-0.75")):
        step, derivative, _ = tanh_chain("1", weight, mpmath.nstr(mpmath.mpf(0.1), 20), 10_000, 30)
        assert agrees(found.step[index], step)
        assert agrees(found.derivative[index], derivative)
    assert found.log_step[0] == pytest.approx(6929.48, abs=0.01)


def test_digits_and_floats_agree_at_a_thousand_layers() -> None:
    exact = composition_newton_step(UNIT, 1, {"w": 1.5, "y": "1/4"}, 1000, digits=30)
    found = composition_newton_step(UNIT, 1, {"w": 1.5, "y": 0.25}, 1000)
    for name in ("step", "derivative", "curvature", "product", "residual", "update"):
        a, b = getattr(exact, name), getattr(found, name)
        assert a.sign == b.sign
        assert a.log_abs == pytest.approx(b.log_abs, abs=1e-11), name


def test_a_residual_below_float64_keeps_its_size() -> None:
    """Towards the attractor y = 0 residual and product vanish together, so that N(x) - x tends to a constant."""
    found = composition_newton_step(UNIT, 1, {"w": [0.5, 0.5], "y": [0.0, 0.1]}, 920)
    step, derivative, _ = tanh_chain("1", "0.5", "0", 920, 30)
    assert agrees(found.step[0], step)
    assert agrees(found.derivative[0], derivative)
    assert found.log_step[1] > 600


def test_a_factor_below_float64_is_not_taken_for_zero() -> None:
    """tanh(1000x) at 1 has the slope 4000 e^-2000; float64 has 0 there, and the step is still known."""
    found = composition_newton_step(UNIT, 1, {"w": [1000.0, 2.0], "y": 0.5}, 2)
    step, derivative, curvature = tanh_chain("1", "1000", "0.5", 2, 2000)
    assert agrees(found.step[0], step)
    assert agrees(found.derivative[0], derivative)
    assert agrees(found.curvature[0], curvature)
    assert found.status.tolist() == [StepStatus.DEFINED, StepStatus.DEFINED]


def test_weights_of_every_layer_are_their_own() -> None:
    rule = newton_of_composition(stack(Map("tanh(w*x)", "x"), 3, untied=["w"]), "y")
    weights = [[1.5, 1.25], [0.5, -2.0], [0.75, 1.0]]
    found = composition_newton_step(rule, [[0.5], [0.25]], {"w": weights, "y": 0.1})
    for i, start in enumerate((0.5, 0.25)):
        for j in range(2):
            x, product = start, 1.0
            for row in weights:
                product *= row[j] / np.cosh(row[j] * x) ** 2
                x = np.tanh(row[j] * x)
            assert float(found.step[i, j].value) == pytest.approx(-(x - 0.1) / product, rel=1e-12)


def test_a_planted_fault_in_the_chain_is_seen() -> None:
    found = composition_newton_step(UNIT, 1, {"w": 0.5, "y": 0.1}, 60)
    wrong, _, _ = tanh_chain("1", "0.5000000001", "0.1", 60)
    assert not agrees(found.step, wrong)
    assert not agrees(found.step, -tanh_chain("1", "0.5", "0.1", 60)[0])


def test_the_step_lands_on_the_root_of_a_linear_chain() -> None:
    found = composition_newton_step(newton_of_composition(Map("w*x + b", "x") ** n, "y"), [0.0, 7.0], LINE, 5)
    at = np.asarray(found.update.value)
    for _ in range(5):
        at = LINE["w"] * at + LINE["b"]
    assert at == pytest.approx(LINE["y"])
    assert (found.derivative.sign == 0).all()
    assert (found.curvature.sign == 0).all()


LINE = {"w": 0.5, "b": 1.0, "y": 3.0}


def test_digits_keep_the_residual_near_a_root() -> None:
    """Near the root F(x) = y of tanh(x) the residual cancels in float64, and does not in 40 digits."""
    start = "0.1003353477310755806357265520600389"  # atanh(1/10), one unit off in the last place
    rule = newton_of_composition(Map("tanh(w*x)", "x") ** n, "y")
    exact = composition_newton_step(rule, Fraction(start), {"w": 1, "y": "1/10"}, 1, digits=40)
    step, _, _ = tanh_chain(start, "1", "0.1", 1)
    assert agrees(exact.step, step, 1e-10)


def test_a_dead_layer_makes_a_critical_point_and_no_number() -> None:
    found = composition_newton_step(RELU, [-1.0, 1.0], {"w": 1.0, "b": 0.0, "y": 2.0}, 3)
    assert found.status.tolist() == [StepStatus.CRITICAL, StepStatus.DEFINED]
    assert np.isnan(found.log_step[0])
    assert found.product.sign.tolist() == [0, 1]
    assert float(found.update[1].value) == 2.0


def test_a_root_has_a_step_of_exactly_zero() -> None:
    found = composition_newton_step(UNIT, 0.0, {"w": 2.0, "y": 0.0}, 100)
    assert found.step.sign == 0
    assert found.log_step == -np.inf
    assert found.update.value == 0.0


def sensitivities(weight: Any, bias: Any, depth: int, ctx: Any) -> Callable[[Any], Any]:
    def loss(b: Any) -> Any:
        x = ctx.mpf(1) / 2
        for _ in range(depth):
            x = weight / (1 + ctx.exp(-x)) + b
        return (1 / (1 + ctx.exp(-x)) - ctx.mpf(7) / 10) ** 2

    return loss


@pytest.mark.parametrize(("weight", "bias"), [("5", "-2.6"), ("3", "-1"), ("-6", "2.5")])
def test_the_minimum_in_a_parameter_against_differences(weight: str, bias: str) -> None:
    """N = b - L'/L'' and N' = L' L'''/L''² of the reference surface at depth 12, by 80-digit differences."""
    ctx = mpmath.MPContext()
    ctx.dps = 80
    loss = sensitivities(ctx.mpf(weight), ctx.mpf(bias), 12, ctx)
    first, second, third = (ctx.diff(loss, ctx.mpf(bias), order) for order in (1, 2, 3))
    rule = newton_of_loss(RECURRENT, "(sigmoid(x) - 7/10)**2", wrt="b")
    found = loss_newton_step(rule, 0.5, {"w": float(weight), "b": bias}, 12)
    assert agrees(found.step, -first / second, 1e-9)
    assert agrees(found.derivative, first * third / second**2, 1e-9)
    assert float(found.update.value) == pytest.approx(float(ctx.mpf(bias) - first / second), rel=1e-12)


def test_the_minimum_has_a_step_at_hundreds_of_layers() -> None:
    rule = newton_of_loss(RECURRENT, "(sigmoid(x) - 7/10)**2", wrt="b")
    found = loss_newton_step(rule, 0.5, {"w": 2.0, "b": [-1.0, -0.5]}, 300)
    assert found.depth == 300
    assert np.isfinite(found.log_step).all()


REFUSED: list[tuple[Callable[[], NewtonStep], str]] = [
    (lambda: composition_newton_step(UNIT, 1, {"w": 0.5}, 3), "parameter 'y' has no value"),
    (lambda: composition_newton_step(UNIT, "one", {"w": 0.5, "y": 1}, 3), "must be a number"),
    (lambda: composition_newton_step(UNIT, 1, {"w": 0.5, "y": 1}), "the depth n has no value"),
    (
        lambda: loss_newton_step(newton_of_loss(RECURRENT, "x**2", wrt="b"), 1, {"w": 1}, 3),
        "parameter 'b' has no value; it is where the step starts",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_a_step_that_cannot_be_taken_is_refused(call: Callable[[], NewtonStep], message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
