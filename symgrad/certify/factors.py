"""Intervals among which exact zeros and ones are kept, so that terms known to vanish cost nothing and stay exact."""

from collections.abc import Mapping
from typing import Literal

from sympy import Expr, Symbol

from symgrad.certify import box_expressions
from symgrad.certify.boxes import Intervals

Factor = Intervals | Literal[0, 1]


def times(a: Factor, b: Factor) -> Factor:
    """Return the product."""
    if isinstance(a, int):
        return b if a else 0
    if isinstance(b, int):
        return a if b else 0
    return a * b


def plus(a: Factor, b: Factor) -> Factor:
    """Return the sum.

    >>> plus(times(0, Intervals.exactly(3)), 1)
    1
    """
    if isinstance(a, int) and not a:
        return b
    if isinstance(b, int) and not b:
        return a
    return intervals_of(a) + intervals_of(b)


def intervals_of(a: Factor) -> Intervals:
    """Return the intervals themselves, a 0 or 1 as intervals of no width."""
    return Intervals.exactly(a) if isinstance(a, int) else a


def factor_of(expr: Expr, cells: Mapping[Symbol, Intervals]) -> Factor:
    """Return the enclosures of an expression over cells, 0 and 1 as they are."""
    if expr == 0 or expr == 1:
        return 1 if expr == 1 else 0
    return box_expressions.values(expr, cells)
