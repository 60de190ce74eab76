"""Finite width: exact exponents, log-normal gradients, residual laws, shattering, and the mean-field limit."""

import math

import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.phenomena.meanfield.correlations import mean_field
from symgrad.phenomena.meanfield.finite_width import finite_width, gaussian_exponents, log_variance_per_layer
from symgrad.phenomena.meanfield.networks import estimate, linear_exponents, simulate
from symgrad.phenomena.meanfield.nonlinearities import nonlinearity
from symgrad.phenomena.meanfield.trajectories import ResidualGrowth, residual_law, trajectory


@pytest.mark.parametrize("width", [1, 2, 3, 8])
def test_linear_gaussian_networks_have_newmans_exponents(width: int) -> None:
    found = linear_exponents(width, deviation=0.7, depth=100, networks=100, seed=1)
    exact = gaussian_exponents(width, deviation=0.7)
    assert (abs(found.mean - exact) < 3 * found.error).all()
    # A deviation that is wrong by 10 % would be noticed.
    assert (abs(found.mean - gaussian_exponents(width, deviation=0.7 * 1.1)) > 3 * found.error).any()


def test_the_sum_of_the_exponents_is_that_of_the_determinant() -> None:
    # E log|det W| of a 2×2 Gaussian matrix: χ₂ and χ₁ variables, (ψ(1) + ψ(1/2))/2 + log 2.
    total = float(gaussian_exponents(2, deviation=1.0).sum())
    assert total == pytest.approx((-np.euler_gamma - np.euler_gamma - 2 * math.log(2)) / 2 + math.log(2), abs=1e-14)


def test_wide_networks_follow_the_theory() -> None:
    phi, given = nonlinearity("tanh"), {"sigma_w2": 2.0, "sigma_b2": 0.1, "depth": 8}
    theory = trajectory(phi, **given)
    found = simulate(phi, width=1024, networks=128, seed=3, **given)
    for name in ("lengths", "correlations", "gradient_correlations"):
        measured = estimate(getattr(found, name))
        # Corrections of order 1/N are allowed for beside the statistical error.
        assert (abs(measured.mean - getattr(theory, name)) <= 4 * measured.error + 4 / 1024).all()
    growth = np.log(np.exp(found.log_gradients).mean(axis=0))
    assert abs(growth - theory.log_gradients).max() < 0.05


def test_relu_gradients_are_log_normal_with_the_variance_of_hanin_and_nica() -> None:
    width, depth, networks = 64, 32, 1024
    logs = simulate(
        nonlinearity("relu"), width=width, depth=depth, networks=networks, sigma_w2=2, sigma_b2=0, seed=5
    ).log_gradients[:, -1]
    spread = depth / width * log_variance_per_layer(nonlinearity("relu"), 1.0)
    assert spread == 2.5
    # First order in 1/n is good to about 10 % at width 64; mean -β/2, and the median gradient lies below the mean.
    assert logs.var(ddof=1) == pytest.approx(spread, rel=0.2)
    assert logs.mean() == pytest.approx(-spread / 2, rel=0.2)
    assert np.median(np.exp(logs)) < 0.5 * np.exp(logs).mean()


def test_the_typical_linear_gradient_is_exact() -> None:
    linear = nonlinearity("identity")
    advice = finite_width(linear, 16, sigma_w2=1.0, sigma_b2=0.0, q=1.0, chi1=1.0)
    logs = simulate(linear, width=16, depth=50, networks=512, sigma_w2=1, sigma_b2=0, seed=2).log_gradients[:, -1]
    measured = estimate(logs / 100)
    assert advice.exact
    assert abs(measured.mean - advice.typical_rate) < 3 * measured.error
    assert abs(measured.mean) > 3 * measured.error


def test_what_to_set_at_width_512() -> None:
    phi = nonlinearity("tanh")
    found = finite_width(phi, 512, sigma_w2=1.7609546396, sigma_b2=0.05, q=0.5700478816, chi1=1.0)
    assert found.weight_deviation == pytest.approx(math.sqrt(1.7609546396 / 512))
    assert found.bias_deviation == pytest.approx(math.sqrt(0.05))
    assert found.typical_rate == pytest.approx(-found.log_variance / 4)
    assert found.depth == pytest.approx(4 / found.log_variance)


def test_the_tail_law_of_residual_networks_is_reached() -> None:
    phi, given = nonlinearity("erf"), {"sigma_w2": 2.0, "sigma_b2": 0.1}
    law = residual_law(phi, **given)
    logs = trajectory(phi, depth=4000, branch=1.0, correlation=1.0, **given)
    assert law.kind is ResidualGrowth.SQUARE_ROOT
    assert law.length_rate is not None
    assert np.diff(logs.lengths)[-1] == pytest.approx(law.length_rate, rel=0.02)
    rise = logs.log_gradients[4000] - logs.log_gradients[1000]
    assert rise / (math.sqrt(4000) - math.sqrt(1000)) == pytest.approx(law.coefficient, rel=0.02)
    plain = trajectory(phi, depth=1000, correlation=1.0, **given)
    assert plain.log_gradients[1000] > 2 * logs.log_gradients[1000]


