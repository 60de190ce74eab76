"""Rigorous values of expressions at exact points, with python-flint's balls (Johansson 2017, *Arb*).

A value is kept as an exact rational as long as the operations allow it, so that signs, floors and conditions are
decided at rational points; from the first irrational operation on it is a real ball, or a complex one where the
expression contains the imaginary unit.
"""

import operator
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, TypeAlias

import sympy
from flint import acb, arb, ctx, fmpq
from sympy import Expr, Rational, S
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, BooleanFalse, BooleanTrue, Not, Or

from symgrad.certify.complex_balls import complex_value
from symgrad.certify.refusals import UnclearError, UndefinedHere
from symgrad.maps import expand_activations

MAX_TERMS = 20_000
MAX_EXACT_BITS = 4_000
_WIDE = arb(2) ** -10
PRECISIONS = (64, 192, 576, 1300, 3300)

Point = Mapping[Any, "Fraction | Rational | int | Ball"]
Value: TypeAlias = Any  # fmpq as long as it is exact, then arb
_PRECISION = threading.RLock()


@dataclass(frozen=True)
class Ball:
    """A real interval, or a complex disc, that is known to contain the value it stands for.

    Parameters
    ----------
    value : the ball, real (``flint.arb``) or complex (``flint.acb``); nan where nothing is known
    """

    value: Any

    @staticmethod
    def between(low: "Fraction | Rational | int", high: "Fraction | Rational | int") -> "Ball":
        """Return a ball that contains every number between two exact ones.

        >>> Ball.between(0, Fraction(1, 3)).excludes_zero
        False
        """
        return Ball(_ball(_exact(low)).union(_ball(_exact(high))))

    @property
    def is_known(self) -> bool:
        """Whether the ball bounds its value at all."""
        return bool(self.value.is_finite())

    @property
    def excludes_zero(self) -> bool:
        """Whether 0 is outside the ball: a proof that the value is not 0."""
        return self.is_known and not bool(self.value.contains(0))

    @property
    def is_zero(self) -> bool:
        """Whether the value is exactly 0."""
        return self.is_known and bool(self.value.is_zero())

    @property
    def sign(self) -> int | None:
        """The sign of a real value, -1, 0 or 1, or None where the ball does not tell."""
        if self.is_zero:
            return 0
        if not self.excludes_zero or isinstance(self.value, acb):
            return None
        return 1 if self.value > 0 else -1

    def is_small_beside(self, scale: "Ball", bits: int) -> bool:
        """Say whether the value is certainly below (1 + |scale|)·2**-bits in absolute value."""
        if not (self.is_known and scale.is_known):
            return False
        return bool(abs(self.value) < (1 + abs(scale.value)) * arb(2) ** -bits)

    def text(self, digits: int = 15) -> str:
        """Return the value to the digits that are certain, at most ``digits``."""
        return str(self.value.str(digits, radius=False))


def enclose(expr: Expr, point: Point, *, bits: int = 64) -> Ball:
    """Return a ball that contains the value of an expression at an exact point, or all its values on a box.

    Parameters
    ----------
    expr : an expression whose symbols all have a value in ``point``
    point : symbol (or indexed symbol) → exact rational value, or a ball of values
    bits : the working precision

    Raises
    ------
    UndefinedHere : the point is certainly outside the domain, for instance a divisor is exactly 0

    Examples
    --------
    >>> from symgrad.symbols import x
    >>> enclose(sympy.sin(x) ** 2 + sympy.cos(x) ** 2, {x: Fraction(1, 3)}).text(10)
    '1.000000000'
    """
    return _enclose(expand_activations(expr), point, bits)


def separates_zero(expr: Expr, point: Point, *, max_bits: int = 3300) -> bool | None:
    """Say whether the value at a point is certainly not 0, certainly 0, or neither, with precision rising as needed.

    Returns
    -------
    True where the value is proved to differ from 0, False where it is exactly 0, None where ``max_bits`` do not tell

    Examples
    --------
    >>> from symgrad.symbols import x
    >>> separates_zero(sympy.exp(x) - 1 - x, {x: Fraction(1, 10**30)}), separates_zero(x - 1, {x: 1})
    (True, False)
    """
    expr = expand_activations(expr)
    for bits in (*(b for b in PRECISIONS if b < max_bits), max_bits):
        ball = _enclose(expr, point, bits)
        if ball.excludes_zero:
            return True
        if ball.is_zero:
            return False
    return None


def _enclose(expr: Expr, point: Point, bits: int) -> Ball:
    where = {symbol: q.value if isinstance(q, Ball) else _exact(q) for symbol, q in point.items()}
    with _PRECISION, ctx.workprec(bits):
        try:
            if expr.has(S.ImaginaryUnit):
                return Ball(complex_value(expr, where))
            return Ball(_ball(_value(expr, where)))
        except UnclearError:
            return Ball(arb.nan())


