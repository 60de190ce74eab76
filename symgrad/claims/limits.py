"""Limits at infinity by the algebra of limits: each rule is a theorem, and what no rule covers has no answer.

A value is an expression, ``oo`` or ``-oo``; ``nan`` says that there is provably no limit; None that nothing is known.
"""

from dataclasses import dataclass

import sympy
from sympy import Add, Expr, Mul, Pow, S, Symbol

from symgrad.certify import UndefinedHere, enclose
from symgrad.claims.facts import Facts
from symgrad.derivation.identities.proofs import is_zero, zero_proof

_CONTINUOUS = (sympy.exp, sympy.sin, sympy.cos, sympy.tanh, sympy.sinh, sympy.cosh, sympy.atan, sympy.asinh, sympy.erf)
_AT_INFINITY = {
    sympy.exp: (S.Zero, S.Infinity),
    sympy.tanh: (S.NegativeOne, S.One),
    sympy.atan: (-sympy.pi / 2, sympy.pi / 2),
    sympy.erf: (S.NegativeOne, S.One),
    sympy.sinh: (S.NegativeInfinity, S.Infinity),
    sympy.cosh: (S.Infinity, S.Infinity),
    sympy.asinh: (S.NegativeInfinity, S.Infinity),
}
_BOUNDED = (sympy.sin, sympy.cos, sympy.tanh, sympy.atan, sympy.erf)
_INFINITE = (S.Infinity, S.NegativeInfinity)
DEEPEST = 12
NOTHING_KNOWN = Facts()
LARGEST = 80


