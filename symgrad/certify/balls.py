"""Rigorous values of expressions at exact points, with python-flint's balls (Johansson 2017, *Arb*).

A value is kept as an exact rational as long as the operations allow it, so that signs, floors and conditions are
decided at rational points; from the first irrational operation on it is a real ball, or a complex one where the
expression contains the imaginary unit.
"""

import operator
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any, TypeAlias

import sympy
from flint import acb, arb, ctx, fmpq
from sympy import Dummy, Expr, Indexed, Rational, S
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, Boolean, BooleanFalse, BooleanTrue, Not, Or

from symgrad.certify.ball_functions import FUNCTIONS, Value, as_ball, as_whole, floor_of, sign_of
from symgrad.certify.complex_balls import complex_value
from symgrad.certify.refusals import UnclearError, UndefinedHere
from symgrad.maps import expand_activations

MAX_TERMS = 20_000
MAX_EXACT_BITS = 4_000
PRECISIONS = (64, 192, 576, 1300, 3300)

Point = Mapping[Any, "Fraction | Rational | int | Ball"]
Program: TypeAlias = Callable[[dict[Any, Value]], Value]
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
        return Ball(as_ball(_exact(low)).union(as_ball(_exact(high))))

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
    return _enclose(_expanded(expr), point, bits)


_expanded = lru_cache(maxsize=1024)(expand_activations)


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
    expr = _expanded(expr)
    for bits in (*(b for b in PRECISIONS if b < max_bits), max_bits):
        ball = _enclose(expr, point, bits)
        if ball.excludes_zero:
            return True
        if ball.is_zero:
            return False
    return None


def _enclose(expr: Expr, point: Point, bits: int) -> Ball:
    where = {symbol: q.value if isinstance(q, Ball) else _exact(q) for symbol, q in point.items()}
    if whole := {key: Dummy() for key in where if key.args and not isinstance(key, Indexed)}:
        expr = expr.xreplace(whole)
        where |= {name: where[key] for key, name in whole.items()}
    with _PRECISION, ctx.workprec(bits):
        try:
            return Ball(as_ball(_program(expr)(where)))
        except UnclearError:
            return Ball(arb.nan())


def _exact(number: "Fraction | Rational | int") -> fmpq:
    return fmpq(int(number.numerator), int(number.denominator))


def _value(expr: Any, where: dict[Any, Value]) -> Value:
    """Return the value of an expression by its program."""
    return _program(expr)(where)


@lru_cache(maxsize=1024)
def _program(expr: Any) -> Program:
    """Return the expression as one function of the values of its symbols; parts that recur are evaluated once."""
    if expr.has(S.ImaginaryUnit):
        return lambda where: complex_value(expr, where)
    seen = Counter(part for part in sympy.preorder_traversal(expr) if part.args)
    recurring = {part for part, count in seen.items() if count > 1}
    programs: dict[Any, Program] = {}

    def build(part: Any) -> Program:
        if part not in programs:
            program = _node(part, build)
            programs[part] = _remembered(program) if part in recurring else program
        return programs[part]

    return build(expr)


class _Part:
    """The key under which the value of a recurring part is kept for the length of one evaluation."""


def _remembered(program: Program) -> Program:
    key = _Part()

    def run(where: dict[Any, Value]) -> Value:
        value = where.get(key)
        if value is None:
            value = where[key] = program(where)
        return value

    return run


def _node(expr: Any, build: Callable[[Any], Program]) -> Program:
    """Return a node as a function, by the table of its class."""
    if expr.is_Rational:
        number = fmpq(int(expr.p), int(expr.q))
        return lambda where: number
    for kind, operate in _OPERATIONS:
        if isinstance(expr, kind):
            parts = [build(part) for part in expr.args]
            return lambda where: _bounded(operate([part(where) for part in parts]))
    for kind, rule in _RULES:
        if isinstance(expr, kind):
            return lambda where: _bounded(rule(expr, where))
    name = expr.func.__name__
    if name in FUNCTIONS and len(expr.args) == 1:
        function, inner = FUNCTIONS[name], build(expr.args[0])
        return lambda where: _bounded(function(inner(where)))

    def given(where: dict[Any, Value]) -> Value:
        if expr in where:
            return where[expr]
        raise UndefinedHere(f"{name if expr.args else expr} has no value; give its symbols values")

    return given


