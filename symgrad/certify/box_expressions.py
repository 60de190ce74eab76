"""Hulls of expressions and of their derivatives over boxes: natural interval extension, forward differentiation.

A derivative is not taken as text and then evaluated: the chain rule is applied to enclosures, so that φ' keeps its
exact hull (as y(1 - y) the derivative of the logistic function would contain y twice, and be enclosed too widely).
"""

from collections.abc import Mapping
from fractions import Fraction
from functools import reduce
from operator import add, mul
from typing import Any

import sympy
from sympy import Expr, Symbol

from symgrad.certify.balls import Ball, enclose
from symgrad.certify.box_functions import shape_of
from symgrad.certify.boxes import Intervals
from symgrad.certify.refusals import NotCovered, UndefinedHere

CONSTANT_BITS = 128
MOST_NEGATIVE_POWER = -64
LARGEST_POWER = 64

Cells = Mapping[Symbol, Intervals]


def values(expr: Expr, cells: Cells) -> Intervals:
    """Return enclosures of an expression over many boxes.

    Parameters
    ----------
    expr : sums, products, integer powers and covered activations of the symbols in ``cells``
    cells : symbol → its interval in each box, shape (cells,)

    Raises
    ------
    NotCovered : a function without proved hulls, or a symbol without a value

    Examples
    --------
    >>> import numpy as np
    >>> from symgrad.symbols import x
    >>> hull = values(x**2 - x, {x: Intervals(np.array([0.0]), np.array([1.0]))})
    >>> [round(float(end[0]), 12) for end in (hull.low, hull.high)]
    [-1.0, 1.0]
    """
    if expr in cells:
        return cells[expr]
    if not expr.free_symbols & set(cells):
        return constant(expr)
    if expr.is_Add:
        return reduce(add, (values(a, cells) for a in expr.args))
    if expr.is_Mul:
        return reduce(mul, (values(a, cells) for a in expr.args))
    if expr.is_Pow:
        return values(expr.base, cells) ** _exponent(expr)
    return shape_of(_function(expr)).values(values(expr.args[0], cells))


def slopes(expr: Expr, cells: Cells, symbol: Symbol) -> Intervals:
    """Return enclosures of ∂expr/∂symbol over many boxes."""
    if expr == symbol:
        return Intervals.exactly(1)
    if symbol not in expr.free_symbols:
        return Intervals.exactly(0)
    if expr.is_Add:
        return reduce(add, (slopes(a, cells, symbol) for a in expr.args if symbol in a.free_symbols))
    if expr.is_Mul:
        terms = []
        for i, factor in enumerate(expr.args):
            if symbol in factor.free_symbols:
                others = [values(a, cells) for j, a in enumerate(expr.args) if j != i]
                terms.append(reduce(mul, others, slopes(factor, cells, symbol)))
        return reduce(add, terms)
    if expr.is_Pow:
        exponent = _exponent(expr)
        outer = Intervals.exactly(exponent) * values(expr.base, cells) ** (exponent - 1)
        return outer * slopes(expr.base, cells, symbol)
    inner = values(expr.args[0], cells)
    return shape_of(_function(expr)).slopes(inner) * slopes(expr.args[0], cells, symbol)


def constant(expr: Expr) -> Intervals:
    """Return a narrow interval around a number.

    >>> from symgrad.maps import sigmoid
    >>> hull = constant(sigmoid(sympy.Rational(1, 2)))
    >>> float(hull.low) <= 0.6224593312018546 <= float(hull.high)
    True
    """
    if expr.is_Rational:
        return Intervals.exactly(Fraction(int(expr.p), int(expr.q)))
    if names := sorted(map(str, expr.free_symbols)):
        raise NotCovered(f"not covered: {names[0]} has no value; give it one in parameters or a range in the box")
    try:
        ball = enclose(expr, {}, bits=CONSTANT_BITS)
    except UndefinedHere as undefined:
        raise NotCovered(f"not covered: {undefined}") from undefined
    return ends(ball)


def ends(ball: Ball) -> Intervals:
    """Return the floats around a real ball."""
    if not ball.is_known:
        raise NotCovered("not covered: a constant of the expression has no certified value")
    low, high = ball.value.lower(), ball.value.upper()
    return Intervals(_exact_ends(low).low, _exact_ends(high).high)


def _exact_ends(end: Any) -> Intervals:
    q = end.fmpq()
    return Intervals.exactly(Fraction(int(q.p), int(q.q)))


def _exponent(expr: Expr) -> int:
    if not expr.exp.is_Integer or not MOST_NEGATIVE_POWER <= expr.exp <= LARGEST_POWER:
        raise NotCovered(f"not covered: the power {sympy.sstr(expr)[:60]} has no hull; whole exponents up to 64 have")
    return int(expr.exp)


def _function(expr: Expr) -> str:
    if not isinstance(expr, sympy.Function) or len(expr.args) != 1:
        raise NotCovered(f"not covered: {sympy.sstr(expr)[:60]} has no proved hull")
    return str(expr.func.__name__)
