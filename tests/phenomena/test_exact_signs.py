"""Signs are those of exact arithmetic, whatever rounding does."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.maps import expression
from symgrad.phenomena.exact_signs import UNKNOWN, exact_signs

FLOATS = st.floats(-1e6, 1e6)


def sign_of(value: Fraction) -> int:
    return (value > 0) - (value < 0)


@settings(max_examples=60, deadline=None)
@given(u=FLOATS, v=FLOATS)
def test_the_sign_of_a_polynomial_is_exact(u: float, v: float) -> None:
    x, y = Fraction(u), Fraction(v)
    found = exact_signs(expression("u**2*v - 3*u + v**3/7"), {"u": np.array(u), "v": np.array(v)})
    assert int(found) == sign_of(x**2 * y - 3 * x + y**3 / 7)


@settings(deadline=None)
@given(u=st.floats(0.1, 1e3))
def test_a_product_that_only_rounds_to_one_is_told_from_one(u: float) -> None:
    v = 1 / u
    found = exact_signs(expression("u*v - 1"), {"u": np.array([u]), "v": np.array([v])})
    assert int(found[0]) == sign_of(Fraction(u) * Fraction(v) - 1)


def test_only_the_names_that_occur_shape_the_answer() -> None:
    values = {"w": np.linspace(-1, 1, 5).reshape(-1, 1), "b": np.zeros((1, 7))}
    assert exact_signs(expression("w"), values)[:, 0].tolist() == [-1, -1, 0, 1, 1]
    assert exact_signs(expression("w + b"), values).shape == (5, 7)
    assert int(exact_signs(sympy.Integer(-2), values)) == -1


@pytest.mark.parametrize(
    ("text", "w", "sign"),
    [
        ("exp(w) - 1", 0.0, 0),
        ("exp(w) - 1", 1e-300, 1),
        ("4*sigmoid(w) - 2", 0.0, 0),
        ("tanh(w) - 1", 30.0, -1),
        ("1/w - 1", 0.0, UNKNOWN),
        ("1/w - 2", 0.5, 0),
        ("log(w)", -1.0, UNKNOWN),
        ("w*1e300 - 1", 1e300, 1),
        ("w**4", 1e-200, 1),
        ("w - w", 3.0, 0),
    ],
)
def test_what_is_not_a_polynomial_is_decided_point_by_point(text: str, w: float, sign: int) -> None:
    assert int(exact_signs(expression(text), {"w": np.array(w)})) == sign


def test_too_many_points_are_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symgrad.phenomena.exact_signs.MOST_POINTWISE", 3)
    assert exact_signs(expression("exp(w)"), {"w": np.arange(4.0)}).tolist() == [UNKNOWN] * 4
    assert exact_signs(expression("exp(w)"), {"w": np.arange(3.0)}).tolist() == [1] * 3
