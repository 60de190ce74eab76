"""Axes are finite, in order, and hold distinct values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symgrad.errors import InputError
from symgrad.sweeps import Axis
from symgrad.symbols import w

FINITE = st.floats(-1e6, 1e6)


@settings(deadline=None)
@given(low=FINITE, width=st.floats(1e-3, 1e6), count=st.integers(2, 50))
def test_an_axis_runs_from_low_to_high_in_equal_steps(low: float, width: float, count: int) -> None:
    axis = Axis(w, low, low + width, count)
    assert axis.name == "w"
    assert axis.values[0] == axis.low
    assert axis.values[-1] == axis.high
    assert np.allclose(np.diff(axis.values), axis.spacing, rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("w", 1, 1, 5), "low < high"),
        (("w", 2, 1, 5), "low < high"),
        (("w", 0, 1, 0), "count between 2"),
        (("w", 0, 1, 1), "count between 2"),
        (("w", 0, 1, 2.0), "count between 2"),
        (("w", 0, 1, True), "count between 2"),
        (("w", math.nan, 1, 5), "finite low end"),
        (("w", 0, math.inf, 5), "finite high end"),
        (("w", 0, "one", 5), "finite high end"),
        (("w", 1.0, 1.0 + 1e-15, 100), "equal or infinite by rounding"),
        (("w", -1.7e308, 1.7e308, 3), "equal or infinite by"),
        ((3, 0, 1, 5), "symbol or a name"),
        (("", 0, 1, 5), "symbol or a name"),
    ],
)
def test_what_is_no_axis_is_refused_in_one_line(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Axis(*arguments)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_the_values_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        Axis("w", 0, 1, 3).values[0] = 5.0
