"""Known values, each with its source and its digits."""

import math
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from mpmath import mpf

from symgrad.derivation import clipped_step, gradient, gradient_step, newton, newton_of_composition
from symgrad.kernels import SignedLog, to_kernel
from symgrad.maps import Map, composition_from_text, stack
from symgrad.symbols import n

unit = Map("w*sigmoid(x) + b", "x")
pascanu = gradient(unit**n, "(sigmoid(x) - 0.7)**2", wrt="w,b", second_order=True)
each_backend = pytest.mark.parametrize("options", [{}, {"digits": 30}], ids=["lambdify", "mpmath"])


def as_mpf(number: SignedLog) -> Any:
    return mpf(float(number.mantissa)) * mpf(2) ** int(number.exponent)


@each_backend
def test_the_one_unit_network_of_pascanu_mikolov_and_bengio(options: dict[str, Any]) -> None:
    """The surface of fig. 6 (2013) at w = 5, b = -2.5, 50 steps; 17 digits by 60-digit arithmetic."""
    outcome = to_kernel(pascanu, **options)(0.5, {"w": 5, "b": -2.5}, depth=50)
    assert outcome.loss is not None
    assert float(outcome.loss.value) == pytest.approx(0.024088868813358221, rel=1e-12)
    assert float(outcome.gradient["w"].value) == pytest.approx(0.086311669477128256, rel=1e-12)
    assert float(outcome.gradient["b"].value) == pytest.approx(0.10092501763686785, rel=1e-12)
    assert float(outcome.product.value) == pytest.approx(2.2551915793749306e-09, rel=1e-12)


