"""Arrays of intervals with outward rounding: every result contains every value its operands allow.

After each operation the ends are moved outwards by one unit in the last place or two, which covers the rounding to
nearest of IEEE double arithmetic; the rounding mode of the processor is never changed (Rump 1999, *Fast and parallel
interval arithmetic*, uses the same bound). Ends may be infinite; a low end is never +inf, a high end never -inf.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EPSILON = 2.0**-52
TINY = 2.0**-1070
LARGEST = float(np.finfo(np.float64).max)


def lowered(x: Any) -> Any:
    """Return floats that lie below every number that rounds to x."""
    x = np.minimum(x, LARGEST)
    margin = np.abs(x)
    margin *= EPSILON
    margin += TINY
    x -= margin
    return x


def raised(x: Any) -> Any:
    """Return floats that lie above every number that rounds to x."""
    x = np.maximum(x, -LARGEST)
    margin = np.abs(x)
    margin *= EPSILON
    margin += TINY
    x += margin
    return x


def _product(a: Any, b: Any) -> Any:
    """Multiply ends; 0 times an infinite end is 0, because the end itself is not reached."""
    p = a * b
    smallest = p.min()
    return p if smallest == smallest else np.where((a == 0) | (b == 0), 0.0, p)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Many closed intervals, an array of low ends and one of high ends.

    Parameters
    ----------
    low, high : float64, shape (cells,)

    Examples
    --------
    >>> third = Intervals.exactly(Fraction(1, 3))
    >>> bool(third.low < third.high), bool((third * Intervals.exactly(3)).contains(1.0))
    (True, True)
    """

    low: Any
    high: Any

    @staticmethod
    def exactly(number: Fraction | int | float) -> "Intervals":
        """Return the narrowest interval of floats around an exact number."""
        value = Fraction(number)
        try:
            nearest = float(value)
        except OverflowError:
            beyond = Intervals(np.float64(LARGEST), np.float64(np.inf))
            return beyond if value > 0 else -beyond
        if Fraction(nearest) == value:
            return Intervals(np.float64(nearest), np.float64(nearest))
        return Intervals(np.nextafter(nearest, -np.inf), np.nextafter(nearest, np.inf))

    @property
    def magnitude(self) -> Any:
        """The largest absolute value in each interval."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def mignitude(self) -> Any:
        """The smallest absolute value in each interval."""
        return np.maximum(np.maximum(self.low, -self.high), 0.0)

    def contains(self, x: Any) -> Any:
        """Say where a number lies in its interval."""
        return (self.low <= x) & (x <= self.high)

    def lies_in(self, other: "Intervals") -> Any:
        """Say where an interval is part of another."""
        return (other.low <= self.low) & (self.high <= other.high)

    def at(self, index: Any) -> "Intervals":
        """Return some of the intervals, chosen as an array's entries are."""
        return Intervals(np.asarray(self.low)[index], np.asarray(self.high)[index])

    def hull(self, other: "Intervals") -> "Intervals":
        """Return the narrowest intervals around both."""
        return Intervals(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    def cut(self, other: "Intervals") -> "Intervals":
        """Return what two enclosures of the same values have in common."""
        return Intervals(np.maximum(self.low, other.low), np.minimum(self.high, other.high))

    def __neg__(self) -> "Intervals":
        return Intervals(-self.high, -self.low)

    def __add__(self, other: "Intervals") -> "Intervals":
        return Intervals(lowered(self.low + other.low), raised(self.high + other.high))

    def __sub__(self, other: "Intervals") -> "Intervals":
        return self + (-other)

    def __mul__(self, other: "Intervals") -> "Intervals":
        a, b = (self, other) if self.low.min() >= 0 else (other, self)
        if a.low.min() < 0:
            return _any_product(a, b)
        if b.low.min() >= 0:
            return Intervals(lowered(_product(a.low, b.low)), raised(_product(a.high, b.high)))
        low = np.minimum(_product(a.low, b.low), _product(a.high, b.low))
        high = np.maximum(_product(a.high, b.high), _product(a.low, b.high))
        return Intervals(lowered(low), raised(high))

    def __truediv__(self, other: "Intervals") -> "Intervals":
        return self * other.reciprocal()

    def __pow__(self, exponent: int) -> "Intervals":
        """Return an integer power, of an even one the hull: x² over [-1, 2] is [0, 4]."""
        if exponent < 0:
            return (self**-exponent).reciprocal()
        if exponent == 0:
            return Intervals(np.ones_like(self.low), np.ones_like(self.high))
        if exponent % 2:
            return _odd_power(self, exponent)
        ends = _odd_power(Intervals(self.mignitude, self.magnitude), exponent)
        return Intervals(np.maximum(ends.low, 0.0), ends.high)

    def reciprocal(self) -> "Intervals":
        """Return 1/x, the whole line where 0 is inside."""
        crosses = self.contains(0.0)
        low, high = np.where(crosses, 1.0, self.low), np.where(crosses, 1.0, self.high)
        return Intervals(np.where(crosses, -np.inf, lowered(1.0 / high)), np.where(crosses, np.inf, raised(1.0 / low)))

    def scaled(self, exponent: Any) -> "Intervals":
        """Return the intervals times 2**exponent, whole numbers below 1000 in absolute value."""
        factor = np.ldexp(1.0, np.asarray(exponent, dtype=np.int64))
        return Intervals(lowered(self.low * factor), raised(self.high * factor))


def _any_product(a: Intervals, b: Intervals) -> Intervals:
    corners = [_product(p, q) for p in (a.low, a.high) for q in (b.low, b.high)]
    low = np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3]))
    high = np.maximum(np.maximum(corners[0], corners[1]), np.maximum(corners[2], corners[3]))
    return Intervals(lowered(low), raised(high))


def _odd_power(x: Intervals, exponent: int) -> Intervals:
    """Return the hull of an increasing power, multiplied out on the ends."""
    return Intervals(_end_power(x.low, exponent, -1), _end_power(x.high, exponent, 1))


def _end_power(end: Any, exponent: int, side: int) -> Any:
    size = np.abs(end)
    outward: Callable[[Any], Any] = raised
    power = size
    for _ in range(exponent - 1):
        power = outward(_product(power, size))
    below = size
    for _ in range(exponent - 1):
        below = np.maximum(lowered(_product(below, size)), 0.0)
    grows = (end >= 0) == (side > 0)
    return np.sign(end) * np.where(grows, power, below)
