"""The values of a call: read once, broadcast without copies, exact where they were exact."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy

from symgrad.errors import InputError
from symgrad.kernels.points import Points, floats_of


def test_shapes_broadcast_and_values_are_picked_by_flat_index() -> None:
    points = Points.gather([np.zeros((3, 1))], {"w": np.arange(4.0), "b": 2}, {})
    assert points.shape == (3, 4)
    assert points.size == 12
    value = points.at(slice(3, 6))
    assert value("w", None).tolist() == [3.0, 0.0, 1.0]
    assert value("b", None) == 2.0
    assert points.flat_start(slice(0, 2))[0].shape == (2,)


def test_layers_come_first() -> None:
    points = Points.gather([0.0], {"w": np.arange(6.0).reshape(3, 2)}, {"w": 3})
    assert points.shape == (2,)
    value = points.at(slice(0, 2))
    assert [value("w", k).tolist() for k in (1, 2, 3)] == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]


def test_exact_numbers_are_kept_for_single_points() -> None:
    points = Points.gather([Fraction(1, 3)], {"w": sympy.sqrt(2), "b": "1/7", "v": ["1/3", 0.5]}, {"v": 2})
    start, value = points.exact_at(0)
    assert start == [Fraction(1, 3)]
    assert value("w", None) == sympy.sqrt(2)
    assert value("b", None) == Fraction(1, 7)
    assert [value("v", k) for k in (1, 2)] == [Fraction(1, 3), 0.5]


@pytest.mark.parametrize(
    ("value", "floats"),
    [
        (3, 3.0),
        ("-1/4", -0.25),
        ([1, "1/2", Fraction(1, 8)], [1.0, 0.5, 0.125]),
        (np.array([1, 2], dtype=np.uint8), [1.0, 2.0]),
        (np.inf, np.inf),
        (10**400, np.inf),
        (-(10**400), -np.inf),
    ],
)
def test_what_counts_as_numbers(value: Any, floats: Any) -> None:
    assert floats_of("it", value).dtype == np.float64
    assert floats_of("it", value).tolist() == floats


@pytest.mark.parametrize(
    "value", ["x", "", None, [None], {}, 1j, [[1], [2, 3]], [sympy.Symbol("w")], object(), "1e9999"]
)
def test_what_does_not(value: Any) -> None:
    with pytest.raises(InputError, match=r"it must be a number or an array of numbers"):
        floats_of("it", value)
