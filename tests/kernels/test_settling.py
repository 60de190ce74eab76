"""Settled orbits are finished in closed form, equal to the dense run; chaos and drift never are."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest

from symgrad.derivation import gradient
from symgrad.errors import InputError
from symgrad.kernels import Outcome, to_kernel
from symgrad.kernels.settling import Power, repeats, repeats_within
from symgrad.maps import Map
from symgrad.symbols import n


def run(text: str, start: Any, depth: int, backend: str = "numpy", loss: str | None = None, **values: Any) -> Outcome:
    kernel = to_kernel(gradient(Map(text, "x") ** n, loss, wrt=tuple(values)), backend=backend)
    return kernel(start, values, depth=depth)


def fixed_point(w: str, b: str) -> tuple[Any, ...]:
    """Return x*, its multiplier, and dx*/dw, dx*/db of tanh(wx + b), with 40 digits."""
    with mpmath.mp.workdps(60):
        w_, b_ = mpmath.mpf(float(w)), mpmath.mpf(float(b))
        x = mpmath.findroot(lambda u: mpmath.tanh(w_ * u + b_) - u, 0.5)
        slope = 1 - x * x
        return x, w_ * slope, slope * x / (1 - w_ * slope), slope / (1 - w_ * slope)


def test_a_billion_layers_are_as_easy_as_ten() -> None:
    outcome = run("tanh(w*x + b)", 0.3, 10**9, w=0.9, b=0.1)
    x, factor, by_w, by_b = fixed_point("0.9", "0.1")
    assert outcome.settled == 1.0
    assert math.isnan(outcome.open_factor)
    assert outcome.depth == 10**9
    assert outcome.state[0] == pytest.approx(float(x), rel=1e-13)
    with mpmath.mp.workdps(40):
        state, total = mpmath.mpf(0.3), mpmath.mpf(0)
        for _ in range(300):
            state = mpmath.tanh(mpmath.mpf(0.9) * state + mpmath.mpf(0.1))
            total += mpmath.log(mpmath.mpf(0.9) * (1 - state**2)) - mpmath.log(factor)
        expected = total + 10**9 * mpmath.log(factor)
    assert outcome.product.log_abs == pytest.approx(float(expected), rel=1e-12)
    assert outcome.gradient["w"].value == pytest.approx(float(by_w), rel=1e-12)
    assert outcome.gradient["b"].value == pytest.approx(float(by_b), rel=1e-12)


@pytest.mark.parametrize("depth", [72, 73, 200, 1000])
@pytest.mark.parametrize("text", ["w*tanh(x) + b", "w*sigmoid(4*x) + b", "w*sin(x) + b", "tanh(w*x) - x/9 + b"])
def test_the_closed_form_equals_the_dense_run(text: str, depth: int) -> None:
    w, b = (grid.ravel() for grid in np.meshgrid([-1.7, -0.8, -0.3, 0.4, 0.9, 1.6], [-0.7, 0.2, 0.5]))
    settled, dense = (run(text, 0.3, depth, kind, "(x - 0.2)**2", w=w, b=b) for kind in ("numpy", "lambdify"))
    assert settled.settled > 0.5
    assert dense.settled == 0.0
    assert settled.state[0] == pytest.approx(dense.state[0], rel=1e-12)
    assert settled.product.log_abs == pytest.approx(dense.product.log_abs, rel=1e-12)
    assert settled.product.sign.tolist() == dense.product.sign.tolist()
    for name in "wb":
        assert settled.gradient[name].value == pytest.approx(dense.gradient[name].value, rel=2e-12)


@pytest.mark.parametrize("start", [0.3, 0.77])
def test_chaos_never_settles(start: float) -> None:
    outcome = run("r*x*(1 - x)", start, 10000, r=4.0)
    assert outcome.settled == 0.0
    assert outcome.open_factor > 1.0
    assert outcome.rate == pytest.approx(math.log(2), rel=0.02)


@pytest.mark.parametrize(
    ("rate", "period", "settles"), [(3.2, 2, 1.0), (3.5, 4, 1.0), (3.8481, 12, 1.0), (3.7389, 5, 0.0)]
)
def test_cycles_of_the_logistic_map(rate: float, period: int, settles: float) -> None:
    """Cycles of 2, 4 and 12 repeat after twelve steps; one of 5 does not, iterates on, and is right."""
    depth = 6007
    outcome, dense = (run("r*x*(1 - x)", 0.4, depth, kind, r=rate) for kind in ("numpy", "lambdify"))
    assert outcome.settled == settles
    with mpmath.mp.workdps(50):
        r, x = mpmath.mpf(rate), mpmath.mpf(0.4)
        for _ in range(depth):
            x = r * x * (1 - x)
        again = x
        for _ in range(period):
            again = r * again * (1 - again)
        assert abs(again - x) < 1e-20
    assert outcome.state[0] == pytest.approx(float(x), rel=1e-11)
    assert outcome.rate == pytest.approx(float(dense.rate), rel=1e-7)  # before it settles the orbit is chaotic
    assert outcome.gradient["r"].value == pytest.approx(dense.gradient["r"].value, rel=1e-8)


def test_a_repeller_hit_exactly_repeats_as_the_dense_run_does() -> None:
    """x = 0 and x = 3/4 stay where they are in floating point; the product explodes beyond float64."""
    outcome = run("r*x*(1 - x)", [0.75, 0.0], 10**6, r=4.0)
    assert outcome.state[0].tolist() == [0.75, 0.0]
    assert outcome.product.log_abs == pytest.approx([1e6 * math.log(2), 1e6 * math.log(4)], rel=1e-12)
    assert outcome.product.sign.tolist() == [1, 1]
    # s -> -2 s + 3/16 from 0: s_n = (1 - (-2)**n)/16
    assert float(outcome.gradient["r"].log_abs[0]) == pytest.approx(1e6 * math.log(2) - math.log(16), rel=1e-12)
    assert outcome.gradient["r"].sign[0] == -1


def test_a_repeller_without_parameters_goes_on() -> None:
    outcome = to_kernel(Map("4*x*(1 - x)", "x") ** n, backend="numpy")([0.75, 0.0, 1.0], depth=1003)
    assert outcome.settled == 1.0
    assert outcome.product.log_abs == pytest.approx(np.log([2.0, 4.0, 4.0]) * 1003, rel=1e-13)
    assert outcome.product.sign.tolist() == [-1, 1, -1]


def test_drift_is_not_repetition() -> None:
    """A slow passage through the ghost of a fixed point moves on."""
    gap = 1e-7
    outcome, dense = (run("x + x**2 + c", -0.3, 5000, kind, c=gap) for kind in ("numpy", "lambdify"))
    assert outcome.settled == 0.0
    assert outcome.state[0] == pytest.approx(dense.state[0], rel=1e-12)
    critical = run("tanh(w*x)", 1.0, 10000, w=1.0)
    assert critical.settled == 0.0
    assert critical.open_factor == pytest.approx(1, abs=0.01)
    assert critical.state[0] == pytest.approx(math.sqrt(3 / 20000), rel=1e-2)


def test_what_neither_settles_nor_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symgrad.kernels.stretches.PATIENCE", 5000)
    with pytest.raises(InputError, match=r"1 of 2 orbits have not settled within \d+ steps, and \d+ more would be"):
        run("r*x*(1 - x)", 0.3, 10**9, r=[3.2, 4.0])
    monkeypatch.setattr("symgrad.kernels.unlimited.DEEPEST", 1000)
    with pytest.raises(
        InputError, match=r"1 point\(s\) leave float64 and have not settled within 1000 steps of 1000000000"
    ):
        run("w*x", 1.0, 10**9, w=1e200)


def test_the_tolerance_asks_for_contraction() -> None:
    one, near = np.ones(3), np.array([1.0, 1 + 4e-16, 1 + 4e-16])
    assert repeats(one, near, np.array([5.0, 1.0, 0.5]))[0].tolist() == [True, False, True]
    noise = np.array([100.0, 100.0, 1.0])
    after = 1 + np.array([8e-14, 8e-14, 8e-14])
    found = repeats_within(noise, one, after, one, np.array([0.5, 1.5, 0.5]))
    assert found.tolist() == [True, False, False]


@pytest.mark.parametrize("times", [1, 2, 7, 1000, 12345])
def test_powers_keep_sign_and_size(times: int) -> None:
    base = np.array([0.3, -0.3, 1.0, -1.0, 0.0, 1.7, 1 - 1e-9, -(2.0**-40)])
    power = Power.of(base, 0, times)
    with mpmath.mp.workdps(40):
        for i, number in enumerate(base.tolist()):
            true = mpmath.mpf(number) ** times
            found = mpmath.ldexp(mpmath.mpf(float(power.mantissa[i])), int(power.exponent[i]))
            assert abs(found - true) <= 4e-16 * (1 + times) * abs(true)
