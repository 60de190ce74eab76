"""Gaussian averages: thirty-digit references over the activation table, error estimates, and what has no average."""

import dataclasses
import math

import mpmath
import numpy as np
import pytest
import sympy

from symgrad.errors import InputError
from symgrad.kernels.stable import STABLE
from symgrad.maps import ACTIVATIONS, activation, unregister
from symgrad.phenomena.meanfield.correlations import mean_field
from symgrad.phenomena.meanfield.moments import moments, pair_moments
from symgrad.phenomena.meanfield.nonlinearities import Nonlinearity, nonlinearity
from symgrad.phenomena.meanfield.quadrature import averages
from symgrad.phenomena.meanfield.trajectories import trajectory

LENGTHS = (1e-8, 12.6, 1e4)
EXACT = ("identity", "relu", "leaky_relu", "erf", "sin", "exp")


def by_quadrature(name: str) -> Nonlinearity:
    """Return an activation without its closed form."""
    return dataclasses.replace(nonlinearity(name), closed=None)


def thirty_digits(name: str, order: int, q: float) -> float:
    """Return E of the square of a derivative of an activation, by mpmath with 30 digits."""
    mp = mpmath.MPContext()
    mp.dps = 30
    x = sympy.Symbol("x", real=True)
    names = "erf erfc expm1 log1p tanh cosh exp sqrt pi atan sign".split()
    function = sympy.lambdify(x, STABLE[name].exact[order], modules=[{n: getattr(mp, n) for n in names} | {"Abs": abs}])
    root = mp.sqrt(q)
    ends = {side * p for side in (1, -1) for p in (0, 0.3 / root, 1 / root, 3 / root, 10 / root, 1, 4, 14) if p <= 14}

    def integrand(z: mpmath.mpf) -> mpmath.mpf:
        return function(root * z) ** 2 * mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)

    return float(mp.quad(integrand, sorted(ends)))


@pytest.mark.parametrize("name", ["tanh", "softsign", "selu"])
def test_averages_have_fourteen_digits_at_every_length(name: str) -> None:
    found = moments(nonlinearity(name), np.array(LENGTHS))
    for i, q in enumerate(LENGTHS):
        assert found.square[i] == pytest.approx(thirty_digits(name, 0, q), rel=1e-14)
        assert found.slope_square[i] == pytest.approx(thirty_digits(name, 1, q), rel=1e-14)
    assert (found.error < 1e-13).all()