def _bounded(value: Value) -> Value:
    """Give exactness up where the number grows too long."""
    if isinstance(value, fmpq) and max(value.p.height_bits(), value.q.height_bits()) > MAX_EXACT_BITS:
        return arb(value)
    return value


def _power(parts: list[Value]) -> Value:
    base, exponent = parts
    if isinstance(exponent, fmpq) and exponent.q == 1:
        return _integer_power(base, int(exponent.p))
    if isinstance(base, arb) and base.is_exact() and base.is_integer():
        base = as_whole(base)
    if isinstance(base, fmpq) and base == 0:
        if sign_of(exponent) > 0:
            return fmpq(0)
        raise UndefinedHere("0 has no power with this exponent")
    if sign_of(base) < 0:
        raise UndefinedHere("a negative number has a real power only for an integer exponent")
    if exponent == fmpq(1, 2):
        return as_ball(base).sqrt()
    return as_ball(base) ** as_ball(exponent)


def _integer_power(base: Value, exponent: int) -> Value:
    if exponent < 0 and sign_of(base) == 0:
        raise UndefinedHere("a divisor is 0")
    if isinstance(base, arb):
        return base**exponent
    if abs(exponent) * max(base.p.height_bits(), base.q.height_bits()) > MAX_EXACT_BITS:
        return arb(base) ** exponent
    return base**exponent


def _extreme(turn: int) -> Callable[[list[Value]], Value]:
    def operate(values: list[Value]) -> Value:
        if all(isinstance(v, fmpq) for v in values):
            return max(values) if turn > 0 else min(values)
        balls = [as_ball(v) for v in values]
        return reduce(arb.max if turn > 0 else arb.min, balls)

    return operate


def _piecewise(expr: Expr, where: dict[Any, Value]) -> Value:
    for branch, condition in expr.args:
        if _holds(condition, where):
            return _value(branch, where)
    raise UndefinedHere("no branch of the piecewise definition applies")


def _holds(condition: Boolean, where: dict[Any, Value]) -> bool:
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
        difference = sign_of(_value(condition.lhs, where) - _value(condition.rhs, where))
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


def _modulo(parts: list[Value]) -> Value:
    a, b = parts
    if sign_of(b) == 0:
        raise UndefinedHere("a divisor is 0")
    return a - b * floor_of(a / b)


def _folded(combine: Callable[[Value, Value], Value], empty: int) -> Callable[[Expr, dict[Any, Value]], Value]:
    """Return the rule of a sum or product over a literal range."""

    def rule(expr: Expr, where: dict[Any, Value]) -> Value:
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
        others = {key: value for key, value in where.items() if not isinstance(key, _Part)}
        values = (_value(expr.function, {**others, index: fmpq(k)}) for k in range(first, last + 1))
        return reduce(lambda a, b: _bounded(combine(a, b)), values, fmpq(empty))

    return rule


def _angle(parts: list[Value]) -> Value:
    y, x = parts
    if sign_of(x) == 0 and sign_of(y) == 0:
        raise UndefinedHere("atan2 is not defined at the origin")
    if sign_of(x) < 0 and isinstance(y, arb) and not y.is_zero() and y.contains(0):
        raise UnclearError  # the jump from -pi to pi
    return arb.atan2(as_ball(y), as_ball(x))


_OPERATIONS: tuple[tuple[Any, Callable[[list[Value]], Value]], ...] = (
    (sympy.Add, lambda parts: reduce(operator.add, parts)),
    (sympy.Mul, lambda parts: reduce(operator.mul, parts)),
    (sympy.Pow, _power),
    (sympy.Max, _extreme(1)),
    (sympy.Min, _extreme(-1)),
    (sympy.Mod, _modulo),
    (sympy.atan2, _angle),
    (type(sympy.pi), lambda parts: arb.pi()),
    (type(S.Exp1), lambda parts: arb.const_e()),
    (type(S.EulerGamma), lambda parts: arb.const_euler()),
    (type(S.Catalan), lambda parts: arb.const_catalan()),
    (type(S.GoldenRatio), lambda parts: (1 + arb(5).sqrt()) / 2),
)
_RULES: tuple[tuple[Any, Callable[[Any, dict[Any, Value]], Value]], ...] = (
    (sympy.Piecewise, _piecewise),
    (sympy.Sum, _folded(operator.add, 0)),
    (sympy.Product, _folded(operator.mul, 1)),
)
