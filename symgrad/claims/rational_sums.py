"""Infinite sums of rational functions by partial fractions, and known products and power series.

The digamma function at p/q with q <= 6 is Gauss's (1813; NIST Handbook 2010, 5.4.19), sums of 1/(k**2 + c) are
Euler's, as are the products of sine and cosine (NIST Handbook 2010, 4.22 and 4.36).
"""

from collections.abc import Sequence

import sympy
from sympy import Expr, Integer, Rational, S, Symbol

LARGEST_START = 200
LARGEST_DEGREE = 8
# digamma(p/q) + γ
_GAUSS = {
    Rational(1): S.Zero,
    Rational(1, 2): -2 * sympy.log(2),
    Rational(1, 3): -sympy.pi / (2 * sympy.sqrt(3)) - Rational(3, 2) * sympy.log(3),
    Rational(2, 3): sympy.pi / (2 * sympy.sqrt(3)) - Rational(3, 2) * sympy.log(3),
    Rational(1, 4): -sympy.pi / 2 - 3 * sympy.log(2),
    Rational(3, 4): sympy.pi / 2 - 3 * sympy.log(2),
    Rational(1, 6): -sympy.sqrt(3) * sympy.pi / 2 - 2 * sympy.log(2) - Rational(3, 2) * sympy.log(3),
    Rational(5, 6): sympy.sqrt(3) * sympy.pi / 2 - 2 * sympy.log(2) - Rational(3, 2) * sympy.log(3),
}


def rational_sum(body: Expr, k: Symbol, low: int) -> Expr | None:
    """Return the sum of a rational function with rational coefficients over k >= low, None where it is not known.

    The terms must be defined and decay like 1/k**2 or faster.

    >>> k = Symbol("k", integer=True)
    >>> rational_sum(1 / (2 * k - 1) ** 2, k, 1), rational_sum(1 / (k * (2 * k - 1)), k, 1)
    (pi**2/8, 2*log(2))
    """
    above, below = (sympy.Poly(part, k) for part in sympy.fraction(sympy.cancel(sympy.together(body))))
    if not (above.domain.is_QQ or above.domain.is_ZZ) or not (below.domain.is_QQ or below.domain.is_ZZ):
        return None
    if below.degree() - above.degree() < 2 or below.degree() > LARGEST_DEGREE or abs(low) > LARGEST_START:
        return None
    total: Expr = S.Zero
    for part in sympy.Add.make_args(sympy.apart(above.as_expr() / below.as_expr(), k)):
        value = _part(part, k, low)
        if value is None:
            return None
        total += value
    return sympy.expand(total)


def _part(part: Expr, k: Symbol, low: int) -> Expr | None:
    """Return the sum of one partial fraction; for a simple pole up to a multiple of γ, which cancels in the whole."""
    top, bottom = sympy.fraction(sympy.together(part))
    constant, factors = sympy.Poly(bottom, k).factor_list()
    if len(factors) != 1:
        return None
    factor, order = factors[0]
    if factor.degree() == 1 and k not in top.free_symbols:
        pole = -factor.nth(0) / factor.nth(1)
        scale = top / (constant * factor.nth(1) ** order)
        value = _digamma_sum(low - pole) if order == 1 else _power_sum(low - pole, order)
        return None if value is None else scale * value
    if factor.degree() == 2 and order == 1 and factor.nth(1) == 0 and k not in top.free_symbols:
        c = factor.nth(0) / factor.nth(2)
        whole = _quadratic_sum(c)
        head = [1 / (Integer(j) ** 2 + c) for j in range(1, low)] if low >= 1 else None
        tail = [1 / (Integer(j) ** 2 + c) for j in range(low, 1)] if low < 1 else []
        return top / (constant * factor.nth(2)) * (whole - sum(head or []) + sum(tail))
    return None


def _digamma_sum(start: Rational) -> Expr | None:
    """Return -ψ(start) - γ, the regularised sum of 1/(start + j) over j >= 0."""
    base = start - sympy.ceiling(start) + 1
    value = _GAUSS.get(base)
    if value is None or start <= 0 or start > LARGEST_START:
        return None
    return -(value + sum((1 / (base + j) for j in range(int(start - base))), S.Zero))


