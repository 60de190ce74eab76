"""Named axes: equally spaced values of one parameter, or of one component of the start."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symgrad.errors import InputError

MOST_POINTS = 10_000_000


def _end(name: str, which: str, value: Any) -> float:
    """Return one end of an axis as a float."""
    try:
        end = float(value)
    except (TypeError, ValueError, OverflowError):
        end = math.nan
    if not math.isfinite(end):
        raise InputError(f"axis {name!r} needs a finite {which} end, got {str(value)[:40]}; give a number, e.g. -1.5")
    return end


@dataclass(frozen=True, init=False)
class Axis:
    """Equally spaced values of one name, both ends included.

    Parameters
    ----------
    name : the parameter, or the component of the state whose start is swept; a symbol or its name
    low, high : the ends, low < high
    count : the number of values, at least 2

    Raises
    ------
    InputError : ends that are not finite or not in order, a count below 2, or values that rounding makes equal

    Examples
    --------
    >>> from symgrad.symbols import w
    >>> Axis(w, -1, 1, 5).values.tolist()
    [-1.0, -0.5, 0.0, 0.5, 1.0]
    """

    name: str
    low: float
    high: float
    count: int

    def __init__(self, name: Any, low: Any, high: Any, count: int) -> None:
        label = name if isinstance(name, str) else getattr(name, "name", None)
        if not isinstance(label, str) or not label:
            raise InputError(f"an axis needs a symbol or a name, got {str(name)[:40]!r}; e.g. Axis('w', -2, 2, 101)")
        ends = _end(label, "low", low), _end(label, "high", high)
        if ends[0] >= ends[1]:
            raise InputError(f"axis {label!r} needs low < high, got {ends[0]:g} and {ends[1]:g}; exchange them")
        if isinstance(count, bool) or not isinstance(count, int | np.integer) or not 2 <= count <= MOST_POINTS:
            raise InputError(f"axis {label!r} needs a count between 2 and {MOST_POINTS}, got {count!r}; e.g. 201")
        object.__setattr__(self, "name", label)
        object.__setattr__(self, "low", ends[0])
        object.__setattr__(self, "high", ends[1])
        object.__setattr__(self, "count", int(count))
        if not math.isfinite(self.side) or not np.all(np.diff(self.values) > 0):
            raise InputError(f"axis {label!r} has {count} values, equal or infinite by rounding; change its ends")

    @property
    def side(self) -> float:
        """The length of the axis, high - low, in units of the parameter."""
        return self.high - self.low

    @property
    def spacing(self) -> float:
        """The distance of neighbouring values, in units of the parameter."""
        return self.side / (self.count - 1)

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The values, shape (count,), read-only."""
        with np.errstate(all="ignore"):
            values = np.linspace(self.low, self.high, self.count)
        values.flags.writeable = False
        return values