def _exact(number: "Fraction | Rational | int") -> fmpq:
    return fmpq(int(number.numerator), int(number.denominator))


def _ball(value: Value) -> arb:
    return arb(value) if isinstance(value, fmpq) else value


def _value(expr: Any, where: Mapping[Any, Value]) -> Value:
    """Evaluate a node by the table of its class."""
    if expr in where:
        return where[expr]
    if expr.is_Rational:
        return fmpq(int(expr.p), int(expr.q))
    for kind, rule in _RULES:
        if isinstance(expr, kind):
            return _bounded(rule(expr, where))
    name = expr.func.__name__
    if name not in _FUNCTIONS or len(expr.args) != 1:
        raise UndefinedHere(f"{name if expr.args else expr} has no value; give its symbols values")
    return _bounded(_FUNCTIONS[name](_value(expr.args[0], where)))


def _bounded(value: Value) -> Value:
    """Give exactness up where the number grows too long."""
    if isinstance(value, fmpq) and max(value.p.height_bits(), value.q.height_bits()) > MAX_EXACT_BITS:
        return arb(value)
    return value


def _sign(value: Value) -> int:
    """Return the sign of a value that is certain about it."""
    if isinstance(value, fmpq):
        return (value > 0) - (value < 0)
    if value.is_zero():
        return 0
    if not value.is_finite() or value.contains(0):
        raise UnclearError
    return 1 if value > 0 else -1


def _add(expr: Expr, where: Mapping[Any, Value]) -> Value:
    return reduce(operator.add, (_value(a, where) for a in expr.args))


def _multiply(expr: Expr, where: Mapping[Any, Value]) -> Value:
    return reduce(operator.mul, [_value(a, where) for a in expr.args])


def _power(expr: Expr, where: Mapping[Any, Value]) -> Value:
    base, exponent = _value(expr.base, where), _value(expr.exp, where)
    if isinstance(exponent, fmpq) and exponent.q == 1:
        return _integer_power(base, int(exponent.p))
    if isinstance(base, arb) and base.is_exact() and base.is_integer():
        base = _whole(base)
    if isinstance(base, fmpq) and base == 0:
        if _sign(exponent) > 0:
            return fmpq(0)
        raise UndefinedHere("0 has no power with this exponent")
    if _sign(base) < 0:
        raise UndefinedHere("a negative number has a real power only for an integer exponent")
    if exponent == fmpq(1, 2):
        return _ball(base).sqrt()
    return _ball(base) ** _ball(exponent)


def _whole(value: Any) -> fmpq:
    """Return an exact integer ball as the rational it is."""
    return fmpq(value.unique_fmpz())


def _integer_power(base: Value, exponent: int) -> Value:
    if exponent < 0 and _sign(base) == 0:
        raise UndefinedHere("a divisor is 0")
    if isinstance(base, arb):
        return base**exponent
    if abs(exponent) * max(base.p.height_bits(), base.q.height_bits()) > MAX_EXACT_BITS:
        return arb(base) ** exponent
    return base**exponent


def _extreme(turn: int) -> Callable[[Expr, Mapping[Any, Value]], Value]:
    def rule(expr: Expr, where: Mapping[Any, Value]) -> Value:
        values = [_value(a, where) for a in expr.args]
        if all(isinstance(v, fmpq) for v in values):
            return max(values) if turn > 0 else min(values)
        balls = [_ball(v) for v in values]
        return reduce(arb.max if turn > 0 else arb.min, balls)

    return rule


def _piecewise(expr: Expr, where: Mapping[Any, Value]) -> Value:
    for branch, condition in expr.args:
        if _holds(condition, where):
            return _value(branch, where)
    raise UndefinedHere("no branch of the piecewise definition applies")


def _holds(condition: Boolean, where: Mapping[Any, Value]) -> bool:
    """Decide a condition at the point."""
    if isinstance(condition, BooleanTrue | BooleanFalse):
        return bool(condition)
    if isinstance(condition, And):
        return all(_holds(c, where) for c in condition.args)
    if isinstance(condition, Or):
        return any(_holds(c, where) for c in condition.args)
    if isinstance(condition, Not):
        return not _holds(condition.args[0], where)
    if isinstance(condition, Relational):
        difference = _sign(_value(condition.lhs, where) - _value(condition.rhs, where))
        return bool(_COMPARISONS[condition.rel_op](difference, 0))
    raise UndefinedHere(f"the condition {condition} cannot be evaluated")


_COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _modulo(expr: Expr, where: Mapping[Any, Value]) -> Value:
    a, b = (_value(arg, where) for arg in expr.args)
    if _sign(b) == 0:
        raise UndefinedHere("a divisor is 0")
    return a - b * _floor(a / b)


