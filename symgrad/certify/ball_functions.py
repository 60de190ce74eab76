"""Functions of one real number, exact or a ball: where each is defined, and its values on a ball."""

from collections.abc import Callable
from typing import Any, TypeAlias

from flint import arb, fmpq

from symgrad.certify.refusals import UnclearError, UndefinedHere

_WIDE = arb(2) ** -10
Value: TypeAlias = Any  # fmpq as long as it is exact, then arb


def as_ball(value: Value) -> arb:
    """Return a value as a ball."""
    return arb(value) if isinstance(value, fmpq) else value


def sign_of(value: Value) -> int:
    """Return the sign of a value that is certain about it."""
    if isinstance(value, fmpq):
        return (value > 0) - (value < 0)
    if value.is_zero():
        return 0
    if not value.is_finite() or value.contains(0):
        raise UnclearError
    return 1 if value > 0 else -1


def as_whole(value: Any) -> fmpq:
    """Return an exact integer ball as the rational it is."""
    return fmpq(value.unique_fmpz())


def floor_of(value: Value) -> Value:
    """Return the largest integer that is not above a value."""
    if isinstance(value, fmpq):
        return fmpq(value.floor())
    whole = value.floor()
    if not whole.is_exact():
        raise UnclearError
    return as_whole(whole)


def _plain(name: str) -> Callable[[Value], Value]:
    return lambda u: getattr(as_ball(u), name)()


def _increasing(name: str) -> Callable[[Value], Value]:
    """Return an increasing function, on a wide ball the hull of its values at the two ends."""

    def rule(u: Value) -> Value:
        ball = as_ball(u)
        if ball.is_finite() and ball.rad() > _WIDE:
            return getattr(ball.lower(), name)().union(getattr(ball.upper(), name)())
        return getattr(ball, name)()

    return rule


def _inside(name: str, need: Callable[[Value], Value], lowest: int, sentence: str) -> Callable[[Value], Value]:
    """Return a function that is defined where ``need`` is positive (lowest = 1) or at least 0 (lowest = 0)."""

    def rule(u: Value) -> Value:
        if sign_of(need(u)) < lowest:
            raise UndefinedHere(sentence)
        return getattr(as_ball(u), name)()

    return rule


def _over(name: str, below: str) -> Callable[[Value], Value]:
    """Return the quotient of two functions, such as tan = sin/cos."""

    def rule(u: Value) -> Value:
        divisor = getattr(as_ball(u), below)()
        if sign_of(divisor) == 0:
            raise UndefinedHere("a divisor is 0")
        return getattr(as_ball(u), name)()

    return rule


def _signum(u: Value) -> Value:
    return fmpq(sign_of(u))


def _heaviside(u: Value) -> Value:
    return fmpq(1 + sign_of(u), 2)


FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "exp": lambda u: fmpq(1) if u == 0 else _increasing("exp")(u),
    **{name: _plain(name) for name in "sin cos cosh erfc".split()},
    **{name: _increasing(name) for name in "sinh tanh asinh atan erf".split()},
    "Abs": lambda u: abs(u),
    "sign": _signum,
    "Heaviside": _heaviside,
    "floor": floor_of,
    "ceiling": lambda u: -floor_of(-u),
    "log": _inside("log", lambda u: u, 1, "the logarithm needs a positive argument"),
    "asin": _inside("asin", lambda u: 1 - u * u, 0, "asin needs an argument between -1 and 1"),
    "acos": _inside("acos", lambda u: 1 - u * u, 0, "acos needs an argument between -1 and 1"),
    "atanh": _inside("atanh", lambda u: 1 - u * u, 1, "atanh needs an argument strictly between -1 and 1"),
    "acosh": _inside("acosh", lambda u: u - 1, 0, "acosh needs an argument of at least 1"),
    "factorial": lambda u: _gamma(u + 1),
    "gamma": lambda u: _gamma(u),
    **{name: _over(name, below) for name, below in {"tan": "cos", "cot": "sin", "sec": "cos", "csc": "sin"}.items()},
    **{name: _over(name, below) for name, below in {"coth": "sinh", "csch": "sinh"}.items()},
    "sech": _plain("sech"),
}


def _gamma(u: Value) -> Value:
    if isinstance(u, fmpq) and u.q == 1 and u <= 0:
        raise UndefinedHere("gamma has poles at 0, -1, -2, …")
    return as_ball(u).gamma()
