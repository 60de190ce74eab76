"""From a formula in m to its asymptotic expansion as m → ∞, and what becomes of the sum of such terms."""

from enum import Enum
from typing import Any

import sympy
from sympy import Expr, S, Symbol

from symgrad.derivation.products.expansions import (
    LARGEST_SUMMABLE,
    LINEAR,
    ONE,
    Algebra,
    Expansion,
    Key,
    NoExpansionError,
    constant,
    grows,
    key,
    plus,
    shrinks,
    sign,
)

_ANALYTIC = ("sin", "cos", "tan", "atan", "asin", "acos", "erf", "asinh", "atanh", "sinh", "cosh", "tanh")
_BY_EXPONENTIALS = {
    "sinh": lambda u: (sympy.exp(u) - sympy.exp(-u)) / 2,
    "cosh": lambda u: (sympy.exp(u) + sympy.exp(-u)) / 2,
    "tanh": lambda u: 1 - 2 / (sympy.exp(2 * u) + 1),
    "asinh": lambda u: sympy.log(u + sympy.sqrt(u**2 + 1)),
    "acosh": lambda u: sympy.log(u + sympy.sqrt(u - 1) * sympy.sqrt(u + 1)),
}


class Fate(Enum):
    """What becomes of the partial sums Σ f(m); the value is the sentence."""

    CONVERGES = "the sum converges absolutely"
    FALLS = "the sum tends to -∞"
    RISES = "the sum tends to ∞"


class Expander:
    """Expands formulas in one symbol.

    Parameters
    ----------
    symbol : m, which tends to ∞
    order : how many powers of 1/m to keep
    digits : decimal places to which coefficients are rounded, for numbers that prove nothing
    """

    def __init__(self, symbol: Symbol, order: int = 4, *, digits: int | None = None) -> None:
        self.symbol, self.algebra = symbol, Algebra(order, digits)
        self._known: dict[Expr, Expansion] = {}

    def expand(self, expr: Expr) -> Expansion:
        """Return the expansion of a formula.

        Raises
        ------
        NoExpansionError : the formula is not one of sums, products, powers, exponentials, logarithms and functions
            that are analytic at the limit of their argument

        Examples
        --------
        >>> m = Symbol("m")
        >>> found = Expander(m, order=3).expand(sympy.sqrt(1 + 1 / m))
        >>> [(int(e), c) for (e, _, _), c in found.terms.items()], int(found.remainder[0])
        ([(0, 1), (-1, 1/2), (-2, -1/8)], -3)
        """
        if expr not in self._known:
            self._known[expr] = self._expanded(expr)
        return self._known[expr]

    def log_abs(self, expr: Expr) -> Expansion:
        """Return the expansion of log|expr|.

        A product is expanded factor by factor, so that exponentials of different growth do not meet.
        """
        algebra = self.algebra
        if expr.is_Mul:
            return self._folded(algebra.add, [self.log_abs(a) for a in expr.args])
        if expr.is_Pow and expr.base != S.Exp1:
            return algebra.multiply(self.log_abs(expr.base), self.expand(expr.exp))
        if isinstance(expr, sympy.exp):
            return self.expand(expr.args[0])
        found = self.expand(expr)
        turned = found if sign(found.terms[found.leading]) > 0 else algebra.scale(found, S.NegativeOne)
        return algebra.log(turned)

    def sign(self, expr: Expr) -> int:
        """Return the sign an expression has from some m on."""
        found = self.expand(expr)
        return 0 if found.size is None else sign(found.terms[found.leading])

    @staticmethod
    def _folded(operation: Any, parts: list[Expansion]) -> Expansion:
        total = parts[0]
        for part in parts[1:]:
            total = operation(total, part)
        return total

    def _expanded(self, e: Expr) -> Expansion:
        if not e.has(self.symbol):
            if e.is_finite is False or e.is_real is False:
                raise NoExpansionError(f"{e} is not a real number")
            return constant(e)
        if e == self.symbol:
            return Expansion({LINEAR: S.One})
        if e.is_Add:
            return self._folded(self.algebra.add, [self.expand(a) for a in e.args])
        if e.is_Mul:
            return self._folded(self.algebra.multiply, [self.expand(a) for a in e.args])
        if isinstance(e, sympy.exp):
            return self.algebra.exp(self.expand(e.args[0]))
        if e.is_Pow:
            return self._power(e.base, e.exp)
        if e.is_Function:
            return self._function(e)
        raise NoExpansionError(f"no expansion of {type(e).__name__}")

    def _power(self, base: Expr, exponent: Expr) -> Expansion:
        if not exponent.has(self.symbol):
            return self.algebra.power(self.expand(base), exponent)
        log = constant(sympy.log(base)) if not base.has(self.symbol) else self.algebra.log(self.expand(base))
        return self.algebra.exp(self.algebra.multiply(self.expand(exponent), log))

    def _function(self, e: Expr) -> Expansion:
        name, u = e.func.__name__, e.args[0]
        if isinstance(e, sympy.log):
            return self.algebra.log(self.expand(u))
        if name == "Abs":
            return self.algebra.scale(self.expand(u), sympy.Integer(self.sign(u)))
        if name == "sign":
            return constant(sympy.Integer(self.sign(u)))
        if name in ("Max", "Min"):
            first, rest = u, e.func(*e.args[1:])
            return self.expand(first if (self.sign(first - rest) >= 0) == (name == "Max") else rest)
        inner = self.expand(u)
        if name == "floor":
            return self._floor(inner)
        limit = self._limit(inner)
        if name in _ANALYTIC and limit is not None:
            return self._analytic(e.func, inner, limit)
        if name in _BY_EXPONENTIALS:
            return self.expand(_BY_EXPONENTIALS[name](u))
        if name in ("sin", "cos"):
            return Expansion({}, ONE)
        return self._at_infinity(name, u, inner)

    def _limit(self, a: Expansion) -> Expr | None:
        """Return the limit where it is finite and known."""
        if a.growth:
            return S.Zero if shrinks(a) else None
        if any(at > ONE for at in a.terms) or (a.remainder is not None and a.remainder >= ONE):
            return None
        return a.coefficient(ONE)

    def _analytic(self, function: Any, inner: Expansion, limit: Expr) -> Expansion:
        x = sympy.Dummy("x", real=True)
        small = (
            inner if inner.growth else Expansion({at: c for at, c in inner.terms.items() if at != ONE}, inner.remainder)
        )
        slopes = [function(x)]

        def coefficient(j: int) -> Expr:
            while len(slopes) <= j:
                slopes.append(sympy.diff(slopes[-1], x))
            value = slopes[j].subs(x, limit) / sympy.factorial(j)
            if value.is_finite is not True or value.is_real is False:
                raise NoExpansionError(f"{function.__name__} is not analytic at {limit}")
            return sympy.expand(value)

        return self.algebra.series(small, coefficient)

    def _at_infinity(self, name: str, u: Expr, inner: Expansion) -> Expansion:
        turn = sympy.Integer(sign(inner.terms[inner.leading]))
        fast = grows(inner) or (not inner.growth and inner.leading[0] > 0)
        if name == "erf" and fast:
            return Expansion({ONE: turn}, self.algebra.lowest)
        if name == "atan" and (fast or inner.leading > ONE):
            right_angle = constant(turn * sympy.pi / 2)
            return self.algebra.add(right_angle, self.algebra.scale(self.expand(sympy.atan(1 / u)), S.NegativeOne))
        raise NoExpansionError(f"no expansion of {name} there")

    def _floor(self, inner: Expansion) -> Expansion:
        limit = self._limit(inner)
        if limit is None:
            raise NoExpansionError("floor of what does not settle")
        below = sympy.floor(limit)
        if not below.is_Integer:
            raise NoExpansionError("floor of an unknown number")
        if sign(limit - below) != 0:
            return constant(below)
        small = {at: c for at, c in inner.terms.items() if at != ONE}
        if not small and inner.remainder is None:
            return constant(below)
        return constant(below if sign(small[max(small)]) > 0 else below - 1) if small else _unknown_floor()


