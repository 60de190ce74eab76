"""Singular values of long products keep their digits, whatever the spread, and random networks follow known laws."""

from typing import Any

import mpmath
import numpy as np
import pytest
from scipy.special import digamma

from symgrad.errors import InputError
from symgrad.phenomena.networks.architectures import (
    Architecture,
    leading_log_singular_values,
    log_norms,
    walk,
)
from symgrad.phenomena.networks.products import log_singular_values
from symgrad.phenomena.spectra.singular_values import singular_values_of_product


def same(found: Any, expected: Any, *, rtol: float = 1e-7, atol: float = 0.0) -> None:
    """Assert that two arrays agree."""
    assert np.allclose(found, expected, rtol=rtol, atol=atol)


def gaussian(size: int, depth: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((size, size, 2)) / np.sqrt(size) for _ in range(depth)]


def truth(factors: list[np.ndarray], depth: int, member: int) -> np.ndarray:
    """Return log σ of the product by mpmath with digits for its whole spread."""
    context = mpmath.MPContext()
    context.dps = 120
    product = context.eye(len(factors[0]))
    for factor in factors[:depth]:
        product = context.matrix(factor[:, :, member].tolist()) * product
    return np.array([float(context.log(v)) for v in context.svd_r(product, compute_uv=False)])


