"""Intervals contain what exact rational arithmetic gives, whatever the operands, and infinite ends do no harm."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest

from symgrad.certify import boxes
from symgrad.certify.boxes import Intervals


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def pairs(seed: int, count: int = 300) -> Intervals:
    rng = np.random.default_rng(seed)
    ends = rng.choice([-1.0, 1.0], (2, count)) * 10.0 ** rng.uniform(-12, 12, (2, count))
    ends[:, ::17] = 0.0
    return Intervals(ends.min(axis=0), ends.max(axis=0))


OPERATIONS: dict[str, tuple[Callable[..., Intervals], Callable[..., Fraction]]] = {
    "sum": (lambda a, b: a + b, lambda p, q: p + q),
    "difference": (lambda a, b: a - b, lambda p, q: p - q),
    "product": (lambda a, b: a * b, lambda p, q: p * q),
    "cube": (lambda a, b: a**3, lambda p, q: p**3),
    "fourth power": (lambda a, b: a**4, lambda p, q: p**4),
    "inverse square": (lambda a, b: (a + Intervals.exactly(10**14)) ** -2, lambda p, q: (p + 10**14) ** -2),
}


def misses(name: str) -> int:
    """Count the intervals that leave out the exact result at one of their corners or middles."""
    rule, exact = OPERATIONS[name]
    a, b = pairs(1), pairs(2)
    found, missed = rule(a, b), 0
    for i in range(len(a.low)):
        low, high = Fraction(float(found.low[i])), Fraction(float(found.high[i]))
        for p in (a.low[i], a.high[i], (a.low[i] + a.high[i]) / 2):
            for q in (b.low[i], b.high[i]):
                missed += not low <= exact(Fraction(float(p)), Fraction(float(q))) <= high
    return missed


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_result_contains_every_value_of_the_operands(name: str) -> None:
    assert misses(name) == 0


@pytest.mark.parametrize("name", OPERATIONS)
def test_without_outward_rounding_a_value_is_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boxes, "lowered", lambda x: x)
    monkeypatch.setattr(boxes, "raised", lambda x: x)
    assert misses(name) > 0


def test_an_even_power_is_the_hull() -> None:
    square = Intervals(np.array([-1.0]), np.array([2.0])) ** 2
    assert square.low[0] == 0.0
    assert 4.0 <= square.high[0] < 4.0 + 1e-14


def test_infinite_ends_give_infinite_bounds_and_no_nan() -> None:
    wide = Intervals(np.array([-np.inf, 0.0, 1.0]), np.array([np.inf, np.inf, boxes.LARGEST]))
    zero = Intervals(np.zeros(3), np.zeros(3))
    for found in (wide + wide, wide - wide, wide * wide, wide * zero, wide**2, wide**3, wide.reciprocal()):
        assert not np.isnan(found.low).any()
        assert not np.isnan(found.high).any()
        assert (found.low <= found.high).all()
    assert (wide * wide).high[2] == np.inf
    assert (wide * wide).low[2] <= boxes.LARGEST


def test_the_inverse_of_an_interval_around_zero_is_the_whole_line() -> None:
    found = Intervals(np.array([-1.0]), np.array([1.0])).reciprocal()
    assert (found.low[0], found.high[0]) == (-np.inf, np.inf)


def test_exact_numbers_are_enclosed_narrowly() -> None:
    third = Intervals.exactly(Fraction(1, 3))
    assert Fraction(float(third.low)) < Fraction(1, 3) < Fraction(float(third.high))
    assert Intervals.exactly(0.5).low == Intervals.exactly(0.5).high == 0.5
    beyond = Intervals.exactly(10**400)
    assert (beyond.low, beyond.high) == (boxes.LARGEST, np.inf)