def _unknown_floor() -> Expansion:
    raise NoExpansionError("floor at a whole number")


def fate_of_sum(a: Expansion) -> Fate:
    """Say what becomes of Σ f(m), by comparison with Bertrand's series.

    Raises
    ------
    NoExpansionError : the expansion is not precise enough to decide
    """
    if a.growth:
        if shrinks(a):
            return Fate.CONVERGES
        if not grows(a):
            raise NoExpansionError("a growth between the powers of m")
        return Fate.RISES if sign(a.terms[a.leading]) > 0 else Fate.FALLS
    top = max(a.terms, default=None)
    if top is not None and top >= LARGEST_SUMMABLE:
        return Fate.RISES if sign(a.terms[top]) > 0 else Fate.FALLS
    if a.remainder is not None and a.remainder >= LARGEST_SUMMABLE:
        raise NoExpansionError("the remainder is not summable")
    return Fate.CONVERGES


def leading_of_sum(a: Expansion) -> tuple[Key, Expr]:
    """Return exponents and coefficient of the leading term of a divergent Σ_{j≤m} f(j), by the integral of f.

    Raises
    ------
    NoExpansionError : f grows exponentially, or is 1/(m·log(m)·log log(m))
    """
    if a.growth:
        raise NoExpansionError("an exponential sum")
    (e, f, g), c = a.leading, a.terms[a.leading]
    if e > -1:
        return plus((e, f, g), LINEAR), c / _number(e + 1)
    if f > -1:
        return (key()[0], f + 1, g), c / _number(f + 1)
    if g > -1:
        return (key()[0], key()[0], g + 1), c / _number(g + 1)
    raise NoExpansionError("a sum like log log log m")


def limit_of(a: Expansion) -> Expr | None:
    """Return the limit: a number, ∞ or -∞; None where the expansion does not tell.

    >>> limit_of(Expander(Symbol("m")).expand(Symbol("m") / (2 * Symbol("m") + 1)))
    1/2
    """
    if a.size is None or shrinks(a):
        return S.Zero
    if a.growth and not grows(a):
        return None
    top = max(a.terms, default=None)
    if top is not None and (a.growth or top > ONE):
        return sign(a.terms[top]) * S.Infinity
    if a.remainder is not None and a.remainder >= ONE:
        return None
    return a.coefficient(ONE)


def _number(q: Any) -> Expr:
    return sympy.Rational(q.numerator, q.denominator)


__all__ = ["Expander", "Fate", "NoExpansionError", "fate_of_sum", "leading_of_sum", "limit_of"]