def _power_sum(start: Rational, order: int) -> Expr | None:
    """Return the sum of 1/(start + j)**order over j >= 0, for even orders and starts that are halves of integers."""
    base = start - sympy.ceiling(start) + 1
    if order % 2 or base.q > 2 or start <= 0 or start > LARGEST_START:
        return None
    whole = sympy.zeta(order) * (1 if base == 1 else 2**order - 1)
    return whole - sum((1 / (base + j) ** order for j in range(int(start - base))), S.Zero)


def _quadratic_sum(c: Rational) -> Expr:
    """Return the sum of 1/(k**2 + c) over k >= 1, -c no square."""
    root = sympy.pi * sympy.sqrt(abs(c))
    if c > 0:
        return (root / sympy.tanh(root) - 1) / (2 * c)
    return (1 - root * sympy.cos(root) / sympy.sin(root)) / (-2 * c)


def alternating_sum(body: Expr, k: Symbol, low: int) -> Expr | None:
    """Return the sum of (-1)**k·R(k) over k >= low, for a rational R that tends to 0, by adding terms in pairs.

    >>> k = Symbol("k", integer=True, nonnegative=True)
    >>> alternating_sum((-1) ** k / (2 * k + 1), k, 0)
    pi/4
    """
    j = sympy.Dummy("j", integer=True, nonnegative=True)
    rational = sympy.powsimp(sympy.expand_power_exp(body * (-1) ** k), force=False)
    rational = sympy.cancel(rational.subs((-1) ** (2 * k), 1))
    if not rational.is_rational_function(k) or rational.free_symbols != {k}:
        return None
    above, below = (sympy.Poly(part, k) for part in sympy.fraction(rational))
    if below.degree() <= above.degree():
        return None
    first, second = (rational.xreplace({k: low + 2 * j + step}) for step in (0, 1))
    turn = 1 if low % 2 == 0 else -1
    found = rational_sum(sympy.together(first - second), j, 0)
    return None if found is None else turn * found


def known_product(body: Expr, k: Symbol, low: int, nonzero: Sequence[Expr]) -> Expr | None:
    """Return a product over k >= low with a parameter: sine, hyperbolic sine, cosine, Viète's, or Euler's of doublings.

    ``nonzero`` lists expressions that are not 0 under the conditions of the claim.
    """
    doubled = _doublings(body, k, low)
    if doubled is not None:
        return doubled
    parameters = body.free_symbols - {k}
    if len(parameters) != 1 or not body.is_rational_function(k):
        return None
    (x,) = parameters
    if not any(_vanishes_only_at_zero(part, x) for part in nonzero):
        return None
    above, below = sympy.fraction(sympy.cancel(sympy.together(body)))
    if sympy.cancel(sympy.limit(body, k, S.Infinity) - 1) != 0 or low != 1:
        return None
    c = sympy.cancel((1 - above / below) * k**2)
    if k not in c.free_symbols:
        return _sine(c, x, sympy.pi, sympy.sin, sympy.sinh, over=True)
    c = sympy.cancel((1 - above / below) * (2 * k - 1) ** 2)
    return None if k in c.free_symbols else _sine(c, x, sympy.pi / 2, sympy.cos, sympy.cosh, over=False)


def _vanishes_only_at_zero(part: Expr, x: Symbol) -> bool:
    constant, power = part.as_independent(x, as_Add=False)
    return bool(constant.is_nonzero) and power.as_base_exp()[0] == x


def _sine(c: Expr, x: Symbol, scale: Expr, circular: object, hyperbolic: object, *, over: bool) -> Expr | None:
    """Return f(scale·√c), over scale·√c for the sine, where c is ± the square of a multiple of x."""
    ratio = sympy.cancel(c / x**2)
    if not ratio.is_number or ratio.is_real is not True:
        return None
    u = scale * sympy.sqrt(abs(ratio)) * x
    value = (circular if ratio.is_positive else hyperbolic)(u)  # type: ignore[operator]
    return value / u if over else value


def _doublings(body: Expr, k: Symbol, low: int) -> Expr | None:
    if isinstance(body, sympy.cos):
        angle = sympy.powsimp(body.args[0] * 2**k)
        u = angle * 2 ** (1 - low)
        return sympy.sin(u) / u if k not in angle.free_symbols else None
    return None