@pytest.mark.parametrize("name", EXACT)
def test_closed_forms_agree_with_quadrature(name: str) -> None:
    lengths = np.array([1e-8, 1e-3, 0.5, 2.0, 10.0])
    exact, found = moments(nonlinearity(name), lengths), moments(by_quadrature(name), lengths)
    assert exact.source != found.source
    for row in ("square", "growth", "slope_square"):
        np.testing.assert_allclose(getattr(found, row), getattr(exact, row), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("distance", [1e-40, 3e-16, 9e-8, 1e-6, 0.01, 0.5, 1.0])
def test_closed_kernels_agree_with_quadrature(name: str, distance: float) -> None:
    exact, found = (pair_moments(phi, 1.7, distance) for phi in (nonlinearity(name), by_quadrature(name)))
    assert found.gap == pytest.approx(exact.gap, rel=1e-11, abs=0)
    assert found.slope_kernel == pytest.approx(exact.slope_kernel, rel=1e-11)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_derivative_of_the_square_is_that_of_price_and_stein(name: str) -> None:
    phi, step = nonlinearity(name), 1e-5
    for q in (0.2, 3.0):
        low, high = moments(phi, np.array([q * (1 - step), q * (1 + step)])).square
        assert moments(phi, np.array([q])).growth[0] == pytest.approx((high - low) / (2 * step * q), rel=1e-7)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_derivative_of_the_gap_is_the_slope_kernel(name: str) -> None:
    phi, q, step = nonlinearity(name), 0.9, 1e-5
    low, high = (pair_moments(phi, q, 0.4 + side * step).gap for side in (-1, 1))
    assert pair_moments(phi, q, 0.4).slope_kernel == pytest.approx((high - low) / (2 * step * q), rel=1e-7)


def test_gauss_hermite_would_be_wrong_where_this_is_right() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(180)
    slopes = STABLE["tanh"].numpy[1](math.sqrt(12.6) * nodes) ** 2
    truth = thirty_digits("tanh", 1, 12.6)
    assert abs(weights @ slopes / math.sqrt(2 * math.pi) - truth) > 1e-4
    assert moments(nonlinearity("tanh"), np.array([12.6])).slope_square[0] == pytest.approx(truth, rel=1e-14)


def test_a_kink_that_is_not_named_shows_in_the_error() -> None:
    bent = averages(lambda x: np.maximum(x - 0.3, 0.0)[None] ** 2, np.array([1.0]))
    cut = averages(lambda x: np.maximum(x - 0.3, 0.0)[None] ** 2, np.array([1.0]), (0.3,))
    assert bent.error[0, 0] > 1e-9
    assert cut.error[0, 0] < 1e-14
    assert abs(bent.value[0, 0] - cut.value[0, 0]) <= bent.error[0, 0]


def test_kinks_of_an_expression_are_found_and_cut() -> None:
    phi = nonlinearity("Max(0, x - 1) + abs(x**2 - 4)/9")
    assert phi.kinks == (-2.0, 1.0, 2.0)
    found = moments(phi, np.array([1e-4, 1.0, 50.0]))
    assert (found.error < 1e-12).all()
    z = np.linspace(-12, 12, 2_400_001)
    plain = np.trapezoid(phi.value(z) ** 2 * np.exp(-z * z / 2), z) / math.sqrt(2 * math.pi)
    assert found.square[1] == pytest.approx(plain, rel=1e-9)


def test_kinks_inside_a_new_activation_and_behind_a_bend_are_found() -> None:
    @activation(latex=r"\operatorname{hinge}", lipschitz=2)
    def hinge(x: sympy.Expr) -> sympy.Expr:
        """Tanh with a hinge at 1."""
        return sympy.tanh(x) + sympy.Max(x - 1, 0) / 3

    try:
        assert nonlinearity("hinge").kinks == (1.0,)
    finally:
        unregister("hinge")
    (place,) = nonlinearity("relu(tanh(x) - 1/2)").kinks
    assert place == pytest.approx(math.atanh(0.5), abs=1e-14)


def test_what_outgrows_the_gaussian_is_infinite() -> None:
    found = moments(nonlinearity("exp(x**2/4)"), np.array([0.5, 0.9, 1.1, 5.0]))
    assert found.square[:2] == pytest.approx([1 / math.sqrt(1 - 0.5), 1 / math.sqrt(1 - 0.9)], rel=1e-8)
    assert np.isinf(found.square[2:]).all()


REFUSED = [
    ("tan_h", "no activation is named 'tan_h'; known: atan, elu"),
    ("w*x", "one variable, got w, x"),
    ("3", "one variable, got none"),
    ("sign", "jumps at x = 0"),
    ("floor(x)", "jump without end"),
    ("sqrt(x)", "not a finite real number at x = -2.3"),
    ("1/x", "not a finite real number at x = 0"),
    ("abs(sin(x))", "too many to cut at"),
]


@pytest.mark.parametrize(("text", "part"), REFUSED)
def test_what_is_no_nonlinearity_is_refused_by_name(text: str, part: str) -> None:
    with pytest.raises(InputError, match=r"^[^\n]*$") as caught:
        nonlinearity(text)
    assert part in str(caught.value)


def test_a_pole_between_the_nodes_is_refused() -> None:
    from symgrad.phenomena.meanfield.length_maps import length_map

    with pytest.raises(InputError, match="not resolved"):
        length_map(nonlinearity("1/(x - 0.123)"), sigma_w2=1.0, sigma_b2=0.1)


def test_the_square_of_the_output_is_averaged_where_phi_is_real() -> None:
    with pytest.raises(InputError, match="not real at x"):
        averages(lambda x: np.where(x < -7, np.nan, x)[None], np.array([4.0]))


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("abs((x - 1)**3)/9", (1.0,)),
        ("Max(x, x**2, 1)", (-1.0, 0.0, 1.0)),
        ("abs(abs(x) - 1)", (-1.0, 0.0, 1.0)),
        ("relu(x - sqrt(2))", (math.sqrt(2),)),
        ("softsign(3*x + 1)", (-1 / 3,)),
    ],
)
def test_kinks_lie_where_they_are(text: str, places: tuple[float, ...]) -> None:
    assert nonlinearity(text).kinks == pytest.approx(places, abs=1e-14)


def test_hard_tanh_has_the_averages_of_the_normal_distribution() -> None:
    lengths = np.array([0.01, 0.5, 3.0, 400.0])
    found = moments(nonlinearity("Min(1, Max(-1, x))"), lengths)
    inside = [math.erf(1 / math.sqrt(2 * q)) for q in lengths]
    # E[x²; |x| < 1] = q P(|x| < 1) - √(2q/π) exp(-1/(2q)), by parts.
    squares = [
        q * p - math.sqrt(2 * q / math.pi) * math.exp(-1 / (2 * q)) + math.erfc(1 / math.sqrt(2 * q))
        for q, p in zip(lengths, inside, strict=True)
    ]
    assert np.allclose(found.slope_square, inside, rtol=1e-14, atol=0)
    assert np.allclose(found.square, squares, rtol=1e-13, atol=0)


def test_inputs_that_become_alike_are_followed_beyond_rounding() -> None:
    path = trajectory("sigmoid", sigma_w2=1.7, sigma_b2=0.05, depth=60, length=0.8)
    steps = np.diff(path.log_gradients[-20:])
    assert path.correlations[-1] == 1.0
    np.testing.assert_allclose(steps, np.log(mean_field("sigmoid", sigma_w2=1.7, sigma_b2=0.05).chi1), rtol=1e-9)
