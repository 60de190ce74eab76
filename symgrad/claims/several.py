"""Inequalities in several variables: completed squares, orderings of the variables, roots squared away."""

from collections.abc import Sequence
from itertools import permutations

import sympy
from sympy import Expr, Mul, Symbol

from symgrad.claims.signs import by_squaring
from symgrad.derivation.identities.proofs import sign_proof

MOST_VARIABLES = 4
MOST_ORDERED = 3
LARGEST = 150
LARGEST_DEGREE = 8


def nonnegative(expr: Expr, *, strict: bool) -> str | None:
    """Name the argument by which an expression is at least 0 (``strict``: positive) for all values of its symbols.

    >>> from symgrad.symbols import x, y
    >>> nonnegative(x**2 + x * y + y**2, strict=False)
    'completed squares'
    >>> nonnegative(x**2 + 3 * x * y + y**2, strict=False) is None
    True
    """
    if len(expr.free_symbols) < 2 or sympy.count_ops(expr) > LARGEST:
        return None
    if by_squaring(expr, strict, depth=3):
        return "roots squared away"
    above, below = sympy.fraction(sympy.together(expr))
    variables = sorted(above.free_symbols, key=str)
    if not variables or not above.is_polynomial(*variables) or len(variables) > MOST_VARIABLES:
        return None
    if sign_proof(below, strict=True) is None or sympy.Poly(above, *variables).total_degree() > LARGEST_DEGREE:
        return None
    left = []
    for factor in Mul.make_args(sympy.factor(above)):
        if sign_proof(factor, strict=strict) is None:
            left.append(factor)
    core = sympy.expand(Mul(*left))
    if _squares(core, variables, strict):
        return "completed squares"
    return "an ordering of the variables" if _ordered(core, variables, strict) else None


def _squares(expr: Expr, variables: Sequence[Symbol], strict: bool) -> bool:
    """Prove A·x**2 + B·x + C >= 0 from A >= 0, C >= 0 and 4·A·C >= B**2, each in the same way."""
    if sign_proof(expr, strict=strict) is not None:
        return True
    for x in variables:
        if x not in expr.free_symbols or sympy.degree(expr, x) != 2:
            continue
        poly = sympy.Poly(expr, x)
        a, b, c = poly.nth(2), poly.nth(1), poly.nth(0)
        rest = [v for v in variables if v != x]
        parts = [(a, strict), (c, False), (sympy.expand(4 * a * c - b**2), strict)]
        if all(_squares(part, rest, strictly) for part, strictly in parts):
            return True
    return False


def _ordered(expr: Expr, variables: Sequence[Symbol], strict: bool) -> bool:
    """Prove the sign for each order of the variables, each written as the one below plus a gap of at least 0."""
    if not 2 <= len(variables) <= MOST_ORDERED or strict:
        return False
    for order in permutations(variables):
        written, below = expr, order[0]
        values: dict[Symbol, Expr] = {}
        for x in order[1:]:
            values[x] = values.get(below, below) + sympy.Dummy("gap", nonnegative=True)
            below = x
        written = sympy.expand(expr.subs(values, simultaneous=True))
        if sign_proof(written) is None:
            return False
    return True
