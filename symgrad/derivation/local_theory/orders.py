"""Order of convergence, error constant and multiplier of Newton's step at a root, from the Taylor coefficients there.

With F = c_1·e + c_2·e² + … and c_1 ≠ 0 the step is e - F/F' = Σ (j-1)·c_j·e^j / F', so that the first c_k ≠ 0 beyond
c_1 gives the order k and the constant (k-1)·c_k/c_1. Where F behaves as |e|^m the multiplier is 1 - 1/m (Schröder
1870; Traub 1964, *Iterative Methods for the Solution of Equations*, sec. 2.2).
"""

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Expr, Integer, Poly, Symbol

from symgrad.derivation.bifurcations.decimals import decimal_value
from symgrad.derivation.identities import is_zero
from symgrad.derivation.local_theory.algebraic import AlgebraicPoint, context
from symgrad.derivation.local_theory.problem import NewtonProblem
from symgrad.derivation.local_theory.values import Convergence, Number
from symgrad.maps import differentiate

HIGHEST = 12
LONGEST_CONSTANT = 40


@dataclass(frozen=True)
class LocalOrder:
    """Order, multiplier, error constant and how errors shrink."""

    order: int | None
    multiplier: Expr | Number | None
    error_constant: Expr | Number | None
    convergence: Convergence


UNKNOWN = LocalOrder(None, None, None, Convergence.UNDECIDED)


def order_of_exponent(m: Expr) -> LocalOrder:
    """Return what Newton's step does at a root where F behaves as |x - r|**m, for m other than 1.

    >>> order_of_exponent(Integer(3)).multiplier, order_of_exponent(sympy.Rational(1, 3)).multiplier
    (2/3, -2)
    """
    multiplier = 1 - 1 / m
    if m == sympy.oo:
        return LocalOrder(1, Integer(1), Integer(1), Convergence.SUBLINEAR)
    size = abs(multiplier)
    if size < 1:
        return LocalOrder(1, multiplier, multiplier, Convergence.LINEAR)
    return LocalOrder(None, multiplier, multiplier, Convergence.KEPT if size == 1 else Convergence.REPELLED)


def order_of_rational_step(step: tuple[Poly, Poly], point: AlgebraicPoint) -> LocalOrder:
    """Return the order at a simple root where u = F/F' = P/Q is a rational function.

    The minimal polynomial h of the root divides the numerator of N' = (Q² - P'Q + PQ')/Q² just k - 1 times, k the
    order; with the quotient G the constant is h'(r)^(k-1)·G(r)/(k·Q(r)²).

    >>> x = Symbol("x", real=True)
    >>> from symgrad.derivation.local_theory.algebraic import real_points
    >>> (root,) = real_points(Poly(x, x))
    >>> order_of_rational_step((Poly(x**3 + x, x), Poly(3 * x**2 + 1, x)), root).error_constant
    2
    """
    top, below = step
    part = below**2 - top.diff() * below + top * below.diff()
    if part.is_zero:
        return LocalOrder(None, Integer(0), Integer(0), Convergence.ONE_STEP)
    part, order = part.set_domain("QQ"), 1
    minimal = point.minimal.set_domain("QQ")
    while True:
        quotient, rest = part.div(minimal)
        if not rest.is_zero:
            break
        part, order = quotient, order + 1
    if order == 1:
        return UNKNOWN
    constant: Expr | Number
    if point.exact is not None:
        at = {top.gen: point.exact}
        slope, rest, divisor = (sympy.expand(p.as_expr().xreplace(at)) for p in (minimal.diff(), part, below))
        constant = sympy.radsimp(sympy.expand(slope ** (order - 1) * rest) / sympy.expand(order * divisor**2))
    else:
        own = context()
        values = [_value(own, p, point.value) for p in (minimal.diff(), part, below)]
        ratio = values[0] ** (order - 1) * values[1] / (order * values[2] ** 2)
        constant = float(ratio) if point.is_real else complex(ratio)
    return LocalOrder(order, Integer(0), constant, Convergence.SUPERLINEAR)


def _value(own: Any, polynomial: Poly, at: Any) -> Any:
    coefficients = [own.mpf(int(a.p)) / int(a.q) for a in polynomial.all_coeffs()]
    return own.polyval(coefficients, at)


def vanishes(value: Expr) -> bool | None:
    """Say whether a constant, or an expression of parameters, is 0; None where neither proof nor digits tell.

    >>> vanishes(sympy.sin(sympy.pi / 6) - sympy.Rational(1, 2)), vanishes(sympy.sqrt(2) - 1)
    (True, False)
    """
    if value.has(sympy.nan, sympy.zoo, sympy.oo):
        return None
    zero = is_zero(value)
    if zero is None and not value.free_symbols:
        digits: Any = decimal_value(value, 30)
        if digits.is_number and digits.is_finite and abs(digits) > sympy.Float("1e-15"):
            return False
    return zero


def exponent_at(function: Expr, x: Symbol, root: Expr) -> tuple[int, list[Expr]] | None:
    """Return the multiplicity of an exact root with the derivatives there from F up to F^(m), None where undecided.

    >>> from symgrad.symbols import x
    >>> exponent_at(1 - sympy.cos(x), x, 2 * sympy.pi)
    (2, [0, 0, 1])
    """
    values: list[Expr] = []
    part = function
    for order in range(HIGHEST + 1):
        value = part.xreplace({x: root})
        zero = vanishes(value)
        if zero is None:
            return None
        values.append(Integer(0) if zero else value)
        if not zero:
            return (order, values) if order else None
        part = differentiate(part, x)
    return None


def order_at_exact_root(problem: NewtonProblem, root: Expr) -> LocalOrder:
    """Return the order at a simple root that is known exactly, of any function with derivatives there.

    >>> from symgrad.derivation.local_theory.problem import newton_problem
    >>> order_at_exact_root(newton_problem("sin(x)", "x"), sympy.pi).order
    3
    """
    x, part, factorial = problem.state, problem.slope, 1
    slope = part.xreplace({x: root})
    for k in range(2, HIGHEST + 1):
        part, factorial = differentiate(part, x), factorial * k
        if part == 0 or is_zero(part):
            return LocalOrder(None, Integer(0), Integer(0), Convergence.ONE_STEP)
        value = part.xreplace({x: root})
        zero = vanishes(value)
        if zero is None:
            return LocalOrder(None, Integer(0), None, Convergence.UNDECIDED)
        if zero:
            continue
        constant = (k - 1) * value / (factorial * slope)
        if sympy.count_ops(constant) <= LONGEST_CONSTANT:
            constant = sympy.simplify(constant)
        return LocalOrder(k, Integer(0), constant, Convergence.SUPERLINEAR)
    return LocalOrder(None, Integer(0), None, Convergence.UNDECIDED)
