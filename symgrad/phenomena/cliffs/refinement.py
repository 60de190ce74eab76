"""The root of a function between two numbers at which its signs differ, to the last bit of float64 or to any digits."""

import math
from collections.abc import Callable
from typing import Any

from symgrad.errors import InputError

MOST_HALVINGS, WIDENINGS = 4, 12


def narrowed(gap: Callable[[float], float], a: float, b: float) -> tuple[float, float]:
    """Return neighbouring floats with different signs of a function: secant steps guarded by bisection.

    >>> low, high = narrowed(lambda t: t**3 - 2, 1.0, 2.0)
    >>> low**3 <= 2 < high**3, math.nextafter(low, 2) == high
    (True, True)
    """
    fa, fb = gap(a), gap(b)
    while (middle := a + (b - a) / 2) not in (a, b):
        trial = middle
        if math.isfinite(fa) and math.isfinite(fb):
            secant = a - fa * (b - a) / (fb - fa)
            trial = min(max(secant, math.nextafter(a, b)), math.nextafter(b, a))
        for t in (trial, *_beside(trial, a, b)):
            if a < t < b:
                ft = gap(t)
                if (ft > 0) == (fa > 0):
                    a, fa = t, ft
                else:
                    b, fb = t, ft
        if (middle := a + (b - a) / 2) not in (a, b) and trial != middle:
            ft = gap(middle)
            if (ft > 0) == (fa > 0):
                a, fa = middle, ft
            else:
                b, fb = middle, ft
    return a, b


def _beside(trial: float, a: float, b: float) -> tuple[float, float]:
    """Return the floats a little to the left and right of a trial, to catch the root between them."""
    step = max(4 * math.ulp(trial), 1e-4 * min(trial - a, b - trial))
    return trial - step, trial + step


def refined(gap: Callable[[Any], Any], bracket: tuple[float, float], digits: int, ctx: Any) -> str:
    """Return the root of a function in that many digits, by secant steps guarded by bisection, from a float bracket.

    Parameters
    ----------
    gap : number of the context → number of the context, ±inf where only its sign is known
    bracket : two floats between which its sign changes, up to rounding
    digits : decimal digits of the answer
    ctx : an mpmath context of more digits than that

    Raises
    ------
    InputError : the digits are not reached

    Examples
    --------
    >>> from symgrad.kernels.multiprecision import context
    >>> refined(lambda t: t**2 - 2, narrowed(lambda t: t**2 - 2, 1.0, 2.0), 30, context(140))
    '1.41421356237309504880168872421'
    """
    low, high = (ctx.mpf(t) for t in bracket)
    a, b = _wider(gap, low, high, ctx)
    fa, fb = gap(a), gap(b)
    small = ctx.mpf(10) ** (-digits - 2) * max(abs(a), ctx.mpf(10) ** -300)
    for _ in range(MOST_HALVINGS * digits):
        if b - a <= small:
            return str(ctx.nstr((a + b) / 2, digits, strip_zeros=False))
        for t in _trials(a, fa, b, fb, small, ctx):
            if not a < t < b:
                continue
            ft = gap(t)
            if (ft > 0) == (fa > 0):
                a, fa = t, ft
            else:
                b, fb = t, ft
    raise InputError(f"the crossing was not found to {digits} digits; ask for fewer digits")


def _wider(gap: Callable[[Any], Any], a: Any, b: Any, ctx: Any) -> tuple[Any, Any]:
    """Return a bracket at whose ends the gap has different signs: rounding may have moved the one of float64."""
    reach = max(b - a, abs(a) * ctx.mpf(2) ** -52)
    for _ in range(WIDENINGS):
        if (gap(a) > 0) != (gap(b) > 0):
            break
        a, b, reach = a - reach, b + reach, 2 * reach
    return a, b


def _trials(a: Any, fa: Any, b: Any, fb: Any, small: Any, ctx: Any) -> tuple[Any, ...]:
    """Return places to cut a bracket: the secant's root with its two sides, and the middle."""
    middle = (a + b) / 2
    if not (ctx.isfinite(fa) and ctx.isfinite(fb)):
        return (middle,)
    root = a - fa * (b - a) / (fb - fa)
    beside = max(small / 4, (b - a) ** 2 / max(abs(root), ctx.mpf(1)))
    return root - beside, root + beside, middle