FAMILIES = {
    "untied": gaussian(4, 50),
    "tied": [gaussian(4, 1, 3)[0]] * 50,
    "near the identity": [np.eye(4)[:, :, None] + 0.3 * f for f in gaussian(4, 50, 1)],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_singular_values_are_those_of_mpmath(family: str) -> None:
    found = log_singular_values(FAMILIES[family], [1, 7, 50])
    for place, depth in enumerate((1, 7, 50)):
        for member in range(2):
            expected = truth(FAMILIES[family], depth, member)
            same(found[place, :, member], expected, atol=1e-10 if depth < 50 else 2e-3)


@pytest.mark.parametrize(("cell", "depth"), [("dense", 40), ("lstm", 10), ("residual", 40)])
def test_the_one_sweep_agrees_with_rotations_of_one_product(cell: str, depth: int) -> None:
    steps = walk(Architecture("a", cell), width=10, depth=depth, members=2, rng=np.random.default_rng(1))
    jacobians = [step.jacobian for step in steps]
    assert np.abs(log_singular_values(jacobians, [depth])[0] - singular_values_of_product(jacobians)).max() < 0.01


def test_directions_e_to_the_1000_apart_are_told_apart() -> None:
    found = log_singular_values([np.diag([np.exp(5.0), 1.0, np.exp(-5.0)])] * 100, [100])[0]
    same(found, [500.0, 0.0, -500.0], atol=1e-9)


def test_an_exact_zero_is_minus_infinity() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    found = log_singular_values([turn, np.diag([1.0, 0.0]), turn] * 5, [2, 15], ranks=[2, 1, 2] * 5)
    assert found[:, 1].tolist() == [-np.inf, -np.inf]
    assert np.isfinite(found[:, 0]).all()


@pytest.mark.parametrize(
    ("factors", "depths", "message"),
    [
        ([np.zeros((2, 3))], None, r"factor 1 has shape \(2, 3\)"),
        ([np.eye(2), np.full((2, 2), np.inf)], None, "factor 2 is not finite"),
        ([np.eye(2)], [2], "depths must increase from 1 to at most 1"),
        ([np.eye(2)] * 3, [3, 2], "depths must increase"),
    ],
)
def test_what_has_no_singular_values_is_refused(factors: Any, depths: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        log_singular_values(factors, depths)


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_linear_gaussian_nets_have_the_exact_exponents(size: int) -> None:
    """λ_i = log σ + (log 2 + ψ((n - i + 1)/2))/2 for independent normal matrices (Newman 1986)."""
    depth, members = 400, 24
    net = Architecture("linear", "dense", options={"activation": "identity"})
    rng = np.random.default_rng(17)
    jacobians = [s.jacobian for s in walk(net, width=size, depth=depth, members=members, rng=rng)]
    found = log_singular_values(jacobians, [depth // 2, depth])
    rates = (found[1] - found[0]) / (depth / 2)
    order = np.arange(1, size + 1)
    exact = -np.log(size) / 2 + (np.log(2) + digamma((size - order + 1) / 2)) / 2
    error = rates.std(axis=1, ddof=1) / np.sqrt(members)
    assert (np.abs(rates.mean(axis=1) - exact) < 3 * error).all()


def test_log_norms_are_those_of_the_singular_values() -> None:
    net = Architecture("lstm", "lstm", forget_bias=1)
    options: dict[str, Any] = {"width": 3, "depth": 6, "members": 2}
    jacobians = [s.jacobian for s in walk(net, **options, rng=np.random.default_rng(4))]
    norms = log_norms(walk(net, **options, rng=np.random.default_rng(4)))
    values = log_singular_values(jacobians)
    expected = np.log(np.exp(2 * values).sum(axis=1) / 6) / 2
    same(norms, expected, rtol=1e-11)


def test_the_leading_singular_values_are_those_of_the_graded_product() -> None:
    net, options = Architecture("rnn", "rnn"), {"width": 6, "depth": 12, "members": 3}
    leading = leading_log_singular_values(walk(net, **options, rng=np.random.default_rng(8)))
    jacobians = [s.jacobian for s in walk(net, **options, rng=np.random.default_rng(8))]
    graded = log_singular_values(jacobians, [12])[0]
    there = np.isfinite(leading)
    assert not there.all()
    same(leading[there], graded[there], atol=2e-3)


def test_steps_are_tied_driven_and_scaled_as_asked() -> None:
    rng = np.random.default_rng(0)
    tied = [s.weights["V"] for s in walk(Architecture("r", "rnn"), width=2, depth=2, members=1, rng=rng)]
    untied = [s.weights["W"] for s in walk(Architecture("d", "dense"), width=2, depth=2, members=1, rng=rng)]
    assert np.array_equal(tied[0], tied[1])
    assert not np.array_equal(untied[0], untied[1])
    alone = Architecture("r", "rnn", driven=False)
    assert all("W" not in s.weights for s in walk(alone, width=2, depth=2, members=1, rng=rng))
    scaled = Architecture("s", "residual", options={"branch": "1/L"})
    (step, *_) = walk(scaled, width=2, depth=4, members=1, rng=rng)
    assert list(step.numbers.values()) == [4.0]


def test_a_dead_net_has_norm_zero() -> None:
    net = Architecture("relu", "dense", "he", options={"activation": "relu"})
    norms = log_norms(walk(net, width=1, depth=60, members=4, rng=np.random.default_rng(0)))
    assert (norms[-1] == -np.inf).all()
    leading = leading_log_singular_values(walk(net, width=1, depth=60, members=4, rng=np.random.default_rng(0)))
    assert (leading == -np.inf).all()


@pytest.mark.parametrize(
    ("network", "sizes", "message"),
    [
        (Architecture("d", "dense"), {"width": 0, "depth": 2}, "width must be a positive integer, got 0"),
        (Architecture("d", "dense"), {"width": 2, "depth": 0}, "depth must be a positive integer"),
        (Architecture("d", "transformer"), {"width": 2, "depth": 2}, "no cell is named 'transformer'"),
        (Architecture("d", "dense", options={"activation": "tahn"}), {"width": 2, "depth": 2}, "no activation is"),
        (Architecture("d", "leaky"), {"width": 2, "depth": 2}, "'a' has no value"),
    ],
)
def test_a_network_that_cannot_be_drawn_is_refused(network: Architecture, sizes: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as refusal:
        list(walk(network, **sizes, members=1, rng=np.random.default_rng(0)))
    assert "\n" not in str(refusal.value)
