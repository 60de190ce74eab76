"""The box in which cliffs are looked for: two swept parameters, round numbers in it, and curves clipped to it."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError
from symgrad.sweeps import Axis

Array = NDArray[np.float64]

SAMPLES = 513
STEPS = (Fraction(1), Fraction(2), Fraction(5))


@dataclass(frozen=True)
class Window:
    """Two parameters with their exact bounds.

    Parameters
    ----------
    names : the first and the second parameter
    low, high : their bounds, exact
    count : grid points along each, for the picture and the regions
    """

    names: tuple[str, str]
    low: tuple[Fraction, Fraction]
    high: tuple[Fraction, Fraction]
    count: tuple[int, int]

    @property
    def box(self) -> dict[str, tuple[Fraction, Fraction]]:
        """Name → bounds."""
        return {name: (self.low[i], self.high[i]) for i, name in enumerate(self.names)}

    def axes(self, most: int) -> tuple[Axis, Axis]:
        """Return the two axes with at most so many points each."""
        first, second = (
            Axis(name, float(self.low[i]), float(self.high[i]), min(self.count[i], most))
            for i, name in enumerate(self.names)
        )
        return first, second

    def inside(self, values: Mapping[str, Array]) -> NDArray[np.bool_]:
        """Say where points are in the box, its rim included up to rounding."""
        within = np.array(True)
        for i, name in enumerate(self.names):
            low, high = float(self.low[i]), float(self.high[i])
            slack = 1e-12 * max(abs(low), abs(high))
            within = within & (values[name] >= low - slack) & (values[name] <= high + slack)
        return np.asarray(within)


def read_window(box: Mapping[Any, Any]) -> Window:
    """Return the window of a box name → (low, high), (low, high, count) or an ``Axis``.

    Raises
    ------
    InputError : not two parameters, or bounds that do not rise

    Examples
    --------
    >>> read_window({"w": (4, 8), "b": (-6, "-1")}).box["b"]
    (Fraction(-6, 1), Fraction(-1, 1))
    """
    if not isinstance(box, Mapping) or len(box) != 2:
        raise InputError(
            f"cliffs need a box of two parameters, got {len(box) if isinstance(box, Mapping) else str(box)[:40]}; "
            'give e.g. {"w": (4, 8), "b": (-6, -1)}'
        )
    rows = [_bounds(str(name), value) for name, value in box.items()]
    names = tuple(str(name) for name in box)
    (first, second) = rows
    return Window((names[0], names[1]), (first[0], second[0]), (first[1], second[1]), (first[2], second[2]))


def _bounds(name: str, value: Any) -> tuple[Fraction, Fraction, int]:
    if isinstance(value, Axis):
        return Fraction(value.low), Fraction(value.high), value.count
    given = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    try:
        low, high = (Fraction(_number(v)) for v in given[:2])
        count = int(given[2]) if len(given) > 2 else 201
    except (ValueError, TypeError, OverflowError):
        raise InputError(f"the bounds of {name} must be two numbers, got {value!r}; give e.g. (4, 8)") from None
    if not low < high:
        raise InputError(f"the bounds of {name} must rise, got {low} and {high}; give the smaller one first")
    return low, high, count


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float | str | Fraction) else str(value)


def round_numbers(low: float, high: float, *, at_least: int = 6) -> tuple[Fraction, ...]:
    """Return the multiples of the largest 1-2-5 step of which at least so many lie strictly between two bounds.

    >>> [str(v) for v in round_numbers(4.2553, 8)]
    ['9/2', '5', '11/2', '6', '13/2', '7', '15/2']
    """
    exponent = int(np.floor(np.log10(high - low))) + 1
    while True:
        for step in reversed(STEPS):
            size = step * Fraction(10) ** exponent
            first = math.floor(Fraction(low) / size) + 1
            count = min(200, math.ceil(Fraction(high) / size) - first)
            found = [v for v in (size * (first + i) for i in range(count)) if low < v < high]
            if len(found) >= at_least:
                return tuple(found)
        exponent -= 1


def segments(
    places: Callable[[Array], Mapping[str, Array]], low: float, high: float, window: Window
) -> tuple[tuple[float, float], ...]:
    """Return the intervals of a curve's parameter on which it is in the box, found on a fine grid and bisected.

    Parameters
    ----------
    places : values of the curve's parameter, shape (m,) → name → coordinates, shape (m,)
    low, high : the open interval of the parameter; infinite bounds are cut at the box
    """
    reach = max(abs(float(v)) for v in (*window.low, *window.high)) * 4 + 4
    low, high = max(low, -reach), min(high, reach)
    if not low < high:
        return ()
    grid = low + (high - low) * np.linspace(1e-9, 1 - 1e-9, SAMPLES)
    within = window.inside(places(grid))
    found = []
    for first, last in _runs(within):
        left = grid[first] if first == 0 else _edge(places, grid[first], grid[first - 1], window)
        right = grid[last] if last == SAMPLES - 1 else _edge(places, grid[last], grid[last + 1], window)
        found.append((float(left), float(right)))
    return tuple(found)


def _runs(within: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the first and last index of each run of True."""
    padded = np.concatenate([[False], within, [False]]).astype(int)
    change = np.diff(padded)
    return [
        (int(a), int(b) - 1) for a, b in zip(np.flatnonzero(change == 1), np.flatnonzero(change == -1), strict=True)
    ]


def _edge(places: Callable[[Array], Mapping[str, Array]], inner: float, outer: float, window: Window) -> float:
    """Return the last parameter value inside the box between one inside and one outside."""
    for _ in range(60):
        middle = np.array([(inner + outer) / 2])
        if bool(np.all(window.inside(places(middle)))):
            inner = float(middle[0])
        else:
            outer = float(middle[0])
    return inner