def test_branches_scaled_by_depth_keep_the_gradient() -> None:
    relu = nonlinearity("relu")
    for depth in (10, 1000):
        half = trajectory(relu, sigma_w2=2, sigma_b2=0, depth=depth, branch=depth**-0.5).log_gradients[-1]
        whole = trajectory(relu, sigma_w2=2, sigma_b2=0, depth=depth, branch=1 / depth).log_gradients[-1]
        assert half == pytest.approx(depth * math.log1p(1 / depth), rel=1e-12)
        assert whole == pytest.approx(depth * math.log1p(1 / depth**2), rel=1e-9)
    law = residual_law(relu, sigma_w2=2, sigma_b2=0)
    assert (law.kind, law.coefficient) == (ResidualGrowth.EXPONENTIAL, pytest.approx(math.log(2)))


def test_skips_keep_gradients_alike_and_plain_layers_shatter_them() -> None:
    phi, given = nonlinearity("tanh"), {"sigma_w2": 2.5, "sigma_b2": 0.05, "depth": 20}
    plain = simulate(phi, width=512, networks=64, seed=4, **given).gradient_correlations[:, -1]
    skips = simulate(phi, width=512, networks=64, seed=4, branch=20**-0.5, **given).gradient_correlations[:, -1]
    assert abs(estimate(plain).mean) < 0.05
    assert estimate(skips).mean > 0.7
    assert trajectory(phi, **given).gradient_correlations[-1] < 0.02


def test_the_same_seed_draws_the_same_networks() -> None:
    given = {"width": 8, "depth": 2, "networks": 130, "sigma_w2": 1.0, "sigma_b2": 0.1}
    first, again, other = (simulate(nonlinearity("tanh"), seed=s, **given).lengths for s in (1, 1, 2))
    assert (first == again).all()
    assert not (first == other).any()
    assert len(np.unique(first[:, -1])) == 130


def test_a_dead_relu_network_has_gradient_exactly_zero() -> None:
    found = simulate(nonlinearity("relu"), width=1, depth=30, networks=64, sigma_w2=2, sigma_b2=0, seed=0)
    assert np.isneginf(found.log_gradients[:, -1]).mean() > 0.9


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"width": 0}, "width must be a positive whole number"),
        ({"depth": 0}, "depth must be a positive whole number"),
        ({"networks": 1}, "networks must be at least 2"),
        ({"sigma_b2": -1}, "sigma_b2 must be a variance"),
        ({"correlation": 2.0}, "correlation must lie between 0 and 1"),
        ({"length": 0.0}, "length must be a positive"),
    ],
)
def test_what_cannot_be_drawn_is_refused(given: dict[str, float], part: str) -> None:
    usual = {"width": 4, "depth": 2, "networks": 2, "sigma_w2": 1.0, "sigma_b2": 0.1}
    with pytest.raises(InputError, match=part):
        simulate(nonlinearity("tanh"), **(usual | given))


def test_exponents_need_a_deviation_and_laws_a_power() -> None:
    with pytest.raises(InputError, match="deviation must be"):
        gaussian_exponents(2, deviation=0.0)
    with pytest.raises(InputError, match="beyond 1e200"):
        residual_law(nonlinearity("exp"), sigma_w2=1.0, sigma_b2=0.0)


def test_plain_gradients_shatter_like_a_power_for_relu_and_exponentially_in_chaos() -> None:
    relu = trajectory(nonlinearity("relu"), sigma_w2=2, sigma_b2=0, depth=4000, correlation=0.0)
    # θ' = θ - θ²/(3π) + …, so θ ~ 3π/l, and each layer multiplies the correlation by 1 - θ/π.
    assert relu.gradient_correlations[1] == pytest.approx(0.5, abs=1e-15)
    angle = np.arccos(relu.correlations[-1])
    assert angle * 4000 == pytest.approx(3 * math.pi, rel=0.02)
    power = math.log2(relu.gradient_correlations[4000] / relu.gradient_correlations[2000])
    assert power == pytest.approx(-3.0, rel=0.02)
    phi = nonlinearity("erf")
    chaos = trajectory(phi, sigma_w2=2.5, sigma_b2=0.05, depth=200).gradient_correlations
    point = mean_field(phi, sigma_w2=2.5, sigma_b2=0.05)
    assert point.chi_c is not None
    assert point.chi1 is not None
    assert chaos[200] / chaos[199] == pytest.approx(point.chi_c / point.chi1, rel=1e-9)
