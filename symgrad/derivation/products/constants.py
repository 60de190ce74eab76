"""Signs of constants, proved by interval arithmetic or by an exact identity."""

from functools import lru_cache
from typing import Any

import sympy
from mpmath.ctx_iv import MPIntervalContext
from sympy import Expr, Symbol

from symgrad.derivation.identities.proofs import is_zero

BITS = 200
_intervals = MPIntervalContext()
_intervals.prec = BITS

_BY_NAME = {name: getattr(_intervals, name) for name in ("exp", "log", "sin", "cos")}


class NoIntervalError(Exception):
    """The interval arithmetic has no enclosure for this expression."""


@lru_cache(maxsize=65536)
def sign_of(c: Expr) -> int | None:
    """Return the proven sign of a real constant, None where there is no proof.

    >>> from sympy import Integer, log, pi
    >>> sign_of(log(2) - Integer(7) / 10), sign_of(log(4) - 2 * log(2)), sign_of(pi)
    (-1, 0, 1)
    """
    if c.is_Rational:
        return int(sympy.sign(c))
    if c.free_symbols:
        return 0 if is_zero(c) else None
    try:
        found = sign_of_interval(enclose(c))
    except NoIntervalError:
        found = None
    if found is not None:
        return found
    if is_zero(c):
        return 0
    return int(sympy.sign(c)) if c.is_positive or c.is_negative else None


def sign_of_interval(x: Any) -> int | None:
    """Return the sign of all points of an interval, None where it holds both signs or 0."""
    if x.a > 0:
        return 1
    if x.b < 0:
        return -1
    return 0 if x.a == 0 and x.b == 0 else None


def interval(low: Any, high: Any) -> Any:
    """Return the interval from low to high, which may be infinite."""
    return _intervals.mpf([low, high])


def enclose(expr: Expr, symbol: Symbol | None = None, range_: Any = None) -> Any:
    """Return an interval that holds the values of an expression, where the symbol runs through a range.

    Raises
    ------
    NoIntervalError : a function without enclosure, or one that may be undefined in the range
    """
    try:
        result = _enclosed(expr, symbol, range_)
    except (ArithmeticError, ValueError, NotImplementedError, TypeError) as error:
        raise NoIntervalError(str(expr)) from error
    if not result.a <= result.b:
        raise NoIntervalError(str(expr))
    return result


def _enclosed(e: Expr, symbol: Symbol | None, range_: Any) -> Any:
    if e.is_Rational:
        return _intervals.mpf(int(e.p)) / int(e.q)
    if e == symbol:
        return range_
    if e == sympy.pi:
        return _intervals.pi + 0
    if e == sympy.E:
        return _intervals.e + 0
    if e.is_Mul and symbol is not None:
        e, together = _logarithms_over_powers(e, symbol, range_)
    else:
        together = None
    parts = [enclose(a, symbol, range_) for a in e.args]
    if together is not None:
        return _multiplied([together, *(parts if e.is_Mul else [enclose(e, symbol, range_)])])
    if e.is_Add:
        return sum(parts[1:], parts[0])
    if e.is_Mul:
        return _multiplied(parts)
    if e.is_Pow:
        return _power(e.exp, *parts)
    return _function(e, parts)


def _multiplied(parts: list[Any]) -> Any:
    product = parts[0]
    for part in parts[1:]:
        product = product * part
    return product


def _logarithms_over_powers(e: Expr, symbol: Symbol, range_: Any) -> tuple[Expr, Any]:
    """Split log(u)^p·u^(-s) off a product: for u ≥ 1 it is at most (p/(e s))^p and falls from u = exp(p/s) on."""
    powers = dict(factor.as_base_exp() for factor in e.args)
    for base, p in powers.items():
        if not isinstance(base, sympy.log) or not p.is_Integer or p < 0:
            continue
        u = base.args[0]
        s = -powers.get(u, sympy.S.Zero)
        if not s.is_Rational or s <= 0:
            continue
        low = enclose(u, symbol, range_).a
        if low < 1:
            continue
        p_, s_ = _intervals.mpf(int(p)), _intervals.mpf(int(s.p)) / int(s.q)
        top = (p_ / (_intervals.e * s_)) ** int(p)
        if low > _intervals.exp(p_ / s_).b:
            start = _intervals.mpf(low)
            top = _intervals.log(start) ** int(p) * _intervals.exp(-s_ * _intervals.log(start))
        return sympy.Mul(*(f for f in e.args if f.as_base_exp()[0] not in (base, u))), interval(0, top.b)
    return e, None


def _power(exponent: Expr, x: Any, y: Any) -> Any:
    if exponent.is_Integer:
        n = int(exponent)
        if n < 0 and x.a <= 0 <= x.b:
            raise NoIntervalError("a pole")
        return x**n
    if exponent == sympy.S.Half:
        if x.a < 0:
            raise NoIntervalError("a root of a negative number")
        return _intervals.sqrt(x)
    if x.a <= 0:
        raise NoIntervalError("a power of a base that may vanish")
    return _intervals.exp(y * _intervals.log(x))


def _function(e: Expr, parts: list[Any]) -> Any:
    name = e.func.__name__
    if not parts:
        raise NoIntervalError(name)
    x = parts[0]
    if name == "Abs":
        return abs(x)
    if name == "log" and (len(parts) > 1 or parts[0].a <= 0):
        raise NoIntervalError("a logarithm of what may not be positive")
    if name in _BY_NAME and len(parts) == 1:
        return _BY_NAME[name](x)
    if name in ("sinh", "cosh", "tanh"):
        if name == "tanh":
            return 1 - 2 / (_intervals.exp(2 * x) + 1)
        up, down = _intervals.exp(x), _intervals.exp(-x)
        return (up - down) / 2 if name == "sinh" else (up + down) / 2
    if name == "tan":
        return _intervals.sin(x) / _intervals.cos(x)
    if name in ("atan", "erf"):
        # Increasing functions, bounded by what their values at the ends are at the working precision.
        return _between(name, x)
    raise NoIntervalError(name)


def _between(name: str, x: Any) -> Any:
    import mpmath

    context = mpmath.mp.clone()
    context.prec = BITS
    slack = context.mpf(2) ** (20 - BITS)
    function = getattr(context, name)
    low, high = (function(context.mpf(end)) for end in (x.a, x.b))
    return _intervals.mpf([low - slack, high + slack])
