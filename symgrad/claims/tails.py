"""Balls around infinite sums of rational terms: an exact partial sum and a certified bound of the tail."""

from fractions import Fraction

import sympy
from sympy import Expr, Symbol

from symgrad.certify import Ball, UndefinedHere, enclose

TERMS = 400
LARGEST_BOUND = 2**60


def sum_ball(body: Expr, k: Symbol, low: int, bits: int) -> Ball | None:
    """Return a ball that contains the sum of a rational function of k from ``low`` on; None where no tail is bounded.

    With |body|·k**d <= C for all k > N, found by an enclosure in 1/k, the tail is at most C/((d - 1)·N**(d - 1)).

    >>> k = Symbol("k", integer=True)
    >>> sum_ball(1 / k**3, k, 1, 64).text(4)
    '1.202'
    """
    if body.free_symbols != {k} or not body.is_rational_function(k) or not 0 <= low < TERMS:
        return None
    above, below = (sympy.Poly(part, k) for part in sympy.fraction(sympy.together(body)))
    decay = below.degree() - above.degree()
    if decay < 2:
        return None
    inverse = sympy.Dummy("t")
    scaled = sympy.cancel(sympy.together((body * k**decay).subs(k, 1 / inverse)))
    try:
        around = enclose(scaled, {inverse: Ball.between(0, Fraction(1, TERMS))}, bits=bits)
        partial = enclose(sympy.Sum(body, (k, low, TERMS)), {}, bits=bits)
        if not (around.is_known and partial.is_known):
            return None
        bound = Fraction(int(abs(float(around.value.abs_upper())) * 2) + 1)
    except (UndefinedHere, OverflowError, ValueError):
        return None
    if bound > LARGEST_BOUND:
        return None
    tail = bound / ((decay - 1) * Fraction(TERMS) ** (decay - 1))
    head, rest = Symbol("head", real=True), Symbol("rest", real=True)
    return enclose(head + rest, {head: partial, rest: Ball.between(-tail, tail)}, bits=bits)
