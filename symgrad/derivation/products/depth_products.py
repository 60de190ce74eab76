"""Products ∏_{k≤n} a(k, n) whose factors contain the depth n, such as ∏ (1 + c/n) → e^c.

If max|g| → 0, Σ|g| stays bounded and Σ g → s, then ∏ (1 + g) → e^s, because |log(1+g) - g| ≤ g² for |g| ≤ 1/2.
"""

from dataclasses import replace

import sympy
from sympy import Expr, S, Symbol

from symgrad.derivation.identities.proofs import is_zero
from symgrad.derivation.products.asymptotics import Expander, limit_of
from symgrad.derivation.products.constants import NoIntervalError, enclose, interval, sign_of
from symgrad.derivation.products.expansions import ONE, NoExpansionError, key, plus
from symgrad.derivation.products.product_limits import ProductLimit, decided, undecided
from symgrad.derivation.products.residues import step
from symgrad.derivation.vocabulary import Regime, Sign


def depth_product(factor: Expr, index: Symbol, depth: Symbol, start: int) -> ProductLimit:
    """Decide ∏_{k=start}^{n} of factors that contain n; other symbols are real parameters.

    Examples
    --------
    >>> k, n, c = Symbol("k", integer=True), Symbol("n", integer=True), Symbol("c", real=True)
    >>> depth_product(1 + c / n, k, n, 1).limit
    exp(c)
    >>> depth_product(1 + k / n**2, k, n, 1).limit
    exp(1/2)
    """
    factor = factor.xreplace({depth: step})
    if factor.xreplace({index: step}) == 0:
        return decided(Regime.ZERO, "the last factor, at k = n, is 0")
    try:
        if not factor.has(index):
            return _equal_factors(factor, start)
        found = _small_terms(factor, index, start) or _riemann(factor, index)
    except NoExpansionError as obstacle:
        return undecided(f"the expansion in the depth does not decide it: {obstacle}")
    return found or undecided("the factors are neither 1 + a polynomial in k nor a function of k/n")


def _equal_factors(factor: Expr, start: int) -> ProductLimit:
    """Decide aⁿ by n·log|a(n)|."""
    expander = Expander(step)
    sign = {1: Sign.CONSTANT, -1: Sign.ALTERNATING}[expander.sign(factor)]
    log = expander.log_abs(factor)
    total = limit_of(expander.algebra.multiply(expander.expand(step - start + 1), log))
    rate = limit_of(log)
    if total is None or rate is None:
        raise NoExpansionError("the number of factors times log|a| has no known limit")
    if total.is_infinite:
        regime = Regime.EXPLODING if total > 0 else Regime.VANISHING
        word = "∞" if total > 0 else "-∞"
        return decided(regime, f"all factors are equal and n·log|a(n)| tends to {word}", rate=rate, sign=sign)
    return _constant(total, sign, "all factors are equal and n·log|a(n)| tends to {}")


def _constant(total: Expr, sign: Sign, reason: str) -> ProductLimit:
    regime = Regime.CONSTANT if sign is Sign.CONSTANT else Regime.ALTERNATING
    answer = decided(regime, reason.format(total), rate=S.Zero, sign=sign)
    if regime is Regime.ALTERNATING:
        return answer
    limit = sympy.exp(total)
    return replace(answer, limit=limit, limit_value=None if limit.free_symbols else float(limit.evalf(20)))


def _small_terms(factor: Expr, index: Symbol, start: int) -> ProductLimit | None:
    """Decide factors 1 + g, g a polynomial in k with coefficients that shrink with n."""
    g = sympy.expand(factor - 1)
    if not g.is_polynomial(index):
        return None
    expander, total = Expander(step), S.Zero
    for (j,), c in sympy.Poly(g, index).terms():
        size = expander.expand(c).size
        if size is None:
            continue
        if plus(size, key(j + 1)) > ONE or plus(size, key(j)) >= ONE:
            return None
        # Faulhaber's formula for Σ_{k=start}^{n} k^j.
        total += c * (sympy.bernoulli(j + 1, step + 1) - sympy.bernoulli(j + 1, start)) / (j + 1)
    limit = limit_of(expander.expand(sympy.expand(total)))
    if limit is None or limit.is_infinite:
        return None
    return _constant(limit, Sign.CONSTANT, "the factors are 1 + g with max|g| → 0, Σ|g| bounded and Σ g → {}")


def _riemann(factor: Expr, index: Symbol) -> ProductLimit | None:
    """Decide factors 1 + h(k/n)/n and h(k/n) by the integral of h or of log h over [0, 1]."""
    x = sympy.Dummy("x", real=True)
    form = sympy.simplify(factor.xreplace({index: x * step}))
    slope = sympy.simplify(step * (form - 1))
    if not slope.has(step):
        total = _integral(slope, x)
        if total is None:
            return None
        return _constant(total, Sign.CONSTANT, "Σ (a - 1) is a Riemann sum, whose integral is {}")
    if form.has(step) or form.free_symbols - {x}:
        return None
    try:
        if not enclose(form, x, interval(0, 1)).a > 0:
            return None
    except NoIntervalError:
        return None
    rate = _integral(sympy.log(form), x)
    direction = None if rate is None else sign_of(rate)
    if not direction:
        return None
    regime = Regime.EXPLODING if direction > 0 else Regime.VANISHING
    reason = f"(1/n)·Σ log a is a Riemann sum, whose integral is {rate}"
    return decided(regime, reason, rate=rate, sign=Sign.CONSTANT)


def _integral(h: Expr, x: Symbol) -> Expr | None:
    """Return ∫₀¹ h by an antiderivative that is proved to be one and is continuous there."""
    primitive = sympy.integrate(h, x)
    if primitive.has(sympy.Integral) or not is_zero(sympy.diff(primitive, x) - h):
        return None
    bound = {s: interval(-1, 1) for s in h.free_symbols - {x}}
    if bound and not h.is_polynomial(x):
        return None
    if not bound:
        try:
            enclose(h, x, interval(0, 1))
            enclose(primitive, x, interval(0, 1))
        except NoIntervalError:
            return None
    return sympy.simplify(primitive.subs(x, 1) - primitive.subs(x, 0))
