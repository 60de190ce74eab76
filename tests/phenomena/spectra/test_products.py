"""Singular values of long products against multiple precision, and the growth of powers of matrices."""

import math

import mpmath
import numpy as np
import pytest

from symgrad.errors import InputError
from symgrad.phenomena.spectra import singular_values
from symgrad.phenomena.spectra.non_normal import non_normal_growth
from symgrad.phenomena.spectra.singular_values import singular_values_of_product

RNG = np.random.default_rng(0)
TURN = np.array([[0.3, 0.8], [-0.8, 0.3]])
PRODUCTS = {
    "random": [RNG.normal(size=(4, 4)) for _ in range(40)],
    "slow direction first": [np.diag([1e-3, 2.0])] * 20 + [TURN] + [np.diag([5.0, 1e-4])] * 20,
    "order reversed half way": [np.diag([1e3, 1.0, 1e-3])] * 15
    + [RNG.normal(size=(3, 3))]
    + [np.diag([1e-3, 1.0, 1e3])] * 15,
    "undone exactly": [np.diag([1e3, 1.0, 1e-3])] * 15 + [np.diag([1e-3, 1.0, 1e3])] * 15,
    "not normal": [np.array([[0.9, 10.0], [0.0, 0.9]])] * 50,
    "graded rows": [np.diag([1.0, 1e-8, 1e-16]) @ RNG.normal(size=(3, 3)) for _ in range(10)],
    "widths that change": [RNG.normal(size=(4, 2)), RNG.normal(size=(3, 4)), RNG.normal(size=(5, 3))],
}


def reference(jacobians: list[np.ndarray]) -> list[float]:
    context = mpmath.MPContext()
    context.dps = 450
    product = context.matrix(jacobians[0].tolist())
    for one in jacobians[1:]:
        product = context.matrix(one.tolist()) * product
    values = context.eigsy(product.T * product, eigvals_only=True)
    return sorted((float(context.log(v) / 2) for v in values), reverse=True)


@pytest.mark.parametrize("name", PRODUCTS)
def test_all_singular_values_agree_with_multiple_precision(name: str) -> None:
    exact = reference(PRODUCTS[name])
    assert singular_values_of_product(PRODUCTS[name]) == pytest.approx(exact, rel=1e-12, abs=1e-11)


def test_points_last_and_single_products_agree() -> None:
    stacked = RNG.normal(size=(30, 3, 3, 2, 2))
    together = singular_values_of_product(stacked)
    assert together.shape == (3, 2, 2)
    assert together[:, 1, 0] == pytest.approx(singular_values_of_product(stacked[..., 1, 0]), abs=1e-11)


def test_ten_thousand_nats_are_no_limit() -> None:
    found = singular_values_of_product([np.diag([math.exp(50), math.exp(-50)]) @ TURN] * 300)
    assert found.sum() == pytest.approx(300 * math.log(0.73), rel=1e-9)
    assert found[0] > 10_000


def test_zero_singular_values_are_minus_infinity() -> None:
    matrix = RNG.normal(size=(4, 4))
    matrix[3] = matrix[0] * 2 - matrix[1]
    found = singular_values_of_product([matrix] * 5)
    assert np.isfinite(found[:3]).all()
    assert found[3] == -math.inf
    assert singular_values_of_product([np.zeros((2, 2))]).tolist() == [-math.inf, -math.inf]


def test_a_rotation_left_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(singular_values, "_rotate", lambda *_: 0.0)
    exact = reference(PRODUCTS["random"][:2])
    assert np.abs(singular_values_of_product(PRODUCTS["random"][:2]) - exact).max() > 1e-3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "got none"),
        ([np.ones(3)], "has shape"),
        ([np.full((2, 2), np.nan)], "not finite"),
        ([np.ones((2, 3)), np.ones((2, 3))], "cannot follow"),
    ],
)
def test_products_that_make_no_sense_are_refused(given: list[np.ndarray], words: str) -> None:
    with pytest.raises(InputError, match=words):
        singular_values_of_product(given)


def test_the_powers_of_a_triangular_matrix_peak_where_they_do_exactly() -> None:
    # ((a, c), (0, a))^n = a^n ((1, nc/a), (0, 1)), whose norm is known.
    exact = [0.9**n * (math.sqrt((10 * n / 0.9) ** 2 + 4) + 10 * n / 0.9) / 2 for n in range(60)]
    found = non_normal_growth([[0.9, 10], [0, 0.9]])
    assert found.peak == pytest.approx(max(exact), rel=1e-12)
    assert found.peak_power == int(np.argmax(exact))
    assert found.norms[:20] == pytest.approx(exact[:20], rel=1e-12)
    assert (found.numerical_abscissa, found.numerical_radius) == pytest.approx((5.9, 5.9), rel=1e-9)
    assert found.spectral_radius == pytest.approx(0.9)
    assert found.settled
    assert 1 < found.kreiss <= found.peak <= math.e * 2 * found.kreiss
    assert "38.7459 at n = 9" in found.status


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        ([[0.5, 0], [0, 0.3]], "never grow"),
        ([[0, 1], [-1, 0]], "never grow"),
        ([[1.1, 0], [0, 0.3]], "without bound"),
        ([[0, 2], [0, 0]], "2 at n = 1"),
    ],
)
def test_the_status_names_what_the_powers_do(matrix: list[list[float]], words: str) -> None:
    assert words in non_normal_growth(matrix).status


def test_a_peak_that_is_not_settled_is_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symgrad.phenomena.spectra.non_normal.MOST_POWERS", 50)
    found = non_normal_growth([[1, 1], [0, 1]])
    assert not found.settled
    assert "open" in found.status


def test_spectral_radius_below_one_in_each_factor_does_not_give_decay() -> None:
    upper = np.array([[0.0, 2.0], [0.0, 0.0]])
    assert non_normal_growth(upper).spectral_radius == 0
    assert non_normal_growth(upper @ upper.T).spectral_radius == 4


@pytest.mark.parametrize(
    ("matrix", "words"), [(np.ones((2, 3)), "square"), ([[math.inf]], "not finite"), ("ab", "of numbers")]
)
def test_matrices_without_powers_are_refused(matrix: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        non_normal_growth(matrix)
