"""Asymptotic expansions with a proven remainder, in the scale m^e·log(m)^f·log(log(m))^g, as m → ∞.

An expansion is exp(growth)·(terms + O(remainder)): every operation below bounds its own remainder, so that a sum or a
product decided by an expansion is proved (Hardy, *Orders of Infinity*, 1910, ch. III). What the scale cannot hold
raises ``NoExpansionError``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

import sympy
from sympy import Expr, S

from symgrad.derivation.products.constants import sign_of

Key = tuple[Fraction, Fraction, Fraction]
Terms = Mapping[Key, Expr]

MOST_TERMS = 60
MORE_POWERS = 3
ROUNDINGS = 20


class NoExpansionError(Exception):
    """The scale does not hold this function, or not precisely enough."""


def key(e: int | Fraction = 0, f: int | Fraction = 0, g: int | Fraction = 0) -> Key:
    """Return the exponents of m, log m and log log m."""
    return Fraction(e), Fraction(f), Fraction(g)


ONE, LINEAR, LOG, LOGLOG = key(), key(1), key(0, 1), key(0, 0, 1)
LARGEST_SUMMABLE = key(-1, -1, -1)
"""Σ m^e·log(m)^f·log(log(m))^g converges exactly for exponents below these (Bertrand's series)."""


def plus(a: Key, b: Key) -> Key:
    """Return the exponents of a product."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def times(a: Key, s: Fraction | int) -> Key:
    """Return the exponents of a power."""
    return a[0] * s, a[1] * s, a[2] * s


@dataclass(frozen=True)
class Expansion:
    """exp(growth)·(terms + O(remainder)).

    Parameters
    ----------
    terms : exponents → coefficient, a constant that is not 0
    remainder : exponents of the bound on the rest, None where nothing is left out
    growth : exponents → coefficient of the exponential's exponent; what is no power of m or log m
    """

    terms: Terms
    remainder: Key | None = None
    growth: Terms = field(default_factory=lambda: MappingProxyType({}))

    @property
    def leading(self) -> Key:
        """The largest exponents.

        Raises
        ------
        NoExpansionError : all terms cancelled
        """
        if not self.terms:
            raise NoExpansionError("every term cancels")
        return max(self.terms)

    @property
    def size(self) -> Key | None:
        """Exponents that bound the whole, growth aside; None for 0."""
        known = [*self.terms, *([self.remainder] if self.remainder is not None else [])]
        return max(known, default=None)

    def coefficient(self, at: Key) -> Expr:
        """Return a coefficient, 0 where there is no such term."""
        return self.terms.get(at, S.Zero)


def is_nonzero(c: Expr) -> bool:
    """Say whether a coefficient may be kept; one with parameters may vanish for some of their values."""
    return bool(c.free_symbols) or sign(c) != 0


def sign(c: Expr) -> int:
    """Return the proven sign of a constant."""
    found = sign_of(c)
    if found is None:
        raise NoExpansionError(f"the sign of {c} is not known")
    return found


def nonzero_terms(terms: Terms) -> dict[Key, Expr]:
    """Leave out the terms whose coefficient is proved to be 0."""
    return {at: c for at, c in terms.items() if c != 0 and is_nonzero(c)}


def constant(c: Expr) -> Expansion:
    """Return the expansion of a constant."""
    return Expansion(nonzero_terms({ONE: c}))


@dataclass(frozen=True)
class Algebra:
    """Operations on expansions that keep terms down to m^(-order).

    Parameters
    ----------
    order : terms of this negative power of m and below go into the remainder
    digits : decimal places to which coefficients are rounded; None keeps them exact, as every proof needs
    """

    order: int = 4
    digits: int | None = None

    @property
    def lowest(self) -> Key:
        """The exponents below which nothing is kept."""
        return key(-self.order)

    def _number(self, function: Callable[[Expr], Expr], c: Expr) -> Expr:
        """Return a function of a coefficient, exact or rounded."""
        if self.digits is None:
            return function(c)
        value = function(c.evalf(self.digits + 10))
        # What should have cancelled leaves the sum of some roundings.
        if abs(value) < sympy.Float(10) ** (ROUNDINGS - self.digits):
            return S.Zero
        return sympy.Rational(int(sympy.floor(value * 10**self.digits + S.Half)), 10**self.digits)

    def _kept(self, terms: Terms, remainder: Key | None, growth: Terms) -> Expansion:
        """Move into the remainder what it covers, and what lies further below the leading term than asked for."""
        terms = nonzero_terms({at: self._number(_same, c) for at, c in terms.items()} if self.digits else terms)
        if terms:
            floor = plus(max(terms), self.lowest)
            order = sorted(terms, reverse=True)
            dropped = [at for at in order if at <= floor] + order[MOST_TERMS:]
            if dropped:
                remainder = max([*dropped, *([remainder] if remainder is not None else [])])
        if remainder is not None:
            terms = {at: c for at, c in terms.items() if at > remainder}
        return Expansion(terms, remainder, growth)

    def add(self, a: Expansion, b: Expansion) -> Expansion:
        """Return a + b; of two exponential growths the smaller is negligible."""
        if a.size is None or b.size is None:
            return b if a.size is None else a
        difference = nonzero_terms(_sum(a.growth, b.growth, -1))
        if difference:
            top = max(difference)
            if top <= LOG:
                raise NoExpansionError("two powers of m that cannot be compared")
            larger = a if sign(difference[top]) > 0 else b
            smallest = plus(larger.leading, self.lowest)
            rest = smallest if larger.remainder is None else max(smallest, larger.remainder)
            return self._kept(larger.terms, rest, larger.growth)
        rests = [r for r in (a.remainder, b.remainder) if r is not None]
        return self._kept(_sum(a.terms, b.terms), max(rests, default=None), a.growth)

    def multiply(self, a: Expansion, b: Expansion) -> Expansion:
        """Return a·b."""
        if a.size is None or b.size is None:
            return Expansion({})
        product: dict[Key, Expr] = {}
        for at, c in a.terms.items():
            for by, d in b.terms.items():
                place = plus(at, by)
                product[place] = sympy.expand(product.get(place, S.Zero) + c * d)
        rests = [plus(a.size, b.remainder)] if b.remainder is not None else []
        rests += [plus(b.size, a.remainder)] if a.remainder is not None else []
        growth = nonzero_terms(_sum(a.growth, b.growth))
        return self._kept(product, max(rests, default=None), growth)

    def scale(self, a: Expansion, c: Expr) -> Expansion:
        """Return c·a for a constant c."""
        return self.multiply(constant(c), a)

    def series(self, small: Expansion, coefficient: Callable[[int], Expr]) -> Expansion:
        """Return Σ coefficient(j)·small^j, a Taylor series at an argument that tends to 0."""
        if small.growth:
            return self._of_tiny(small, coefficient)
        if small.size is None:
            return constant(coefficient(0))
        if small.size >= ONE:
            raise NoExpansionError("the argument of a series does not tend to 0")
        total, power = constant(coefficient(0)), constant(S.One)
        for j in range(1, self.order + MORE_POWERS + 1):
            power = self.multiply(power, small)
            total = self.add(total, self.scale(power, coefficient(j)))
            if times(small.size, j + 1) <= self.lowest:
                break
        cut = times(small.size, j + 1)
        rest = cut if total.remainder is None else max(cut, total.remainder)
        return self._kept(total.terms, rest, {})

    def _of_tiny(self, tiny: Expansion, coefficient: Callable[[int], Expr]) -> Expansion:
        """Return a series at an argument that shrinks faster than every power: its first term that is not 0."""
        if not shrinks(tiny):
            raise NoExpansionError("an exponential inside a function")
        first = coefficient(0)
        if sign(first) != 0:
            return Expansion({ONE: first}, self.lowest)
        if sign(coefficient(1)) == 0:
            return Expansion({}, self.lowest)
        return self.multiply(tiny, Expansion({ONE: coefficient(1)}, self.lowest))

    def ratio(self, a: Expansion) -> tuple[Key, Expr, Expansion]:
        """Return exponents, coefficient and δ such that a = exp(growth)·c·μ·(1 + δ)."""
        top = a.leading
        c = a.terms[top]
        terms = {plus(at, times(top, -1)): d / c for at, d in a.terms.items() if at != top}
        rest = None if a.remainder is None else plus(a.remainder, times(top, -1))
        return top, c, Expansion(terms, rest)

    def log(self, a: Expansion) -> Expansion:
        """Return log(a) where a is eventually positive."""
        top, c, small = self.ratio(a)
        if sign(c) <= 0:
            raise NoExpansionError("the logarithm of what is not positive")
        if top[2]:
            raise NoExpansionError("a logarithm of log log m")
        parts = {LOG: _exact(top[0]), LOGLOG: _exact(top[1]), ONE: self._number(_log, c)}
        series = self.series(small, lambda j: S.Zero if j == 0 else sympy.Rational((-1) ** (j + 1), j))
        return self.add(Expansion(nonzero_terms(_sum(a.growth, parts))), series)

    def power(self, a: Expansion, s: Expr) -> Expansion:
        """Return a**s for a constant s; a must be eventually positive unless s is an integer."""
        if s == 0:
            return constant(S.One)
        top, c, small = self.ratio(a)
        if not s.is_Integer and sign(c) <= 0:
            raise NoExpansionError("a power of what is not positive")
        if not s.is_Rational:
            if top != ONE:
                return self.exp(self.scale(self.log(a), s))
            place = ONE
        else:
            place = times(top, Fraction(int(s.p), int(s.q)))
        series = self.series(small, lambda j: sympy.expand_func(sympy.ff(s, j)) / sympy.factorial(j))
        growth = nonzero_terms({at: sympy.expand(s * d) for at, d in a.growth.items()})
        return self.multiply(Expansion({place: self._number(lambda x: x**s, c)}, None, growth), series)

    def exp(self, a: Expansion) -> Expansion:
        """Return exp(a)."""
        if a.growth:
            return self._exp_of_exponential(a)
        if a.remainder is not None and a.remainder >= ONE:
            raise NoExpansionError("an exponent that is not precise enough")
        growth: dict[Key, Expr] = {}
        small: dict[Key, Expr] = {}
        place, c = ONE, S.One
        for at, d in a.terms.items():
            if at in (LOG, LOGLOG) and d.is_Rational:
                place = plus(place, times(at, Fraction(int(d.p), int(d.q))))
            elif at == ONE:
                c = self._number(sympy.exp, d)
            else:
                (growth if at > ONE else small)[at] = d
        series = self.series(Expansion(small, a.remainder), lambda j: 1 / sympy.factorial(j))
        return self.multiply(Expansion({place: c}, None, growth), series)

    def _exp_of_exponential(self, a: Expansion) -> Expansion:
        if shrinks(a):
            return self.series(a, lambda j: 1 / sympy.factorial(j))
        if grows(a) and sign(a.terms[a.leading]) < 0:
            return Expansion({}, self.lowest)
        raise NoExpansionError("an exponential of an exponential")


def _same(c: Expr) -> Expr:
    return c


def _log(c: Expr) -> Expr:
    return sympy.expand_log(sympy.log(c), force=True)


def shrinks(a: Expansion) -> bool:
    """Say whether the exponential factor is proved to fall faster than every power of m."""
    return bool(a.growth) and max(a.growth) > LOG and sign(a.growth[max(a.growth)]) < 0


def grows(a: Expansion) -> bool:
    """Say whether the exponential factor is proved to grow faster than every power of m."""
    return bool(a.growth) and max(a.growth) > LOG and sign(a.growth[max(a.growth)]) > 0


def _sum(a: Terms, b: Terms, turn: int = 1) -> dict[Key, Expr]:
    return {at: sympy.expand(a.get(at, S.Zero) + turn * b.get(at, S.Zero)) for at in {**a, **b}}


def _exact(q: Fraction) -> Expr:
    return sympy.Rational(q.numerator, q.denominator)
