"""The operators of a claim: ``limit``, ``sum``, ``product`` and ``iterate``, each kept as a symbol with a meaning."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
from sympy import Expr, S, Symbol

from symgrad.certify import Ball, UndefinedHere, enclose
from symgrad.parsing import Condition

ARGUMENTS = {
    "limit": ("e", "n", "oo"),
    "sum": ("e", "k", "a", "b"),
    "product": ("e", "k", "a", "b"),
    "iterate": ("f", "n", "x"),
}
LONGEST = 12_000
LARGEST_EXACT = 2**2000
SIDES_WITHOUT_VALUE = (S.Infinity, S.NegativeInfinity, S.NaN, S.ComplexInfinity)


@dataclass(frozen=True)
class Operation:
    """One operator of a claim: ``symbol`` stands for its value.

    Parameters
    ----------
    kind : limit, sum, product or iterate
    symbol : the real symbol that stands for the value; its name is the text
    body : what is summed, multiplied, applied, or has a limit
    index : the variable of the body; for an iterate its state, which starts at itself
    low : the first index; 0 for an iterate, whose ``high`` is the number of applications
    high : the last index, or oo
    conditions : (part of the body, what it must satisfy) where the part contains the index
    """

    kind: str
    symbol: Symbol
    body: Expr
    index: Symbol
    low: Expr
    high: Expr
    conditions: tuple[tuple[Expr, Condition], ...] = ()

    @property
    def is_infinite(self) -> bool:
        """Whether the value is a limit."""
        return self.high is S.Infinity

    @property
    def free_symbols(self) -> frozenset[Symbol]:
        """The symbols the value depends on."""
        bound = set() if self.kind == "iterate" else {self.index}
        return frozenset((self.body.free_symbols - bound) | self.low.free_symbols | self.high.free_symbols) | (
            frozenset({self.index}) if self.kind == "iterate" else frozenset()
        )

    @property
    def empty(self) -> Expr:
        """The value with no term, no factor, or no application."""
        return {"sum": S.Zero, "product": S.One}.get(self.kind, self.index)

    @property
    def empty_end(self) -> Expr:
        """The ``high`` at which the value is ``empty``."""
        return S.Zero if self.kind == "iterate" else self.low - 1

    def after(self, value: Expr, high: Expr) -> Expr:
        """Return the value up to ``high`` from the value up to ``high - 1``."""
        if self.kind == "iterate":
            return self.body.xreplace({self.index: value})
        term = self.body.xreplace({self.index: high})
        return value + term if self.kind == "sum" else value * term

    def value_at(self, point: Mapping[Symbol, Any], bits: int) -> Ball | Fraction:
        """Return the value at exact numbers for all symbols.

        Raises
        ------
        UndefinedHere : a bound is no integer, a term has no value, or the range is too long
        """
        numbers = {s: sympy.Rational(v.numerator, v.denominator) for s, v in point.items() if isinstance(v, Fraction)}
        low, high = self.low.xreplace(numbers), self.high.xreplace(numbers)
        if not (low.is_Integer and high.is_Integer) or high - low > LONGEST or high < low - 1:
            raise UndefinedHere("the bounds must be integers, in order")
        if self.kind == "iterate":
            return self._iterated(int(high), point, bits)
        node = (sympy.Sum if self.kind == "sum" else sympy.Product)(self.body, (self.index, low, high))
        return enclose(node, point, bits=bits)

    def _iterated(self, count: int, point: Mapping[Symbol, Any], bits: int) -> Ball | Fraction:
        if count < 0:
            raise UndefinedHere("a function is applied at least 0 times")
        value: Ball | Fraction = point[self.index]
        rational = self.body.is_rational_function()
        for _ in range(count):
            if rational and isinstance(value, Fraction) and abs(value.numerator) + value.denominator < LARGEST_EXACT:
                numbers = {s: sympy.Rational(v.numerator, v.denominator) for s, v in point.items()}
                numbers[self.index] = sympy.Rational(value.numerator, value.denominator)
                exact = self.body.xreplace(numbers)
                if exact in SIDES_WITHOUT_VALUE:
                    raise UndefinedHere("the orbit leaves the domain")
                if exact.is_Rational:
                    value = Fraction(int(exact.p), int(exact.q))
                    continue
            value = enclose(self.body, {**point, self.index: value}, bits=bits)
        return value
