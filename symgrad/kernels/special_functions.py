"""erf, erfc and erfcx: those of scipy.special, whose import costs a quarter of a second, but for a few numbers.

A few points are worth no import: the C library has erf and erfc, and erfcx(x) = exp(x²) erfc(x) follows from them with
exp(x²) taken in two parts; for x >= 20 the asymptotic series takes over (Abramowitz & Stegun 1964, 7.1.23).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

FEW = 64
FAR, TERMS = 20.0, 12
SPLIT = 2.0**27 + 1.0


def scaled_erfc(x: float) -> float:
    """Return exp(x²) erfc(x) to a few roundings.

    >>> scaled_erfc(0.0), round(scaled_erfc(1e8) * 1e8 * math.sqrt(math.pi), 12)
    (1.0, 1.0)
    """
    if math.isnan(x):
        return x
    if x < -27.0:
        return math.inf
    if x < FAR:
        square = x * x
        head = SPLIT * x - (SPLIT * x - x)
        tail = x - head
        lost = ((head * head - square) + 2.0 * head * tail) + tail * tail
        grown = math.exp(square) if square < 709.0 else math.inf
        return grown * (1.0 + lost) * math.erfc(x)
    term = total = 1.0
    for k in range(1, TERMS):
        term *= -(2 * k - 1) / (2.0 * x) / x
        total += term
    return total / (x * math.sqrt(math.pi))


def _few_or_scipy(name: str, one: Callable[[float], float]) -> Callable[..., Any]:
    """Return a function of arrays that takes few numbers one by one and leaves many to SciPy."""

    def function(x: Any, out: Any = None) -> Any:
        given = np.asarray(x, dtype=np.float64)
        if given.size > FEW:
            from scipy import special as scipys

            return getattr(scipys, name)(given, out=out)
        values = np.array([one(number) for number in given.ravel().tolist()]).reshape(given.shape)
        if out is None:
            return values if given.ndim else values[()]
        np.copyto(out, values)
        return out

    return function


class _Special:
    """The functions by their names in scipy.special."""

    erf = staticmethod(_few_or_scipy("erf", math.erf))
    erfc = staticmethod(_few_or_scipy("erfc", math.erfc))
    erfcx = staticmethod(_few_or_scipy("erfcx", scaled_erfc))


special = _Special()
