"""The Schwarzian derivative: its cocycle law, the sign for each activation, and the points that refute."""

import math

import pytest
from sympy import Rational, exp, sqrt, symbols, tanh

from symgrad.certify import enclose
from symgrad.derivation import SchwarzianSign, is_zero, schwarzian_derivative, schwarzian_of
from symgrad.derivation.bifurcations.schwarzian import has_kink
from symgrad.errors import InputError
from symgrad.evidence import Verdict
from symgrad.maps import ACTIVATIONS, activation, differentiate, expand_activations, unregister

a, b, x = symbols("a b x", real=True)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "atan", "erf", "sin", "softplus", "exp"])
def test_the_schwarzian_is_proved_negative(name: str) -> None:
    fact = schwarzian_of(name)
    assert fact.sign is SchwarzianSign.NEGATIVE
    assert fact.verdict is Verdict.PROVED
    assert fact.is_negative


@pytest.mark.parametrize("name", ["gelu", "silu", "mish"])
def test_the_point_that_refutes_does_so_in_balls(name: str) -> None:
    fact = schwarzian_of(name)
    assert fact.sign is SchwarzianSign.POSITIVE_SOMEWHERE
    assert fact.witness is not None
    point = Rational(fact.witness["x"])
    derived = schwarzian_derivative(ACTIVATIONS[name].function(x), x)
    assert enclose(expand_activations(derived), {x: point}, bits=200).sign == 1


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "atan", "erf", "sin", "softplus", "exp"])
def test_the_short_form_is_the_derived_one(name: str) -> None:
    fact = schwarzian_of(name)
    assert fact.expr is not None
    derived = expand_activations(schwarzian_derivative(ACTIVATIONS[name].function(x), x))
    for place in (-1.3, -0.2, 0.7, 1.1):
        left, right = (float(e.xreplace({x: Rational(str(place))}).evalf(25)) for e in (fact.expr, derived))
        assert left == pytest.approx(right, rel=1e-12)


def test_x_over_the_root_of_one_plus_its_square_is_negative_too() -> None:
    @activation(latex=r"\operatorname{isru}", lipschitz=1)
    def isru(u):  # type: ignore[no-untyped-def]
        """Inverse square root unit, u/sqrt(1 + u**2)."""
        return u / sqrt(1 + u**2)

    try:
        assert schwarzian_of("isru").is_negative
        derived = schwarzian_derivative(x / sqrt(1 + x**2), x)
        assert is_zero(derived + 3 * (2 + x**2) / (2 * (1 + x**2) ** 2))
    finally:
        unregister("isru")


def test_mobius_maps_have_none_and_affine_layers_scale_it() -> None:
    assert is_zero(schwarzian_derivative((a * x + 1) / (x + b), x))
    assert is_zero(schwarzian_derivative(3 * tanh(a * x + b) + 1, x) + 2 * a**2)


def test_composition_follows_the_cocycle_law() -> None:
    f, g = exp(x), tanh(x)
    composed = schwarzian_derivative(g.xreplace({x: f}), x)
    law = schwarzian_derivative(g, x).xreplace({x: f}) * differentiate(f, x) ** 2 + schwarzian_derivative(f, x)
    assert is_zero(composed - law)


def test_kinks_and_constants_are_told() -> None:
    for name in ("relu", "leaky_relu", "elu", "selu", "softsign"):
        assert has_kink(ACTIVATIONS[name])
        assert schwarzian_of(name).sign is SchwarzianSign.NOT_SMOOTH
    assert schwarzian_of("identity").sign is SchwarzianSign.ZERO
    with pytest.raises(InputError, match="no activation is named 'nothing'"):
        schwarzian_of("nothing")
    with pytest.raises(InputError, match="constant"):
        schwarzian_derivative(b, x)


def test_convexity_of_one_over_the_root_of_the_slope() -> None:
    # S < 0 is the same as convexity of 1/√f'; seen on tanh, where it is cosh.
    values = [math.cosh(k / 10) for k in range(-30, 31)]
    assert all(p + q > 2 * m for p, m, q in zip(values, values[1:], values[2:], strict=False))