def sigma(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def test_the_wall_on_the_basin_line() -> None:
    """On b = ½ - wσ(½) the start is a repelling fixed point, so with μ = wσ'(½) everything is exact at every depth.

    Pascanu, Mikolov & Bengio (2013), fig. 6: at w = 5 and T = 50, dL/db = -661.68280132.
    """
    start = sympy.Rational(1, 2)
    line = start - 5 / (1 + sympy.exp(-start))
    outcome = to_kernel(pascanu, digits=25)("1/2", {"w": 5, "b": line}, depth=50)
    with mpmath.workdps(60):
        s = sigma(mpf("0.5"))
        mu = 5 * s * (1 - s)
        by_b = (mu**50 - 1) / (mu - 1)
        slope = 2 * (s - mpf("0.7")) * s * (1 - s)
        assert mpmath.nstr(slope * by_b, 11) == "-661.68280132"
        assert abs(as_mpf(outcome.gradient["b"]) / (slope * by_b) - 1) < 1e-15
        assert abs(as_mpf(outcome.gradient["w"]) / (slope * s * by_b) - 1) < 1e-15
        assert abs(as_mpf(outcome.product) / mu**50 - 1) < 1e-15
        assert mpmath.nstr(mpf("0.5") - 5 * s, 11) == "-2.612296656"
        deep = to_kernel(pascanu, digits=25)("1/2", {"w": 8, "b": line - 3 / (1 + sympy.exp(-start))}, depth=400)
        assert abs(as_mpf(deep.product) / (8 * s * (1 - s)) ** 400 - 1) < 1e-15


def test_the_steps_on_the_wall() -> None:
    """Beside the wall the gradient step explodes and Newton's steps freeze: 6.6, 9e-6 and 1.2e-5 in b at w = 5."""
    line = sympy.Rational(1, 2) - 5 / (1 + sympy.exp(-sympy.Rational(1, 2)))
    outcome = to_kernel(pascanu, digits=20)("1/2", {"w": 5, "b": line}, depth=50)
    assert outcome.loss is not None
    loss, slope, bend = (float(v.value) for v in (outcome.loss, outcome.gradient["b"], outcome.hessian["b", "b"]))
    assert abs(0.01 * slope) == pytest.approx(6.6, rel=0.01)
    assert abs(loss / slope) == pytest.approx(9e-6, rel=0.02)
    assert abs(slope / bend) == pytest.approx(1.2e-5, rel=0.05)


@pytest.mark.parametrize("c", [-1.5, -1, 0.5, 1, 1.25, 3])
def test_the_exact_sigmoid_family(c: float) -> None:
    """(w, b, x₀) = (4c, -2c, 0) is a fixed point with multiplier c: the product is cᵀ."""
    outcome = to_kernel(unit**n)(0.0, {"w": 4 * c, "b": -2 * c}, depth=101)
    assert outcome.state[0] == 0
    assert outcome.product.sign == np.sign(c)
    assert outcome.product.log_abs == pytest.approx(101 * math.log(abs(c)), rel=1e-14, abs=1e-300)


def test_saturation_far_below_the_smallest_float() -> None:
    """tanh(30x) from 1, 200 layers, against 60-digit arithmetic written here."""
    outcome = to_kernel(gradient(Map("tanh(w*x)", "x") ** n, wrt="w"))(1.0, {"w": 30}, depth=200)
    with mpmath.workdps(60):
        x, product, slope = mpf(1), mpf(1), mpf(0)
        for _ in range(200):
            factor = 1 / mpmath.cosh(30 * x) ** 2
            slope, product, x = factor * (30 * slope + x), 30 * factor * product, mpmath.tanh(30 * x)
        assert float(outcome.product.log_abs) == pytest.approx(float(mpmath.log(product)), rel=1e-14)
        assert float(outcome.gradient["w"].log_abs) == pytest.approx(float(mpmath.log(slope)), rel=1e-12)
        assert mpmath.log(product) < -11000


@each_backend
def test_the_untied_product_of_the_acceptance(options: dict[str, Any]) -> None:
    """w = (2, ½, -3), x₀ = 1, L = (x - 1)²: p = -3 and ∂L/∂w_i = 2(p - 1)p/w_i (mathematics of the deep scalar net)."""
    target = gradient(stack(Map("w*x", "x"), 3), "(x - 1)**2", wrt="w")
    outcome = to_kernel(target, **options)(1, {"w": [2, 0.5, -3]})
    assert outcome.product.value == -3
    assert outcome.gradient["w"].value.tolist() == pytest.approx([24 / w for w in (2, 0.5, -3)], rel=1e-15)


def test_the_gradient_is_not_the_chain_product() -> None:
    """The linear unit: wⁿ → 0, but dx_n/db → 1/(1 - w)."""
    outcome = to_kernel(gradient(Map("w*x + b", "x") ** n, wrt="b"))(0.3, {"w": 0.9, "b": 1.0}, depth=2000)
    assert outcome.product.log_abs == pytest.approx(2000 * math.log(0.9), rel=1e-13)
    assert float(outcome.gradient["b"].value) == pytest.approx(10, rel=1e-13)


def test_critical_decay_of_tanh() -> None:
    """x ↦ tanh x has rate 0 and product ~ n^(-3/2); x ↦ x - x² has product ~ n^(-2)."""
    for text, power, tolerance in (("tanh(x)", -1.5, 0.02), ("x - x**2", -2.0, 0.02)):
        few, many = (to_kernel(Map(text, "x") ** n)(0.3, depth=d).product.log_abs for d in (1000, 4000))
        assert float(many - few) / math.log(4) == pytest.approx(power, abs=tolerance)


# ---------------------------------------------------------------- orbits


def test_the_logistic_map() -> None:
    """Rates: log 2 at r = 4; log|2 - r| for 1 < r < 3; ½ log|4 + 2r - r²| for 3 < r < 1 + √6."""
    logistic = to_kernel(Map("r*x*(1 - x)", "x") ** n)
    r = np.array([1.5, 2.5, 2.9, 3.2, 3.4])
    rates = logistic(0.37, {"r": r}, depth=20000).rate
    exact = np.where(r < 3, np.log(np.abs(2 - r)), 0.5 * np.log(np.abs(4 + 2 * r - r**2)))
    assert rates == pytest.approx(exact, abs=2e-3)
    starts = np.linspace(0.11, 0.87, 200)
    assert logistic(starts, {"r": 4.0}, depth=2000).rate.mean() == pytest.approx(math.log(2), abs=2e-3)


def test_the_rate_of_the_logistic_map_at_a_superstable_cycle_is_minus_infinity() -> None:
    """At r = 2 the orbit of ½ sits on the critical point: the rate is a result, not an error."""
    outcome = to_kernel(Map("r*x*(1 - x)", "x") ** n)(0.5, {"r": 2.0}, depth=100)
    assert outcome.product.sign == 0
    assert outcome.rate == -math.inf


def test_the_henon_map() -> None:
    """(a, b) = (1.4, 0.3): exponents 0.41922 and -1.62319 (Sprott, Chaos and Time-Series Analysis)."""
    henon = to_kernel(composition_from_text("1 - a*x**2 + y; b*x", state=("x", "y"), depth=n))
    starts = np.linspace(-0.1, 0.2, 64)
    outcome = henon((starts, 0.1 + 0 * starts), {"a": 1.4, "b": 0.3}, depth=3000)
    assert (outcome.growth / 3000).mean(axis=1) == pytest.approx([0.41922, -1.62319], abs=2e-3)
    assert outcome.growth.sum(axis=0) == pytest.approx([3000 * math.log(0.3)] * 64, rel=1e-9)


def test_the_cat_map() -> None:
    """±log((3 + √5)/2)."""
    cat = to_kernel(composition_from_text("x + y; x + 2*y", state=("x", "y"), depth=n))
    rate = math.log((3 + math.sqrt(5)) / 2)
    assert cat((0.1, 0.2), depth=300).growth / 300 == pytest.approx([rate, -rate], rel=1e-12)


def test_a_non_normal_matrix_grows_before_it_vanishes() -> None:
    """((0.9, 10), (0, 0.9)) peaks at ‖Jⁿ‖₂ ≈ 38.7 although its spectral radius is 0.9."""
    jordan = to_kernel(composition_from_text("0.9*x + 10*y; 0.9*y", state=("x", "y"), depth=n))
    norms = [math.exp(float(jordan((1.0, 1.0), depth=d).growth[0])) for d in range(1, 30)]
    assert max(norms) == pytest.approx(38.7, abs=0.1)
    assert float(jordan((1.0, 1.0), depth=2000).growth[0]) < -150


# ---------------------------------------------------------------- updates


def test_newtons_two_cycle() -> None:
    """x³ - 2x + 2 has the superattracting cycle 0 ↔ 1."""
    step = to_kernel(newton("x**3 - 2*x + 2", "x") ** n)
    assert [float(step(0, depth=d).state[0]) for d in (1, 2, 3)] == [1, 0, 1]
    assert step(0.0, depth=2).product.sign == 0
    assert step(0.05, depth=20).state[0] == pytest.approx(0, abs=1e-12)


def test_newton_on_a_rootless_parabola_is_chaotic() -> None:
    """x² + 1: rate log 2."""
    starts = np.linspace(0.13, 1.9, 400)
    rates = to_kernel(newton("x**2 + 1", "x") ** n)(starts, depth=1500).rate
    assert rates.mean() == pytest.approx(math.log(2), abs=5e-3)


def test_newton_is_of_second_order() -> None:
    orbit = [float(to_kernel(newton("x**2 - 2", "x") ** n, digits=60)(1, depth=d).state_log.log_abs[0]) for d in (1, 2)]
    assert orbit[0] == pytest.approx(math.log(1.5))
    residual = to_kernel(newton("x**2 - 2", "x") ** n @ Map("x", "x"), digits=60)
    errors = []
    for d in range(2, 6):
        digits = residual(1, depth=d).digits
        assert digits is not None
        with mpmath.workdps(60):
            errors.append(mpmath.log(abs(mpf(digits["state"][0]) - mpmath.sqrt(2))))
    assert all(float(b / a) == pytest.approx(2, abs=0.25) for a, b in pairwise(errors))


def test_newton_of_a_composition_through_the_kernel() -> None:
    """F, F' and F'' of 5 layers from one kernel give N and N' as 50-digit differences do."""
    kernel = to_kernel(newton_of_composition(unit**n, "y"))
    outcome = kernel(0.3, {"w": 5, "b": -2.5}, depth=5)
    with mpmath.workdps(50):

        def iterate(x: Any) -> Any:
            for _ in range(5):
                x = 5 * sigma(x) - mpf("2.5")
            return x

        start, y = mpf(0.3), mpf("0.1")
        first, second = mpmath.diff(iterate, start), mpmath.diff(iterate, start, 2)
        step = start - (iterate(start) - y) / first
        slope = (iterate(start) - y) * second / first**2
        state, by_x = float(outcome.state[0]), float(outcome.gradient["x"].value)
        bend = float(outcome.hessian["x", "x"].value)
        assert 0.3 - (state - 0.1) / by_x == pytest.approx(float(step), rel=1e-12)
        assert (state - 0.1) * bend / by_x**2 == pytest.approx(float(slope), rel=1e-11)
        assert by_x == pytest.approx(float(outcome.product.value), rel=1e-15)


def test_algorithm_1() -> None:
    """Pascanu, Mikolov & Bengio (2013), Algorithm 1, at the wall: the clipped step has the length of the threshold."""
    target = gradient(unit**n, "(sigmoid(x) - 0.7)**2", wrt="w,b")
    at = {"w": 5.0, "b": -2.612296656}
    path = to_kernel(clipped_step(target, eta="1/10", threshold=1))(at, 0.5, depth=50, steps=1)
    outcome = to_kernel(target)(0.5, at, depth=50)
    g = np.array([float(outcome.gradient[name].value) for name in "wb"])
    assert np.linalg.norm(g) > 100
    assert path.positions[1] - path.positions[0] == pytest.approx(-0.1 * g / np.linalg.norm(g), rel=1e-9)
    assert path.lengths[0] == pytest.approx(0.1, rel=1e-12)


def test_the_catapult_toy_by_numbers() -> None:
    """Lewkowycz et al. (2020), arXiv 2003.02218, width 1: f⁺ = (1 - ηλ + η²f²) f, λ⁺ = λ + ηf²(ηλ - 4)."""
    target = gradient(Map("u*v*x", "x"), "x**2/2", wrt="u,v")
    path = to_kernel(gradient_step(target, eta="1/2"))({"u": 1.9, "v": 0.4}, 1.0, steps=6)
    u, v = path.positions[:, 0], path.positions[:, 1]
    f, curvature = u * v, u**2 + v**2
    assert f[1:] == pytest.approx((1 - curvature / 2 + f**2 / 4)[:-1] * f[:-1], rel=1e-12)
    assert curvature[1:] == pytest.approx((curvature + f**2 / 2 * (curvature / 2 - 4))[:-1], rel=1e-12)