def _floor(value: Value) -> Value:
    if isinstance(value, fmpq):
        return fmpq(value.floor())
    whole = value.floor()
    if not whole.is_exact():
        raise UnclearError
    return _whole(whole)


def _folded(combine: Callable[[Value, Value], Value], empty: int) -> Callable[[Expr, Mapping[Any, Value]], Value]:
    """Return the rule of a sum or product over a literal range."""

    def rule(expr: Expr, where: Mapping[Any, Value]) -> Value:
        if len(expr.limits) != 1 or len(expr.limits[0]) != 3:
            raise UndefinedHere("a sum or product needs one index with two bounds")
        index, *bounds = expr.limits[0]
        low, high = (_value(b, where) for b in bounds)
        if not all(isinstance(b, fmpq) and b.q == 1 for b in (low, high)):
            raise UndefinedHere("the bounds of a sum or product must be integers")
        first, last = int(low.p), int(high.p)
        if last - first > MAX_TERMS:
            raise UnclearError
        if last < first - 1:
            raise UndefinedHere("the range of a sum or product ends before it begins")
        values = (_value(expr.function, {**where, index: fmpq(k)}) for k in range(first, last + 1))
        return reduce(lambda a, b: _bounded(combine(a, b)), values, fmpq(empty))

    return rule


def _constant(make: Callable[[], arb]) -> Callable[[Expr, Mapping[Any, Value]], Value]:
    return lambda expr, where: make()


def _angle(expr: Expr, where: Mapping[Any, Value]) -> Value:
    y, x = (_value(a, where) for a in expr.args)
    if _sign(x) == 0 and _sign(y) == 0:
        raise UndefinedHere("atan2 is not defined at the origin")
    if _sign(x) < 0 and isinstance(y, arb) and not y.is_zero() and y.contains(0):
        raise UnclearError  # the jump from -pi to pi
    return arb.atan2(_ball(y), _ball(x))


_RULES: tuple[tuple[Any, Callable[[Any, Mapping[Any, Value]], Value]], ...] = (
    (sympy.Add, _add),
    (sympy.Mul, _multiply),
    (sympy.Pow, _power),
    (sympy.Max, _extreme(1)),
    (sympy.Min, _extreme(-1)),
    (sympy.Piecewise, _piecewise),
    (sympy.Mod, _modulo),
    (sympy.Sum, _folded(operator.add, 0)),
    (sympy.Product, _folded(operator.mul, 1)),
    (sympy.atan2, _angle),
    (type(sympy.pi), _constant(arb.pi)),
    (type(S.Exp1), _constant(arb.const_e)),
    (type(S.EulerGamma), _constant(arb.const_euler)),
    (type(S.Catalan), _constant(arb.const_catalan)),
    (type(S.GoldenRatio), lambda expr, where: (1 + arb(5).sqrt()) / 2),
)


def _plain(name: str) -> Callable[[Value], Value]:
    return lambda u: getattr(_ball(u), name)()


def _increasing(name: str) -> Callable[[Value], Value]:
    """Return an increasing function, on a wide ball the hull of its values at the two ends."""

    def rule(u: Value) -> Value:
        ball = _ball(u)
        if ball.is_finite() and ball.rad() > _WIDE:
            return getattr(ball.lower(), name)().union(getattr(ball.upper(), name)())
        return getattr(ball, name)()

    return rule


def _inside(name: str, need: Callable[[Value], Value], lowest: int, sentence: str) -> Callable[[Value], Value]:
    """Return a function that is defined where ``need`` is positive (lowest = 1) or at least 0 (lowest = 0)."""

    def rule(u: Value) -> Value:
        if _sign(need(u)) < lowest:
            raise UndefinedHere(sentence)
        return getattr(_ball(u), name)()

    return rule


def _over(name: str, below: str) -> Callable[[Value], Value]:
    """Return the quotient of two functions, such as tan = sin/cos."""

    def rule(u: Value) -> Value:
        divisor = getattr(_ball(u), below)()
        if _sign(divisor) == 0:
            raise UndefinedHere("a divisor is 0")
        return getattr(_ball(u), name)()

    return rule


def _signum(u: Value) -> Value:
    return fmpq(_sign(u))


def _heaviside(u: Value) -> Value:
    return fmpq(1 + _sign(u), 2)


_FUNCTIONS: dict[str, Callable[[Value], Value]] = {
    "exp": lambda u: fmpq(1) if u == 0 else _increasing("exp")(u),
    **{name: _plain(name) for name in "sin cos cosh erfc".split()},
    **{name: _increasing(name) for name in "sinh tanh asinh atan erf".split()},
    "Abs": lambda u: abs(u),
    "sign": _signum,
    "Heaviside": _heaviside,
    "floor": _floor,
    "ceiling": lambda u: -_floor(-u),
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
    return _ball(u).gamma()