@dataclass(frozen=True)
class Limits:
    """The limits of expressions as one variable tends to infinity, under facts about the other symbols."""

    n: Symbol
    facts: Facts = NOTHING_KNOWN

    def of(self, expr: Expr, depth: int = 0) -> Expr | None:
        """Return the limit of an expression, None where no rule covers it.

        >>> k = Symbol("k", positive=True)
        >>> Limits(k).of((2 * k + 1) / (k + 5)), Limits(k).of((1 + 3 / k) ** k)
        (2, exp(3))
        """
        if self.n not in expr.free_symbols:
            return expr
        if depth > DEEPEST or sympy.count_ops(expr) > LARGEST:
            return None
        if expr == self.n:
            return S.Infinity
        if expr.is_rational_function(self.n):
            return self._rational(expr)
        if isinstance(expr, Add):
            return self._sum(expr, depth)
        if isinstance(expr, Mul):
            return self._product(expr, depth)
        if isinstance(expr, Pow | sympy.exp):
            base, exponent = expr.as_base_exp()
            return self._power(base, exponent, depth)
        return self._function(expr, depth)

    def sign(self, value: Expr) -> int | None:
        """Return the proved sign of a value, 0 only where it vanishes identically."""
        if value in _INFINITE:
            return 1 if value is S.Infinity else -1
        if self.facts.positive(value):
            return 1
        if self.facts.positive(-value):
            return -1
        if value == 0 or is_zero(value):
            return 0
        if value.free_symbols:
            return None
        try:
            return enclose(value, {}, bits=192).sign
        except UndefinedHere:
            return None

    def _rational(self, expr: Expr) -> Expr | None:
        above, below = (sympy.Poly(part, self.n) for part in sympy.fraction(sympy.together(expr)))
        lead, under = above.LC(), below.LC()
        sign = self.sign(under)
        if not sign:
            return None
        if above.degree() < below.degree():
            return S.Zero
        if above.degree() == below.degree():
            return sympy.cancel(lead / under)
        turn = self.sign(lead)
        return turn * sign * S.Infinity if turn else None

    def _sum(self, expr: Expr, depth: int) -> Expr | None:
        parts = [self.of(a, depth + 1) for a in expr.args]
        found: Expr | None = None
        if None not in parts:
            values = [p for p in parts if p is not None]
            missing = sum(v is S.NaN for v in values)
            infinite = {v for v in values if v in _INFINITE}
            if missing == 1 and not infinite:
                return S.NaN
            if not missing and len(infinite) == 1:
                return infinite.pop()
            if not missing and not infinite:
                found = Add(*values)
        return self._logarithm_of_product(expr, depth) if found is None else found

    def _logarithm_of_product(self, expr: Expr, depth: int) -> Expr | None:
        """Return the limit of Σ c·log(u) + v as that of log(Π u**c·exp(v))."""
        terms = [term.as_coeff_Mul() for term in expr.args]
        logs = [(c, part.args[0]) for c, part in terms if isinstance(part, sympy.log) and c.is_Integer]
        rest = Add(*[c * part for c, part in terms if not (isinstance(part, sympy.log) and c.is_Integer)])
        if not logs or rest.has(sympy.log):
            return None
        plain = Mul(*[u**c for c, u in logs])
        inside = plain * sympy.exp(rest)
        for form in (sympy.powsimp(sympy.expand(inside)), sympy.cancel(plain) * sympy.exp(rest), sympy.cancel(inside)):
            found = self.of(form, depth + 1)
            if found is S.Infinity:
                return found
            if found is not None and found is not S.NaN:
                return S.NegativeInfinity if found == 0 else (sympy.log(found) if self.sign(found) == 1 else None)
        return None

    def _product(self, expr: Expr, depth: int) -> Expr | None:
        constant, rest = expr.as_independent(self.n, as_Add=False)
        if constant != 1:
            inner, sign = self.of(rest, depth + 1), self.sign(constant)
            if sign == 0:
                return S.Zero
            if inner is None or inner not in (*_INFINITE, S.NaN):
                return None if inner is None else constant * inner
            return None if sign is None else (S.NaN if inner is S.NaN else sign * inner)
        found = self._geometric(rest, depth)
        found = self._in_one_power(rest) if found is None else found
        if found is not None:
            return found
        rational = Mul(*[a for a in rest.args if a.is_rational_function(self.n)])
        factors = [rational, *(a for a in rest.args if not a.is_rational_function(self.n))]
        parts = [(a, self.of(a, depth + 1)) for a in factors if a != 1]
        without = [a for a, v in parts if v is S.NaN]
        others = [v for _, v in parts if v is not S.NaN]
        if len(without) == 1 and all(v is not None and v not in _INFINITE and self.sign(v) for v in others):
            return S.NaN
        unknown = [a for a, v in parts if v is None or v is S.NaN]
        values = [v for _, v in parts if v is not None and v is not S.NaN]
        if unknown:
            zero = any(v == 0 for v in values) and not any(v in _INFINITE for v in values)
            return S.Zero if zero and all(self._is_bounded(a) for a in unknown) else None
        found_signs = [self.sign(v) for v in values]
        signs = [s for s in found_signs if s]
        if not any(v in _INFINITE for v in values):
            return Mul(*values)
        return sympy.prod(signs) * S.Infinity if len(signs) == len(values) else None

    def _in_one_power(self, expr: Expr) -> Expr | None:
        """Return the limit of a rational function of one power b**n that tends to infinity or 0."""
        powers = {a for a in expr.atoms(Pow, sympy.exp) if self._is_geometric(a)}
        bases = {a.as_base_exp()[0] for a in powers}
        if len(bases) != 1:
            return None
        (base,) = bases
        p = sympy.Dummy("p", positive=True)
        slopes = {a.as_base_exp()[1].diff(self.n) for a in powers}
        if not all(slope.is_Integer for slope in slopes):
            return None
        written = expr.xreplace({a: self._power_of(a, p) for a in powers})
        end = self._exponential(base, self.n, 0)
        if self.n in written.free_symbols or not written.is_rational_function(p) or end not in (S.Zero, S.Infinity):
            return None
        inner = Limits(p, self.facts)
        if self.sign(base) != 1:
            return None
        return inner.of(sympy.cancel(written if end is S.Infinity else written.subs(p, 1 / p)))

    def _power_of(self, power: Expr, p: Symbol) -> Expr:
        base, exponent = power.as_base_exp()
        slope = exponent.diff(self.n)
        return p**slope * base ** sympy.expand(exponent - slope * self.n)

    def _is_bounded(self, expr: Expr) -> bool:
        """Say whether an expression of a real argument is bounded."""
        if isinstance(expr, Pow) and expr.exp.is_Integer and expr.exp > 0:
            return self._is_bounded(expr.base)
        if isinstance(expr, Pow):
            return expr.base == -1 and bool(expr.exp.is_integer)
        return isinstance(expr, _BOUNDED) and bool(expr.args[0].is_real)

    def _geometric(self, expr: Expr, depth: int) -> Expr | None:
        """Return the limit of b**P(n)·R(n) for a polynomial P and a rational R: the power decides."""
        powers = [a for a in Mul.make_args(expr) if self._is_geometric(a)]
        rest = Mul(*[a for a in Mul.make_args(expr) if a not in powers])
        if len(powers) != 1 or not rest.is_rational_function(self.n):
            return None
        power = self.of(powers[0], depth + 1)
        if power == 0:
            return S.Zero
        inner = self._rational(rest) if self.n in rest.free_symbols else rest
        if power is S.NaN and self._alternates_without_end(powers[0], inner):
            return S.NaN
        if power is S.Infinity and inner is not None:
            sign = self._eventual_sign(rest)
            return (S.Infinity if sign > 0 else S.NegativeInfinity) if sign else None
        return None

    def _is_geometric(self, expr: Expr) -> bool:
        base, exponent = expr.as_base_exp()
        if self.n in base.free_symbols or self.n not in exponent.free_symbols or not exponent.is_polynomial(self.n):
            return False
        return all(c.is_Rational for c in sympy.Poly(exponent, self.n).all_coeffs()[:-1])

    def _alternates_without_end(self, power: Expr, rest: Expr | None) -> bool:
        """Say whether (-b)**(n + d)·R(n) changes its sign for ever without tending to 0."""
        base, exponent = power.as_base_exp()
        if not (base.is_Rational and base <= -1 and exponent.diff(self.n) == 1) or rest is None or rest is S.NaN:
            return False
        return bool(base < -1) or (rest in _INFINITE or bool(self.sign(rest)))

    def _eventual_sign(self, rest: Expr) -> int | None:
        above, below = (sympy.Poly(part, self.n) for part in sympy.fraction(sympy.together(rest)))
        top, bottom = self.sign(above.LC()), self.sign(below.LC())
        return top * bottom if top is not None and bottom is not None else None

    def _power(self, base: Expr, exponent: Expr, depth: int) -> Expr | None:
        if self.n not in base.free_symbols:
            return self._exponential(base, exponent, depth)
        under, above = self.of(base, depth + 1), self.of(exponent, depth + 1)
        if under is None or above is None or S.NaN in (under, above):
            return None
        if self.n not in exponent.free_symbols:
            return self._fixed_power(under, exponent)
        if under not in _INFINITE and is_zero(under - 1):
            small = self.of(sympy.expand(exponent * (base - 1)), depth + 1)
            small = self.of(sympy.together(exponent * (base - 1)), depth + 1) if small is None else small
            return None if small is None or small is S.NaN else _exponential_of(small)
        sign = self.sign(under)
        if sign != 1 or under is S.Infinity:
            return S.Infinity if under is S.Infinity and self.sign(above) == 1 else None
        return under**above if above not in _INFINITE else self._to_infinity(under, above)

    def _fixed_power(self, under: Expr, exponent: Expr) -> Expr | None:
        """Return the limit of u**q for u tending to ``under`` and a q without n."""
        if not exponent.is_Rational:
            return under**exponent if self.sign(under) == 1 and under is not S.Infinity else None
        if under is S.Infinity:
            return S.Infinity if exponent > 0 else S.Zero
        if under is S.NegativeInfinity:
            return None if not exponent.is_Integer else (S.NegativeInfinity**exponent if exponent > 0 else S.Zero)
        sign = self.sign(under)
        if sign == 1 or (exponent.is_Integer and (exponent > 0 or sign == -1)):
            return under**exponent
        return None

    def _exponential(self, base: Expr, exponent: Expr, depth: int) -> Expr | None:
        above = self.of(exponent, depth + 1)
        if above is None or above is S.NaN:
            return None
        if base == S.Exp1:
            return _exponential_of(above)
        if above in _INFINITE and exponent.is_integer is True:
            turned = base if above is S.Infinity else 1 / base
            if above is S.Infinity and self.facts.positive(1 - base) and self.facts.positive(1 + base):
                return S.Zero
            if (
                not exponent.is_even
                and exponent.diff(self.n) in (1, -1)
                and self.facts.positive(-1 - turned, strict=False)
            ):
                return S.NaN
        if self.sign(base) != 1:
            return None
        return base**above if above not in _INFINITE else self._to_infinity(base, above)

    def _to_infinity(self, base: Expr, above: Expr) -> Expr | None:
        """Return the limit of b**e for b tending to a positive number other than 1 and e to ±oo."""
        grows = 1 if self.facts.positive(base - 1) or self.sign(base - 1) == 1 else 0
        grows = -1 if not grows and (self.facts.positive(1 - base) or self.sign(1 - base) == 1) else grows
        if not grows:
            return None
        return S.Infinity if (grows == 1) == (above is S.Infinity) else S.Zero

    def _function(self, expr: Expr, depth: int) -> Expr | None:
        if len(expr.args) != 1 or not expr.is_Function:
            return None
        inner = self.of(expr.args[0], depth + 1)
        if inner is None or inner is S.NaN:
            return None
        if inner in _INFINITE:
            ends = _AT_INFINITY.get(expr.func)
            if isinstance(expr, sympy.log) and inner is S.Infinity:
                return S.Infinity
            if isinstance(expr, sympy.sin | sympy.cos) and expr.args[0].diff(self.n).is_Rational:
                return S.NaN  # the angles are dense modulo 2π, as π is irrational
            return None if ends is None else ends[1 if inner is S.Infinity else 0]
        if isinstance(expr, _CONTINUOUS) or (isinstance(expr, sympy.log) and self.sign(inner) == 1):
            return expr.func(inner)
        if isinstance(expr, sympy.Abs):
            return sympy.Abs(inner)
        return None


def _exponential_of(above: Expr) -> Expr:
    if above in _INFINITE:
        return S.Infinity if above is S.Infinity else S.Zero
    return sympy.exp(above)


def expanded_limit(expr: Expr, n: Symbol) -> Expr | None:
    """Return the limit of an expression in n alone by its expansion with a proven remainder, None without one."""
    from symgrad.derivation.products.asymptotics import Expander, limit_of
    from symgrad.derivation.products.expansions import NoExpansionError

    if expr.free_symbols != {n} or sympy.count_ops(expr) > LARGEST:
        return None
    for order in (4, 8):
        try:
            found = limit_of(Expander(n, order).expand(expr))
        except (NoExpansionError, NotImplementedError, TypeError, ValueError):
            return None
        if found is not None:
            return found
    return None


def sure_limit(expr: Expr, n: Symbol, facts: Facts) -> Expr | None:
    """Return the proved limit, by the algebra of limits or by an expansion with a proven remainder."""
    if zero_proof(expr):
        return S.Zero
    from symgrad.claims.taylor import taylor_limit

    for form in (expr, sympy.together(expr) if expr.is_Add else expr):
        found = Limits(n, facts).of(form)
        if found is not None:
            return found
    found = taylor_limit(expr, n, facts)
    return expanded_limit(expr, n) if found is None else found
